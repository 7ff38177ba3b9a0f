"""Frames made by hand, layer by layer: each function puts one header in front of what it is given.

Laboratory equipment, first used in chapter 12. The addresses are those kept for
examples, unless others are given.
"""

from __future__ import annotations

import socket
import struct

from helpers import traffic

# EtherTypes, and the numbers of IPv6's extension headers. Source: IANA.
IPV4, ARP, IPV6, TAG, OUTER_TAG = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8
HOP_BY_HOP, UDP, ROUTING, FRAGMENT, DESTINATION = 0, 17, 43, 44, 60
# From the left end of netlab's veth pair to its right end.
MACS = bytes.fromhex("02000000000b 02000000000a")


def ethernet(kind: int, payload: bytes) -> bytes:
    """An Ethernet header; kind: the EtherType. 14 bytes. Source: IEEE 802.3."""
    return MACS + struct.pack("!H", kind) + payload


def tagged(frame: bytes, vlan: int = 5, kind: int = TAG) -> bytes:
    """A VLAN tag put into a frame, before its EtherType; a second one goes before the first.

    4 bytes. kind: TAG, or OUTER_TAG for the first of two (QinQ). Source: IEEE 802.1Q.
    """
    return frame[:12] + struct.pack("!HH", kind, vlan) + frame[12:]


def arp() -> bytes:
    """The question who has the address 192.0.2.2, from 192.0.2.1: 28 bytes. Source: RFC 826."""
    ends = (socket.inet_aton(f"192.0.2.{end}") for end in (1, 2))
    header = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1)
    return header + (MACS[6:] + next(ends)) + (bytes(6) + next(ends))


def ipv4(
    protocol: int,
    payload: bytes,
    offset: int = 0,
    more: bool = False,
    ends: tuple[str, str] = ("192.0.2.1", "192.0.2.2"),
) -> bytes:
    """An IPv4 header without options, 20 bytes.

    offset: of a fragment, in units of 8 bytes. more: further fragments follow. ends: from, to.
    Source: RFC 791.
    """
    return traffic.ipv4(protocol, payload, offset | more << 13, b"", *ends)


def ipv6(
    following: int, payload: bytes, ends: tuple[str, str] = ("2001:db8::1", "2001:db8::2")
) -> bytes:
    """An IPv6 header, 40 bytes.

    following: the number of what the payload begins with. ends: from, to. Source: RFC 8200.
    """
    header = struct.pack("!IHBB", 6 << 28, len(payload), following, 64)
    return header + b"".join(socket.inet_pton(socket.AF_INET6, end) for end in ends) + payload


def extension(following: int, payload: bytes) -> bytes:
    """The shortest hop-by-hop, routing or destination header: 8 bytes, all padding.

    Source: RFC 8200, section 4.
    """
    return bytes([following, 0, 1, 4, 0, 0, 0, 0]) + payload


def fragment(following: int, payload: bytes, offset: int = 0, more: bool = False) -> bytes:
    """A fragment header, 8 bytes. offset: in units of 8 bytes. Source: RFC 8200, section 4.5."""
    return struct.pack("!BBHI", following, 0, offset << 3 | more, 1) + payload


def udp(data: bytes, from_port: int = 40_000, to_port: int = 40_001) -> bytes:
    """A UDP header, 8 bytes, without a checksum. Source: RFC 768."""
    return struct.pack("!HHHH", from_port, to_port, 8 + len(data), 0) + data
