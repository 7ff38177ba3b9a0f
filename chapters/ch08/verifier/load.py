"""Show the verifier a program, with as few rights as will do, and keep what it says.

Built in chapter 08, the_verifier. It happens in a thread that holds CAP_BPF and nothing else:
with CAP_PERFMON, or as root, the verifier lets some of the chapter's programs pass.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

from chapters.ch08.verifier.verdict import KernelVerdict
from helpers import asm, capabilities, libbpf, loader, objfile, syscall
from helpers.errors import CourseError

LEAST_CAPABILITIES = ("CAP_BPF",)
LOG_SIZE = 1 << 26  # bytes of address space; memory is used only as far as the log goes
LOG_LEVEL = 2  # what the verifier knew after each instruction


class NotOneProgramError(CourseError):
    """The object does not hold exactly one program."""


def show(path: str | Path, holding: Iterable[str] = LEAST_CAPABILITIES) -> KernelVerdict:
    """Load an object file of one program, and say what the verifier said.

    Arguments:
        path: an object file made by toolchain.compile_bpf.
        holding: the capabilities to do it with, keys of capabilities.NUMBERS.
    Result: a KernelVerdict; it holds the program if that was accepted.
    Errors: LoadError if it did not come to a verdict, CapabilityError, NotOneProgramError,
        asm.LinkError, ObjectFileError.
    Source: bpf(2), BPF_PROG_LOAD; libbpf.readthedocs.io. Built in chapter 08.
    """
    object_file = objfile.read(path)
    program = only_program(object_file)
    instructions = object_file.linked(program.name)
    number, text, loaded = capabilities.with_only(tuple(holding), _load, Path(path), LOG_LEVEL)
    if number == errno.ENOSPC:  # even a good program is refused if its log is too long
        number, again, loaded = capabilities.with_only(tuple(holding), _load, Path(path), 0)
        text = again or text
    if number and not text:
        said, held = "".join(libbpf.messages), capabilities.mask(*holding)
        raise loader.LoadError(loader.explain(number, Path(path), said, held), said)
    kept = loaded.program(program.name) if loaded else None
    return KernelVerdict(
        number, text, instructions, program.section, object_file.license, loaded, kept
    )


def only_program(object_file: objfile.ObjectFile) -> asm.Function:
    """The one program of an object. Errors: NotOneProgramError if there is none, or several."""
    programs = [p for p in object_file.programs.values() if p.section != asm.FUNCTIONS]
    if len(programs) != 1:
        raise NotOneProgramError(
            f"{object_file.path.name} holds {len(programs)} programs, and one at a time can be "
            'read: give it one function with a SEC("...").'
        )
    return programs[0]


def show_bytes(
    code: bytes,
    type: int = syscall.SOCKET_FILTER,
    license: str = "GPL",
    holding: Iterable[str] = LEAST_CAPABILITIES,
) -> KernelVerdict:
    """The same for instructions that are written by hand, 8 bytes each.

    Arguments: type: a program type, as for syscall.load_program.
    Errors: SyscallError if it did not come to a verdict, CapabilityError. Built in chapter 08.
    """
    names = {syscall.SOCKET_FILTER: "socket", syscall.SCHED_CLS: "tc", syscall.XDP: "xdp"}
    instructions, name = list(asm.decode(code)), names.get(type, f"type {type}")

    def load() -> syscall.Program:
        return syscall.load_program(code, type, license, log_level=LOG_LEVEL)

    try:
        program = capabilities.with_only(tuple(holding), load)
    except syscall.SyscallError as error:
        if not error.log:
            raise
        return KernelVerdict(error.number, error.log, instructions, name, license)
    return KernelVerdict(0, program.log, instructions, name, license, program=program)


def _load(path: Path, level: int) -> tuple[int, str, loader.LoadedObject | None]:
    """The error number or 0, the verifier's log, and the loaded object."""
    library = libbpf.library()
    libbpf.listen()
    handle = library.bpf_object__open(os.fsencode(path))
    if not handle:
        return ctypes.get_errno() or errno.EINVAL, "", None
    with mmap.mmap(-1, LOG_SIZE) as memory:
        buffer = (ctypes.c_char * LOG_SIZE).from_buffer(memory)
        for program in loader.each(library.bpf_object__next_program, handle):
            library.bpf_program__set_log_buf(program, ctypes.byref(buffer), LOG_SIZE)
            library.bpf_program__set_log_level(program, level)
        failed = library.bpf_object__load(handle)
        text = ctypes.string_at(ctypes.byref(buffer)).decode(errors="replace")
        del buffer
    if failed:
        library.bpf_object__close(handle)
        return -failed, text, None
    return 0, text, loader.collect(handle)
