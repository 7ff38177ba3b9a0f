"""A packet function by function: a program at each function of the kernel that is handed an skb.

Built in chapter 13, one_packets_journey. One program (fentry) is compiled, and loaded once for each
function; the types of the kernel (BTF) say which functions there are, and what they take first.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
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
from helpers.table import Table
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
    with load() as loaded, many_files(), ExitStack() as stack:
        missing = at_each(wanted, instructions(loaded), stack)
        found = recording.taken(net, loaded, action, missing)
    events = [replace(event, station=event.place, place="") for event in found.events]
    return replace(found, events=events)


@contextmanager
def many_files() -> Iterator[None]:
    """As many open files as this process may have: each attached program is one."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


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
    kept, license, refused, last = copied(program), ctypes.c_char_p(b"GPL"), [], errno.ENOENT
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
        if link < 0:
            refused.append(name)
            last = ctypes.get_errno()
        else:
            stack.callback(os.close, link)
        if fd >= 0:
            os.close(fd)  # the link holds the program
    if len(refused) == len(wanted):
        raise TracingError(
            f"This kernel ({os.uname().release}) lets no program be attached to its functions "
            f"({os.strerror(last)}): Debian's own do."
        )
    return refused


def recorded(net: Network, action: Callable[[], object]) -> Recording:
    """record() at every function, and where that is refused the recording that the course brings.

    It prints which it is, and the reason. Made on Debian 13's kernel, in a virtual machine of the
    kernel matrix (tools/kernels).
    """
    try:
        return record(net, action)
    except TracingError as refusal:
        found = recording.read(recording.stored("functions"))
        print(refusal)
        print(
            f"So what you see was recorded on Debian 13's kernel ({found.kernel}), in a virtual "
            "machine whose processor is emulated: the functions are right, the times long."
        )
        return found


def table(found: Recording) -> Table:
    """The functions that the first packet is handed to, in order. Built in chapter 13."""
    events = [event for event in found.events if event.skb == found.events[0].skb]
    rows, before = [], events[0]
    for event in events:
        change = event.length - before.length
        rows.append(
            (
                event.station,
                f"{(event.time - events[0].time) / 1000:.1f}",
                str(event.length),
                f"{change:+}" if change else "",
                f"socket {event.socket}" if event.socket else "-",
            )
        )
        before = event
    title = f"{len(events)} functions on Linux {found.kernel} are handed this packet"
    return Table(title, ("function", "µs", "bytes", "change", "owner"), rows)
