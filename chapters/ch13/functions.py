"""A packet function by function: a program at each function of the kernel that is handed an skb.

Built in chapter 13, one_packets_journey. One program (fentry) is compiled, and loaded once for each
function; the types of the kernel (BTF) say which functions there are, and what they take first.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

from chapters.ch13 import recording
from chapters.ch13.recording import Recording
from helpers import btf, libbpf, loader, syscall, toolchain, uapi
from helpers.features import KERNEL_TYPES
from helpers.netlab import Network
from helpers.syscall.call import copied
from helpers.syscall.forms import U32, U64, Command, ProgLoad
from helpers.tracepoints import TracingError


class FunctionLoad(ProgLoad):
    """For PROG_LOAD, of a program that is for one function of the kernel: its number in BTF."""

    _fields_ = [
        ("prog_ifindex", U32),
        ("expected_attach_type", U32),
        ("prog_btf_fd", U32),
        ("func_info_rec_size", U32),
        ("func_info", U64),
        ("func_info_cnt", U32),
        ("line_info_rec_size", U32),
        ("line_info", U64),
        ("line_info_cnt", U32),
        ("attach_btf_id", U32),
    ]


@cache
def taking_a_packet(path: Path = KERNEL_TYPES) -> dict[str, int]:
    """By name, the functions of the kernel that take a struct sk_buff * first: numbers in its BTF.

    Errors: TracingError without BTF.
    """
    try:
        types = btf.Types(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TracingError(
            f"The kernel's own types cannot be read from {path} ({error})."
        ) from error

    def takes(prototype: btf.Type) -> bool:
        first = types.plain(prototype.records[0][1]) if prototype.records else types.types[0]
        pointed = types.plain(first.size_or_type) if first.kind == btf.PTR else first
        return pointed.kind == btf.STRUCT and pointed.name == "sk_buff" and first.kind == btf.PTR

    return {
        each.name: number
        for number, each in enumerate(types.types)
        if each.kind == btf.FUNC and takes(types.types[each.size_or_type])
    }


def record(
    net: Network, action: Callable[[], object], names: Iterable[str] | None = None
) -> Recording:
    """Do something, and record which functions are handed a packet of one private network.

    Arguments: names: of functions, by default all that taking_a_packet finds. Result: a Recording,
    whose events have functions for stations; missing: those that the kernel lets nobody see.
    Errors: as recording.record, and TracingError where the kernel has no fentry.
    Source: Documentation/bpf/libbpf/program_types.rst. Built in chapter 13.
    """
    wanted = {name: taking_a_packet()[name] for name in names or taking_a_packet()}
    with load() as loaded, ExitStack() as stack:
        missing = at_each(wanted, instructions(loaded), stack)
        found = recording.taken(net, loaded, action, missing)
    events = [replace(event, station=event.place, place="") for event in found.events]
    return replace(found, events=events)


def load() -> loader.LoadedObject:
    """The program and the maps. Errors: TracingError."""
    output = toolchain.BUILD / "functions_kern.o"
    options = [f"-DROOM={recording.ROOM}", "-DFUNCTIONS"]
    try:
        return loader.load(toolchain.compile_bpf("journey_kern.c", output, options))
    except loader.LoadError as error:
        raise TracingError(str(error)) from error


def instructions(loaded: loader.LoadedObject) -> bytes:
    """The program's bytecode, as libbpf has made it fit this kernel."""
    library = libbpf.library()
    (pointer,) = libbpf.each(library.bpf_object__next_program, loaded.handle)
    count = library.bpf_program__insn_cnt(pointer)
    return ctypes.string_at(library.bpf_program__insns(pointer), 8 * count)


def at_each(wanted: dict[str, int], program: bytes, stack: ExitStack) -> list[str]:
    """Load and attach the program for each function, until the stack ends; those that refused.

    Errors: TracingError if all did.
    """
    kept, license, refused, last = copied(program), ctypes.c_char_p(b"GPL"), [], 0
    for name, number in wanted.items():
        form = FunctionLoad(
            prog_type=uapi.BPF_PROG_TYPE_TRACING,
            expected_attach_type=uapi.BPF_TRACE_FENTRY,
            insns=ctypes.addressof(kept),
            insn_cnt=len(program) // 8,
            license=ctypes.cast(license, ctypes.c_void_p).value,
            attach_btf_id=number,
        )
        fd = syscall.bpf(Command.PROG_LOAD, form)
        link = libbpf.library().bpf_raw_tracepoint_open(None, fd) if fd >= 0 else fd
        last = -fd if fd < 0 else ctypes.get_errno() if link < 0 else 0
        if link < 0:
            refused.append(name)
        for each in (fd, link):
            if each >= 0:
                stack.callback(os.close, each)
    if len(refused) == len(wanted):
        raise TracingError(
            f"This kernel ({os.uname().release}) lets no program be attached to its functions "
            f"({os.strerror(last or errno.ENOENT)}): Debian's kernels do."
        )
    return refused
