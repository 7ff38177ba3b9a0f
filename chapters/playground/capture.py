"""Frames out of a capture file, for the same program that counts on an interface.

Laboratory equipment. The file is gone through twice: first to know how many frames it has, of what
link types, and what time they span; then each frame goes through the filter and the program
(feeder). Nothing is sent, no frame is lost on the way, and one that was cut when it was captured
counts with the length that it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chapters.playground.feeder import Feeder
from chapters.playground.pcap import ETHERNET, NANOSECONDS, CaptureFile, PacketFileError, Run
from helpers import libpcap, links
from helpers.cbpf import Instruction
from helpers.errors import CourseError
from helpers.syscall import Program

STEPS_OF_FILE = 100  # readings in the time that a file spans
# How frames begin, which a filter is compiled for: the number of the link type, and the file's byte
# order.
Beginning = tuple[int, str]


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
    """A capture file to be fed to a program.

    beginnings: how its frames begin, once it was looked through.
    Arguments: name: what to call it in sentences, "": as it is called.
    Errors: PacketFileError if it cannot be read.
    """

    def __init__(self, path: str | Path, name: str = "") -> None:
        with CaptureFile(path, name) as file:
            self.name = file.name
        self._path = path
        self._file: CaptureFile | None = None
        self.beginnings: set[Beginning] = set()

    def look(self) -> Iterator[float]:
        """Go through it for the first time. It gives how much of it is done, from 0 to 1.

        Errors: CaptureError if it has no frame; PacketFileError for a link type that the course
            does not know.
        """
        with CaptureFile(self._path, self.name) as file:
            for run in file:
                if run.frames:
                    self.beginnings.add((run.interface.link, run.layout.order))
                yield file.share
        if not file.frames:
            raise CaptureError(
                file.damage or f"There is not one frame in {file.name}: capture some."
            )
        for number, _ in sorted(self.beginnings):
            if number not in links.BY_NUMBER:
                raise PacketFileError(
                    f"Frames in {file.name} are of link type {name_of(number)}, and the course "
                    "does not know how they begin: it counts those of Ethernet, raw IP, BSD "
                    "loopback and Linux cooked captures."
                )
        self._file = file

    def looked(self) -> CaptureFile:
        """The file once it was gone through: its frames, interfaces, comments and damage."""
        if self._file is None:
            for _ in self.look():
                pass
        return self._file

    @property
    def frames(self) -> int:
        """How many it has."""
        return self.looked().frames

    @property
    def seconds(self) -> float:
        """From its first frame to the latest; 0 where there is no time between them."""
        file = self.looked()
        return ((file.newest or 0) - (file.first or 0)) / NANOSECONDS

    def feed(
        self,
        program: Program,
        filters: Mapping[Beginning, Sequence[Instruction]] | None = None,
        room: Callable[[], int] | None = None,
    ) -> Iterator[Progress]:
        """Run a program on every frame that its filter lets through, in the order of the file.

        It stops, for whatever else there is to do, after every piece of the file, and at the end of
        each of STEPS_OF_FILE equal steps of its time; first before all frames. A frame whose time
        is earlier than that of one before it counts in the step that has come.
        Arguments: filters: what frames with each beginning have to pass; None: nothing. room: as
            of a Feeder; where all find room the order does not matter.
        Errors: those of looked(); FeederError, SyscallError.
        """
        whole = self.looked()
        with (
            CaptureFile(self._path, self.name, whole) as file,
            Feeder(program, room) as feeder,
        ):
            numbers = {each: feeder.add_filter(code) for each, code in (filters or {}).items()}
            ends = steps(whole.first or 0, whole.newest or 0)
            yield Progress(0, 0.0)
            began, file.until = whole.first or 0, ends.pop(0) if ends else file.until
            for run in file:
                feed_run(feeder, run, numbers.get((run.interface.link, run.layout.order), 0))
                if run.passed is None:
                    yield Progress(file.frames, None)
                while run.passed is not None and run.passed > file.until:
                    yield Progress(feeder.report(), (file.until - began) / NANOSECONDS)
                    file.until = ends.pop(0) if ends else float("inf")
            # Also where nothing came in the last steps.
            yield Progress(feeder.report(), self.seconds)


def steps(first: int, newest: int) -> list[int]:
    """When each of STEPS_OF_FILE equal steps ends, but for the last, which has no end."""
    span = newest - first
    return (
        [first + span * step // STEPS_OF_FILE for step in range(1, STEPS_OF_FILE)] if span else []
    )


def feed_run(feeder: Feeder, run: Run, number: int) -> None:
    """Feed frames that follow each other, through the filter of that number."""
    if not run.frames:
        return
    if run.interface.link == ETHERNET:
        feeder.feed_run(run, number)
        return
    link = links.BY_NUMBER[run.interface.link]
    for frame, length in run:
        feeder.feed(frame, length, link, number)


def name_of(number: int) -> str:
    """A link type as libpcap names it, and its number."""
    name = libpcap.link_name(number)
    return f"{name} ({number})" if name else str(number)
