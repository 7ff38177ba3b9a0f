"""The independent decoder: what tshark says that frames are, and how many bytes of each.

It reads a file that the test has written, and captures nothing.
"""

from __future__ import annotations

import struct
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chapters.playground import pcap
from helpers import protocols

# Fragments as they are, each by itself, as the kernel shows them.
SINGLY = ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
TAGS = {"ethertype", "vlan", "ieee8021ad"}
NEXT = {"ipv6.hopopts", "ipv6.routing", "ipv6.dstopts", "ipv6.fraghdr"}
FIELDS = ["frame.len", "frame.protocols", "ip.proto", "ip.dst", "ipv6.nxt", "_ws.malformed"]
FIELDS += ["_ws.short"]
FIELDS += sorted(f"{layer}.nxt" for layer in NEXT)
# A header that a class is read from, in tshark's words where it is cut off.
CUT_OFF = {"IPv4", "IPv6", "VLAN", "IEEE 802.1AD", "IPv6 Hop-by-Hop", "IPv6 Routing"}
CUT_OFF |= {"IPv6 Destination", "IPv6 Fragment"}
NOT_CAPTURED = {*CUT_OFF, "Ethernet"}


def write_pcap(path: Path, frames: Sequence[bytes], link: int = 1) -> Path:
    """A capture file, of Ethernet frames if no other link type is given.

    Source: the pcap file format, draft-ietf-opsawg-pcap.
    """
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, link))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)
    return path


def taken_by_tcpdump(path: Path, expression: str, kept: Path) -> list[int]:
    """The lengths on the wire of the frames that tcpdump lets through, and writes to `kept`."""
    tcpdump = ["tcpdump", "-n", "-r", path, "-w", kept, expression]
    subprocess.run(tcpdump, check=True, capture_output=True)
    with pcap.CaptureFile(kept) as file:
        return [length for _, _, length in file.frames_and_lengths()]


def run(*arguments: str | Path) -> str:
    done = subprocess.run(["tshark", "-n", *SINGLY, *arguments], capture_output=True, text=True)
    # 2: the file goes wrong at some place; what stands before it has been printed.
    assert done.returncode in (0, 2), done.stderr
    return done.stdout


def classes(path: Path) -> list[tuple[str, int]]:
    """For each frame of a capture file its class, named as helpers.counters does, and its bytes."""
    fields = [option for field in FIELDS for option in ("-e", field)]
    lines = run("-r", path, "-T", "fields", "-E", "separator=|", *fields).splitlines()
    frames = [dict(zip(FIELDS, line.split("|"), strict=True)) for line in lines]
    # tshark numbers custom blocks of pcapng, too; they have no link type, and are no frames.
    return [class_of(frame) for frame in frames if frame["frame.protocols"] != "data"]


def class_of(frame: dict[str, str]) -> tuple[str, int]:
    """The class of one frame: what its outermost IP header says, or else its EtherType."""
    length, layers = int(frame["frame.len"]), frame["frame.protocols"].split(":")
    if layers[0] not in ("ip", "ipv6"):  # raw IPv4 and IPv6 have no name in front of them
        layers.pop(0)
    said = {field: text.split(",") if text else [] for field, text in frame.items()}
    while layers and layers[0] in TAGS:
        layers.pop(0)
    first = layers.pop(0) if layers else ""
    numbers = said["ip.proto" if first == "ip" else "ipv6.nxt"]
    number, extensions = numbers.pop(0) if numbers else "", 0
    while first == "ipv6" and layers and layers[0] in NEXT:
        numbers, extensions = said[f"{layers.pop(0)}.nxt"], extensions + 1
        # A header can be named by the one before it, and not one byte of it be there.
        number = numbers.pop(0) if numbers else ""
    cut_off = any(f"[Malformed Packet: {name}" in frame["_ws.malformed"] for name in CUT_OFF)
    # The same, and the rest was not captured: of IPv4's first 20 bytes, say, the receiver.
    cut_off |= any(f"during capture: {name} trunc" in frame["_ws.short"] for name in NOT_CAPTURED)
    cut_off &= first != "ip" or not said["ip.dst"]
    if extensions > 8:
        return "too many headers", length
    if cut_off and not layers:  # otherwise it is a header further in that is cut off
        return "truncated", length
    if first not in ("ip", "ipv6"):
        return "ARP" if first == "arp" else "not IP", length
    return protocols.name(int(number)) if number else "truncated", length


def totals(frames: Sequence[bytes], folder: Path, link: int = 1) -> dict[str, int]:
    """Bytes per class of these frames, by tshark."""
    total: Counter[str] = Counter()
    for name, length in classes(write_pcap(folder / "frames.pcap", frames, link)):
        total[name] += length
    return dict(total)


def statistics(frames: Sequence[bytes], folder: Path) -> dict[str, int]:
    """Bytes per class by tshark's own statistics, for TCP, UDP, ICMP and ICMPv6.

    Only for frames without an IP header within another, such as that in an ICMP error.
    """
    names = ["TCP", "UDP", "ICMP", "ICMPv6"]
    fields = ["ip.proto", "ipv6.nxt", *(f"{layer}.nxt" for layer in NEXT)]
    numbers = [protocols.number(name) for name in names]
    filters = [" || ".join(f"{field} == {number}" for field in fields) for number in numbers]
    path = write_pcap(folder / "frames.pcap", frames)
    table = run("-r", path, "-q", "-z", ",".join(["io,stat,0", *filters]))
    # The only row: from when to when, then frames and bytes for each filter.
    row = next(line for line in table.splitlines() if "<>" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    return dict(zip(names, map(int, cells[2::2]), strict=True))
