"""Link types: what stands in front of the network layer's header, in a file and on an interface.

Laboratory equipment, first used in chapter 12. Names and numbers as tcpdump -L and a capture file
have them. Source: pcap-linktype(7), packet(7), <linux/if_arp.h>, <linux/if_ether.h>.

What a program is shown, and how it knows, is one contract for live interfaces and for files. The
programs around bpf/protocols.h decide for each frame by what the kernel tells them of it:

  live      On an Ethernet link (veth, cards, lo, bridges) the frame begins with its Ethernet
            header. On every other one that carries IP it begins with the network layer's header:
            sockets.packet_socket() opens a socket of type SOCK_DGRAM there, in which the kernel
            leaves out a link header, if there is one. Its protocol is skb->protocol.
  test run  As tun shows it: the first 14 bytes, which the kernel cuts off, say the EtherType, and
            the network layer's header follows. Where they are 14 zeros, which is no EtherType, an
            Ethernet frame follows. `for_test_run` makes both.

In the context of a test run, cb[0] is how many bytes were cut off at the end of the frame, and
cb[1] how many of the link header were taken off in front: both count as bytes of the frame.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers import uapi
from helpers.errors import CourseError

if TYPE_CHECKING:
    from helpers.netlab import Network

ETHERNET_HEADER = 14  # bytes
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
TAGS = (0x8100, 0x88A8)
# Numbers under this are no EtherTypes but lengths, or of the kernel's own making.
FIRST_ETHERTYPE = 0x0600
# IEEE gives it to nobody. In a test run: no EtherType is known, the IP version decides.
NO_ETHERTYPE = 0xFFFF
# The EtherType that IEEE keeps free for experiments. In a test run: certainly neither IP nor ARP.
OTHER = 0x88B5
SHORTEST = {IPV4: 20, IPV6: 40}  # bytes of a whole header
# AF_INET, and AF_INET6 as NetBSD, FreeBSD, macOS and Linux number it.
FAMILIES = {2: IPV4, 24: IPV6, 28: IPV6, 30: IPV6, 10: IPV6}


class LinkError(CourseError):
    """The course does not know how frames of this link type begin."""


@dataclass(frozen=True)
class Link:
    """One link type. numbers: in a capture file, or by pcap_datalink(). header: its length in
    bytes."""

    name: str
    numbers: tuple[int, ...]
    header: int
    text: str


EN10MB = Link("EN10MB", (1,), ETHERNET_HEADER, "Ethernet")
# 12 and 14 are what some systems have for 101 in memory, and some programs write into files.
RAW = Link("RAW", (101, 12, 14), 0, "raw IP")
IPV4_ONLY = Link("IPV4", (228,), 0, "raw IPv4")
IPV6_ONLY = Link("IPV6", (229,), 0, "raw IPv6")
NULL = Link("NULL", (0,), 4, "BSD loopback")
LOOP = Link("LOOP", (108,), 4, "OpenBSD loopback")
LINUX_SLL = Link("LINUX_SLL", (113,), 16, "Linux cooked v1")
LINUX_SLL2 = Link("LINUX_SLL2", (276,), 20, "Linux cooked v2")
LINKS = (EN10MB, RAW, IPV4_ONLY, IPV6_ONLY, NULL, LOOP, LINUX_SLL, LINUX_SLL2)
BY_NUMBER = {number: link for link in LINKS for number in link.numbers}

# Types of interfaces, without their ARPHRD_. The first two have an Ethernet header.
ETHERNET_DEVICES = {1: "ETHER", 772: "LOOPBACK"}
# tun and WireGuard are NONE. PPP and SLIP put their own headers on below packet sockets.
IP_DEVICES = {
    256: "SLIP", 257: "CSLIP", 258: "SLIP6", 259: "CSLIP6", 264: "ADAPT", 512: "PPP", 519: "RAWIP",
    768: "TUNNEL", 769: "TUNNEL6", 776: "SIT", 778: "IPGRE", 779: "PIMREG", 823: "IP6GRE",
    825: "6LOWPAN", 65534: "NONE",
}  # fmt: skip
OTHER_DEVICES = {
    0: "NETROM", 2: "EETHER", 3: "AX25", 4: "PRONET", 5: "CHAOS", 6: "IEEE802", 7: "ARCNET",
    8: "APPLETLK", 15: "DLCI", 19: "ATM", 23: "METRICOM", 24: "IEEE1394", 27: "EUI64",
    32: "INFINIBAND", 260: "RSRVD", 270: "ROSE", 271: "X25", 272: "HWX25", 280: "CAN",
    290: "MCTP", 513: "CISCO", 516: "LAPB", 517: "DDCMP", 518: "RAWHDLC", 770: "FRAD",
    771: "SKIP", 773: "LOCALTLK", 774: "FDDI", 775: "BIF", 777: "IPDDP", 780: "HIPPI",
    781: "ASH", 782: "ECONET", 783: "IRDA", 784: "FCPP", 785: "FCAL", 786: "FCPL",
    787: "FCFABRIC", 800: "IEEE802_TR", 801: "IEEE80211", 802: "IEEE80211_PRISM",
    803: "IEEE80211_RADIOTAP", 804: "IEEE802154", 805: "IEEE802154_MONITOR", 820: "PHONET",
    821: "PHONET_PIPE", 822: "CAIF", 824: "NETLINK", 826: "VSOCKMON", 65535: "VOID",
}  # fmt: skip


def device_type(name: str, net: Network | None = None) -> int:
    """The number of an interface's type, as in the lists above.

    Arguments: name: of the interface. net: the network that it is in, None for this process's.
    Errors: OSError if there is no such interface. Source: netdevice(7), SIOCGIFHWADDR.
    """
    if len(name.encode()) >= 16:  # IFNAMSIZ, with a zero at the end: there can be none
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    opener = net.socket if net else socket.socket
    with opener(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16s16x8x", name.encode())
        answer = fcntl.ioctl(any_socket, uapi.SIOCGIFHWADDR, request)
    return struct.unpack_from("=H", answer, 16)[0]


def of_device(name: str, net: Network | None = None) -> Link:
    """The link type of an interface: EN10MB or RAW.

    Arguments: name: of the interface. net: the network that it is in, None for this process's.
    Errors: LinkError, with the type's name, for one that the course does not know; OSError if
        there is no such interface. First used in chapter 12.
    """
    number = device_type(name, net)
    if number in ETHERNET_DEVICES:
        return EN10MB
    if number in IP_DEVICES:
        return RAW
    raise LinkError(
        f"The interface {name} is of type {OTHER_DEVICES.get(number, 'unknown')} ({number}), and "
        "the course does not know how its frames begin: choose one of Ethernet, or one that "
        "carries IP."
    )


def network(link: Link, frame: bytes) -> tuple[int, int]:
    """What a frame carries, and where that begins.

    Result: the EtherType, and the offset in bytes of the network layer's header, VLAN tags left
    behind. NO_ETHERTYPE where the link header names none that is one and where it ends before it.
    """
    at = link.header
    if link in (RAW, IPV4_ONLY, IPV6_ONLY):
        version = {4: IPV4, 6: IPV6}.get(frame[0] >> 4, NO_ETHERTYPE) if frame else NO_ETHERTYPE
        return {IPV4_ONLY: IPV4, IPV6_ONLY: IPV6}.get(link, version), at
    if len(frame) < at:
        return NO_ETHERTYPE, at
    if link in (NULL, LOOP):
        family = int.from_bytes(frame[:4], "big")
        if link is NULL and family >= 1 << 16:  # as the machine that wrote it had it
            family = int.from_bytes(frame[:4], "little")
        return FAMILIES.get(family, OTHER), at
    place = 0 if link is LINUX_SLL2 else at - 2
    kind = int.from_bytes(frame[place : place + 2], "big")
    while kind in TAGS:
        if len(frame) < at + 4:
            return NO_ETHERTYPE, at + 4
        kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    return kind if kind >= FIRST_ETHERTYPE else OTHER, at


def for_test_run(link: Link, frame: bytes) -> tuple[bytes, int]:
    """What to give to a test run so that a program sees a frame of any link type as on a socket.

    Result: the bytes, of which the program does not see the first 14; and cb[1], how many bytes of
    the frame it does not see either (as 32 bits, where it is negative).
    """
    if link is EN10MB:
        # A test run of nothing is refused. So an empty frame has a byte that cb[1] denies.
        return bytes(ETHERNET_HEADER) + (frame or bytes(1)), 0 if frame else -1
    kind, at = network(link, frame)
    packet = frame[at:]
    if not packet and kind == NO_ETHERTYPE:  # it ends before an EtherType: so does this
        return bytes(ETHERNET_HEADER) + bytes(1), len(frame) - 1
    if len(packet) < SHORTEST.get(kind, 1):
        # With its EtherType Linux 6.18 and later refuse a packet that ends within its IP header.
        if not packet or packet[0] >> 4 not in (4, 6):
            header = bytes(ETHERNET_HEADER - 2) + kind.to_bytes(2, "big")
            return bytes(ETHERNET_HEADER) + header + packet, at - ETHERNET_HEADER
        kind = NO_ETHERTYPE
    return bytes(ETHERNET_HEADER - 2) + kind.to_bytes(2, "big") + packet, at
