"""What the kernel knows of a packet, and loads from its headers: our machine, held against it."""

from __future__ import annotations

import json
import socket
import struct

import compared
import pytest

from helpers import cbpf, sockets, syscall, traffic
from helpers.cbpf import Instruction, dissect
from helpers.cbpf import instruction as c
from helpers.cbpf.machine import MissingDataError
from tools.filters.frames import TEST, ethernet, one_of_each

pytestmark = pytest.mark.kernel
NETWORK, LINK = 0xFFF00000, 0xFFE00000
# What a socket is not told with a packet: no witness for these but the kernel itself.
ELSEWHERE = {"random", "cpu", "rxhash", "mark", "queue", "vlan_tci", "vlanp", "vlan_tpid"}
PLUS_1 = [Instruction(c.ALU | c.ADD | c.K, k=1), Instruction(c.RET | c.A)]
LOW_6_BITS = [Instruction(c.ALU | c.AND | c.K, k=63), *PLUS_1]


def attribute(kind: int, data: bytes) -> bytes:
    """A netlink attribute, padded to four bytes. Source: netlink(7)."""
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


NESTED = attribute(3, attribute(1, b"one") + attribute(2, b"twelve")) + attribute(4, b"4")
ATTRIBUTES = [
    ethernet(TEST, attribute(1, b"12345") + attribute(2, b"12") + NESTED),
    ethernet(TEST, NESTED + bytes(9)),
    ethernet(TEST, attribute(2 | 0x8000, b"nested, in network order") + bytes(2)),
    ethernet(TEST, struct.pack("=HH", 3, 2) + bytes(40)),
    ethernet(TEST, struct.pack("=HH", 400, 3) + attribute(2, b"beyond")),
    ethernet(TEST, b"\4\0"),
]


def ask(name: str, a: int = 0, x: int = 0) -> list[Instruction]:
    asked = Instruction(c.LD | c.W | c.ABS, k=c.auxiliary_offset(name))
    return [Instruction(c.LD | c.IMM, k=a), Instruction(c.LDX | c.IMM, k=x), asked]


def load(code: int, k: int, x: int = 0) -> list[Instruction]:
    rest = [Instruction(c.MISC | c.TXA)] if code & 7 == c.LDX else []
    return [Instruction(c.LDX | c.IMM, k=x), Instruction(code, k=k & 0xFFFFFFFF), *rest]


LOADS = [
    load(c.LD | size | c.ABS, base + at)
    for size in c.SIZES
    for base, places in ((NETWORK, (0, 1, 9, 20, 40, 0xFFF0)), (LINK, (0, 12, 14, 23, 60)))
    for at in places
]
LOADS += [
    load(c.LD | size | c.IND, base + at, x)
    for size in c.SIZES
    for base, at, x in ((NETWORK, 9, 0), (NETWORK, 9, 11), (NETWORK, 4, 0xFFFFFFFE), (LINK, 9, 14))
]
LOADS += [load(c.LDX | c.B | c.MSH, NETWORK), load(c.LDX | c.B | c.MSH, LINK + 14)]
# Nothing is asked for by a load that counts from X.
LOADS += [load(c.LD | c.W | c.IND, c.AUXILIARY_OFFSET + 4), load(c.LD | c.W | c.ABS, LINK - 4)]


def received(sock: socket.socket) -> list[tuple[bytes, tuple]]:
    """All that has come so far, and from where: see packet(7)."""
    sock.setblocking(False)
    found = []
    while True:
        try:
            found.append(sock.recvfrom(1 << 16))
        except BlockingIOError:
            return found


@pytest.fixture
def witnessed(veth):
    """What a packet socket at the receiving end is shown of each frame, and told of it."""

    def witness(frames: list[bytes]) -> list[tuple[bytes, dict[str, int]]]:
        with veth.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind(("right", sockets.ETH_P_ALL))
            traffic.frames(veth, frames, "left")
            shown = received(sock)
        said = veth.run(["ip", "-j", "link", "show", "right"], check=True).stdout
        known = {"ifidx": json.loads(said)[0]["ifindex"]}
        return [
            (
                data,
                known | {"proto": of[1], "type": of[2], "hatype": of[3], "link": 0, "network": 14},
            )
            for data, of in shown
        ]

    return witness


