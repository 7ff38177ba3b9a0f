"""DNS traffic made from a name and a number, and what a right monitor counts of it.

Laboratory equipment, used in chapter 14. What is to be counted is written down while a frame is
made; nothing here reads a frame again, and no BPF program takes part.
Source: RFC 791, 8200 (IP), 768 (UDP), 1035 (DNS), IEEE 802.1Q (tags).
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from helpers import frames
from helpers import traffic as packets

UDP, TCP = frames.UDP, 6
DNS_PORT = 53
FRAGMENT = frames.FRAGMENT
EXTENSIONS = (frames.HOP_BY_HOP, frames.ROUTING, frames.DESTINATION)
MOST_EXTENSIONS, MOST_TAGS = 4, 2
FRAMES_OF_A_CLASS = 25
LATER, MORE = 185, 0x2000  # a later fragment's offset, in units of 8 bytes; IPv4's "more follow"

# Who asks whom: two addresses as text; and questions, their bytes, replies, their bytes.
Pair = tuple[str, str]
Table = dict[Pair, tuple[int, int, int, int]]


@dataclass(frozen=True)
class Exchange:
    """One question or reply, before it is put into a frame."""

    client: str
    server: str
    reply: bool
    data: bytes  # the DNS message
    port: int  # the client's


@dataclass
class Class:
    """Frames of one kind, and what is to be counted of them."""

    name: str
    frames: list[bytes] = field(default_factory=list)
    table: Table = field(default_factory=dict)


def message(draw: random.Random, reply: bool) -> bytes:
    """A DNS message: its header, 12 bytes, and some more."""
    header = struct.pack(
        "!HHHHHH", draw.randrange(1 << 16), 0x8180 if reply else 0x0100, 1, 0, 0, 0
    )
    return header + draw.randbytes(draw.randrange(5, 200))


def exchange(draw: random.Random, version: int) -> Exchange:
    hosts = ("192.0.2.", "198.51.100.") if version == 4 else ("2001:db8:1::", "2001:db8:2::")
    client, server = hosts[0] + str(draw.randrange(1, 9)), hosts[1] + str(draw.randrange(1, 4))
    reply = draw.random() < 0.4
    port = draw.randrange(1024, 1 << 16)
    return Exchange(client, server, reply, message(draw, reply), port)


def transport(each: Exchange, server_port: int = DNS_PORT, swapped: bool = False) -> bytes:
    """A UDP header, without a checksum, and the message."""
    ports = (server_port, each.port) if each.reply != swapped else (each.port, server_port)
    return frames.udp(each.data, *ports)


def ends(each: Exchange) -> tuple[str, str]:
    return (each.server, each.client) if each.reply else (each.client, each.server)


def ipv4(
    each: Exchange,
    payload: bytes,
    options: int = 0,
    fragment: int = 0,
    protocol: int = UDP,
    first: int | None = None,
) -> bytes:
    """options: in words of 4 bytes. fragment: that field of the header. first: its first byte."""
    packet = packets.ipv4(protocol, payload, fragment, b"\x01" * (4 * options), *ends(each))
    return packet if first is None else bytes([first]) + packet[1:]


def ipv6(
    each: Exchange,
    payload: bytes,
    extensions: tuple[int, ...] = (),
    fragment: int | None = None,
    protocol: int = UDP,
    first: int = 0x60,
) -> bytes:
    """extensions: their numbers, FRAGMENT among them. fragment: the offset in its header."""
    chain = [*extensions, protocol]
    headers = b""
    for number, following in zip(chain, chain[1:], strict=False):
        if number == FRAGMENT:
            headers += frames.fragment(following, b"", fragment or 0, more=True)
        else:
            headers += bytes([following, 1, 1, 12]) + bytes(12)  # 16 bytes
    packet = frames.ipv6(chain[0], headers + payload, ends(each))
    return bytes([first]) + packet[1:]


def frame(packet: bytes, version: int, tags: int = 0, kinds: tuple[int, ...] = (0x8100,)) -> bytes:
    made = frames.ethernet(frames.IPV4 if version == 4 else frames.IPV6, packet)
    for number in reversed(range(tags)):  # the innermost first
        made = frames.tagged(made, 100 + number, kinds[number % len(kinds)])
    return made


Made = tuple[bytes, bool]  # a frame, and whether it counts


def plain(draw: random.Random, each: Exchange, version: int, tags: int = 0) -> bytes:
    payload = transport(each)
    packet = ipv4(each, payload) if version == 4 else ipv6(each, payload)
    return frame(packet, version, tags, draw.choice([(0x8100,), (0x88A8, 0x8100)]))


def chain(draw: random.Random, count: int) -> tuple[int, ...]:
    return tuple(draw.choice(EXTENSIONS) for _ in range(count))


def cut(draw: random.Random, each: Exchange, version: int) -> Made:
    """Within the UDP or the DNS header."""
    whole = plain(draw, each, version)
    return whole[: (34 if version == 4 else 54) + draw.randrange(20)], False


def malformed(draw: random.Random, each: Exchange, version: int) -> Made:
    if version == 6:
        return frame(ipv6(each, transport(each), first=draw.choice((0x40, 0x50, 0x70))), 6), False
    first = draw.choice((0x40, 0x44, 0x55, 0x65, 0x75))
    return frame(ipv4(each, transport(each), first=first), 4), False


def noise(draw: random.Random, each: Exchange, version: int) -> Made:
    """A frame of neither IP nor VLAN, whatever follows."""
    whole = plain(draw, each, version)
    return whole[:12] + struct.pack("!H", draw.choice((0x0806, 0x88CC, 0x0600))) + whole[14:], False


def other_port(draw: random.Random, each: Exchange, version: int) -> Made:
    payload = transport(each, draw.choice((5353, 54, 443, 0x3500)))
    return frame(ipv4(each, payload) if version == 4 else ipv6(each, payload), version), False


def wrong_way(draw: random.Random, each: Exchange, version: int) -> Made:
    """A reply that goes to port 53, a question that comes from there."""
    payload = transport(each, swapped=True)
    return frame(ipv4(each, payload) if version == 4 else ipv6(each, payload), version), False


def over_tcp(draw: random.Random, each: Exchange, version: int) -> Made:
    make = ipv4 if version == 4 else ipv6
    return frame(make(each, transport(each), protocol=TCP), version), False


def of_ipv4(**fields: int) -> Callable[[random.Random, Exchange, int], Made]:
    counts = not fields.get("fragment", 0) & 0x1FFF
    return lambda draw, each, version: (frame(ipv4(each, transport(each), **fields), 4), counts)


def extended(draw: random.Random, each: Exchange, version: int) -> Made:
    numbers = chain(draw, draw.randrange(1, MOST_EXTENSIONS + 1))
    return frame(ipv6(each, transport(each), numbers), 6), True


def too_many(draw: random.Random, each: Exchange, version: int) -> Made:
    return frame(ipv6(each, transport(each), chain(draw, MOST_EXTENSIONS + 1)), 6), False


def first_fragment(draw: random.Random, each: Exchange, version: int) -> Made:
    return frame(ipv6(each, transport(each), (60, FRAGMENT)), 6), True


def later_fragment(draw: random.Random, each: Exchange, version: int) -> Made:
    return frame(ipv6(each, transport(each), (FRAGMENT,), LATER), 6), False


def tagged(count: int) -> Callable[[random.Random, Exchange, int], Made]:
    return lambda draw, each, version: (plain(draw, each, version, count), count <= MOST_TAGS)


# By name: the IP versions, and how a frame is made.
CLASSES: dict[str, tuple[tuple[int, ...], Callable[[random.Random, Exchange, int], Made]]] = {
    "IPv4": ((4,), tagged(0)),
    "IPv6": ((6,), tagged(0)),
    "one VLAN tag": ((4, 6), tagged(1)),
    "two VLAN tags": ((4, 6), tagged(2)),
    "three VLAN tags": ((4, 6), tagged(3)),
    "IPv4 options": ((4,), of_ipv4(options=3)),
    "IPv4, a first fragment": ((4,), of_ipv4(fragment=MORE)),
    "IPv4, a later fragment": ((4,), of_ipv4(fragment=LATER)),
    "IPv6 extension headers": ((6,), extended),
    "IPv6, five extension headers": ((6,), too_many),
    "IPv6, a first fragment": ((6,), first_fragment),
    "IPv6, a later fragment": ((6,), later_fragment),
    "another port": ((4, 6), other_port),
    "the wrong way round": ((4, 6), wrong_way),
    "TCP": ((4, 6), over_tcp),
    "cut short": ((4, 6), cut),
    "a malformed IP header": ((4, 6), malformed),
    "neither IP nor a tag": ((4, 6), noise),
}

# In the order in which a monitor is best built.
MILESTONES = (
    ("IPv4", "another port", "the wrong way round", "TCP", "neither IP nor a tag"),
    ("IPv6",),
    ("one VLAN tag", "two VLAN tags", "three VLAN tags"),
    ("IPv4 options", "IPv4, a first fragment", "IPv4, a later fragment"),
    ("IPv6 extension headers", "IPv6, five extension headers"),
    ("IPv6, a first fragment", "IPv6, a later fragment"),
    ("cut short", "a malformed IP header"),
)


def entry(each: Exchange, length: int) -> tuple[int, int, int, int]:
    return (0, 0, 1, length) if each.reply else (1, length, 0, 0)


def total(entries: list[tuple[Pair, tuple[int, int, int, int]]]) -> Table:
    """What all entries come to, pair by pair."""
    sums: dict[Pair, Counter] = {}
    for pair, values in entries:
        sums.setdefault(pair, Counter()).update(dict(enumerate(values)))
    return {pair: tuple(sums[pair][n] for n in range(4)) for pair in sums}


def made(name: str, number: int, count: int = FRAMES_OF_A_CLASS) -> list[Class]:
    """The traffic of a learner, class by class; the same for the same name and number.

    Arguments: count: frames of each class. Result: the classes in an order of their own.
    For chapter 14.
    """
    draw = random.Random(f"{name}/{number}")
    classes = [of_class(kind, draw, count) for kind in CLASSES]
    draw.shuffle(classes)
    return classes


def of_class(kind: str, draw: random.Random, count: int) -> Class:
    """Some frames of one class, and the table that they come to."""
    versions, make = CLASSES[kind]
    made, counted = [], []
    for _ in range(count):
        version = draw.choice(versions)
        each = exchange(draw, version)
        bytes_of, counts = make(draw, each, version)
        made.append(bytes_of)
        if counts:
            counted.append(((each.client, each.server), entry(each, len(bytes_of))))
    return Class(kind, made, total(counted))


def whole(classes: list[Class]) -> Table:
    """What all classes come to."""
    return total([each for one in classes for each in one.table.items()])
