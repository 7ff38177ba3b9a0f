"""A BPF program in traffic control (tc), where counting is cheapest: on its way in, out, or both.

Built in chapter 12, beyond_sockex1; the moving plot and the playground count here, too, where the
learner chooses it. A program is held by a link (tcx, since Linux 6.6), which goes with its
descriptor. On an older kernel it becomes a filter of a clsact queue discipline, asked for over
netlink: in a private network that goes when the network goes; on an interface of this machine it
stays if this process is killed, until `sweep` takes it away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from helpers import rights, uapi
from helpers.errors import CourseError
from helpers.netlab import Network
from helpers.probes import bpf

NEW = uapi.NLM_F_CREATE | uapi.NLM_F_EXCL
MESSAGE = struct.Struct("=BxxxiIII")  # struct tcmsg: family, interface, handle, parent, info
# The queue discipline that holds filters and queues nothing, and where they hang in it.
CLSACT = uapi.TC_H_CLSACT & uapi.TC_H_MAJ_MASK
HOOKS = {"ingress": CLSACT | uapi.TC_H_MIN_INGRESS, "egress": CLSACT | uapi.TC_H_MIN_EGRESS}
# What our filters are called: who has attached it, and whether the queue discipline is ours, too.
NAME = re.compile(rb"course (\d+) (\d+) (shared|own)\0")


# What a kernel without tcx says; before 6.5 it first said no to everybody without CAP_BPF.
WITHOUT_TCX = (errno.EINVAL, errno.EPERM)


class AttachError(CourseError):
    """The program could not be attached; `number` is the kernel's error number."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.number = number


class Place:
    """A program of type sched_cls on hooks of one interface, until close() or the end of `with`.

    Arguments: net: the network, or None for the one that this process is in. hooks: "ingress",
        frames that come in, after the tap; "egress", frames that go out, before it.
    Errors: AttachError. Source: tc-bpf(8), rtnetlink(7); bpf(2), BPF_LINK_CREATE.
    Built in chapter 12.
    """

    def __init__(
        self, net: Network | None, program_fd: int, interface: str, hooks: Iterable[str]
    ) -> None:
        self._net, self._interface, self._links, self._name = net, interface, [], b""
        self._index = interface_index(net, interface)
        try:
            for hook in hooks:
                if hook not in HOOKS:
                    raise AttachError(f"tc has no hook {hook!r}, it has: {', '.join(HOOKS)}.")
                self._attach(program_fd, hook)
        except BaseException:
            self.close()
            raise

    def _attach(self, program_fd: int, hook: str) -> None:
        what = f"tc {hook} on {self._interface}"
        try:
            self._links.append(link_to(self._net, program_fd, self._index, uapi.BPF_TCX[hook]))
            return
        except OSError as error:
            if error.errno not in WITHOUT_TCX:
                raise AttachError(explain(error.errno, what), error.errno) from error
        if not self._name:
            try:
                ask(self._net, uapi.RTM_NEWQDISC, qdisc(self._index), what, NEW)
                made = "own"
            except AttachError as error:
                if error.number != errno.EEXIST:  # one that is there serves us as well
                    raise
                made = "shared"
            self._name = f"course {os.getpid()} {id(self)} {made}\0".encode()
        program = attribute(uapi.TCA_BPF_FD, struct.pack("=i", program_fd))
        program += attribute(uapi.TCA_BPF_NAME, self._name)
        program += attribute(uapi.TCA_BPF_FLAGS, struct.pack("=I", uapi.TCA_BPF_FLAG_ACT_DIRECT))
        # Priority 0: the kernel chooses one, before all that are there.
        where = MESSAGE.pack(0, self._index, 0, HOOKS[hook], socket.htons(uapi.ETH_P_ALL))
        where += attribute(uapi.TCA_KIND, b"bpf\0") + attribute(uapi.TCA_OPTIONS, program)
        ask(self._net, uapi.RTM_NEWTFILTER, where, what, NEW)

    def standing(self) -> tuple[int, str]:
        """The error number of what has become of the interface, 0 for nothing, and its name."""
        try:
            reply = link(self._net, index=self._index)
        except AttachError:
            return errno.ENETDOWN, self._interface
        flags, size = struct.unpack_from("=I4xH", reply, 24)  # the name is the first attribute
        name = reply[36 : 32 + size].rstrip(b"\0").decode()
        return (0 if flags & uapi.IFF_UP else errno.ENETDOWN), name

    def close(self) -> None:
        """Take the program off."""
        while self._links:
            # At once: the process that made it in a private network may still hold a copy.
            bpf(uapi.BPF_LINK_DETACH, struct.pack("=I", held := self._links.pop()))
            os.close(held)
        if self._name:
            own = self._name.endswith(b"own\0")
            try:
                remove(self._net, self._index, lambda name: name[0] == self._name, own)
            except AttachError as error:
                if error.number != errno.ENODEV:  # it has gone with the interface
                    raise
            self._name = b""

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def link_to(net: Network | None, program_fd: int, target: int, hook: int) -> int:
    """The descriptor of a link, made in the network of its target: an interface's number, or, for
    a hook of cgroups, a descriptor. Errors: OSError."""
    if net:
        return net.link(program_fd, target, hook)
    made = bpf(uapi.BPF_LINK_CREATE, struct.pack("=4I", program_fd, target, hook, 0))
    if made < 0:
        raise OSError(-made, os.strerror(-made))
    return made


