"""Which interface the moving plot looks at: one socket at a time, and what became of it.

Laboratory equipment, used by helpers.live; what a socket does here is chapter 03.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers import rights, sockets, tc
from helpers.live.task import LiveError
from helpers.netlab import Network

# A label, and the function that attaches the program there and returns what holds it.
Interfaces = Mapping[str, Callable[[], "socket.socket | tc.Place"]]
AT_TC = ", at tc"  # how a label ends where the program is in traffic control
GONE = "The interface {} is down or gone: choose another one, or bring it up, and press Start."


@dataclass(frozen=True)
class Tap:
    """A program's place at an interface; called, it attaches the program, see packet_socket()."""

    net: Network | None
    program_fd: int
    interface: str
    outgoing: bool = True

    def __call__(self) -> socket.socket:
        return sockets.packet_socket(self.net, self.program_fd, self.interface, self.outgoing)


@dataclass(frozen=True)
class TcTap:
    """A place in traffic control; called, it has the program loaded and attaches it."""

    net: Network | None
    load: Callable[[], int]
    interface: str
    hooks: tuple[str, ...]

    def __call__(self) -> tc.Place:
        return tc.Place(self.net, self.load(), self.interface, self.hooks)


def interfaces(
    net: Network,
    program_fd: int,
    both_ways: bool = False,
    at_tc: Callable[[], int] | None = None,
) -> Interfaces:
    """What a program can be attached to: lo of the private network, and this machine's own
    interfaces, as far as they are up.

    Arguments: net: the private network; program_fd: a loaded program of type socket filter;
        both_ways: it counts incoming and outgoing frames (chapter 12), so on lo, where each
        frame is both, its socket is shown the incoming ones alone. at_tc: gives a loaded program
        of type sched_cls that counts the same; then each place is there once more, in traffic
        control, for those who hold CAP_NET_ADMIN.
    Result: a function for each label; those of this machine need CAP_NET_RAW when called, and
    raise SocketError without. Used in chapter 04.
    """
    private = {"private lo": Tap(net, program_fd, "lo", not both_ways)}
    own = {
        name: Tap(None, program_fd, name, not (both_ways and name == "lo"))
        for _, name in socket.if_nameindex()
        if is_up(name)
    }
    found = (private if net.private else {}) | own
    if not at_tc or rights.lacking([rights.NET_ADMIN]):
        return found
    ways = {True: ("ingress", "egress"), False: ("egress",)}[both_ways]
    return found | {
        f"{label}{AT_TC}": TcTap(tap.net, at_tc, tap.interface, ways[:1] if on_lo(tap) else ways)
        for label, tap in found.items()
    }


def on_lo(tap: Tap) -> bool:
    """Whether each of its frames is outgoing and incoming."""
    return tap.interface == "lo"


def is_up(name: str) -> bool:
    """Whether an interface of this machine is up, as far as can be told. Source: netdevice(7)."""
    flags = Path(f"/sys/class/net/{name}/flags")
    return not flags.exists() or bool(int(flags.read_text(), 16) & 1)  # IFF_UP


def standing(held: socket.socket | tc.Place) -> tuple[int, str]:
    """The error number of what became of the interface, 0 for nothing, and what it is called."""
    if isinstance(held, tc.Place):
        return held.standing()
    failure = held.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return failure, "" if failure else held.getsockname()[0]


class Attachment:
    """The socket that a program is attached to, at one of several interfaces.

    Closing the socket detaches the program: there is never more than one of them.
    """

    def __init__(self, interfaces: Interfaces) -> None:
        self._interfaces = dict(interfaces)
        self._socket: socket.socket | tc.Place | None = None
        self._name: str | None = None  # what the interface was called at the first look
        self.label: str | None = None

    def attach(self, label: str | None) -> None:
        """Move to the interface with this label; None, or where it is already, changes nothing.

        If the new one refuses, the old one is kept.
        Errors: LiveError if it is gone; whatever the interface's function raises; for
            sockets.packet_socket, SocketError.
        """
        if label in (None, self.label):
            return
        if label not in self._interfaces:
            raise LiveError(GONE.format(label))
        new = self._interfaces[label]()
        self.close()
        self._socket, self.label = new, label

    def check(self) -> None:
        """Nothing if the interface is still there. Errors: LiveError. Source: packet(7)."""
        if self._socket is None:
            return
        failure, name = standing(self._socket)
        if failure == errno.ENETDOWN:
            raise LiveError(GONE.format(self.label))
        if failure:
            raise LiveError(f"The socket on {self.label} failed ({os.strerror(failure)}).")
        self._name = self._name or name
        if name != self._name:
            raise LiveError(
                f"The interface {self.label} is called {name} now: run this cell again, and "
                "choose it by that name."
            )

    def close(self) -> None:
        """Close the socket, and thereby detach the program."""
        if self._socket:
            self._socket.close()
        self._socket = self._name = self.label = None
