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

from helpers import links, rights, uapi
from helpers.errors import CourseError
from helpers.netlab import Network

NEW = uapi.NLM_F_CREATE | uapi.NLM_F_EXCL
# The queue discipline that holds filters and queues nothing, and where they hang in it.
CLSACT = uapi.TC_H_CLSACT & uapi.TC_H_MAJ_MASK
HOOKS = {"ingress": CLSACT | uapi.TC_H_MIN_INGRESS, "egress": CLSACT | uapi.TC_H_MIN_EGRESS}


class AttachError(CourseError):
    """The program could not be attached."""


@contextmanager
def xdp(net: Network, program_fd: int, interface: str, ethernet: bool = True) -> Iterator[None]:
    """Attach a program of type XDP to an interface for the time of a `with` block.

    It sees frames that come in, before anything else does.
    Arguments: program_fd: file descriptor of the loaded program. ethernet: whether that expects an
        Ethernet header first; at XDP nothing tells it.
    Errors: AttachError. Source: rtnetlink(7), IFLA_XDP in <linux/if_link.h>. Built in chapter 12.
    """
    index = interface_index(net, interface)
    if ethernet != (links.of_device(interface, net) is links.EN10MB):
        has, other = ("no", "False") if ethernet else ("an", "True")
        raise AttachError(
            f"{interface} has {has} Ethernet header, and at XDP a program cannot tell: load it "
            f"with classes.load(..., ethernet={other}), and say the same here."
        )
    _set_xdp(net, index, program_fd, interface)
    try:
        yield
    finally:
        _set_xdp(net, index, -1, interface)


def _set_xdp(net: Network, index: int, program_fd: int, interface: str) -> None:
    link = struct.pack("=BxHiII", 0, 0, index, 0, 0)  # struct ifinfomsg
    program = attribute(uapi.IFLA_XDP_FD, struct.pack("=i", program_fd))
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
    if hook not in HOOKS:
        raise AttachError(f"tc has no hook {hook!r}, it has: {', '.join(HOOKS)}.")
    what = f"tc {hook} on {interface}"
    message = struct.Struct("=BxxxiIII")  # struct tcmsg: family, interface, handle, parent, info
    index = interface_index(net, interface)
    qdisc = message.pack(0, index, CLSACT, uapi.TC_H_CLSACT, 0)
    qdisc += attribute(uapi.TCA_KIND, b"clsact\0")
    program = attribute(uapi.TCA_BPF_FD, struct.pack("=i", program_fd))
    program += attribute(uapi.TCA_BPF_NAME, b"course\0")
    program += attribute(uapi.TCA_BPF_FLAGS, struct.pack("=I", uapi.TCA_BPF_FLAG_ACT_DIRECT))
    first_for_all = 1 << 16 | socket.htons(uapi.ETH_P_ALL)
    chosen = message.pack(0, index, 0, HOOKS[hook], first_for_all)
    chosen += attribute(uapi.TCA_KIND, b"bpf\0") + attribute(uapi.TCA_OPTIONS, program)
    ask(net, uapi.RTM_NEWQDISC, qdisc, what, NEW)
    try:
        ask(net, uapi.RTM_NEWTFILTER, chosen, what, NEW)
        yield
    finally:
        ask(net, uapi.RTM_DELQDISC, qdisc, what)


def interface_index(net: Network, name: str) -> int:
    """The number of an interface inside the network. Errors: AttachError if it has none."""
    link = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
    link += attribute(uapi.IFLA_IFNAME, name.encode() + b"\0")
    reply = ask(net, uapi.RTM_GETLINK, link, name)
    return struct.unpack_from("=i", reply, 20)[0]


def attribute(type: int, data: bytes) -> bytes:
    """One netlink attribute: length, type, data, zeros up to a multiple of four bytes.

    Source: netlink(7).
    """
    return struct.pack("=HH", 4 + len(data), type) + data + bytes(-len(data) % 4)


def ask(net: Network, type: int, body: bytes, what: str, flags: int = 0) -> bytes:
    """Send one netlink request inside the network, and wait for what the kernel says.

    Result: the answer. Errors: AttachError if it is a refusal; `what` says there of what.
    Source: netlink(7).
    """
    flags |= uapi.NLM_F_REQUEST | uapi.NLM_F_ACK
    header = struct.pack("=IHHII", 16 + len(body), type, flags, 1, 0)
    with net.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(header + body)
        reply = sock.recv(1 << 16)
    refused = struct.unpack_from("=H", reply, 4)[0] == uapi.NLMSG_ERROR
    refusal = -struct.unpack_from("=i", reply, 16)[0] if refused else 0
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
    if number == errno.EPERM:
        return rights.not_attached("an interface, over netlink")
    if number == errno.EEXIST:
        return f"Something is attached there already ({what}): leave its with block first."
    return f"The program cannot be attached ({what}: {os.strerror(number)})."
