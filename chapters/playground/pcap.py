"""Frames from a capture file, in the formats that tcpdump, Wireshark and their like write.

Laboratory equipment. Sources: the Internet-Drafts "PCAP Capture File
Format" (draft-ietf-opsawg-pcap) and "PCAP Next Generation (pcapng)" (draft-ietf-opsawg-pcapng);
pcap-savefile(5); pcap-linktype(7).
"""

from __future__ import annotations

import contextlib
import gzip
import math
import os
import shutil
import struct
import subprocess
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.errors import CourseError

NANOSECONDS = 10**9  # in a second
# pcap's first four bytes as a number: nanoseconds in a unit of its times, bytes of the file's
# header, bytes of a record's header. The last three are modified forms, with more in a header.
FORMS = {
    0xA1B2C3D4: (1000, 24, 16),
    0xA1B23C4D: (1, 24, 16),
    0xA1B2CD34: (1000, 24, 24),
    0x1C0001AC: (1, 28, 16),
    0x1C0001AB: (1, 28, 16),
}
# Types of pcapng's blocks; the first reads the same in both byte orders.
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
# As long as they are at least, in bytes.
SMALLEST_BLOCKS = {SECTION: 28, INTERFACE: 20, OLD_PACKET: 32, SIMPLE_PACKET: 16, PACKET: 32}
BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
# Codes of its options.
COMMENT, NAME, RESOLUTION, OFFSET = 1, 2, 9, 14
PCAPNG, GZIP, ZSTD = b"\x0a\x0d\x0d\x0a", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# What libpcap and Wireshark believe, in bytes.
LONGEST_FRAME, LARGEST_BLOCK = 262_144, 1 << 24
AT_ONCE = 1 << 17  # bytes that are read together
STRETCHES_KEPT = 40_000  # of AT_ONCE each, 5 GB of file in 10 MB of memory
COMMENTS_KEPT = 20
MOST = np.iinfo("i8").max
ETHERNET = 1


class PacketFileError(CourseError):
    """The file is no capture file, or of another link type."""


class Damaged(Exception):
    """What follows in the file is no frame; the message goes on after the file's name."""


class Interface:
    """Where frames were captured. link: the number of their link type. name: "" if not known.

    snapshot: how many bytes of a frame were kept at most, 0: all.
    """

    def __init__(self, link: int, snapshot: int = 0) -> None:
        self.link, self.snapshot, self.name = link, snapshot, ""
        self.units, self.offset = 10**6, 0  # of its times: units in a second, nanoseconds to add


class Layout(NamedTuple):
    """Where things lie in a record, in bytes from its first.

    order: "<" or ">", the byte order. kept_at: how many bytes of the frame were kept. length_at:
    its length on the wire. frame_at: the frame. blocks: the record's own length stands at byte 4.
    """

    order: str
    kept_at: int
    length_at: int
    frame_at: int
    blocks: bool


# A frame without a header of that kind gets one; as long as that of any other record.
SIMPLE, SIMPLE_HEADER = Layout("<", 8, 12, 16, False), struct.Struct("<8x2I")


