"""Frames for a loaded program, without a network: bpf/feed_user.c runs it on one after the other.

Laboratory equipment.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chapters.playground.pcap import Run
from helpers import complaints, toolchain
from helpers.cbpf import Instruction, encode
from helpers.errors import CourseError
from helpers.links import EN10MB, Link, for_test_run
from helpers.syscall import Program, SyscallError
from helpers.syscall.errors import explain
from helpers.syscall.forms import Command

SOURCE = "feed_user.c"
# Its struct order: of one, what is needed is filled in.
ORDER = struct.Struct("=2H4I2H4I")
RECORDS, FRAME, FILTER, REPORT = range(4)
NATIVE = "<" if sys.byteorder == "little" else ">"
AT_ONCE = 1 << 16  # bytes that are written together: as many as a pipe holds
MOST_AT_ONCE = 2  # processes; to find the frames for more would take longer than to run them
SMALLEST_ROOM = 1 << 14  # flows; to ask again and again for less takes longer than it saves


class FeederError(CourseError):
    """The program that feeds frames ended early; its word for it is in the message."""


class Feeder:
    """Runs a program on frames that were on a wire once: whole Ethernet frames at a socket, the
    others in test runs (BPF_PROG_TEST_RUN).

    They are run in processes of its own, which end with this one. Use it with `with`, or close()
    it.
    Arguments: program: of type socket filter, loaded. room: says how many frames may be run in
        whatever order, since a new flow in each would find room in the program's maps; as long as
        that is certain, two processors share the work. None: they are run in order.
    Errors: CompileError; OSError.
    Source: Documentation/bpf/bpf_prog_run.rst in the kernel tree.
    """

    def __init__(self, program: Program, room: Callable[[], int] | None = None) -> None:
        self._orders: list[bytes | memoryview] = []
        self._size, self._filters, self._turn = 0, 0, 0
        self._room, self._certain = room, 0
        number = min(len(os.sched_getaffinity(0)), MOST_AT_ONCE) if room else 1
        self._processes = [start(program) for _ in range(number)]

    @property
    def pids(self) -> list[int]:
        """The numbers of its processes."""
        return [process.pid for process in self._processes]

    def add_filter(self, instructions: Sequence[Instruction]) -> int:
        """A filter, to be run by libpcap. Result: its number, for feed() and feed_run()."""
        self._filters += 1
        code = encode(instructions)
        self._write()
        for process in self._processes:
            self._give(process, ORDER.pack(FILTER, self._filters, len(code), *[0] * 9) + code)
        return self._filters

    def feed(self, frame: bytes, length: int, link: Link = EN10MB, filter: int = 0) -> None:
        """One frame; it is counted by the time that report() returns.

        Arguments: length: in bytes, on the wire; `frame` may have less. link: how it begins.
            filter: what it has to pass, by its number; 0: nothing.
        Errors: FeederError, SyscallError, of an earlier frame, too.
        """
        self._take_turns(1)
        given, skipped = for_test_run(link, frame)
        cut = length - len(frame)
        kept = frame if filter else b""
        size = len(kept) + len(given)
        numbers = (len(kept), length, cut, skipped & 0xFFFFFFFF)
        self._order(ORDER.pack(FRAME, filter, size, 0, 0, 0, 0, 0, *numbers), kept, given)

    def feed_run(self, run: Run, filter: int = 0) -> None:
        """The same for the frames of a run, which are of Ethernet."""
        self._take_turns(run.frames)
        order, kept_at, length_at, frame_at, blocks = run.layout
        places = (kept_at, length_at, frame_at, order != NATIVE, blocks)
        size = run.end - run.start
        self._order(ORDER.pack(RECORDS, filter, size, *places, 0, 0, 0, 0))
        self._order(memoryview(run.data)[run.start : run.end])

    def report(self) -> int:
        """How many frames were fed, all of them by now. Errors: FeederError, SyscallError."""
        self._write()
        for process in self._processes:
            self._give(process, ORDER.pack(REPORT, *[0] * 11))
        return sum(map(self._reported, self._processes))

    def _take_turns(self, frames: int) -> None:
        """So many frames come. One process alone gets all that follow once they may lack room."""
        self._certain -= frames
        if self._certain < 0 and self._room:
            self.report()
            room = self._room()
            self._certain = room - frames
            if room < max(frames, SMALLEST_ROOM):
                self._room = None

    def _order(self, *parts: bytes | memoryview) -> None:
        self._orders += parts
        self._size += sum(map(len, parts))
        if self._size >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        """Give the orders that there are to the process whose turn it is."""
        self._turn = (self._turn + 1) % len(self._processes) if self._room else 0
        orders = b"".join(self._orders)
        self._orders.clear()
        self._size = 0
        self._give(self._processes[self._turn], orders)

    def _give(self, process: subprocess.Popen, orders: bytes) -> None:
        left = memoryview(orders)
        try:
            while left:
                left = left[process.stdin.write(left) :]
        except BrokenPipeError:
            self._failed(process, answer(process))

    def _reported(self, process: subprocess.Popen) -> int:
        line = answer(process)
        if not line.isdigit():
            self._failed(process, line)
        return int(line)

    def _failed(self, process: subprocess.Popen, line: str) -> None:
        """Errors: always one."""
        word, _, number = line.partition(" ")
        if word == "refused":
            raise SyscallError(explain(Command.PROG_TEST_RUN, int(number)), int(number))
        status = process.wait()
        what = line or (f"signal {-status}" if status < 0 else f"status {status}")
        raise FeederError(
            f"The program that feeds the frames ended early ({what}): count it again."
        )

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def __enter__(self) -> Feeder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def start(program: Program) -> subprocess.Popen:
    """One process that runs the program on what it is given."""
    return subprocess.Popen(
        [compiled(), str(program.fd)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        pass_fds=[program.fd],
    )


def answer(process: subprocess.Popen) -> str:
    """The next line of what it says, "" if it has ended."""
    return process.stdout.readline().decode().strip()


def compiled() -> Path:
    """The C program, compiled; once for each text of it. Errors: CompileError."""
    source = toolchain.find_source(SOURCE)
    text = hashlib.sha256(source.read_bytes()).hexdigest()
    program = toolchain.BUILD / f"{source.stem}-{text[:12]}"
    if program.exists():
        return program

    def make(unfinished: Path) -> None:
        command = ["clang", "-O2", "-Wall", source, "-o", unfinished, "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise toolchain.CompileError(complaints.sentence(done.stderr, source), done.stderr)

    try:
        toolchain.put(program, make)
    except OSError as error:
        raise toolchain.CompileError(
            f"{SOURCE} cannot be compiled into {toolchain.BUILD} ({error.strerror}): let that "
            "folder be writable."
        ) from error
    return program
