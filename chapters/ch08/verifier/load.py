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

from chapters.ch08.verifier.link import linked, only_program
from chapters.ch08.verifier.verdict import Verdict
from helpers import asm, libbpf, loader, objfile, probes, syscall

LEAST = ("CAP_BPF",)
LOG_SIZE = 1 << 26  # bytes of address space; memory is used only as far as the log goes
LEVEL = 2  # what the verifier knew after each instruction


def show(path: str | Path, holding: Iterable[str] = LEAST) -> Verdict:
    """Load an object file of one program, and say what the verifier said.

    Arguments:
        path: an object file made by toolchain.compile_bpf.
        holding: the capabilities to do it with, keys of probes.CAPABILITIES.
    Result: a Verdict; it holds the program if that was accepted.
    Errors: LoadError if it did not come to a verdict, ProbeError, LinkError, ObjectFileError.
    Source: bpf(2), BPF_PROG_LOAD; libbpf.readthedocs.io. Built in chapter 08.
    """
    found = objfile.read(path)
    program = only_program(found)
    number, text, loaded = probes.with_only(tuple(holding), _load, Path(path), LEVEL)
    if number == errno.ENOSPC:  # even a good program is refused if its log is too long
        number, again, loaded = probes.with_only(tuple(holding), _load, Path(path), 0)
        text = again or text
    if number and not text:
        raise loader.LoadError(
            loader.explain(number, Path(path), "".join(libbpf.messages)), "".join(libbpf.messages)
        )
    fd = loaded.program(program.name).fd if loaded else -1
    instructions = linked(found, program)
    return Verdict(number, text, instructions, program.section, found.licence, loaded, fd)


def show_bytes(
    code: bytes,
    kind: int = syscall.SOCKET_FILTER,
    license: str = "GPL",
    holding: Iterable[str] = LEAST,
) -> Verdict:
    """The same for instructions that are written by hand, 8 bytes each.

    Arguments: kind: a program type, as for syscall.load_program.
    Errors: SyscallError if it did not come to a verdict, ProbeError. Built in chapter 08.
    """
    names = {syscall.SOCKET_FILTER: "socket", syscall.SCHED_CLS: "tc", syscall.XDP: "xdp"}
    instructions, kind_name = list(asm.decode(code)), names.get(kind, f"type {kind}")

    def load() -> syscall.Program:
        return syscall.load_program(code, kind, license, log_level=LEVEL)

    try:
        with probes.with_only(tuple(holding), load) as program:
            fd = os.dup(program.fd)
            return Verdict(0, program.log, instructions, kind_name, license, fd=fd)
    except syscall.SyscallError as error:
        if not error.log:
            raise
        return Verdict(error.number, error.log, instructions, kind_name, license)


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