class Run(NamedTuple):
    """Records that follow each other in a file, all of one interface: data[start:end].

    frames: how many. passed: where the run ends because the next record is later than the file's
    `until`, the time of that.
    """

    interface: Interface
    layout: Layout
    data: bytes
    start: int
    end: int
    frames: int
    passed: int | None = None

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Each frame, and its length on the wire in bytes; a frame that was cut has less."""
        order, kept_at, length_at, frame_at, blocks = self.layout
        number, data, at = struct.Struct(f"{order}I").unpack_from, self.data, self.start
        while at < self.end:
            (kept,), (length,) = number(data, at + kept_at), number(data, at + length_at)
            yield data[at + frame_at : at + frame_at + kept], max(length, kept)
            at += filled(number(data, at + 4)[0]) if blocks else frame_at + kept


class Stretch(NamedTuple):
    """Where records that follow each other were found in a file, to go through it again.

    gap, size: bytes before them that are no records, and of theirs. interface: None where they are
    of several. newest: the latest of their times. of, kind: what tells where each begins.
    """

    gap: int
    size: int
    frames: int
    interface: Interface | None
    newest: int
    of: Records | Section
    kind: int


class CaptureFile:
    """A capture file, to be gone through once, by `for run in file`, or by frames().

    It takes little memory, however long the file is. Where a file is cut off or damaged, it gives
    the frames that stand before that.

    Arguments: name: what to call it in sentences, "": as it is called. looked: the same file, gone
        through before: then it is known where its records begin, and this takes less time.
    frames: how many were given so far. interfaces: those met so far. comments: the first
    COMMENTS_KEPT of those met. first, newest: the time of the first frame, and the latest, in
    nanoseconds since 1970; None where no frame has a time. until: where a later time comes, a run
    ends before it. damage: "", or, once it is read, one sentence.
    Errors: PacketFileError. Use it with `with`, or close() it. First used in the playground.
    """

    def __init__(self, path: str | Path, name: str = "", looked: CaptureFile | None = None) -> None:
        if not str(path).strip():
            raise PacketFileError("No capture file is chosen: choose a file, or write its name.")
        path = expanded(path)
        self.name, self.damage, self.frames, self.until = name or path.name, "", 0, math.inf
        self.interfaces: list[Interface] = []
        self.comments: list[str] = []
        self.first: int | None = None
        self.newest: int | None = None
        # None: there are too many, or there is more to it than that.
        self.stretches: list[Stretch] | None = []
        # Bytes of the file before what is looked at, and up to the end of the last stretch.
        self._passed = self._end = 0
        self._unpack: subprocess.Popen | None = None
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no ordinary file"
            raise PacketFileError(f"{path} is {what}: choose a capture file.")
        try:
            self._raw = path.open("rb", buffering=0)
        except OSError as error:
            raise PacketFileError(
                f"There is no capture file to read at {path} ({error.strerror}): make one with "
                "tcpdump -w."
            ) from error
        found = os.fstat(self._raw.fileno())
        self._size, self._changed = max(found.st_size, 1), found.st_mtime_ns
        try:
            self._decompress()
            if looked and looked.stretches is not None and looked._is_as(self):
                self._runs = self._again(looked.stretches)
            else:
                self._runs = self._recognised()
        except BaseException:
            self.close()
            raise

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(os.lseek(self._raw.fileno(), 0, os.SEEK_CUR) / self._size, 1.0)

    @property
    def pid(self) -> int | None:
        """The number of the process that decompresses it, if there is one."""
        return self._unpack.pid if self._unpack else None

    def __iter__(self) -> Iterator[Run]:
        try:
            for run in self._runs:
                self.frames += run.frames
                if run.frames or run.passed is not None:
                    yield run
            self._finish()
        except Damaged as error:
            self.damage = (
                f"{self.name} {error}: what stands before that is counted, {self.frames:,} frames."
            )

    def frames_and_lengths(self) -> Iterator[tuple[Interface, bytes, int]]:
        """Each frame: its interface, its bytes as they were kept, its length on the wire."""
        for run in self:
            for frame, length in run:
                yield run.interface, frame, length

    def _decompress(self) -> None:
        """Set how the file is read. Errors: PacketFileError."""
        first = self._raw.read(4)
        self._raw.seek(0)
        self._source = self._raw.read
        if first.startswith(GZIP):
            # Not read(): at damage it would lose what came before.
            self._source = gzip.GzipFile(fileobj=self._raw).read1
        elif first == ZSTD:
            if shutil.which("zstd") is None:
                raise PacketFileError(
                    f"{self.name} is compressed by zstd, which is not installed: install zstd, or "
                    "decompress the file elsewhere."
                )
            # It reads at the same place in the file as we do, which tells how far it has come.
            self._unpack = subprocess.Popen(
                ["zstd", "-dcq"],
                stdin=self._raw,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
            self._source = self._unpack.stdout.read

    def _read(self, size: int = AT_ONCE) -> bytes:
        """Some bytes more, b"" at the end of the file. Errors: Damaged."""
        try:
            return self._source(size)
        except (EOFError, zlib.error, OSError) as error:
            raise Damaged(f"cannot be read to its end ({error})") from error

    def _read_all(self, data: bytes, size: int) -> bytes:
        """`data` and what follows it, `size` bytes together, or less at the end of the file."""
        while len(data) < size and (more := self._read(size - len(data))):
            data += more
        return data

    def _is_as(self, other: CaptureFile) -> bool:
        """Whether nobody has written to the file between."""
        return (self._size, self._changed) == (other._size, other._changed)

    def _more(self, data: bytes, at: int) -> bytes:
        """What is left of `data` from `at` on, and some bytes more; b"" at the end of the file.

        Errors: Damaged, where it ends in the middle of a frame.
        """
        more = self._read()
        if at < len(data) and not more:
            raise self._cut_off(len(data) - at)
        self._passed += at
        return data[at:] + more

    def _finish(self) -> None:
        """Errors: Damaged, if the decompressor has something to complain of."""
        if self._unpack and self._unpack.wait():
            raise Damaged("cannot be decompressed to its end, zstd refuses it")

    def _cut_off(self, left: int) -> Damaged:
        self._finish()
        return Damaged(f"is cut off in the middle of a frame, {left:,} bytes are left over")

    def _recognised(self) -> Iterator[Run]:
        """What goes through it, by what it begins with. Errors: PacketFileError."""
        try:
            first = self._read_all(b"", 4)
            if first == PCAPNG:
                return self._pcapng(first)
            for order in "<>":
                number = struct.unpack(f"{order}I", first)[0] if len(first) == 4 else 0
                if number in FORMS:
                    unit, file_header, header = FORMS[number]
                    start = self._read_all(first, file_header)
                    if len(start) < file_header:
                        raise self._cut_off(len(start))
                    return self._pcap(order, start, unit, header)
        except Damaged as error:
            raise PacketFileError(f"{self.name} {error}: copy or capture it again.") from error
        raise PacketFileError(
            f"{self.name} is no capture file, it begins with {first.hex(' ') or 'nothing'}: make "
            "one with tcpdump -w."
        )

    def _pcap(self, order: str, start: bytes, unit: int, header: int) -> Iterator[Run]:
        """Go through a pcap file, of which the file's header is read.

        Arguments: unit: of its times, in nanoseconds. header: of a record, in bytes.
        """
        # The upper bits of the link type speak of the checksum at the end of each frame.
        interface = Interface(struct.unpack_from(f"{order}I", start, 20)[0] & 0xFFFF)
        self.interfaces.append(interface)
        self._passed = len(start)
        minor = struct.unpack_from(f"{order}H", start, 6)[0]
        data = self._read()
        # Before version 2.4 of the format the two numbers stood the other way round, or might.
        swapped = minor < 3
        if minor == 3 and len(data) >= header:
            kept, length = struct.unpack_from(f"{order}2I", data, 8)
            swapped = kept > length
        layout = Layout(order, 12 if swapped else 8, 8 if swapped else 12, header, False)
        records = Records(interface, layout, unit)
        while data:
            numbers, starts, at = records.find(0, data, 0)
            yield from self._cut_up(records, 0, data, numbers, starts, at)
            if wrong := records.wrong(data, at):
                raise Damaged(wrong)
            data = self._more(data, at)

    def _again(self, stretches: Sequence[Stretch]) -> Iterator[Run]:
        """The same once more, by what was found then. Errors: Damaged."""
        self.stretches = None
        for stretch in stretches:
            self._read_all(b"", stretch.gap)
            data = self._read_all(b"", stretch.size)
            if len(data) < stretch.size:
                raise self._cut_off(len(data))
            interface, of, size = stretch.interface, stretch.of, stretch.size
            if interface and stretch.newest <= self.until:
                yield Run(interface, of.layout, data, 0, size, stretch.frames)
            else:
                yield from self._cut_up(of, stretch.kind, data, *of.find(stretch.kind, data, 0))

    def _cut_up(
        self,
        of: Records | Section,
        kind: int,
        data: bytes,
        numbers: Sequence[int],
        starts: Sequence[int],
        end: int,
    ) -> Iterator[Run]:
        """Runs of records that follow each other: another for another interface, and where a time
        is later than `until`.

        Arguments: of, kind: what found them. numbers, starts: of each the number of its interface,
            and where it begins. end: of the last.
        """
        if not starts:
            return
        times = of.times(data, starts, numbers)
        self.first = int(times[0]) if self.first is None else self.first
        newest = np.maximum.accumulate(times)
        self.newest = int(max(newest[-1], self.first if self.newest is None else self.newest))
        changes = (*(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers))
        only = of.interfaces[numbers[0]] if len(changes) == 1 else None
        self._keep(starts[0], end, len(starts), only, int(newest[-1]), of, kind)
        begin, late = 0, int(np.searchsorted(newest, self.until, "right"))
        for change in changes:
            interface = of.interfaces[numbers[begin]]
            while late < change:
                frames, passed = late - begin, int(newest[late])
                yield Run(interface, of.layout, data, starts[begin], starts[late], frames, passed)
                begin = late
                late = max(late + 1, int(np.searchsorted(newest, self.until, "right")))
            after = starts[change] if change < len(starts) else end
            yield Run(interface, of.layout, data, starts[begin], after, change - begin)
            begin = change

    def _keep(self, start: int, end: int, *rest: object) -> None:
        """Keep for another time where records were found, if that is not too much."""
        if self.stretches is None or len(self.stretches) == STRETCHES_KEPT:
            self.stretches = None
            return
        self.stretches.append(Stretch(self._passed + start - self._end, end - start, *rest))
        self._end = self._passed + end

    def _pcapng(self, data: bytes) -> Iterator[Run]:
        """Go through a pcapng file, of which `data` is read. Other blocks are no frames."""
        section = Section()
        data += self._read()
        while data:
            at = 0
            while at + 12 <= len(data):
                kind, size = section.two(data, at)
                if kind == SECTION:
                    if len(data) < at + SMALLEST_BLOCKS[SECTION]:
                        break
                    section = Section(data[at + 8 : at + 14])
                    size = section.two(data, at)[1]
                if wrong := section.wrong(data, at, kind, size):
                    raise Damaged(wrong)
                after = at + filled(size)
                if after > len(data):
                    break
                if kind in section.packets:
                    numbers, starts, end = section.find(kind, data, at, self._keep_comments)
                    yield from self._cut_up(section, kind, data, numbers, starts, end)
                    at = end
                else:
                    yield from self._other_block(section, kind, data[at + 8 : at + size - 4])
                    at = after
            data = self._more(data, at)

    def _other_block(self, section: Section, kind: int, body: bytes) -> Iterator[Run]:
        """A block that is no packet with a time. Errors: Damaged."""
        if kind == SECTION:
            self._keep_comments(section.options(body[16:]))
        elif kind == INTERFACE:
            self.interfaces.append(section.add_interface(body))
            self._keep_comments(section.options(body[8:]))
        elif kind == SIMPLE_PACKET:
            if not section.interfaces:
                raise Damaged("is damaged, it has a frame before any interface")
            interface, (length,) = (
                section.interfaces[0],
                struct.unpack_from(f"{section.order}I", body),
            )
            kept = min(length, len(body) - 4, interface.snapshot or length)
            self.stretches = None  # no record of the file's own
            record = SIMPLE_HEADER.pack(kept, length) + body[4 : 4 + kept]
            yield Run(interface, SIMPLE, record, 0, len(record), 1)

    def _keep_comments(self, options: list[tuple[int, bytes]]) -> bool:
        """Result: whether there is room for more."""
        comments = [text(value) for code, value in options if code == COMMENT]
        self.comments += comments[: COMMENTS_KEPT - len(self.comments)]
        return len(self.comments) < COMMENTS_KEPT

    def close(self) -> None:
        """Give the file back, and end what decompresses it."""
        if self._unpack:
            self._unpack.kill()
            self._unpack.wait()
            self._unpack.stdout.close()
        self._raw.close()

    def __enter__(self) -> CaptureFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Records:
    """The records of a pcap file, which are of one interface. unit: of their times, in
    nanoseconds."""

    def __init__(self, interface: Interface, layout: Layout, unit: int) -> None:
        self.interfaces, self.layout, self.unit = [interface], layout, unit
        self.number = struct.Struct(f"{layout.order}I").unpack_from

    def find(self, _: int, data: bytes, at: int) -> tuple[Sequence[int], list[int], int]:
        """Records that follow each other, up to one that is not whole, or wrong; as of Section."""
        number, kept_at, header = self.number, self.layout.kept_at, self.layout.frame_at
        starts, last, longest = [], len(data) - header, LONGEST_FRAME
        while at <= last:
            (kept,) = number(data, at + kept_at)
            if kept > longest:
                break
            starts.append(at)
            at += header + kept
        if at > len(data):
            at = starts.pop()
        return np.zeros(len(starts), int), starts, at

    def wrong(self, data: bytes, at: int) -> str:
        """What is wrong with a record, "" if nothing."""
        if len(data) < at + self.layout.frame_at:
            return ""
        (kept,) = self.number(data, at + self.layout.kept_at)
        return f"is damaged, a frame of it has {kept:,} bytes" if kept > LONGEST_FRAME else ""

    def times(self, data: bytes, starts: Sequence[int], _: object) -> np.ndarray:
        """The times of records, in nanoseconds. Arguments: starts: where they begin."""
        seconds, fractions = words(data, starts, self.layout.order)
        return (seconds * NANOSECONDS + fractions * self.unit).astype("i8")


class Section:
    """A section of a pcapng file, by the four bytes that tell its byte order and its version.

    two: reads so many numbers of 32 bits from an offset. packets: reads type, length, interface and
    bytes that were kept of a packet block, by its type. interfaces: those described so far.
    """

    def __init__(self, start: bytes = b"\x4d\x3c\x2b\x1a\1\0") -> None:
        self.known = start[:4] in BYTE_ORDERS
        self.order = BYTE_ORDERS.get(start[:4], "<")
        self.version = struct.unpack(f"{self.order}H", start[4:])[0]
        self.two = struct.Struct(f"{self.order}2I").unpack_from
        forms = {PACKET: "3I8xI", OLD_PACKET: "2IH10xI"}
        self.packets = {k: struct.Struct(self.order + f).unpack_from for k, f in forms.items()}
        self.layout = Layout(self.order, 20, 24, 28, True)
        self.interfaces: list[Interface] = []

    def wrong(self, data: bytes, at: int, kind: int, size: int) -> str:
        """What is wrong with a block, "" if nothing."""
        if not self.known:
            return "is damaged, a section of it has no byte order"
        if self.version != 1:
            return f"has a section of version {self.version}, which the course does not know"
        if size > LARGEST_BLOCK or size < SMALLEST_BLOCKS.get(kind, 12):
            return f"is damaged, a block of it has {size:,} bytes"
        if kind not in self.packets or len(data) < at + 28:
            return ""
        _, _, number, kept = self.packets[kind](data, at)
        if number >= len(self.interfaces):
            return f"is damaged, a frame of it is of interface {number}, which it does not have"
        if kept > size - 32 or kept > LONGEST_FRAME:
            return f"is damaged, a frame of it has {kept:,} bytes"
        return ""

    def find(
        self,
        kind: int,
        data: bytes,
        at: int,
        keep: Callable[[list[tuple[int, bytes]]], bool] | None = None,
    ) -> tuple[list[int], list[int], int]:
        """Packet blocks of one kind that follow each other, the first of which is whole and right.

        Arguments: keep: takes the options of one, and says whether it wants more.
        Result: of each the number of its interface and where it begins, and where the last ends.
        """
        unpack, known, end = self.packets[kind], len(self.interfaces), len(data)
        numbers, starts, last = [], [], end - SMALLEST_BLOCKS[kind]
        while at <= last:
            its_kind, size, number, kept = unpack(data, at)
            after = at + size + -size % 4
            if its_kind != kind or number >= known or after > end or size > LARGEST_BLOCK:
                break
            if kept > size - 32 or kept > LONGEST_FRAME:
                break
            if keep and size >= kept + 36:
                options = self.options(data[at + 28 + filled(kept) : after - 4])
                keep = keep if keep(options) else None
            numbers.append(number)
            starts.append(at)
            at = after
        return numbers, starts, at

    def times(self, data: bytes, starts: list[int], numbers: list[int]) -> np.ndarray:
        """The times of packet blocks, in nanoseconds. Arguments: of each, where it begins and the
        number of its interface."""
        high, low = words(data, starts, self.order, 12)
        values, its = (high << 32) + low, self.interfaces
        scales = [0 if each.offset else NANOSECONDS // each.units for each in its]
        usual = all(scales[n] * its[n].units == NANOSECONDS for n in set(numbers))
        if usual and int(values.max()) <= MOST // max(scales):
            return (values * np.array(scales, "u8")[numbers]).astype("i8")
        pairs = zip(values.tolist(), numbers, strict=True)  # as numbers without an end
        times = [v * NANOSECONDS // its[n].units + its[n].offset for v, n in pairs]
        return np.array(times, object)

    def add_interface(self, body: bytes) -> Interface:
        """What an interface description block says."""
        interface = Interface(*struct.unpack_from(f"{self.order}HxxI", body))
        for code, value in self.options(body[8:]):
            if code == NAME:
                interface.name = text(value)
            elif code == RESOLUTION and value:
                base, power = (2, value[0] & 127) if value[0] & 128 else (10, value[0])
                interface.units = base**power
            elif code == OFFSET and len(value) == 8:
                interface.offset = struct.unpack(f"{self.order}q", value)[0] * NANOSECONDS
        self.interfaces.append(interface)
        return interface

    def options(self, data: bytes) -> list[tuple[int, bytes]]:
        """Code and value of each option at the end of a block."""
        found, at = [], 0
        while at + 4 <= len(data):
            code, size = struct.unpack_from(f"{self.order}2H", data, at)
            if not code:  # the end of them
                break
            found.append((code, data[at + 4 : at + 4 + size]))
            at += 4 + filled(size)
        return found


def read(path: str | Path) -> list[bytes]:
    """The frames of a capture file, from the Ethernet header on.

    A frame that was cut when it was captured (tcpdump -s) comes as it was kept. Where the file is
    cut off or damaged there is a warning, and the frames before that.
    Errors: PacketFileError.
    """
    frames = []
    with CaptureFile(path) as file:
        for interface, frame, _ in file.frames_and_lengths():
            if interface.link != ETHERNET:
                raise PacketFileError(
                    f"The frames in {file.name} are of link type {interface.link}, not Ethernet "
                    f"({ETHERNET}): capture on an interface such as lo or eth0, not on any, or "
                    "let the playground count them."
                )
            frames.append(frame)
    if file.damage:
        warnings.warn(file.damage, stacklevel=2)
    return frames


def expanded(path: str | Path) -> Path:
    """A path with the home that `~` stands for, if there is one."""
    with contextlib.suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def words(data: bytes, starts: list[int], order: str, offset: int = 0) -> np.ndarray:
    """Two numbers of 32 bits out of each record: shape (2, records), dtype u8.

    Arguments: starts: where records begin. order: of bytes. offset: of the first number.
    """
    every = np.ndarray((len(data) - offset - 7,), "V8", data, offset, (1,))  # at each byte
    return every[np.array(starts)].view(f"{order}u4").reshape(-1, 2).T.astype("u8")


def filled(size: int) -> int:
    """The length of what fills up four bytes."""
    return size + -size % 4


def text(value: bytes) -> str:
    """A text of pcapng, in UTF-8; some end it with a zero byte."""
    return value.rstrip(b"\0").decode(errors="replace")
