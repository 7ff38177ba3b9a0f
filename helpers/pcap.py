"""Packets from a capture file, as tcpdump -w writes it.

Laboratory equipment, first used in chapter 07. Source: the Internet-Draft "PCAP Capture File
Format" (draft-ietf-opsawg-pcap), which pcap-savefile(5) describes too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import CourseError

# The first four bytes: in either byte order, with times in micro- or in nanoseconds.
BYTE_ORDERS = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}
NANOSECONDS = (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
BYTE_ORDERS |= {b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}
PCAPNG = b"\x0a\x0d\x0d\x0a"
FILE_HEADER, RECORD_HEADER = 24, 16  # bytes
ETHERNET = 1


class PacketFileError(CourseError):
    """The file is no capture file, is truncated, or of another link type; `offset` says where."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class Record:
    """One frame of a capture file. seconds: since 1970. length: in bytes, on the wire; `frame` has
    less where it was cut when it was captured (tcpdump -s)."""

    seconds: float
    length: int
    frame: bytes


def read(path: str | Path) -> list[bytes]:
    """The frames of a capture file, from the Ethernet header on.

    A frame that was cut when it was captured (tcpdump -s) comes as it was kept.
    Errors: PacketFileError, with the offset in bytes that it is about.
    """
    return [record.frame for record in records(path)]


def records(path: str | Path) -> list[Record]:
    """The same with the time and the length of each frame. First used in the playground."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PacketFileError(
            f"There is no capture file to read at {path} ({error.strerror}): make one with "
            "tcpdump -w."
        ) from error
    header = struct.Struct(f"{_byte_order(path.name, data)}4I")
    fraction = 1e-9 if data[:4] in NANOSECONDS else 1e-6
    records, at = [], FILE_HEADER
    while at < len(data):
        if at + RECORD_HEADER > len(data):
            raise _truncated(path.name, at, len(data), len(records))
        seconds, fractions, kept, length = header.unpack_from(data, at)
        start, at = at, at + RECORD_HEADER + kept
        if at > len(data):
            raise _truncated(path.name, start, len(data), len(records))
        records.append(Record(seconds + fractions * fraction, length, data[at - kept : at]))
    return records


def _byte_order(name: str, data: bytes) -> str:
    """The byte order that the file's header tells. Errors: PacketFileError."""
    if data.startswith(PCAPNG):
        raise PacketFileError(
            f"{name} has the newer format pcapng: convert it with editcap -F pcap, or tcpdump -r "
            "it and -w it again."
        )
    if data[:4] not in BYTE_ORDERS:
        raise PacketFileError(
            f"{name} is no capture file, it begins with {data[:4].hex(' ') or 'nothing'}: make "
            "one with tcpdump -w."
        )
    if len(data) < FILE_HEADER:
        raise _truncated(name, 0, len(data), 0)
    order = BYTE_ORDERS[data[:4]]
    # The upper bits of the link type say something about checksums at the end of frames.
    link = struct.unpack_from(f"{order}I", data, 20)[0] & 0xFFFF
    if link != ETHERNET:
        raise PacketFileError(
            f"The frames in {name} are of link type {link}, not Ethernet ({ETHERNET}): capture "
            "on an interface such as lo or eth0, not on any.",
            20,
        )
    return order


def _truncated(name: str, at: int, length: int, frames: int) -> PacketFileError:
    return PacketFileError(
        f"{name} is truncated: what begins at byte {at}, after {frames} whole frames, goes on "
        f"beyond its end at {length}: copy or capture it again.",
        at,
    )
