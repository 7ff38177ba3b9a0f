"""Capture files of every kind, written here byte by byte: what the tests count, and tshark, too.

Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, pcap-linktype(7).
"""

from __future__ import annotations

import gzip
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kinds import FRAMES

SECOND = 10**9
MICRO, NANO, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
ETHERNET, RAW, LOOP, NULL, COOKED, COOKED_2 = 1, 101, 108, 0, 113, 276


@dataclass(frozen=True)
class Frame:
    """One record. time: in nanoseconds. length: on the wire; less may be kept."""

    time: int
    length: int
    kept: bytes


def frames(datas: Iterable[bytes], step: int = SECOND // 4, snapshot: int = 1 << 18) -> list[Frame]:
    """Records with times that are `step` nanoseconds apart, cut at `snapshot` bytes."""
    start = 1_700_000_000 * SECOND
    return [
        Frame(start + number * step, len(data), data[:snapshot])
        for number, data in enumerate(datas)
    ]


ALL = list(FRAMES.values())
IP = [data for data in ALL if data[12:14] in (b"\x08\x00", b"\x86\xdd")]


def other_link(link: int, data: bytes, order: str = "<") -> bytes:
    """An Ethernet frame as it would be captured on another kind of link."""
    kind, packet = data[12:14], data[14:]
    if struct.unpack(">H", kind)[0] < 0x0600:  # a length: what follows is 802.2, to Linux type 4
        kind = b"\0\4"
    family = {b"\x08\x00": 2, b"\x86\xdd": 30}.get(kind, 99)
    headers = {
        NULL: struct.pack(f"{order}I", family),
        LOOP: struct.pack(">I", family),
        COOKED: struct.pack(">3H8s", 0, 1, 6, data[6:12]) + kind,
        COOKED_2: kind + struct.pack(">HIHBB8s", 0, 7, 1, 0, 6, data[6:12]),
    }
    return headers.get(link, b"") + packet


# pcap


def pcap(
    records: Sequence[Frame],
    order: str = "<",
    magic: int = MICRO,
    link: int = ETHERNET,
    version: tuple[int, int] = (2, 4),
) -> bytes:
    """A pcap file; before version 2.3 the lengths stand the other way round."""
    parts = [struct.pack(f"{order}IHHiIII", magic, *version, 0, 0, 1 << 18, link)]
    unit = 1 if magic == NANO else 1000
    for each in records:
        lengths = (len(each.kept), each.length)
        if version < (2, 3):
            lengths = lengths[::-1]
        time = (each.time // SECOND, each.time % SECOND // unit)
        more = bytes(8) if magic == MODIFIED else b""
        parts += [struct.pack(f"{order}4I", *time, *lengths), more, each.kept]
    return b"".join(parts)


# pcapng


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def options(pairs: Sequence[tuple[int, bytes]], order: str = "<") -> bytes:
    data = b"".join(
        struct.pack(f"{order}2H", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in pairs
    )
    return data + bytes(4) if pairs else b""


def section(order: str = "<", *pairs: tuple[int, bytes]) -> bytes:
    body = struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(0x0A0D0D0A, body + options(pairs, order), order)


def interface(
    link: int = ETHERNET, order: str = "<", *pairs: tuple[int, bytes], snapshot: int = 0
) -> bytes:
    return block(1, struct.pack(f"{order}HHI", link, 0, snapshot) + options(pairs, order), order)


def packet(
    each: Frame,
    number: int = 0,
    order: str = "<",
    *pairs: tuple[int, bytes],
    units: int = 10**6,
    offset: int = 0,
) -> bytes:
    time = (each.time - offset * SECOND) * units // SECOND
    lengths = (len(each.kept), each.length)
    body = struct.pack(f"{order}5I", number, time >> 32, time & 0xFFFFFFFF, *lengths)
    return block(6, body + each.kept + bytes(-len(each.kept) % 4) + options(pairs, order), order)


def old_packet(each: Frame, number: int = 0, order: str = "<") -> bytes:
    time = each.time // 1000
    lengths = (len(each.kept), each.length)
    body = struct.pack(f"{order}2H4I", number, 3, time >> 32, time & 0xFFFFFFFF, *lengths)
    return block(2, body + each.kept, order)


def simple_packet(each: Frame, order: str = "<") -> bytes:
    return block(3, struct.pack(f"{order}I", each.length) + each.kept, order)


def pcapng(records: Sequence[Frame], order: str = "<", link: int = ETHERNET) -> bytes:
    packets = b"".join(packet(each, 0, order) for each in records)
    return section(order) + interface(link, order) + packets


OTHERS = (
    block(4, bytes(4)),  # names
    block(5, struct.pack("<3I", 0, 0, 0)),  # statistics
    block(0x0BAD, struct.pack("<I", 32473) + b"of an example"),  # custom, to be copied
    block(0x40000BAD, struct.pack("<I", 32473) + bytes(9000)),  # custom, not to be copied
    block(0x7777, bytes(700_000)),  # nobody knows it
)


def several(orders: Sequence[str] = "<>") -> bytes:
    """Sections in either byte order, each with interfaces of four link types."""
    links, data = (ETHERNET, COOKED, RAW, NULL), b""
    for order in orders:
        data += section(order, (1, b"made for a test"))
        data += b"".join(interface(link, order, (2, b"eth%d" % link)) for link in links)
        for number, link in enumerate(links):
            datas = IP if link in (RAW, NULL) else ALL
            changed = [
                each if link == ETHERNET else other_link(link, each, order) for each in datas
            ]
            data += b"".join(packet(each, number, order) for each in frames(changed))
    return data


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-cq"], input=data, capture_output=True, check=True).stdout


HUGE = [FRAMES["UDP"] + bytes(65_549 - len(FRAMES["UDP"])), FRAMES["TCP over IPv6"]]
RECORDS = frames(ALL)
OFFSET = 3600
CHECKSUM = [Frame(each.time, each.length + 4, each.kept + b"\xaa\xbb\xcc\xdd") for each in RECORDS]
BACK_AND_FORTH = [
    Frame(each.time + (-1) ** number * 7 * SECOND, each.length, each.kept)
    for number, each in enumerate(RECORDS)
]

# name: what is in the file.
FILES: dict[str, bytes] = {
    "pcap, little-endian": pcap(RECORDS),
    "pcap, big-endian": pcap(RECORDS, ">"),
    "pcap, nanoseconds": pcap(RECORDS, magic=NANO),
    "pcap, nanoseconds, big-endian": pcap(RECORDS, ">", NANO),
    "pcap, modified": pcap(RECORDS, magic=MODIFIED),
    "pcap, modified, big-endian": pcap(RECORDS, ">", MODIFIED),
    "pcap 2.2, lengths exchanged": pcap(frames(ALL, snapshot=50), version=(2, 2)),
    "pcap, compressed by gzip": gzip.compress(pcap(RECORDS)),
    "pcap, compressed by gzip in two parts": gzip.compress(pcap(RECORDS[:9]))
    + gzip.compress(pcap(RECORDS[9:])[24:]),
    "pcap, compressed by zstd": zstd(pcap(RECORDS)),
    "pcap, cut off": pcap(RECORDS)[:-5],
    "pcap, cut off in a record's header": pcap(RECORDS) + bytes(7),
    "pcap, compressed by gzip, cut off": gzip.compress(pcap(RECORDS * 9), 0)[:9000],
    "pcap, frames cut at 40 bytes": pcap(frames(ALL, snapshot=40)),
    "pcap, frames cut at 14 bytes": pcap(frames(ALL, snapshot=14)),
    "pcap, frames cut to nothing": pcap(frames(ALL, snapshot=0)),
    "pcap, checksums of 4 bytes": pcap(CHECKSUM, link=ETHERNET | 0x24000000),
    "pcap, frames of 65,549 bytes": pcap(frames(HUGE)),
    "pcap, one packet": pcap(RECORDS[:1]),
    "pcap, ten at the same time": pcap(frames(ALL[:10], step=0)),
    "pcap, times back and forth": pcap(BACK_AND_FORTH),
    "pcap, raw IP": pcap(frames([other_link(RAW, each) for each in IP]), link=RAW),
    "pcap, raw IP as 12": pcap(frames([other_link(RAW, each) for each in IP]), link=12),
    "pcap, raw IP as 14": pcap(frames([other_link(RAW, each) for each in IP]), link=14),
    "pcap, raw IPv4": pcap(
        frames([each[14:] for each in IP if each[12:14] == b"\x08\0"]), link=228
    ),
    "pcap, raw IPv6": pcap(
        frames([each[14:] for each in IP if each[12:14] != b"\x08\0"]), link=229
    ),
    "pcap, Linux cooked v1": pcap(frames([other_link(COOKED, each) for each in ALL]), link=COOKED),
    "pcap, Linux cooked v2": pcap(
        frames([other_link(COOKED_2, each) for each in ALL]), link=COOKED_2
    ),
    "pcap, Linux cooked v1, cut at 30 bytes": pcap(
        frames([other_link(COOKED, each) for each in ALL], snapshot=30), link=COOKED
    ),
    "pcap, BSD loopback": pcap(frames([other_link(NULL, each) for each in IP]), link=NULL),
    "pcap, BSD loopback, big-endian": pcap(
        frames([other_link(NULL, each, ">") for each in IP]), ">", link=NULL
    ),
    "pcap, OpenBSD loopback": pcap(frames([other_link(LOOP, each) for each in IP]), link=LOOP),
    "pcapng, little-endian": pcapng(RECORDS),
    "pcapng, big-endian": pcapng(RECORDS, ">"),
    "pcapng, compressed by gzip": gzip.compress(pcapng(RECORDS)),
    "pcapng, compressed by zstd": zstd(pcapng(RECORDS)),
    "pcapng, cut off": pcapng(RECORDS)[:-9],
    "pcapng, obsolete packet blocks": section()
    + interface()
    + b"".join(old_packet(each) for each in RECORDS),
    "pcapng, simple packet blocks": section()
    + interface(snapshot=48)
    + b"".join(simple_packet(Frame(0, e.length, e.kept[:48])) for e in RECORDS),
    "pcapng, nanoseconds with an offset": section()
    + interface(ETHERNET, "<", (9, b"\x09"), (14, struct.pack("<q", OFFSET)))
    + b"".join(packet(each, units=SECOND, offset=OFFSET) for each in RECORDS),
    "pcapng, times in units of 2^-20 s": section(">")
    + interface(ETHERNET, ">", (9, b"\x94"))
    + b"".join(packet(each, 0, ">", units=1 << 20) for each in RECORDS),
    "pcapng, comments": section("<", (1, b"a section"))
    + interface(ETHERNET, "<", (2, b"wlan0"), (1, "drei Stück".encode()))
    + b"".join(packet(each, 0, "<", (1, b"a frame")) for each in RECORDS),
    "pcapng, several link types and sections": several(),
    "pcapng, cut at 40 bytes": pcapng(frames(ALL, snapshot=40)),
    "pcapng, blocks that are no frames": section()
    + interface()
    + b"".join(packet(each) + OTHERS[n % len(OTHERS)] for n, each in enumerate(RECORDS)),
}
