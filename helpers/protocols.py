"""Names and numbers of protocols: what byte 9 of an IPv4 header says, and what is no protocol.

A frame gets its number in the kernel, by a program: bpf/sockex1_kern.c reads byte 9 and no more,
bpf/protocols.h goes through every header. Here a number gets its name, and a name its number.

The fifth stage of the road. Built in chapter 04, live_plot; CLASSES in chapter 12, beyond_sockex1.
Source: IANA, Assigned Internet Protocol Numbers.
"""

from __future__ import annotations

from helpers.errors import CourseError

NUMBERS = {
    "HOPOPT": 0,
    "ICMP": 1,
    "IGMP": 2,
    "TCP": 6,
    "UDP": 17,
    "IPv6": 41,
    "GRE": 47,
    "ESP": 50,
    "ICMPv6": 58,
    "OSPF": 89,
    "SCTP": 132,
}
# What is beyond the protocol numbers in the counters of chapter 12, as in bpf/protocols.h.
CLASSES = {"ARP": 256, "not IP": 257, "truncated": 258, "malformed": 259, "too many headers": 260}
NAMES = {number: name for name, number in (NUMBERS | CLASSES).items()}


class ProtocolError(CourseError):
    """There is no protocol of that name."""


def name(number: int) -> str:
    """The name of a protocol number, or the number itself: 6 is "TCP", 200 is "200".

    A number of CLASSES has a name, too. Built in chapter 04.
    """
    return NAMES.get(number, str(number))


def number(name: str) -> int:
    """The protocol number behind a name, the way back from name(): "TCP" is 6, "200" is 200.

    A name of CLASSES gives its number, which is above 255.
    Errors: ProtocolError for anything else. Built in chapter 04.
    """
    if name in CLASSES:
        return CLASSES[name]
    number = NUMBERS.get(name, int(name) if name.isdecimal() else -1)
    if not 0 <= number <= 255:
        raise ProtocolError(
            f"There is no protocol {name!r}: give a number from 0 to 255, or one of "
            f"{', '.join(NUMBERS)}."
        )
    return number
