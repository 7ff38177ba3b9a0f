"""A monitor as the specification has it: compiled, loaded with few rights, fed, and read.

Laboratory equipment, used in chapter 14. Nothing is attached: every frame goes through a test run.
"""

from __future__ import annotations

import ipaddress
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chapters.ch14.traffic import Class, Pair, Table
from helpers import capabilities, loader, objfile, syscall, toolchain, uapi
from helpers.errors import CourseError
from helpers.table import Table as Shown

START = Path(__file__).with_name("start_kern.c")  # what a learner begins with
MAP, KEY_SIZE, VALUE_SIZE, LEAST_ENTRIES = "talks", 36, 16, 1024
MOST_MEMORY = 1 << 26  # bytes of all maps
MAP_TYPES = {
    uapi.BPF_MAP_TYPE_HASH,
    uapi.BPF_MAP_TYPE_PERCPU_HASH,
    uapi.BPF_MAP_TYPE_LRU_HASH,
    uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH,
}
# By type of program: the capabilities that loading it takes, and no more are there.
RIGHTS = {
    uapi.BPF_PROG_TYPE_SOCKET_FILTER: ("CAP_BPF",),
    uapi.BPF_PROG_TYPE_SCHED_CLS: ("CAP_BPF", "CAP_NET_ADMIN"),
}
SECTIONS = {"socket": uapi.BPF_PROG_TYPE_SOCKET_FILTER} | dict.fromkeys(
    ("tc", "classifier"), uapi.BPF_PROG_TYPE_SCHED_CLS
)


class MonitorError(CourseError):
    """The program is not what the specification asks for."""


@dataclass
class Monitor:
    """A loaded monitor."""

    program: loader.Program
    talks: loader.Map

    def run(self, frames: Iterable[bytes]) -> None:
        """Each frame once through the program. Errors: SyscallError."""
        socket = self.program.type == uapi.BPF_PROG_TYPE_SOCKET_FILTER
        for frame in frames:
            syscall.test_run(self.program, syscall.frame_for_test_run(frame) if socket else frame)

    def read(self) -> Table:
        """What it has counted so far; what every CPU has of its own is added up."""
        table: dict[Pair, list[int]] = {}
        for key in list(self.talks.keys()):
            numbers = struct.unpack(f"={self.talks.slots_size // 8}Q", self.talks.lookup(key))
            pair, reply = (
                (address(key[:16]), address(key[16:32])),
                int.from_bytes(key[32:], sys.byteorder),
            )
            if reply > 1:
                raise MonitorError(f"The last 4 bytes of a key say {reply}, and are to say 0 or 1.")
            counts = table.setdefault(pair, [0, 0, 0, 0])
            counts[2 * reply : 2 * reply + 2] = sum(numbers[0::2]), sum(numbers[1::2])
        return {pair: tuple(counts) for pair, counts in table.items()}

    def time(self, frames: Iterable[bytes], repeat: int = 5000) -> int:
        """Nanoseconds that one pass over the frames takes; the mean of `repeat`."""
        socket = self.program.type == uapi.BPF_PROG_TYPE_SOCKET_FILTER
        wrapped = [syscall.frame_for_test_run(each) if socket else each for each in frames]
        return sum(syscall.test_run(self.program, each, repeat).nanoseconds for each in wrapped)


def address(packed: bytes) -> str:
    """16 bytes as text; IPv4 is ::ffff:192.0.2.1 in them. Source: RFC 4291, 2.5.5.2."""
    six = ipaddress.IPv6Address(packed)
    return str(six.ipv4_mapped or six)


def right_shape(path: Path) -> tuple[str, ...]:
    """What an object file needs to be loaded, seen before it is. Result: names of capabilities.

    Errors: MonitorError, a sentence for what does not meet the specification.
    """
    found = objfile.read(path)
    programs = [each for each in found.programs.values() if each.section != ".text"]
    if len(programs) != 1:
        raise MonitorError(f"One program is asked for, and the object file has {len(programs)}.")
    section = programs[0].section.split("/")[0]
    if section not in SECTIONS:
        raise MonitorError(
            f'The program is in section "{section}": the specification has SEC("socket") and '
            'SEC("tc").'
        )
    size = sum(each.max_entries * (each.key_size + each.value_size) for each in found.maps.values())
    if size > MOST_MEMORY:
        raise MonitorError(
            f"Its maps take {size:,} bytes: {MOST_MEMORY:,} are enough, so ask for fewer entries."
        )
    return RIGHTS[SECTIONS[section]]


@contextmanager
def opened(path: Path) -> Iterator[Monitor]:
    """Load an object file with the capabilities that its type takes, and no others.

    Errors: MonitorError; loader.LoadError; CapabilityError if this process has not got them.
    """
    with capabilities.with_only(right_shape(path), loader.load, path) as loaded:
        (program,) = loaded.programs.values()
        if MAP not in loaded.maps:
            raise MonitorError(f'There is no map "{MAP}": read() finds the counts in one.')
        talks = loaded.map(MAP)
        if talks.type not in MAP_TYPES:
            raise MonitorError(f'"{MAP}" is to be a hash, of whichever kind: see its type.')
        if (talks.key_size, talks.value_size) != (KEY_SIZE, VALUE_SIZE):
            raise MonitorError(
                f'"{MAP}" has a key of {talks.key_size} and a value of {talks.value_size} bytes: '
                f"the specification has {KEY_SIZE} and {VALUE_SIZE}."
            )
        if talks.max_entries < LEAST_ENTRIES:
            raise MonitorError(f'"{MAP}" has room for {talks.max_entries} pairs, not for 1,024.')
        yield Monitor(program, talks)


def begin(path: str | Path = "monitor_kern.c") -> str:
    """Put the frame of a monitor there, unless there is a file already; a sentence about it.

    For chapter 14.
    """
    path = Path(path)
    if path.exists():
        return f"{path.name} is there, and stays as it is."
    path.write_text(START.read_text())
    return f"{path.name} is new: the frame of a monitor, which counts nothing yet."


@contextmanager
def compiled(source: str) -> Iterator[Path]:
    """An object file of a C text, for the time of a `with` block. Errors: CompileError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "monitor_kern.c")
        file.write_text(source)
        yield toolchain.compile_bpf(file, Path(folder, "monitor_kern.o"))


@contextmanager
def of_source(source: str) -> Iterator[Monitor]:
    """Compile and load a C text. Errors: as compiled and opened."""
    with compiled(source) as path, opened(path) as monitor:
        yield monitor


def against(source: str, each: Class) -> Shown:
    """A class's frames through a monitor: pair by pair what it counts, and what it is to count.

    Errors: as of_source. For chapter 14.
    """
    with of_source(source) as monitor:
        monitor.run(each.frames)
        counted = monitor.read()
    nothing = (0, 0, 0, 0)
    rows = []
    for pair in sorted(counted.keys() | each.table.keys()):
        found, wanted = counted.get(pair, nothing), each.table.get(pair, nothing)
        rows.append((*pair, str(found), str(wanted), "" if found == wanted else "no"))
    head = ("client", "server", "counted", "to be counted", "right?")
    return Shown(f"{len(each.frames)} frames of the class {each.name}", head, rows)