def interface_index(net: Network | None, name: str) -> int:
    """The number of an interface inside the network. Errors: AttachError if it has none."""
    wanted = attribute(uapi.IFLA_IFNAME, name.encode() + b"\0")
    return struct.unpack_from("=i", link(net, 0, wanted, name), 20)[0]


def link(net: Network | None, index: int, wanted: bytes = b"", name: str = "") -> bytes:
    """What the kernel says about an interface. Errors: AttachError if there is none."""
    asked = struct.pack("=BxHiII", 0, 0, index, 0, 0) + wanted  # struct ifinfomsg
    return ask(net, uapi.RTM_GETLINK, asked, name or f"number {index}")


def qdisc(index: int) -> bytes:
    """The clsact of an interface, in a netlink message."""
    parts = MESSAGE.pack(0, index, CLSACT, uapi.TC_H_CLSACT, 0)
    return parts + attribute(uapi.TCA_KIND, b"clsact\0")


def remove(
    net: Network | None, index: int, wanted: Callable[[re.Match], bool], own: bool = False
) -> int:
    """Take filters of the course's off an interface, and its clsact if that is left empty.

    Arguments: wanted: given what NAME matches, whether to take that one. own: whether the clsact
        is known to be the course's; else a filter's name tells.
    Result: how many were taken. Errors: AttachError if the kernel refuses.
    """
    taken, left = 0, 0
    for parent in HOOKS.values():
        asked = MESSAGE.pack(0, index, 0, parent, 0)
        reply = ask(net, uapi.RTM_GETTFILTER, asked, "", uapi.NLM_F_DUMP)
        for kind, body in messages(reply):
            name = NAME.search(body)
            if kind != uapi.RTM_NEWTFILTER or not MESSAGE.unpack_from(body)[2]:
                continue  # no filter, or a priority without any
            if name and wanted(name):
                ask(net, uapi.RTM_DELTFILTER, body[: MESSAGE.size], f"tc, interface {index}")
                own, taken = own or name[3] == b"own", taken + 1
            else:
                left += 1
    if own and not left:
        ask(net, uapi.RTM_DELQDISC, qdisc(index), f"tc, interface {index}")
    return taken


def sweep() -> int:
    """Take away what a killed process has left on this machine's interfaces, before Linux 6.6.

    Result: how many filters. Nothing where this process may not: then it was not the course's.
    """
    with contextlib.suppress(AttachError):
        indices = [index for index, _ in socket.if_nameindex()]
        return sum(remove(None, index, is_left_over) for index in indices)
    return 0


def is_left_over(name: re.Match) -> bool:
    """Whether the process that has attached it is gone."""
    return not Path(f"/proc/{int(name[1])}").exists()


def messages(reply: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each netlink message. Source: netlink(7)."""
    while len(reply) >= 16:
        size, kind = struct.unpack_from("=IH", reply)
        yield kind, reply[16:size]
        reply = reply[size + 3 & ~3 :]


def attribute(type: int, data: bytes) -> bytes:
    """One netlink attribute: length, type, data, zeros up to a multiple of four bytes.

    Source: netlink(7).
    """
    return struct.pack("=HH", 4 + len(data), type) + data + bytes(-len(data) % 4)


def ask(net: Network | None, type: int, body: bytes, what: str, flags: int = 0) -> bytes:
    """Send one netlink request inside the network, and wait for what the kernel says.

    Result: the answer. Errors: AttachError if it is a refusal; `what` says there of what.
    Source: netlink(7).
    """
    flags |= uapi.NLM_F_REQUEST | uapi.NLM_F_ACK
    header = struct.pack("=IHHII", 16 + len(body), type, flags, 1, 0)
    opener = net.socket if net else socket.socket
    with opener(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(header + body)
        reply = sock.recv(1 << 16)
    refused = struct.unpack_from("=H", reply, 4)[0] == uapi.NLMSG_ERROR
    refusal = -struct.unpack_from("=i", reply, 16)[0] if refused else 0
    if refusal:
        raise AttachError(explain(refusal, what), refusal)
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