def lengths(net, frames: list[bytes], attach) -> list[int]:
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        attach(sock)
        sock.bind(("right", sockets.ETH_P_ALL))
        traffic.frames(net, frames, "left")
        return [len(data) for data, _ in received(sock)]


def ours(program: list[Instruction], shown: list[tuple[bytes, dict[str, int]]]) -> list[int]:
    results = [(cbpf.run(program, data, auxiliary=known), len(data)) for data, known in shown]
    return [min(pair) for pair in results if pair[0]]


def classic(program: list[Instruction]):
    return lambda sock: sockets.attach_filter(sock, cbpf.encode(program))


def same(veth, frames, shown, program: list[Instruction]) -> None:
    expected = ours(program, shown)
    assert lengths(veth, frames, classic(program)) == expected, cbpf.listing(program)
    compared.counts["packets through a classic filter: our machine and the kernel agree"] += len(
        frames
    )


def test_loads_from_the_link_and_the_network_header(veth, witnessed):
    frames = one_of_each()[::3]
    shown = witnessed(frames)
    for body in LOADS:
        program = [*body, *LOW_6_BITS]
        same(veth, frames, shown, program)
        with syscall.load_program(cbpf.translate(program)) as loaded:

            def translated(sock, fd=loaded.fd):
                sock.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, fd)

            assert lengths(veth, frames, translated) == ours(program, shown), cbpf.listing(program)


def test_where_the_payload_begins(veth, witnessed):
    # Linux before 6.0 does not know where PPP's own protocols begin.
    frames = [each for each in one_of_each() if each[20:22] != b"\xc0\x21"]
    shown = witnessed(frames)
    same(veth, frames, shown, [*ask("poff"), *PLUS_1])
    bare = [*ask("poff"), Instruction(c.RET | c.A)]
    assert len({cbpf.run(bare, data, auxiliary=known) for data, known in shown}) > 8


def test_netlink_attributes(veth, witnessed):
    shown = witnessed(ATTRIBUTES)
    for name in ("nla", "nlan"):
        for kind in (1, 2, 3, 4, 0x4002):
            for at in (0, 14, 30, 57, 60, 0x7FFFFFFF, 0xFFFFFFFF):
                same(veth, ATTRIBUTES, shown, [*ask(name, at, kind), *PLUS_1])


def test_attributes_are_found_at_all():
    for frame, kind, nested, at in (
        (ATTRIBUTES[0], 2, False, 26),
        (ATTRIBUTES[1], 2, True, 26),
        (ATTRIBUTES[2], 2, False, 14),
        (ATTRIBUTES[4], 2, False, 0),
    ):
        assert dissect.attribute(frame, 14, kind, nested) == at


def test_the_rest_of_what_is_known(veth, witnessed):
    frames = one_of_each()[::2]
    shown = witnessed(frames)
    known = set(c.AUXILIARY.values()) - ELSEWHERE
    for name in sorted(known - {"nla", "nlan", "poff"}):
        same(veth, frames, shown, [*ask(name, 40, 5), *LOW_6_BITS])


def test_a_udp_socket_looks_back_at_the_ip_header():
    family = socket.AF_INET, socket.SOCK_DGRAM
    with socket.socket(*family) as receiver, socket.socket(*family) as sender:
        receiver.bind(("127.0.0.1", 0))
        sender.bind(("127.0.0.9", 0))
        data = struct.pack(
            "!HHHH", sender.getsockname()[1], receiver.getsockname()[1], 38, 0
        ) + bytes(30)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 58, 0, 0x4000, 64, 17, 0)
        ip += bytes([127, 0, 0, 9, 127, 0, 0, 1])
        for at in (0, 8, 9, 15, 16):
            program = [*load(c.LD | c.B | c.ABS, NETWORK + at), *LOW_6_BITS]
            sockets.attach_filter(receiver, cbpf.encode(program))
            sender.sendto(bytes(30), receiver.getsockname())
            result = cbpf.run(program, data, auxiliary={"network": -20}, before=ip)
            assert len(receiver.recv(100)) == max(0, min(result, 38) - 8)
        with pytest.raises(MissingDataError, match="in front of the packet: pass before="):
            cbpf.run(program, data, auxiliary={"network": -20})
