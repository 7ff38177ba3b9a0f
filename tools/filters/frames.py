"""One set of frames in which every family of filter expressions finds something, and leaves some.

Laboratory equipment. The layers are those of chapter 12; what chapter 12 has none of is made here.
"""

from __future__ import annotations

import struct

from helpers import frames as layers
from helpers.frames import ARP, IPV4, IPV6, OUTER_TAG, TAG, ethernet, ipv4, ipv6, tagged
from helpers.traffic import checksum

RARP, MPLS, MORE_MPLS, PPPOE_DISCOVERY, PPPOE_SESSION = 0x8035, 0x8847, 0x8848, 0x8863, 0x8864
LLDP, OLD_TAG, TEST, TRANSPARENT_BRIDGING = 0x88CC, 0x9100, 0x88B5, 0x6558
ICMP, IGMP, TCP, UDP, GRE, ESP, AH, ICMPV6, OSPF, PIM, VRRP, SCTP = (
    1, 2, 6, 17, 47, 50, 51, 58, 89, 103, 112, 132,
)  # fmt: skip
SYN, ACK, FIN, PUSH = 2, 16, 1, 8
BROADCAST, OTHER = b"\xff" * 6, bytes.fromhex("02000000000c")
MULTICAST_4, MULTICAST_6 = bytes.fromhex("01005e0000fb"), bytes.fromhex("333300000001")


def udp(source: int, to: int, data: bytes = b"data") -> bytes:
    return struct.pack("!HHHH", source, to, 8 + len(data), 0) + data


def tcp(source: int, to: int, flags: int, data: bytes = b"") -> bytes:
    return struct.pack("!HHIIBBHHH", source, to, 1, 1, 0x50, flags, 1024, 0, 0) + data


def icmp(kind: int, code: int = 0, data: bytes = bytes(20)) -> bytes:
    return struct.pack("!BBHI", kind, code, 0, 1) + data


def put(packet: bytes, at: int, new: bytes) -> bytes:
    """A packet with some of its bytes replaced."""
    return packet[:at] + new + packet[at + len(new) :]


def four(packet: bytes, **fields: bytes) -> bytes:
    """An IPv4 packet with other values in its header, and the right checksum."""
    places = {"tos": 1, "ttl": 8, "source": 12, "to": 16}
    for name, value in fields.items():
        packet = put(packet, places[name], value)
    packet = put(packet, 10, b"\0\0")
    return put(packet, 10, checksum(packet[:20]))


def to(station: bytes, frame: bytes) -> bytes:
    return station + frame[6:]


def mpls(payload: bytes, *labels: int) -> bytes:
    stack = b""
    for number, label in enumerate(labels, 1):
        stack += struct.pack("!I", label << 12 | (number == len(labels)) << 8 | 64)
    return ethernet(MPLS, stack + payload)


def pppoe(session: int, protocol: int, payload: bytes, kind: int = PPPOE_SESSION) -> bytes:
    inside = struct.pack("!H", protocol) + payload
    return ethernet(kind, struct.pack("!BBHH", 0x11, 0, session, len(inside)) + inside)


def llc(body: bytes) -> bytes:
    """A frame of IEEE 802.3, which has a length where others have an EtherType."""
    return ethernet(len(body), body)


def snap(organisation: int, kind: int, payload: bytes) -> bytes:
    return llc(
        b"\xaa\xaa\x03" + organisation.to_bytes(3, "big") + struct.pack("!H", kind) + payload
    )


def geneve(network: int, kind: int, payload: bytes) -> bytes:
    return udp(7000, 6081, struct.pack("!BBHI", 0, 0, kind, network << 8) + payload)


