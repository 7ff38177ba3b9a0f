"""Packets sent on purpose in a private network: past a tap, and ten ways to lose one.

Laboratory equipment, used in chapter 13. A way sends a packet, a full buffer four, and is over;
what became of it is for the tracepoints to tell.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from chapters.ch13 import router
from helpers import sockets, traffic, uapi
from helpers.netlab import Network, NetworkError

CLOSED, OPEN = 9, 7000  # ports
MACS = bytes.fromhex("02000000000b 02000000000a")  # from left to right, see Network.add_veth
STRANGER = bytes.fromhex("02000000000c 02000000000a")
HOOK = "{ type filter hook input priority 0; policy drop; }"
WALL = f"add table inet wall; add chain inet wall c {HOOK}"


def prepare(net: Network) -> None:
    """What some ways need beforehand: a cable, an address at its right end, and two hosts beyond.

    Errors: NetworkError if this network can have none.
    """
    net.add_veth()
    net.add_address("192.0.2.1", "right")
    router.prepare(net)


def with_tap(net: Network, count: int = 1) -> None:
    """Datagrams on lo, past a packet socket that reads each of them twice: going out, coming in."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as tap:
        tap.bind(("lo", sockets.ETH_P_ALL))
        tap.settimeout(traffic.TIMEOUT_SECONDS)
        traffic.udp(net, count)
        for _ in range(2 * count):
            tap.recv(2048)


@contextmanager
def receiver(net: Network) -> Iterator[socket.socket]:
    """A socket that listens for datagrams at the port OPEN."""
    with net.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", OPEN))
        yield opened


def send(net: Network, port: int) -> None:
    """One datagram with eight bytes."""
    with net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"Anybody?", ("127.0.0.1", port))


def closed_port(net: Network) -> None:
    """Nobody listens at the port."""
    send(net, CLOSED)


def firewall(net: Network) -> None:
    """A rule of the firewall drops all that comes in. Errors: NetworkError without nft."""
    net.run(["nft", WALL], check=True)
    try:
        with receiver(net):
            send(net, OPEN)
    finally:
        net.run(["nft", "delete table inet wall"], check=True)


def full_buffer(net: Network) -> None:
    """The receiver reads too late: the last of four datagrams does not fit, and is lost."""
    with receiver(net) as listener, net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least that there is
        for _ in range(4):
            sender.sendto(bytes(1000), ("127.0.0.1", OPEN))
        with suppress(BlockingIOError):  # those that fitted, or closing it would drop them later
            while listener.recv(1, socket.MSG_DONTWAIT):
                continue


def wrong_checksum(net: Network) -> None:
    """The datagram's checksum does not fit its bytes. A receiver who reads it finds out."""
    header = struct.pack("!HHHH", CLOSED, OPEN, 8 + 8, 0x1234)
    with receiver(net) as listener:
        with net.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            raw.sendto(header + b"Anybody?", ("127.0.0.1", 0))
        listener.setblocking(False)
        with suppress(BlockingIOError):
            listener.recv(100)
            raise NetworkError(
                "The datagram with the wrong checksum has arrived: reset the chapter."
            )


def socket_filter(net: Network) -> None:
    """A filter at the receiving socket returns 0."""
    nothing = struct.pack("HBBI", 0x06, 0, 0, 0)  # classic BPF: return 0
    program = ctypes.create_string_buffer(nothing, len(nothing))
    with receiver(net) as listener:
        attached = struct.pack("HxxxxxxQ", 1, ctypes.addressof(program))
        listener.setsockopt(socket.SOL_SOCKET, uapi.SO_ATTACH_FILTER, attached)
        send(net, OPEN)


def datagram(to: str) -> bytes:
    """An IPv4 packet from 192.0.2.2 with an empty datagram; its header's checksum is right."""
    udp = struct.pack("!HHHH", CLOSED, OPEN, 8, 0)
    return traffic.ipv4(socket.IPPROTO_UDP, udp, source="192.0.2.2", to=to)


def over_the_cable(net: Network, macs: bytes, packet: bytes) -> None:
    """A frame from `left` to `right`, whose address is 192.0.2.1: see prepare.

    Errors: NetworkError if the cable is gone.
    """
    try:
        traffic.frames(net, [macs + b"\x08\x00" + packet], "left")
    except OSError as error:
        raise NetworkError(
            f"Nothing can be sent at the interface left ({error.strerror}): open a new network."
        ) from error


def wrong_machine(net: Network) -> None:
    """The frame is for another hardware address."""
    over_the_cable(net, STRANGER, datagram("192.0.2.1"))


def broken_header(net: Network) -> None:
    """A bit of the IP header has changed on the way, and its checksum no longer fits."""
    packet = bytearray(datagram("192.0.2.1"))
    packet[8] ^= 1  # the time to live
    over_the_cable(net, MACS, bytes(packet))


def no_route(net: Network) -> None:
    """The packet is for another network, and this machine passes nothing on."""
    over_the_cable(net, MACS, datagram("198.51.100.1"))


def wrong_side(net: Network) -> None:
    """It comes from an address to which nothing would leave by this cable (rp_filter is on)."""
    setting = "/proc/sys/net/ipv4/conf/right/rp_filter"
    net.run(["sh", "-c", f"echo 1 > {setting}"], check=True)
    try:
        packet = traffic.ipv4(socket.IPPROTO_UDP, bytes(8), source="10.0.2.9", to="192.0.2.1")
        over_the_cable(net, MACS, packet)
    finally:
        net.run(["sh", "-c", f"echo 0 > {setting}"], check=True)


WAYS: dict[str, Callable[[Network], None]] = {
    "closed port": closed_port,
    "firewall": firewall,
    "full buffer": full_buffer,
    "wrong checksum": wrong_checksum,
    "socket filter": socket_filter,
    "wrong machine": wrong_machine,
    "broken header": broken_header,
    "no route": no_route,
    "wrong side": wrong_side,
    "too long": router.too_long,
}
