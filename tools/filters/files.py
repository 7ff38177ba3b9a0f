"""Ours and tcpdump -r's count of the packets of capture files, one of each link type.

Laboratory equipment. Ours is the filter that cbpf.compile_for_file makes, run by libpcap's own
machine, as the playground runs it, and by the course's, which follows the kernel.
"""

from __future__ import annotations

import ctypes
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from helpers import cbpf, libpcap
from helpers.cbpf.check import JumpError
from helpers.cbpf.expression import ExpressionError
from helpers.uapi import PACKET_HOST, PACKET_OUTGOING
from tools.filters.expressions import EXPRESSIONS
from tools.filters.frames import IPV6, both_ways, ethernet

MAGIC, CUT = 0xA1B2C3D4, 60  # bytes that are kept of some frames
AF_INET, AF_INET6 = 2, 30  # as macOS numbers them
FILE_HEADER, RECORD = 24, 16
SOME = 7  # one packet in so many goes through the course's machine, too, which takes its time
# A file by its name: the number of its link type, and its byte order.
FILES = {
    "Ethernet": (1, "<"),
    "raw IP": (101, "<"),
    "Linux cooked v1": (113, "<"),
    "Linux cooked v2": (276, "<"),
    "BSD loopback": (0, "<"),
    "BSD loopback, big-endian": (0, ">"),
    "OpenBSD loopback": (108, "<"),
    "raw IPv6": (229, "<"),
}


@dataclass(frozen=True)
class FileRow:
    """One expression on one file: how many packets each counted, or why it refused."""

    expression: str
    file: str
    theirs: int | str
    ours: int | str


def packet(link: int, order: str, number: int, frame: bytes) -> bytes | None:
    """What a file of this link type has of an Ethernet frame; None if it has no place for it."""
    kind, inside = int.from_bytes(frame[12:14], "big"), frame[14:]
    way, length = PACKET_OUTGOING if number % 3 else PACKET_HOST, struct.pack("!H", 6)
    station = frame[6:12] + bytes(2)
    family = {0x0800: AF_INET, IPV6: AF_INET6}.get(kind)
    if link == 1:
        return frame
    if link == 113:
        head = struct.pack("!HH", way, 1) + length + station
        return head + struct.pack("!H", kind) + inside
    if link == 276:
        return struct.pack("!HHIHBB", kind, 0, 2 + number % 2, 1, way, 6) + station + inside
    if family is None or (link == 229 and family != AF_INET6):
        return None
    if link == 0:
        return struct.pack(f"{order}I", family) + inside
    return struct.pack("!I", family) + inside if link == 108 else inside


def records(link: int, order: str) -> list[tuple[int, bytes]]:
    """Length on the wire and what was kept of every packet; every second one once more, cut."""
    there, back = both_ways()
    made = [packet(link, order, *each) for each in enumerate([*there, *back, ethernet(0, b"")])]
    whole = [(len(each), each) for each in made if each]
    return whole + [(length, each[:CUT]) for length, each in whole[::2]]


def write(path: Path, link: int, order: str) -> list[tuple[int, bytes]]:
    """A capture file of those. Source: pcap-savefile(5)."""
    kept = records(link, order)
    with path.open("wb") as file:
        file.write(struct.pack(f"{order}IHHiIII", MAGIC, 2, 4, 0, 0, 1 << 18, link))
        for number, (length, each) in enumerate(kept):
            file.write(struct.pack(f"{order}IIII", number, 0, len(each), length) + each)
    return kept


def compare(folder: Path, every: int = 1) -> list[FileRow]:
    """Count each expression on each file; on others than Ethernet's one in `every`."""
    rows, all_texts = [], [text.format(left=2, right=3) for text in EXPRESSIONS]
    with ThreadPoolExecutor(2) as pool:
        for name, (link, order) in FILES.items():
            path = folder / f"{name}.pcap"
            kept = write(path, link, order)
            texts = all_texts if link == 1 else all_texts[link % every :: every]
            theirs = pool.map(lambda text, path=path: tcpdump(path, text), texts)
            ours = [count(text, link, order, kept) for text in texts]
            rows += [
                FileRow(text, name, *two)
                for text, two in zip(texts, zip(theirs, ours, strict=True), strict=True)
            ]
    return rows


def tcpdump(path: Path, expression: str) -> int | str:
    """How many packets tcpdump lets through, or why none."""
    command = ["tcpdump", "-n", "-r", path, "-w", "-", "--", expression]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        return done.stderr.decode().strip().splitlines()[-1].removeprefix("tcpdump: ")
    at, found = FILE_HEADER, 0
    while at < len(done.stdout):  # it writes in this machine's byte order
        at += RECORD + struct.unpack_from("=I", done.stdout, at + 8)[0]
        found += 1
    return found


def count(expression: str, link: int, order: str, kept: list[tuple[int, bytes]]) -> int | str:
    """The same by our filter. Errors: AssertionError if the two machines do not agree."""
    try:
        program = cbpf.compile_for_file(expression, link, order)
    except ExpressionError as error:
        return str(error)
    machine = libpcap.library().bpf_filter
    machine.restype = ctypes.c_uint
    code = cbpf.encode(program)
    passed = [bool(machine(code, each, length, len(each))) for length, each in kept]
    try:
        cbpf.check(program)
    except JumpError:  # a loop, which libpcap's machine alone runs
        return sum(passed)
    whole = [
        (each, taken)
        for (length, each), taken in zip(kept, passed, strict=True)
        if length == len(each)
    ]
    for each, taken in whole[len(expression) % SOME :: SOME]:
        assert bool(cbpf.run(program, each)) == taken, (expression, each.hex())
    return sum(passed)
