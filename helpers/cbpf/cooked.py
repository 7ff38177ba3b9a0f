"""Filters for packets that libpcap has given a header of its own, which the kernel never sees.

Where there is no Ethernet header that it knows, libpcap takes a socket of type SOCK_DGRAM and puts
a "cooked" header in front of each packet; it compiles for packets that begin with that. What it
does to such a filter before the kernel gets it is done here. Source: packet(7); Linux cooked v1 and
v2 on https://www.tcpdump.org/linktypes/. Built in chapter 09.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from helpers.cbpf import instruction as c
from helpers.cbpf.instruction import FilterError, Instruction

# libpcap's number of the link type: the length of the header in bytes; and which of its fields the
# kernel knows, by the offset.
COOKED = {
    113: (16, {0: "type", 14: "proto"}),
    276: (20, {0: "proto", 4: "ifidx", 8: "hatype", 10: "type"}),
}


class CookedError(FilterError):
    """The filter asks for a part of the cooked header that the kernel cannot tell it."""


def for_kernel(program: Sequence[Instruction], link: int) -> list[Instruction]:
    """A filter for cooked packets, as the kernel can run it; for all others as it is.

    The length stays what the kernel says it is, without the cooked header: so `len`, `greater` and
    `less` count 16 or 20 bytes less at an interface than in a file, in tcpdump, too.
    Arguments: link: libpcap's number of the link type. Errors: CookedError.
    """
    if link not in COOKED:
        return list(program)
    return [_moved(each, number, *COOKED[link]) for number, each in enumerate(program)]


def _moved(i: Instruction, number: int, header: int, fields: dict[int, str]) -> Instruction:
    loads = i.opcode_class in (c.LD, c.LDX) and i.mode in (c.ABS, c.IND, c.MSH)
    if not loads or c.signed(i.k) < 0:
        return i
    if i.k >= header:
        return replace(i, k=i.k - header)
    if i.k not in fields:
        raise CookedError(
            f"Instruction {number} loads from offset {i.k}, out of the header that libpcap puts in "
            "front of such packets: the kernel has no such bytes, and tcpdump runs this filter "
            "by itself, behind the socket. Ask for something else, or filter a capture file.",
            number,
        )
    return replace(i, k=c.auxiliary_offset(fields[i.k]))
