"""What works in this container, tried; printed as one JSON object. Runs inside, as the learner."""

from __future__ import annotations

import json
import os
import socket

from helpers import netlab, probes, sockets, uapi
from helpers.errors import CourseError
from helpers.netlab import own_lo
from tools import demo

FIVE_LINES = [f"TCP 0 UDP 0 ICMP {size} bytes" for size in (0, 196, 392, 588, 784)]


def network() -> str:
    """The kind of network that the course finds here."""
    try:
        with netlab.open_network() as net:
            return net.kind
    except CourseError:
        return "none"


def exact() -> bool:
    """Whether four pings make the article's five lines, to the byte, in a network to oneself."""
    try:
        with netlab.open_network() as net:
            return net.private and list(demo.five_lines()) == FIVE_LINES
    except CourseError:
        return False


def addresses() -> bool:
    """Whether lo can be given another address."""
    try:
        with netlab.open_network() as net:
            net.add_address("2001:db8::1")
            return True
    except CourseError:
        return False


def seen() -> str:
    """Whose interfaces, besides lo, a packet socket can listen at."""
    names = []
    for _, name in socket.if_nameindex():
        try:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as listener:
                listener.bind((name, sockets.ETH_P_ALL))
            names.append(name)
        except PermissionError:
            return "none"
        except OSError:  # down
            continue
    if not [name for name in names if name != "lo"]:
        return "none"
    return "the host's" if own_lo.machine_wide() else "the container's"


print(
    json.dumps(
        {
            "user": os.getuid(),
            "bpf": probes.access(),
            "network": network(),
            "exact": exact(),
            "addresses": addresses(),
            "xdp": probes.try_program(uapi.BPF_PROG_TYPE_XDP) == "works",
            "interfaces": seen(),
        }
    )
)
