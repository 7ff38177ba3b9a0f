"""What the playground's buttons send in the private network.

Laboratory equipment.
"""

from __future__ import annotations

import struct
from itertools import count

from helpers import traffic
from helpers.live.moving import SENDS, Sends
from helpers.netlab import Network

FLOWS_AT_ONCE = 500  # new flows each time; ten times a second for two seconds makes 10,000
PORTS = 50_000
MACS = bytes.fromhex("02000000000b 02000000000a")
# What stands in front of every datagram without data: one packet's header fits all.
HEADERS = MACS + b"\x08\x00" + traffic.ipv4(17, bytes(8))[:20]


def datagram(number: int) -> bytes:
    """A frame of one flow among PORTS: the number is in the source port. 42 bytes."""
    return HEADERS + struct.pack("!4H", number % PORTS + 1024, 9, 8, 0)


def sends() -> Sends:
    """ping, UDP and TCP as the moving plot sends them, and flows: each datagram a new one."""
    numbers = count()

    def flows(net: Network) -> None:
        traffic.frames(net, [datagram(next(numbers)) for _ in range(FLOWS_AT_ONCE)])

    return {**SENDS, "flows": flows}
