"""Classic filters and packets for Hypothesis to draw, and sockets to try them on in the kernel."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

from helpers.cbpf import Instruction
from helpers.cbpf import instruction as c

NUMBERS = st.one_of(
    st.integers(0, 84),
    st.sampled_from([0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF, 0x0800]),
    st.integers(0, 0xFFFFFFFF),
)
OFFSETS = st.one_of(st.integers(0, 72), st.integers(0, 72), st.integers(0, 72), NUMBERS)
XOR_X = c.AUXILIARY_OFFSET + 40
PACKETS = st.one_of(st.binary(min_size=64, max_size=80), st.binary(max_size=80))
WORDS = 3  # of scratch memory; each is stored before anything else
STORED = [Instruction(c.ST, k=word) for word in range(WORDS)]
# Both registers go into the number of bytes that arrive, 1 to 64, with every bit that they have.
FOLDED = [
    Instruction(c.ALU | c.MUL | c.K, k=0x9E3779B1),
    Instruction(c.ALU | c.XOR | c.X),
    Instruction(c.ALU | c.MUL | c.K, k=0x85EBCA6B),
    Instruction(c.ALU | c.RSH | c.K, k=26),
    Instruction(c.ALU | c.ADD | c.K, k=1),
    Instruction(c.RET | c.A),
]
SCRATCH_AND_JUMPS = (c.ST, c.STX, c.LD | c.MEM, c.LDX | c.MEM, c.JMP | c.JA, c.JMP | c.JEQ)
SCRATCH_AND_JUMPS += (c.RET | c.K,)


@st.composite
def filters(draw: st.DrawFn, codes: tuple[int, ...] = tuple(c.NOTATION)) -> list[Instruction]:
    """A filter that the kernel takes: up to 20 instructions between STORED and FOLDED."""
    length = draw(st.integers(1, 20))
    body = [_instruction(draw, draw(st.sampled_from(codes)), n) for n in range(length, 0, -1)]
    return STORED + body + FOLDED


def _instruction(draw: st.DrawFn, code: int, left: int) -> Instruction:
    """left: how many instructions follow, up to the first of FOLDED."""
    operation, k = code & 0xF0, draw(NUMBERS)
    jt, jf = draw(st.tuples(st.integers(0, left - 1), st.integers(0, left - 1)))
    if code == c.JMP | c.JA:
        k = jt
    elif code in (c.ST, c.STX, c.LD | c.MEM, c.LDX | c.MEM):
        k %= WORDS
    elif code & 0x0F == c.ALU and operation in (c.DIV, c.MOD):
        k = k or 1
    elif code & 0x0F == c.ALU and operation in (c.LSH, c.RSH):
        k %= 32
    elif code & 0x07 in (c.LD, c.LDX) and code & 0xE0 in (c.ABS, c.IND, c.MSH):
        k = draw(OFFSETS)
        k = XOR_X if code & 0xE7 == c.LD | c.ABS and k >= c.AUXILIARY_OFFSET else k
    return Instruction(code, jt, jf, k)


@st.composite
def damaged(draw: st.DrawFn) -> list[Instruction]:
    """A filter in which one field has any value at all; the kernel takes some of these."""
    program = draw(filters())
    at = draw(st.integers(0, len(program) - 1))
    fields = dict(vars(program[at]))
    field = draw(st.sampled_from(sorted(fields)))
    most = {"code": 0xFF, "jt": 0xFF, "jf": 0xFF, "k": 0xFFFFFFFF}[field]
    small = st.integers(0, 40)
    fields[field] = draw(st.one_of(small, st.integers(0, most), st.integers(most - 40, most)))
    program[at] = Instruction(**fields)
    return program


STATIONS = [bytes.fromhex(each) for each in ("02000000000a", "02000000000b", "01005e000001")]
STATIONS.append(b"\xff" * 6)
ADDRESSES = [b"\x0a\0\0\x01", b"\x0a\0\0\x02", b"\x7f\0\0\x01", b"\xe0\0\0\1"]
PORTS = [22, 53, 80, 2048, 40000]
TCP_GET = bytes(8) + b"\x50" + bytes(7) + b"GET "
# What a frame is made of: for each argument of frame(), the values that filters ask for.
CHOICES = {
    "kind": [0x0800, 0x0800, 0x86DD, 0x0806, 0x8100],
    "stations": [to + of for to in STATIONS for of in STATIONS],
    "number": [1, 6, 6, 17, 47, 58, 255],
    "ports": [(of, to) for of in PORTS for to in PORTS],
    "words": [5, 6, 15],
    "fragment": [0, 0, 0, 0x4000, 0x2000, 0x0010],
    "length": [84, 20, 24],
    "ttl": [1, 64],
    "addresses": [of + to for of in ADDRESSES for to in ADDRESSES],
    "data": [TCP_GET, bytes(17), bytes(range(200, 240)), b"\x12" * 30],
    "end": [None, None, None, 14, 30, 36],
}


def frame(kind, stations, number, ports, words, fragment, length, ttl, addresses, data, end):
    """An Ethernet frame, up to its byte `end`; `words`: the fours of bytes in its IPv4 header."""
    ethernet = stations + struct.pack("!H", kind) + (b"\0\1\x08\0" if kind == 0x8100 else b"")
    four = struct.pack("!BBHHHBBH", 0x40 + words, 0, length, 0, fragment, ttl, number, 0)
    four += addresses + bytes(4 * words - 20)
    six = struct.pack("!IHBB", 6 << 28, 64, number, 64) + bytes(15) + b"\1" + bytes(15) + b"\1"
    network = six if kind == 0x86DD else four
    return (ethernet + network + struct.pack("!HH", *ports) + data)[:end]


def frames() -> st.SearchStrategy[bytes]:
    choices = {name: st.sampled_from(values) for name, values in CHOICES.items()}
    return st.fixed_dictionaries(choices).map(lambda chosen: frame(**chosen))


EXPRESSIONS = """
icmp|ip6|arp|tcp|udp|vlan|port 53|src port 53|udp port 53 and ip|host 10.0.0.1|net 127.0.0.0/8
not port 22|tcp[13] & 2 != 0|ip[8] < 5|len > 80|less 60|ether host 02:00:00:00:00:0a|broadcast
ip proto 47|icmp6|portrange 50-60|tcp port 80 and (src net 10.0.0.0/8 or dst host 10.0.0.2)
ip[0] & 0xf != 5|ether[0] & 1 = 0 and ip[16] >= 224|udp[4:2] > 100|ether proto 0x0800
tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420|vlan and ip|ip and (ip[2:2] - ((ip[0] & 0xf) << 2)) != 0
icmp[icmptype] = icmp-echo|host ::1|ip6[6] = 58|multicast|len % 3 = 0|ip or ip6 and not tcp
"""
EXPRESSIONS = EXPRESSIONS.replace("\n", "|").strip("|").split("|")


@st.composite
def scratch_users(draw: st.DrawFn) -> list[Instruction]:
    """A filter that stores and reads scratch words as it comes; the kernel takes some of these."""
    return draw(filters(SCRATCH_AND_JUMPS))[draw(st.integers(0, WORDS)) :]


class Pair:
    """Two sockets that are joined; a filter is attached to the one that receives.

    Of the family AF_UNIX, where a filter sees exactly what was sent, from its first byte on.
    """

    def __init__(self, sender: socket.socket, receiver: socket.socket) -> None:
        self.sender, self.receiver = sender, receiver

    def arrives(self, packet: bytes) -> bytes | None:
        """What of a packet arrives, None if nothing does."""
        self.sender.send(packet)
        try:
            return self.receiver.recv(1 << 17)
        except BlockingIOError:
            return None


@contextmanager
def pair() -> Iterator[Pair]:
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.setblocking(False)
        yield Pair(sender, receiver)