def one_of_each() -> list[bytes]:
    """The frames from left to right; chapter 12's among them."""
    question, answer = udp(4711, 53, b"?" * 30), udp(53, 4711, b"!" * 92)
    example, other = b"\xc6\x33\x64\x07", b"\xcb\x00\x71\x05"  # 198.51.100.7, 203.0.113.5
    syn, get = tcp(40000, 80, SYN), tcp(40000, 80, ACK | PUSH, b"GET / HTTP/1.0\r\n\r\n")
    ping, ip_udp = ipv4(ICMP, icmp(8)), ipv4(UDP, question)
    long_header = put(ipv4(UDP, bytes(4) + question), 0, b"\x46")
    arp = layers.arp()
    rarp = put(arp, 6, b"\0\3")
    hop, destination = bytes([ICMPV6, 0]) + bytes(6), bytes([UDP, 0]) + bytes(6)
    fragment = bytes([UDP, 0]) + struct.pack("!HI", 1, 1)
    later = bytes([UDP, 0]) + struct.pack("!HI", 8 << 3, 1)
    packets = [
        ip_udp, ipv4(UDP, answer), ipv4(UDP, udp(5353, 5353)), ipv4(UDP, udp(1, 2, bytes(92))),
        four(ip_udp, source=example), four(ip_udp, to=other, ttl=b"\2"), four(ip_udp, tos=b"\xb8"),
        ipv4(TCP, syn), ipv4(TCP, get), ipv4(TCP, tcp(80, 40000, ACK)),
        ipv4(TCP, tcp(22, 9, FIN | ACK)),
        four(ipv4(TCP, syn), source=b"\x0a\0\0\1"), four(ipv4(TCP, get), source=example),
        ping, ipv4(ICMP, icmp(0)), ipv4(ICMP, icmp(3, 3, ip_udp)), ipv4(IGMP, bytes(8)),
        ipv4(GRE, struct.pack("!HH", 0, IPV4) + ping), ipv4(ESP, bytes(40)), ipv4(OSPF, bytes(24)),
        ipv4(AH, bytes([UDP, 4]) + bytes(22) + question), ipv4(PIM, bytes(8)),
        ipv4(VRRP, bytes(20)),
        ipv4(SCTP, struct.pack("!HHII", 9, 5000, 0, 0) + bytes(20)), long_header,
        ipv4(UDP, question + bytes(2), more=True), ipv4(UDP, bytes(40), offset=5),
        ipv4(4, ipv4(UDP, answer)), ipv4(41, ipv6(UDP, question)),
    ]  # fmt: skip
    sixes = [
        ipv6(UDP, question), ipv6(TCP, syn), ipv6(TCP, get), ipv6(ICMPV6, icmp(128)),
        ipv6(ICMPV6, icmp(129)), ipv6(0, hop + icmp(143)), ipv6(60, destination + question),
        ipv6(44, fragment + question), ipv6(44, later + bytes(24)), ipv6(59, b""),
        put(ipv6(ICMPV6, icmp(135)), 7, b"\xff"), put(ipv6(UDP, answer), 0, b"\x6b\x80"),
        ipv6(AH, bytes([TCP, 4]) + bytes(22) + syn),
        ipv6(0, bytes([0, 0]) + bytes(6) + hop + icmp(128)),
    ]  # fmt: skip
    plain = [ethernet(IPV4, packet) for packet in packets]
    plain += [ethernet(IPV6, packet) for packet in sixes]
    plain += [ethernet(ARP, arp), ethernet(ARP, put(arp, 6, b"\0\2")), ethernet(RARP, rarp)]
    udp_frame, six_frame, arp_frame = plain[0], ethernet(IPV6, sixes[0]), ethernet(ARP, arp)
    syn_frame = ethernet(IPV4, ipv4(TCP, syn))
    tags = [
        tagged(udp_frame), tagged(syn_frame), tagged(arp_frame), tagged(six_frame),
        tagged(udp_frame, 7), tagged(udp_frame, 3 << 13 | 5), tagged(syn_frame, 0x123),
        tagged(udp_frame, 0), tagged(tagged(udp_frame, 20), 10, OUTER_TAG),
        tagged(tagged(syn_frame, 20), 10), tagged(udp_frame, 5, OUTER_TAG),
        tagged(udp_frame, 5, OLD_TAG), tagged(tagged(tagged(udp_frame, 3), 2), 1, OUTER_TAG),
        tagged(mpls(ip_udp, 100)), tagged(pppoe(0x11, 0x21, ip_udp)),
        tagged(ethernet(TEST, bytes(50))),
    ]  # fmt: skip
    carried = [
        mpls(ip_udp, 100), mpls(ip_udp, 100, 200), mpls(sixes[0], 300), mpls(ping, 16),
        put(mpls(ip_udp, 500), 12, MORE_MPLS.to_bytes(2, "big")),
        pppoe(0, 1, bytes(8), PPPOE_DISCOVERY), pppoe(0x11, 0x21, ip_udp), pppoe(0x12, 0x21, ping),
        pppoe(0x11, 0x57, sixes[0]), pppoe(0x11, 0xC021, bytes(10)),
        ethernet(IPV4, ipv4(UDP, geneve(7, IPV4, ping))),
        ethernet(IPV4, ipv4(UDP, geneve(8, TRANSPARENT_BRIDGING, udp_frame))),
        ethernet(IPV6, ipv6(UDP, geneve(7, IPV4, ip_udp))),
    ]  # fmt: skip
    others = [
        llc(b"\x42\x42\x03" + bytes(35)), llc(b"\xfe\xfe\x03\x83" + bytes(30)),
        llc(b"\xfe\xfe\x03\x82" + bytes(30)), llc(b"\xfe\xfe\x03\x81" + bytes(30)),
        llc(b"\xf0\xf0\x03" + bytes(40)), llc(b"\xe0\xe0\x03" + bytes(40)),
        llc(b"\xff\xff" + bytes(40)),
        llc(b"\x04\x04\x01\x00" + bytes(40)), llc(b"\x04\x04\x00\x00" + bytes(40)),
        llc(b"\x04\x04\xaf" + bytes(40)), llc(b"\x04\x04\xbf" + bytes(40)),
        snap(0, 0x8137, bytes(40)), snap(0x080007, 0x809B, bytes(40)), snap(0, 0x80F3, bytes(40)),
        snap(0, IPV4, ip_udp), ethernet(LLDP, bytes(60)), ethernet(TEST, bytes(46)),
        ethernet(0x809B, bytes(50)), ethernet(0x80F3, bytes(50)), ethernet(0x6003, bytes(50)),
        ethernet(0x6004, bytes(50)), ethernet(0x6002, bytes(50)), ethernet(0x6001, bytes(50)),
        ethernet(0x6007, bytes(50)), ethernet(0x8137, bytes(50)),
        ethernet(IPV4, b""), ethernet(IPV4, ip_udp[:12]), ethernet(IPV6, sixes[0][:41]),
        ethernet(ARP, arp[:6]), ethernet(TAG, b""), ethernet(IPV4, ip_udp + bytes(700)),
    ]  # fmt: skip
    stations = [
        to(BROADCAST, ethernet(IPV4, four(ip_udp, to=b"\xff" * 4))), to(BROADCAST, arp_frame),
        to(MULTICAST_4, ethernet(IPV4, four(ip_udp, to=b"\xe0\0\0\xfb"))), to(OTHER, udp_frame),
        to(MULTICAST_6, ethernet(IPV6, put(sixes[0], 24, b"\xff\2" + bytes(13) + b"\1"))),
        to(BROADCAST, tagged(arp_frame)), ethernet(IPV4, four(ip_udp, to=b"\xe0\0\0\1")),
    ]  # fmt: skip
    return [*plain, *tags, *carried, *others, *stations]


def back(frame: bytes) -> bytes:
    """The same frame from the other end."""
    return frame[6:12] + frame[:6] + frame[12:] if not frame[0] & 1 else frame


def both_ways() -> tuple[list[bytes], list[bytes]]:
    """What goes from left to right, and a third of it that goes back."""
    there = one_of_each()
    return there, [back(frame) for frame in there[::3]]
