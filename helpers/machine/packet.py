"""A packet, and what the kernel tells a program about it: the context.

Built in chapter 07, inside_the_bytecode. Source: struct __sk_buff in <linux/bpf.h>.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from helpers import uapi

# Packet types: what came for this machine, and what goes out.
HOST, OUTGOING = uapi.PACKET_HOST, uapi.PACKET_OUTGOING
ETHERNET_HEADER = 14  # bytes
# The fields of struct __sk_buff and where they lie, each of 32 bits, one after the other.
OFFSETS = uapi.SK_BUFF
FIELDS = tuple(OFFSETS)


@dataclass(frozen=True)
class Packet:
    """A frame with what surrounds it. `data`: its bytes from the Ethernet header on, or from the
    network layer's on where there is none.

    pkt_type: OUTGOING, HOST, ...; ifindex: the number of the interface, 1 for lo;
    protocol: the EtherType as the program sees it, None for what bytes 12 and 13 say;
    network: where the network layer's header lies, 0 on a tunnel;
    context: the bytes of struct __sk_buff, made of the above; fields not named here are 0.
    """

    data: bytes
    pkt_type: int = OUTGOING
    ifindex: int = 1
    protocol: int | None = None
    network: int = ETHERNET_HEADER
    context: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # In network order, as it lies in the frame.
        ethertype = int.from_bytes(self.data[12:14], "little")
        protocol = ethertype if self.protocol is None else self.protocol
        arrived = 0 if self.pkt_type == OUTGOING else self.ifindex
        values = {"len": len(self.data), "pkt_type": self.pkt_type, "protocol": protocol}
        values |= {"ifindex": self.ifindex, "ingress_ifindex": arrived}
        packed = struct.pack(f"<{len(FIELDS)}I", *(values.get(name, 0) for name in FIELDS))
        object.__setattr__(self, "context", packed)  # the dataclass is frozen


def place(offset: int, network: int = ETHERNET_HEADER) -> int:
    """Where in the packet a load from `offset` begins.

    Offsets from -0x100000 on count from the network header, those from -0x200000 on from the
    Ethernet header (SKF_NET_OFF and SKF_LL_OFF in <linux/filter.h>); other negative ones give -1.
    """
    if offset >= 0:
        return offset
    if offset >= -0x100000:
        return offset + 0x100000 + network
    return offset + 0x200000 if offset >= -0x200000 else -1


def load(data: bytes, offset: int, size: int, network: int = ETHERNET_HEADER) -> int | None:
    """The number in `size` bytes at `offset`, most significant byte first; None if they are not
    all in the packet."""
    start = place(offset, network)
    if start < 0 or start + size > len(data):
        return None
    return int.from_bytes(data[start : start + size], "big")
