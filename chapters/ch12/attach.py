"""A BPF program at XDP or in traffic control (tc), on an interface of a private network.

Built in chapter 12, beyond_sockex1. Both are asked for over a netlink socket. Ours is opened inside
the network, so that nothing has to enter it; and what is attached goes when the network goes.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.errors import CourseError
from helpers.netlab import Network
from helpers.sockets import ETH_P_ALL

# From <linux/netlink.h> and <linux/rtnetlink.h>.
REQUEST, ACKNOWLEDGE, EXCLUSIVE, CREATE = 0x1, 0x4, 0x200, 0x400
GET_LINK, SET_LINK, NEW_QDISC, DELETE_QDISC, NEW_FILTER = 18, 19, 36, 37, 44
NESTED = 0x8000
# From <linux/if_link.h>, <linux/pkt_sched.h> and <linux/pkt_cls.h>.
IFLA_IFNAME, IFLA_XDP, XDP_FD = 3, 43, 1
KIND, OPTIONS = 1, 2  # TCA_KIND, TCA_OPTIONS
BPF_FD, BPF_NAME, BPF_FLAGS, DIRECT_ACTION = 6, 7, 8, 1
CLSACT = 0xFFFF0000  # the queue discipline that holds filters and queues nothing
HOOKS = {"ingress": 0xFFFFFFF2, "egress": 0xFFFFFFF3}


class AttachError(CourseError):
    """The program could not be attached."""


@contextmanager
def xdp(net: Network, program_fd: int, interface: str) -> Iterator[None]:
    """Attach a program of type XDP to an interface for the time of a `with` block.

    It sees frames that come in, before anything else does.
    Arguments: program_fd: file descriptor of the loaded program.
    Errors: AttachError. Source: rtnetlink(7), IFLA_XDP in <linux/if_link.h>. Built in chapter 12.
    """
    index = interface_index(net, interface)
    _set_xdp(net, index, program_fd, interface)
    try:
        yield
    finally:
        _set_xdp(net, index, -1, interface)


def _set_xdp(net: Network, index: int, program_fd: int, interface: str) -> None:
    link = struct.pack("=BxHiII", 0, 0, index, 0, 0)  # struct ifinfomsg
    ask(
        net,
        SET_LINK,
        link + attribute(IFLA_XDP | NESTED, attribute(XDP_FD, struct.pack("=i", program_fd))),
        f"XDP on {interface}",
    )


@contextmanager
def tc(net: Network, program_fd: int, interface: str, hook: str = "ingress") -> Iterator[None]:
    """Attach a program of type sched_cls to an interface for the time of a `with` block.

    Arguments: hook: "ingress", frames that come in, after the tap; or "egress", frames that go
        out, before it.
    Errors: AttachError. Source: tc-bpf(8), rtnetlink(7). Built in chapter 12.
    """
    if hook not in HOOKS:
        raise AttachError(f"tc has no hook {hook!r}, it has: {', '.join(HOOKS)}.")
    what = f"tc {hook} on {interface}"
    message = struct.Struct("=BxxxiIII")  # struct tcmsg: family, interface, handle, parent, info
    index = interface_index(net, interface)
    qdisc = message.pack(0, index, CLSACT, 0xFFFFFFF1, 0) + attribute(KIND, b"clsact\0")
    program = attribute(BPF_FD, struct.pack("=i", program_fd)) + attribute(BPF_NAME, b"course\0")
    program += attribute(BPF_FLAGS, struct.pack("=I", DIRECT_ACTION))
    first_for_all = 1 << 16 | socket.htons(ETH_P_ALL)
    chosen = message.pack(0, index, 0, HOOKS[hook], first_for_all)
    ask(net, NEW_QDISC, qdisc, what, CREATE | EXCLUSIVE)
    try:
        ask(
            net,
            NEW_FILTER,
            chosen + attribute(KIND, b"bpf\0") + attribute(OPTIONS, program),
            what,
            CREATE | EXCLUSIVE,
        )
        yield
    finally:
        ask(net, DELETE_QDISC, qdisc, what)


def interface_index(net: Network, name: str) -> int:
    """The number of an interface inside the network. Errors: AttachError if it has none."""
    link = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
    reply = ask(net, GET_LINK, link + attribute(IFLA_IFNAME, name.encode() + b"\0"), name)
    return struct.unpack_from("=i", reply, 20)[0]


def attribute(kind: int, data: bytes) -> bytes:
    """One netlink attribute: length, kind, data, zeros up to a multiple of four bytes.

    Source: netlink(7).
    """
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def ask(net: Network, kind: int, body: bytes, what: str, flags: int = 0) -> bytes:
    """Send one netlink request inside the network, and wait for what the kernel says.

    Result: the answer. Errors: AttachError if it is a refusal; `what` says there of what.
    Source: netlink(7).
    """
    header = struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACKNOWLEDGE | flags, 1, 0)
    with net.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(header + body)
        reply = sock.recv(1 << 16)
    refusal = -struct.unpack_from("=i", reply, 16)[0] if reply[4:6] == b"\2\0" else 0
    if refusal:
        raise AttachError(explain(refusal, what))
    return reply


def explain(number: int, what: str) -> str:
    """One sentence for what the kernel answered."""
    if number == errno.ENODEV:
        return (
            f"There is no such interface ({what}): net.run(['ip', 'link']) shows those there are."
        )
    if number == errno.EINVAL:
        return f"The kernel takes no such program ({what}): is it of the right type, and open?"
    if number == errno.EEXIST:
        return f"Something is attached there already ({what}): leave its with block first."
    return f"The program cannot be attached ({what}: {os.strerror(number)})."
