"""Known traffic: so many echoes, datagrams or bytes, and nothing else.

Laboratory equipment, first used in chapter 03. Each function sends through sockets of the network
that it is given and returns once everything has arrived.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from helpers.errors import CourseError

if TYPE_CHECKING:
    from helpers.netlab import Network

# How long to wait for anything; on lo an answer takes well under a millisecond.
TIMEOUT_SECONDS = 5.0


class TrafficError(CourseError):
    """What was sent did not arrive, or could not be sent."""


def family_of(address: str, net: Network) -> int:
    """AF_INET6 for an address with a colon in it, else AF_INET.

    Errors: NetworkError if it is IPv6, and the network has none.
    """
    if ":" not in address:
        return socket.AF_INET
    net.require_ipv6()
    return socket.AF_INET6


def echo(net: Network, count: int = 1, size: int = 56, to: str = "127.0.0.1") -> None:
    """Send `count` ICMP echo requests with `size` bytes of data each, as ping does.

    Each is sent once the reply to the one before has arrived. To an IPv6 address it is ICMPv6.
    On the wire one request has 14 + 20 + 8 + size bytes over IPv4, 20 more over IPv6, and its
    reply has as many.
    Errors: TrafficError if a reply does not come within TIMEOUT_SECONDS; NetworkError if there is
    no IPv6 for it.
    Source: RFC 792, RFC 4443.
    """
    family = family_of(to, net)
    six = family == socket.AF_INET6
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    request, reply = (128, 129) if six else (8, 0)
    with net.socket(family, socket.SOCK_RAW, protocol) as raw:
        for number in range(count):
            identity = struct.pack("!HH", os.getpid() & 0xFFFF, number & 0xFFFF)
            message = struct.pack("!BBH", request, 0, 0) + identity + bytes(size)
            if not six:  # for ICMPv6 the kernel fills the checksum in
                message = message[:2] + checksum(message) + message[4:]
            raw.sendto(message, (to, 0))
            await_reply(raw, reply, identity, to)


def await_reply(raw: socket.socket, reply: int, identity: bytes, to: str) -> None:
    """Read from a raw ICMP socket until the reply with this identity is there."""
    header = 0 if raw.family == socket.AF_INET6 else 20
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        raw.settimeout(left)
        try:
            message = raw.recv(1 << 16)[header:]
        except TimeoutError:
            break
        if message[0] == reply and message[4:8] == identity:
            return
    raise TrafficError(
        f"No echo reply from {to} within {TIMEOUT_SECONDS:.0f} seconds: "
        "is the address one of this network, and its firewall open?"
    )


def checksum(data: bytes) -> bytes:
    """The Internet checksum of `data`, two bytes in network order. Source: RFC 1071."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", total ^ 0xFFFF)


