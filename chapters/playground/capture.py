"""Frames out of a capture file, for the same program that counts on an interface, filter and all.

Laboratory equipment. Each frame goes through BPF_PROG_TEST_RUN: nothing is sent, no frame is lost
on the way, and one that was cut when it was captured counts with the length that it had.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chapters.playground.program import CUT_OFFSET
from helpers import pcap
from helpers.errors import CourseError
from helpers.syscall import Command, Program, frame_for_test_run
from helpers.syscall.call import ask
from helpers.syscall.forms import ProgTestRun

# A test run takes a page at most; every header that the parser looks at lies before this.
BYTES_OF_FRAME = 3000
STEPS_OF_FILE = 100  # readings in the time that a file spans
FRAMES_AT_ONCE = 1000


class CaptureError(CourseError):
    """The capture file has nothing to count."""


@dataclass(frozen=True)
class Progress:
    """How far a file has come.

    frames: fed so far. seconds: at the end of a step of the file's time, where a reading belongs,
    since the first frame; None in between.
    """

    frames: int
    seconds: float | None


class Capture:
    """A capture file, read and ready to be fed to a program. `frames`: how many it has.

    Errors: PacketFileError if it cannot be read; CaptureError if it has no frame.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = Path(path).name
        self._records = sorted(pcap.records(path), key=lambda record: record.seconds)
        self.frames = len(self._records)
        if not self.frames:
            raise CaptureError(f"There is not one frame in {self.name}: capture some.")

    def feed(self, program: Program) -> Iterator[Progress]:
        """Run a program on every frame, in the order of their times.

        It stops, for whatever else there is to do, after every FRAMES_AT_ONCE frames and at the end
        of each of STEPS_OF_FILE equal steps of the file's time; first before all frames.
        Errors: SyscallError.
        """
        feeder, fed = Feeder(program), 0
        for seconds, records in self._steps():
            for record in records:
                feeder.feed(record.frame, record.length)
                fed += 1
                if fed % FRAMES_AT_ONCE == 0:
                    yield Progress(fed, None)
            yield Progress(fed, seconds)

    def _steps(self) -> list[tuple[float, list[pcap.Record]]]:
        """When each step ends, in seconds since the first frame, and its frames.

        The first is empty: the reading before all.
        """
        began = self._records[0].seconds
        span = max(self._records[-1].seconds - began, 1e-3)
        steps: list[list[pcap.Record]] = [[] for _ in range(STEPS_OF_FILE + 1)]
        for record in self._records:
            step = 1 + int((record.seconds - began) / span * STEPS_OF_FILE)
            steps[min(step, STEPS_OF_FILE)].append(record)
        return [(number * span / STEPS_OF_FILE, step) for number, step in enumerate(steps)]


class Context(ctypes.Structure):
    """The beginning of struct __sk_buff, as far as a test run fills it in for this program."""

    _fields_ = [("before", ctypes.c_uint8 * CUT_OFFSET), ("cut", ctypes.c_uint32)]


class Feeder:
    """Runs a program on frames that were on a wire once."""

    def __init__(self, program: Program) -> None:
        self._packet = ctypes.create_string_buffer(len(frame_for_test_run(bytes(BYTES_OF_FRAME))))
        self._context = Context()
        self._form = ProgTestRun(
            program.fd,
            data_in=ctypes.addressof(self._packet),
            ctx_in=ctypes.addressof(self._context),
            ctx_size_in=ctypes.sizeof(self._context),
            repeat=1,
        )

    def feed(self, frame: bytes, length: int) -> None:
        """One frame. Arguments: length: in bytes, on the wire; `frame` may have less.

        Errors: SyscallError. Source: Documentation/bpf/bpf_prog_run.rst.
        """
        # A test run of nothing is refused. So an empty frame has a byte that its length denies.
        kept = frame[:BYTES_OF_FRAME] or bytes(1)
        packet = frame_for_test_run(kept)
        ctypes.memmove(self._packet, packet, len(packet))
        self._context.cut = max(length, len(frame)) - len(kept)
        # The kernel has written the size of the last one there, and would take it for a limit.
        self._form.data_size_in, self._form.data_size_out = len(packet), 0
        ask(Command.PROG_TEST_RUN, self._form)
