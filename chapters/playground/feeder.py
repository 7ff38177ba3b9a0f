"""Frames for a loaded program, without a network: bpf/feed_user.c runs it on one after the other.

Laboratory equipment.
"""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import complaints, toolchain
from helpers.cbpf import Instruction, encode
from helpers.errors import CourseError
from helpers.links import EN10MB, Link, for_test_run
from helpers.pcap import Run
from helpers.syscall import Program, SyscallError
from helpers.syscall.errors import explain
from helpers.syscall.forms import Command

SOURCE = "feed_user.c"
# Its struct order: of one, what is needed is filled in.
ORDER = struct.Struct("=2H4I2H4I")
RECORDS, FRAME, FILTER, REPORT = range(4)
NATIVE = "<" if sys.byteorder == "little" else ">"
AT_ONCE = 1 << 16  # bytes that are written together: as many as a pipe holds


class FeederError(CourseError):
    """The program that feeds frames ended early; its word for it is in the message."""


class Feeder:
    """Runs a program on frames that were on a wire once, in test runs (BPF_PROG_TEST_RUN).

    They are run in a process of its own, which ends with this one. Use it with `with`, or close()
    it.
    Arguments: program: of type socket filter, loaded.
    Errors: CompileError; OSError.
    Source: Documentation/bpf/bpf_prog_run.rst in the kernel tree.
    """

    def __init__(self, program: Program) -> None:
        self._orders: list[bytes | memoryview] = []
        self._size, self._filters = 0, 0
        self._process = subprocess.Popen(
            [compiled(), str(program.fd)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=[program.fd],
        )

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def add_filter(self, instructions: Sequence[Instruction]) -> int:
        """A filter, to be run by libpcap. Result: its number, for feed() and feed_run()."""
        self._filters += 1
        code = encode(instructions)
        self._order(ORDER.pack(FILTER, self._filters, len(code), *[0] * 9), code)
        return self._filters

    def feed(self, frame: bytes, length: int, link: Link = EN10MB, filter: int = 0) -> None:
        """One frame; it is counted by the time that report() returns.

        Arguments: length: in bytes, on the wire; `frame` may have less. link: how it begins.
            filter: what it has to pass, by its number; 0: nothing.
        Errors: FeederError, SyscallError, of an earlier frame, too.
        """
        given, skipped = for_test_run(link, frame)
        cut = length - len(frame)
        kept = frame if filter else b""
        size = len(kept) + len(given)
        numbers = (len(kept), length, cut, skipped & 0xFFFFFFFF)
        self._order(ORDER.pack(FRAME, filter, size, 0, 0, 0, 0, 0, *numbers), kept, given)

    def feed_run(self, run: Run, filter: int = 0) -> None:
        """The same for the frames of a run, which are of Ethernet."""
        order, kept_at, length_at, frame_at, blocks = run.layout
        places = (kept_at, length_at, frame_at, order != NATIVE, blocks)
        size = run.end - run.start
        self._order(ORDER.pack(RECORDS, filter, size, *places, 0, 0, 0, 0))
        self._order(memoryview(run.data)[run.start : run.end])

    def report(self) -> int:
        """How many frames were fed, all of them by now. Errors: FeederError, SyscallError."""
        self._order(ORDER.pack(REPORT, *[0] * 11))
        self._write()
        line = self._answer()
        if not line.isdigit():
            self._failed(line)
        return int(line)

    def _order(self, *parts: bytes | memoryview) -> None:
        self._orders += parts
        self._size += sum(map(len, parts))
        if self._size >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        orders = memoryview(b"".join(self._orders))
        self._orders.clear()
        self._size = 0
        try:
            while orders:
                orders = orders[self._process.stdin.write(orders) :]
        except BrokenPipeError:
            self._failed(self._answer())

    def _answer(self) -> str:
        return self._process.stdout.readline().decode().strip()

    def _failed(self, line: str) -> None:
        """Errors: always one."""
        word, _, number = line.partition(" ")
        if word == "refused":
            raise SyscallError(explain(Command.PROG_TEST_RUN, int(number)), int(number))
        status = self._process.wait()
        what = line or (f"signal {-status}" if status < 0 else f"status {status}")
        raise FeederError(
            f"The program that feeds the frames ended early ({what}): count it again."
        )

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def __enter__(self) -> Feeder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


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