def ipv4(
    protocol: int,
    payload: bytes,
    fragment: int = 0,
    options: bytes = b"",
    source: str = "192.0.2.1",
    to: str = "192.0.2.2",
) -> bytes:
    """An IPv4 packet, its header 20 bytes long and the options.

    Arguments: fragment: the flags, and the offset in units of 8 bytes. options: a multiple of 4
        bytes. source, to: by default addresses that are kept for examples.
    Source: RFC 791, RFC 5737. First used in chapter 09.
    """
    length = 20 + len(options) + len(payload)
    fields = (0x45 + len(options) // 4, 0, length, 1, fragment, 64, protocol, 0)
    ends = socket.inet_aton(source) + socket.inet_aton(to)
    header = struct.pack("!BBHHHBBH", *fields) + ends + options
    return header[:10] + checksum(header) + header[12:] + payload


@contextmanager
def patience(to: str) -> Iterator[None]:
    """Turn waiting in vain into one sentence. Errors: TrafficError."""
    try:
        yield
    except TimeoutError as error:
        raise TrafficError(
            f"Nothing came through to {to} for {TIMEOUT_SECONDS:.0f} seconds: is the address one "
            "of this network, and its firewall open?"
        ) from error


def udp(
    net: Network,
    count: int = 1,
    size: int = 100,
    to: str = "127.0.0.1",
    ttl: int | None = None,
    source: str | None = None,
    port: int = 0,
) -> None:
    """Send `count` UDP datagrams with `size` bytes of data each to a port that is open.

    Over IPv4 one has 14 + 20 + 8 + size bytes on the wire, over IPv6 20 more. The open port
    matters: a closed one would answer each with an ICMP error. Each has arrived before the next.
    Arguments:
        ttl: the time to live in the IPv4 header, None for the kernel's usual one.
        source: the address to send from, None for the kernel's choice.
        port: the port to send to, 0 for a free one.
    Errors: TrafficError if one does not arrive within TIMEOUT_SECONDS.
    Source: RFC 768.
    """
    family = family_of(to, net)
    with (
        net.socket(family, socket.SOCK_DGRAM) as receiver,
        net.socket(family, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind((to, port))
        if source is not None:
            sender.bind((source, 0))
        if ttl is not None:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        receiver.settimeout(TIMEOUT_SECONDS)
        data = bytes(size)
        address = receiver.getsockname()
        with patience(to):
            for _ in range(count):
                sender.sendto(data, address)
                # Before Linux 6.4 it may arrive after sendto() is back, when the port was closed.
                receiver.recv(1)


def tcp(net: Network, size: int = 100_000, to: str = "127.0.0.1") -> int:
    """Send `size` bytes through one TCP connection; the number of bytes that arrived.

    How many packets that takes, and so how many bytes of headers, is for the kernel to decide.
    Errors: TrafficError if the transfer stops half way.
    Source: RFC 9293.
    """
    family = family_of(to, net)
    with net.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((to, 0))
        listener.listen(1)
        with net.socket(family, socket.SOCK_STREAM) as sender, patience(to):
            sender.settimeout(TIMEOUT_SECONDS)
            sender.connect(listener.getsockname())
            receiver, _ = listener.accept()
            with receiver:
                return transfer(sender, receiver, size)


def bulk(net: Network, size: int = 1_000_000, to: str = "127.0.0.1") -> None:
    """Send `size` bytes through one TCP connection as a file transfer does: all that fits at once.

    Errors: TrafficError if the transfer stops half way. First used in chapter 12.
    """
    family = family_of(to, net)
    with (
        net.socket(family, socket.SOCK_STREAM) as listener,
        net.socket(family, socket.SOCK_STREAM) as sender,
    ):
        listener.bind((to, 0))
        listener.listen(1)
        with patience(to):
            sender.settimeout(TIMEOUT_SECONDS)
            sender.connect(listener.getsockname())
            receiver, _ = listener.accept()
            # The receiver is closed first, or a sender that nobody listens to would go on waiting.
            with ThreadPoolExecutor(max_workers=1) as pool, receiver:
                sent = pool.submit(sender.sendall, bytes(size))
                receive(receiver, size)
                sent.result()


def receive(receiver: socket.socket, size: int) -> None:
    """Read `size` bytes. Errors: TrafficError if the connection ends before."""
    receiver.settimeout(TIMEOUT_SECONDS)
    left = size
    while left:
        received = len(receiver.recv(min(left, 1 << 20)))
        if not received:
            raise TrafficError(f"The connection ended {left} bytes too early: send again.")
        left -= received


def transfer(sender: socket.socket, receiver: socket.socket, size: int) -> int:
    """Pass `size` bytes on in pieces small enough for the buffers of one thread."""
    arrived, piece = 0, bytes(16_384)
    while arrived < size:
        wanted = min(len(piece), size - arrived)
        sender.sendall(piece[:wanted])
        receive(receiver, wanted)
        arrived += wanted
    return arrived


def frames(net: Network, frames: Iterable[bytes], interface: str = "lo") -> int:
    """Send whole Ethernet frames as they are, header and all, out of one interface.

    The kernel passes on what it is given: right, wrong or cut off, but 14 bytes at least, and no
    more than the interface's mtu, plus 14 for the header and 4 for a VLAN tag.
    Result: the number of bytes handed to the kernel; what it drops on the way out counts, too.
    Errors: TrafficError for a frame that the interface cannot carry.
    Source: packet(7). First used in chapter 12.
    """
    total = 0
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        for number, frame in enumerate(frames):
            total += len(frame)
            try:
                sender.send(frame)
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # a filter or a queue has dropped it
                    continue
                raise TrafficError(
                    f"Frame {number} has {len(frame)} bytes, and {interface} does not carry it "
                    f"({error.strerror}): a frame has 14 bytes or more, and at most the mtu and 14."
                ) from error
    return total
