"""A BPF program at XDP or in traffic control (tc), on an interface of a private network.

Built in chapter 12, beyond_sockex1. Both are asked for over a netlink socket: helpers/tc.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from helpers import links, uapi
from helpers.netlab import Network
from helpers.tc import AttachError, Place, ask, attribute, interface_index


@contextmanager
def xdp(
    net: Network, program_fd: int, interface: str, ethernet: bool = True, mode: int = 0
) -> Iterator[None]:
    """Attach a program of type XDP to an interface for the time of a `with` block.

    It sees frames that come in, before anything else does.
    Arguments: program_fd: file descriptor of the loaded program. ethernet: whether that expects an
        Ethernet header first; at XDP nothing tells it. mode: XDP_FLAGS_DRV_MODE, by the driver;
        XDP_FLAGS_SKB_MODE, generic, by the kernel for any; 0: the driver if it can.
    Errors: AttachError. Source: rtnetlink(7), IFLA_XDP in <linux/if_link.h>. Built in chapter 12.
    """
    index = interface_index(net, interface)
    if ethernet != (links.of_device(interface, net) is links.EN10MB):
        has, other = ("no", "False") if ethernet else ("an", "True")
        raise AttachError(
            f"{interface} has {has} Ethernet header, and at XDP a program cannot tell: load it "
            f"with classes.load(..., ethernet={other}), and say the same here."
        )
    _set_xdp(net, index, program_fd, interface, mode)
    try:
        yield
    finally:
        _set_xdp(net, index, -1, interface, mode)


def _set_xdp(net: Network, index: int, program_fd: int, interface: str, mode: int) -> None:
    link = struct.pack("=BxHiII", 0, 0, index, 0, 0)  # struct ifinfomsg
    program = attribute(uapi.IFLA_XDP_FD, struct.pack("=i", program_fd))
    program += attribute(uapi.IFLA_XDP_FLAGS, struct.pack("=I", mode))
    ask(
        net,
        uapi.RTM_SETLINK,
        link + attribute(uapi.IFLA_XDP | uapi.NLA_F_NESTED, program),
        f"XDP on {interface}",
    )


@contextmanager
def tc(net: Network, program_fd: int, interface: str, hook: str = "ingress") -> Iterator[None]:
    """Attach a program of type sched_cls to an interface for the time of a `with` block.

    Arguments: hook: "ingress", frames that come in, after the tap; or "egress", frames that go
        out, before it.
    Errors: AttachError. Source: tc-bpf(8), rtnetlink(7). Built in chapter 12.
    """
    with Place(net, program_fd, interface, [hook]):
        yield
