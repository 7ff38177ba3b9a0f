"""A capture file counted by the same program that counts on an interface, filter and all.

Laboratory equipment. Each frame goes through BPF_PROG_TEST_RUN: nothing is sent, no frame is lost
on the way, and one that was cut when it was captured counts with the length that it had.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from pathlib import Path

from chapters.playground.program import CUT
from helpers import pcap
from helpers.errors import CourseError
from helpers.pcap import Record
from helpers.syscall import Command, Program, frame_for_test_run
from helpers.syscall.call import ask
from helpers.syscall.forms import ProgTestRun

# A test run takes a page at most; every header that the parser looks at lies before this.
MOST = 3000
STEPS = 100  # readings in the time that a file spans


class CaptureError(CourseError):
    """The capture file has nothing to count."""


class Feeder:
    """Runs a program on frames that were on a wire once."""

    def __init__(self, program: Program) -> None:
        self._data, self._context = ctypes.create_string_buffer(14 + MOST), bytearray(CUT + 4)
        context = (ctypes.c_char * len(self._context)).from_buffer(self._context)
        self._form = ProgTestRun(
            program.fd,
            data_in=ctypes.addressof(self._data),
            ctx_in=ctypes.addressof(context),
            ctx_size_in=len(self._context),
            repeat=1,
        )

    def feed(self, record: Record) -> None:
        """One frame. Errors: SyscallError. Source: Documentation/bpf/bpf_prog_run.rst."""
        # A test run of nothing is refused. One byte is no frame either, and -1 makes it none again.
        kept = record.frame[:MOST] or bytes(1)
        packet = frame_for_test_run(kept)
        ctypes.memmove(self._data, packet, len(packet))
        length = max(record.length, len(record.frame))
        struct.pack_into("I", self._context, CUT, (length - len(kept)) & 0xFFFFFFFF)
        # The kernel has written the size of the last one there, and would take it for a limit.
        self._form.data_size_in, self._form.data_size_out = len(packet), 0
        ask(Command.PROG_TEST_RUN, self._form)


def in_steps(path: str | Path) -> list[tuple[float, list[Record]]]:
    """The frames of a capture file in equal steps of its time, and when each step ends.

    Times are in seconds since the first frame. The first step is empty: the reading before all.
    Errors: PacketFileError, CaptureError.
    """
    records = sorted(pcap.records(path), key=lambda record: record.seconds)
    if not records:
        raise CaptureError(f"There is not one frame in {Path(path).name}: capture some.")
    began = records[0].seconds
    span = max(records[-1].seconds - began, 1e-3)
    steps: list[tuple[float, list[Record]]] = [
        (number * span / STEPS, []) for number in range(STEPS + 1)
    ]
    for record in records:
        at = int((record.seconds - began) / span * STEPS)
        steps[min(at + 1, STEPS)][1].append(record)
    return steps


def pieces(records: list[Record], size: int = 1000) -> Iterator[list[Record]]:
    """So many at a time, for whoever wants to breathe in between."""
    return (records[at : at + size] for at in range(0, len(records), size))
