"""Frames of every kind that chapter 12 counts, crafted with scapy; the tests send them."""

from __future__ import annotations

from scapy.compat import raw
from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, LLC, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Packet, Raw

MACS = {"src": "02:00:00:00:00:0a", "dst": "02:00:00:00:00:0b"}
ETHERNET = Ether(**MACS)
UDP_8 = UDP(sport=40_000, dport=40_001) / Raw(bytes(8))
SIX = IPv6(src="2001:db8::1", dst="2001:db8::2")
HOP, ROUTING, DESTINATION = IPv6ExtHdrHopByHop(), IPv6ExtHdrRouting(), IPv6ExtHdrDestOpt()
# The shortest extension header: the number of the next one, length 0, and an option of padding.
PADDING = bytes([1, 4, 0, 0, 0, 0])


def six(number: int) -> Packet:
    """An IPv6 header that says by itself what follows it."""
    return IPv6(src=SIX.src, dst=SIX.dst, nh=number)


def four(**fields: object) -> Packet:
    """An IPv4 header between two addresses that are kept for examples."""
    return IP(src="192.0.2.1", dst="192.0.2.2", **fields)


def fragment(**fields: object) -> Packet:
    return IPv6ExtHdrFragment(id=7, **fields)


def headers(count: int) -> Packet:
    """An IPv6 packet with so many extension headers before its UDP header."""
    chain = b"".join(bytes([60 if n < count - 1 else 17, 0]) + PADDING for n in range(count))
    return ETHERNET / six(60) / Raw(chain + raw(UDP_8))


KINDS: dict[str, Packet] = {
    "TCP": ETHERNET / four() / TCP(),
    "UDP": ETHERNET / four() / UDP_8,
    "ICMP": ETHERNET / four() / ICMP() / Raw(bytes(56)),
    "ICMP error": ETHERNET / four() / ICMP(type=3, code=3) / four() / UDP_8,
    "SCTP": ETHERNET / four() / SCTP(),
    "GRE": ETHERNET / four() / GRE() / four() / UDP_8,
    "IPv6 in IPv4": ETHERNET / four() / SIX / UDP_8,
    "IPv4 with options": ETHERNET / four(options=[IPOption_NOP()] * 40) / UDP_8,
    "IPv4 without transport": ETHERNET / four(proto=99),
    "IPv4, first fragment": ETHERNET / four(flags="MF") / UDP_8,
    "IPv4, later fragment": ETHERNET / four(frag=5, proto=17) / Raw(bytes(30)),
    "IPv4 with authentication": ETHERNET / four() / AH(nh=17, icv=bytes(12)) / UDP_8,
    "padding behind": ETHERNET / four() / UDP_8 / Raw(b"") / Raw(bytes(14)),
    "TCP over IPv6": ETHERNET / SIX / TCP(),
    "UDP over IPv6": ETHERNET / SIX / UDP_8,
    "ICMPv6": ETHERNET / SIX / ICMPv6EchoRequest(data=bytes(56)),
    "IPv4 in IPv6": ETHERNET / SIX / four() / UDP_8,
    "IPv6 without transport": ETHERNET / six(59),
    "hop-by-hop": ETHERNET / SIX / HOP / UDP_8,
    "routing": ETHERNET / SIX / IPv6ExtHdrRouting(addresses=["2001:db8::3"]) / UDP_8,
    "destination": ETHERNET / SIX / DESTINATION / UDP_8,
    "all four": ETHERNET / SIX / HOP / DESTINATION / ROUTING / fragment() / DESTINATION / UDP_8,
    "IPv6, first fragment": ETHERNET / SIX / fragment(m=1) / UDP_8,
    "IPv6, the only fragment": ETHERNET / SIX / fragment() / UDP_8,
    "IPv6, later fragment": ETHERNET / SIX / fragment(offset=3, nh=17) / Raw(bytes(30)),
    "later, with headers": ETHERNET / SIX / HOP / fragment(offset=3, nh=60) / Raw(bytes(30)),
    "IPv6 with authentication": ETHERNET / SIX / HOP / AH(nh=17, icv=bytes(12)) / UDP_8,
    "eight headers": headers(8),
    "nine headers": headers(9),
    "VLAN": ETHERNET / Dot1Q(vlan=5) / four() / UDP_8,
    "VLAN and IPv6": ETHERNET / Dot1Q(vlan=5) / SIX / HOP / ICMPv6EchoRequest(),
    "VLAN and ARP": ETHERNET / Dot1Q(vlan=5) / ARP(),
    "QinQ": ETHERNET / Dot1AD(vlan=7) / Dot1Q(vlan=5) / four() / TCP(),
    "QinQ and IPv6": ETHERNET / Dot1AD(vlan=7) / Dot1Q(vlan=5) / SIX / UDP_8,
    "two tags of 802.1Q": ETHERNET / Dot1Q(vlan=7) / Dot1Q(vlan=5) / four() / UDP_8,
    "ARP": ETHERNET / ARP(psrc="192.0.2.1", pdst="192.0.2.2"),
    "experiment": Ether(**MACS, type=0x88B6) / Raw(bytes(46)),
    "a length for a type": Dot3(**MACS) / LLC() / Raw(bytes(40)),
}
FRAMES: dict[str, bytes] = {name: raw(packet) for name, packet in KINDS.items()}


def cut(frame: bytes) -> list[bytes]:
    """The frame cut off at every length from 14 bytes on, and whole."""
    return [frame[:length] for length in range(14, len(frame) + 1)]
