"""What the kernel finds in a packet when a classic filter asks: netlink attributes, the payload.

Built in chapter 09, classic_bpf, for the machine in helpers/cbpf/machine.py. Source: of the kernel,
bpf_skb_get_nlattr() in net/core/filter.c, __skb_get_poff() and __skb_flow_dissect() in
net/core/flow_dissector.c. The tests hold it against the kernel.
"""

from __future__ import annotations

import struct

ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length with this header, type
TYPE_MASK = 0x3FFF  # NLA_TYPE_MASK
IPV4, IPV6, TAG, OUTER_TAG, PPPOE = 0x0800, 0x86DD, 0x8100, 0x88A8, 0x8864
BRIDGED = 0x6558  # Ethernet within GRE
PPP = {0x0021: IPV4, 0x0057: IPV6}
# What is recognised, and how far the kernel goes into it: not at all into ARP and RARP, one label
# into MPLS.
KNOWN = {0x0806: 0, 0x8035: 0, 0x8847: 4, 0x8848: 4}
OPTIONS, FRAGMENT, GRE, TUNNELS = {0, 43, 60}, 44, 47, {4: IPV4, 41: IPV6}
TCP = 6
# Lengths of the headers of UDP, UDPLITE, ICMP, ICMPv6, IGMP, DCCP and SCTP.
HEADERS = {17: 8, 136: 8, 1: 8, 58: 8, 2: 8, 33: 12, 132: 12}
MOST_HEADERS = 15  # MAX_FLOW_DISSECT_HDRS


class NoPayloadError(Exception):
    """The kernel cannot make out where the payload begins; it says 0."""


def attribute(data: bytes, at: int, kind: int, nested: bool = False) -> int:
    """The offset of a netlink attribute, 0 if there is none.

    Arguments: at: where attributes begin; if nested, the one that they lie in. kind: the type.
    """
    end = len(data)
    if at + ATTRIBUTE.size > end:
        return 0
    if nested:
        length = ATTRIBUTE.unpack_from(data, at)[0]
        if length > end - at:
            return 0
        at, end = at + ATTRIBUTE.size, at + length
    while at + ATTRIBUTE.size <= end:
        length, found = ATTRIBUTE.unpack_from(data, at)
        if not ATTRIBUTE.size <= length <= end - at:
            return 0
        if found & TYPE_MASK == kind:
            return at
        at += (length + 3) & ~3
    return 0


def payload(data: bytes, network: int, protocol: int) -> int:
    """Where what a packet carries begins, behind its headers, in bytes; 0 where that is unknown.

    Arguments: network: where its network header begins. protocol: the EtherType of that.
    """
    try:
        at, carried = _network(data, network, protocol, MOST_HEADERS)
    except NoPayloadError:
        return 0
    at = min(at, len(data))
    if carried == TCP:
        if at + 12 >= len(data):
            return at
        return at + max(20, (data[at + 12] & 0xF0) >> 2)
    return at + HEADERS.get(carried, 0)


def _piece(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise NoPayloadError
    return data[at : at + size]


def _network(data: bytes, at: int, kind: int, left: int) -> tuple[int, int]:
    """Where the transport header begins, and its protocol, 0 if there is none that counts."""
    if not left:
        return at, 0
    if kind in (TAG, OUTER_TAG):
        inside = int.from_bytes(_piece(data, at, 4)[2:], "big")
        return _network(data, at + 4, inside, left - 1)
    if kind == IPV4:
        header = _piece(data, at, 20)
        if header[0] & 15 < 5:
            raise NoPayloadError
        at += 4 * (header[0] & 15)
        if int.from_bytes(header[6:8], "big") & 0x3FFF:
            later = int.from_bytes(header[6:8], "big") & 0x1FFF
            return at, 0 if later else header[9]
        return _transport(data, at, header[9], False, left - 1)
    if kind == IPV6:
        return _transport(data, at + 40, _piece(data, at, 40)[6], True, left - 1)
    if kind == PPPOE:
        inside = int.from_bytes(_piece(data, at, 8)[6:], "big")
        if inside not in PPP:  # since Linux 6.0; it was unknown before
            return at + 8, 0
        return _network(data, at + 8, PPP[inside], left - 1)
    if kind in KNOWN:
        return at + KNOWN[kind], 0
    raise NoPayloadError


def _transport(data: bytes, at: int, carried: int, is_six: bool, left: int) -> tuple[int, int]:
    """The same from what an IP header says that it carries."""
    if not left:
        return at, carried
    if carried in TUNNELS:
        return _network(data, at, TUNNELS[carried], left - 1)
    if carried == GRE:
        return _gre(data, at, left)
    if is_six and carried in OPTIONS:
        following, length = _piece(data, at, 2)
        return _transport(data, at + 8 * (length + 1), following, True, left - 1)
    if is_six and carried == FRAGMENT:
        header = _piece(data, at, 8)
        later = int.from_bytes(header[2:4], "big") & 0xFFF8
        return at + 8, 0 if later else header[0]
    return at, carried


def _gre(data: bytes, at: int, left: int) -> tuple[int, int]:
    """Through a header of GRE, if it is of the simple kind."""
    flags, kind = struct.unpack("!HH", _piece(data, at, 4))
    if flags & 0x4007:  # with routing, or another version
        return at, GRE
    at += 4 + 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    if kind == BRIDGED:
        kind = int.from_bytes(_piece(data, at, 14)[12:], "big")
        at += 14
    return _network(data, at, kind, left - 1)
