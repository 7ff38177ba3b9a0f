"""Show the verifier a program, with as few rights as will do, and keep what it says.

Built in chapter 08, the_verifier. It happens in a thread that holds CAP_BPF and nothing else:
with CAP_PERFMON, or as root, the verifier lets some of the chapter's programs pass.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import re
import struct
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from chapters.ch08.verifier import log, special
from chapters.ch08.verifier.verdict import KernelVerdict
from helpers import asm, capabilities, libbpf, loader, objfile, syscall, uapi
from helpers.errors import CourseError

LEAST_CAPABILITIES = ("CAP_BPF",)
LOG_SIZE = 1 << 26  # bytes of address space; memory is used only as far as the log goes
SHORT_LOG = 1 << 22  # where the program is too long anyway
LOG_LEVEL = 2  # what the verifier knew after each instruction
PATHS_ONLY = 1  # the same, of the last path alone
VERDICT_ONLY = 4  # its last words, and how many instructions it has gone through
LAST = 200  # characters that the line of "processed" has at most, and what follows it
CONDITIONS = 20  # 2 ** 20 is a million
# The types of programs, by the first part of their section.
TYPES = {"socket": uapi.BPF_PROG_TYPE_SOCKET_FILTER, "tc": uapi.BPF_PROG_TYPE_SCHED_CLS}
TYPES |= {"classifier": uapi.BPF_PROG_TYPE_SCHED_CLS, "xdp": uapi.BPF_PROG_TYPE_XDP}
TYPES |= {"cgroup_skb": uapi.BPF_PROG_TYPE_CGROUP_SKB}
TYPES |= {"raw_tp": uapi.BPF_PROG_TYPE_RAW_TRACEPOINT}
TYPES |= {"raw_tracepoint": uapi.BPF_PROG_TYPE_RAW_TRACEPOINT}
TYPES |= {"perf_event": uapi.BPF_PROG_TYPE_PERF_EVENT, "tp": uapi.BPF_PROG_TYPE_TRACEPOINT}
# Helper functions for holders of CAP_PERFMON only: bpf_base_func_proto() in the kernel tree.
PERFMON_ONLY = {4, 6, 35, 45, 112, 113, 114, 115, 177}
# A call of a function of the kernel's that is no helper, in the log: its place, and its number.
KERNEL_CALL = re.compile(r"^(\d+): \(85\) call \w+#(\d+)", re.MULTILINE)
OF_ONE_NAME = ("socket", "tc", "xdp", "cgroup_skb", "raw_tp")
MOVE, CALL = asm.ALU64 | asm.MOVE, asm.JUMP | asm.CALL | asm.KERNEL_FUNCTION << 12
# What the arguments are when that is tried: the context and zeros, or ones.
ARGUMENTS = [
    [(MOVE | register << 8, number) for register in range(first, 6)]
    for first, number in ((2, 0), (1, 1))
]
PROCESSOR_ID = 8  # bpf_get_smp_processor_id, which every program may call


class NotOneProgramError(CourseError):
    """The object does not hold exactly one program."""


def show(
    path: str | Path | objfile.ObjectFile,
    holding: Iterable[str] = LEAST_CAPABILITIES,
    name: str = "",
    written: tuple[str, Sequence[str]] = ("", ()),
) -> KernelVerdict:
    """Load one program of an object file, and say what the verifier said.

    Arguments:
        path: an object file made by toolchain.compile_bpf, or one that objfile.read has read.
        holding: the capabilities to do it with, keys of capabilities.NUMBERS.
        name: that of the program; it can be left out if the object has but one.
        written: the C that the object was made from, and the options of clang.
    Result: a KernelVerdict; it holds the program if that was accepted.
    Errors: LoadError if it did not come to a verdict, CapabilityError, NotOneProgramError,
        asm.LinkError, ObjectFileError.
    Source: bpf(2), BPF_PROG_LOAD; libbpf.readthedocs.io. Built in chapter 08.
    """
    holding = tuple(holding)
    object_file = path if isinstance(path, objfile.ObjectFile) else objfile.read(path)
    path = object_file.path
    program = object_file.program(name) if name else only_program(object_file)
    instructions = object_file.linked(program.name)
    # Of several programs each may have maps of its own; ".rel.maps": maps that lead to others.
    alone = bool(name) and ".rel.maps" not in object_file.sections
    unused = set(object_file.maps) - {i.symbol for i in instructions} if alone else set()
    which = Path(path), program.name, unused
    number, text, loaded = _said(holding, which, may_be_long(instructions))
    if number and not text:
        said, held = "".join(libbpf.messages), capabilities.mask(*holding)
        raise loader.LoadError(loader.explain(number, Path(path), said, held), said)
    kept = loaded.program(program.name) if loaded else None
    type, license = program.section, object_file.license
    return KernelVerdict(
        number,
        text,
        instructions,
        type,
        license,
        loaded,
        kept,
        holding,
        object_file.maps,
        trial(number, text, instructions, TYPES.get(type.split("/")[0]), license, holding),
        *written,
        special.fields(object_file),
        special.members(object_file) if number else {},
    )


def may_be_long(instructions: Sequence[asm.Instruction]) -> bool:
    """Whether the verifier may go through a million instructions of it: there is a way back, or
    there are so many conditions that the ways past them are a million."""
    jumps = [i for i in instructions if i.is_conditional or i.is_goto]
    back = any(following <= i.number for i in jumps for following in i.successors)
    return back or sum(i.is_conditional for i in jumps) >= CONDITIONS


def _said(
    holding: tuple[str, ...], which: tuple, long: bool
) -> tuple[int, str, loader.LoadedObject | None]:
    """What the kernel says: as _load.

    The log of a million instructions takes the kernel most of a minute to write, so of what may be
    long the verdict alone is asked for first.
    """
    load = partial(capabilities.with_only, holding, _load, *which)
    if long:
        number, words, loaded = load(VERDICT_ONLY)
        if number == errno.E2BIG:
            return number, _cut(load(PATHS_ONLY, SHORT_LOG)[1], words), None
        if loaded:
            loaded.close()
    number, text, loaded = load(LOG_LEVEL)
    if number != errno.ENOSPC:
        return number, text, loaded
    # Even a good program is refused if its log is too long.
    number, words, loaded = load(VERDICT_ONLY)
    if number == errno.E2BIG:
        return number, _cut(text, words), None
    if number and not _has_its_end(text):  # where it was refused is in the log of the last path
        number_of_it, text, _ = load(PATHS_ONLY)
        text = words if number_of_it == errno.ENOSPC else text
    return number, text, loaded


def _has_its_end(text: str) -> bool:
    """Whether a log goes to its end: from Linux 6.4 on one that is too long loses its beginning."""
    return text.rfind("\nprocessed ") > text.rfind("\n", 0, -LAST)


def _cut(text: str, words: str) -> str:
    """The log of a program that is too long to be followed, with its last words."""
    return text if _has_its_end(text) else f"{text[: text.rfind(chr(10)) + 1]}{words}"


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
    names = {number: name for name, number in reversed(TYPES.items())}
    holding, instructions = tuple(holding), list(asm.decode(code))
    name = names.get(type, f"type {type}")

    def load() -> syscall.Program:
        return syscall.load_program(code, type, license, log_level=LOG_LEVEL)

    try:
        program = capabilities.with_only(holding, load)
    except syscall.SyscallError as error:
        if not error.log:
            raise
        tried = trial(error.number, error.log, instructions, type, license, holding)
        return KernelVerdict(
            error.number, error.log, instructions, name, license, holding=holding, tried=tried
        )
    return KernelVerdict(
        0, program.log, instructions, name, license, program=program, holding=holding
    )


def trial(
    number: int,
    text: str,
    instructions: Sequence[asm.Instruction],
    type: int | None,
    license: str,
    holding: tuple[str, ...],
) -> dict[str, bool | None]:
    """Whether the kernel refuses the helper function that was called where it stopped, by itself.

    Tried with programs that do nothing but call it: without arguments, so the kernel either
    refuses the function (EINVAL), or asks for its arguments (EACCES).
    Result: for reasons.Place; {} if no call was refused that way.
    """
    if number == errno.EACCES and type is not None and (called := KERNEL_CALL.findall(text)):
        return {"function_for": _may_call(called[-1], text, instructions, type, license, holding)}
    if number != errno.EINVAL or type is None:
        return {}
    stopped = log.last_instruction(text)
    helper = next((i.helper for i in instructions if i.number == stopped), None)
    if helper is None:
        return {}
    refused = _refuses(type, helper, license, holding)
    tried = {"helper_refused": refused}
    if refused:
        tried["with_gpl"] = _refuses(type, helper, "GPL", holding)
        if tried["with_gpl"] is False:  # then the licence was all that was missing
            return {"helper_refused": True, "with_gpl": False}
        more = (*holding, "CAP_PERFMON")
        try:
            tried["with_perfmon"] = _refuses(type, helper, "GPL", more)
        except capabilities.CapabilityError:  # that we do not hold
            tried["with_perfmon"] = False if helper in PERFMON_ONLY else None
        tried["with_gpl"] = None
    return tried


def _may_call(
    called: tuple[str, str],
    text: str,
    instructions: Sequence[asm.Instruction],
    type: int,
    license: str,
    holding: tuple[str, ...],
) -> tuple[str, ...]:
    """The types of programs that may call a function of the kernel's which is no helper, if this
    type may not; () if it may, or if that is not where it stopped.

    Tried with programs that do nothing but call it. One that may not is refused with EACCES,
    whatever the arguments are; one that may is refused otherwise for some of them, or accepted.
    Arguments: called: the last call in the log, the instruction's number and the function's.
    """
    stopped, function = map(int, called)
    call = next((i for i in instructions if i.number == stopped), None)
    if call is None or call.src != asm.KERNEL_FUNCTION or stopped != log.last_instruction(text):
        return ()

    def may(type: int) -> bool:
        tried = (_answer(type, (*moves, (CALL, function)), license, holding) for moves in ARGUMENTS)
        return any(answer in (0, errno.EINVAL) for answer in tried)

    return () if may(type) else tuple(name for name in OF_ONE_NAME if may(TYPES[name]))


def _refuses(type: int, helper: int, license: str, holding: tuple[str, ...]) -> bool | None:
    """Whether a program that only calls this helper function is refused for that; None if the
    kernel says something else."""
    # A call of another one first, which leaves nothing in r1 to r5.
    calls = ((asm.JUMP | asm.CALL, PROCESSOR_ID), (asm.JUMP | asm.CALL, helper))
    answer = _answer(type, calls, license, holding)
    return {0: False, errno.EINVAL: True, errno.EACCES: False}.get(answer)


def _answer(
    type: int, body: Iterable[tuple[int, int]], license: str, holding: tuple[str, ...]
) -> int:
    """What the kernel says to a program that does this and returns 0: 0, or an error number.

    Arguments: body: of each instruction the first two bytes, as one number, and the last four.
    """
    lines = [*body, (MOVE, 0), (asm.JUMP | asm.EXIT, 0)]
    code = b"".join(struct.pack("<Hhi", head, 0, number) for head, number in lines)
    try:
        capabilities.with_only(holding, syscall.load_program, code, type, license).close()
    except syscall.SyscallError as error:
        return error.number
    return 0


def _load(
    path: Path, name: str, unused: set[str], level: int, size: int = LOG_SIZE
) -> tuple[int, str, loader.LoadedObject | None]:
    """Load an object with one of its programs, and without the maps that it does not use.

    Result: the error number or 0, the verifier's log, and the loaded object.
    """
    library = libbpf.library()
    libbpf.listen()
    handle = library.bpf_object__open(os.fsencode(path))
    if not handle:
        return ctypes.get_errno() or errno.EINVAL, "", None
    for pointer in loader.each(library.bpf_object__next_map, handle):
        wanted = library.bpf_map__name(pointer).decode() not in unused
        library.bpf_map__set_autocreate(pointer, wanted)
    with mmap.mmap(-1, size) as memory:
        buffer = (ctypes.c_char * size).from_buffer(memory)
        for program in loader.each(library.bpf_object__next_program, handle):
            wanted = library.bpf_program__name(program) == name.encode()
            library.bpf_program__set_autoload(program, wanted)
            if not wanted:
                continue
            library.bpf_program__set_log_buf(program, ctypes.byref(buffer), size)
            library.bpf_program__set_log_level(program, level)
        failed = library.bpf_object__load(handle)
        text = ctypes.string_at(ctypes.byref(buffer)).decode(errors="replace")
        del buffer
    if failed:
        library.bpf_object__close(handle)
        return -failed, text, None
    return 0, text, loader.collect(handle)
