"""A packet socket, and a BPF program attached to it; any socket, and a classic filter.

The fourth stage of the road. Built in chapter 03, load_attach_count, and chapter 09, classic_bpf.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from typing import TYPE_CHECKING

from helpers import links
from helpers.errors import CourseError
from helpers.uapi import (  # Python's socket module names none of these
    ETH_P_ALL,
    PACKET_IGNORE_OUTGOING,
    SO_ATTACH_BPF,
    SO_ATTACH_FILTER,
    SO_DETACH_FILTER,
    SOL_PACKET,
)

if TYPE_CHECKING:
    from helpers.netlab import Network


class SocketError(CourseError):
    """The socket could not be opened, or the program could not be attached to it."""


def packet_socket(
    net: Network | None, program_fd: int, interface: str = "lo", outgoing: bool = True
) -> socket.socket:
    """A packet socket that shows every frame of one interface to a BPF program.

    Where there is no Ethernet header, as on a tunnel, it shows packets from the IP header on.

    Arguments:
        net: the network to open it in, or None for the one this process is in
            (that needs CAP_NET_RAW).
        program_fd: file descriptor of a loaded program of type socket filter.
        interface: name of the interface.
        outgoing: False for incoming frames only (Linux 4.20 and later); see chapter 12.
    Result: the socket; the program runs until it is closed.
    Errors: SocketError; LinkError for a type of interface that the course does not know.
    Source: packet(7), socket(7). Built in chapter 03.
    """
    opener = net.socket if net else socket.socket
    known = "lo" if net else ", ".join(name for _, name in socket.if_nameindex())
    try:
        ethernet = links.of_device(interface, net) is links.EN10MB
    except OSError as error:
        raise SocketError(explain(error, interface, known)) from error
    try:
        # SOCK_DGRAM leaves a link header out; on a GRE device with many ends there is one.
        shown = socket.SOCK_RAW if ethernet else socket.SOCK_DGRAM
        sock = opener(socket.AF_PACKET, shown, 0)
    except PermissionError as error:
        from helpers import rights  # rarely needed

        raise SocketError(
            f"This process may not open a raw socket, it lacks CAP_NET_RAW: "
            f"{rights.cure([rights.NET_RAW])}; or experiment in netlab.open_network()."
        ) from error
    try:
        if not outgoing:
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        # Protocol 0 receives nothing yet: not one frame gets in before the program is there.
        # chapter 03: begin attach
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)
        sock.bind((interface, ETH_P_ALL))
        # chapter 03: end attach
    except OSError as error:
        sock.close()
        raise SocketError(explain(error, interface, known)) from error
    return sock


def explain(error: OSError, interface: str, known: str) -> str:
    """One sentence for what setsockopt or bind answered. Built in chapter 03."""
    if error.errno == errno.ENODEV:
        return f"There is no interface {interface} here; there is: {known}."
    if error.errno == errno.ENETDOWN:
        return f"The interface {interface} is down: bring it up with ip link set {interface} up."
    if error.errno in (errno.EINVAL, errno.EBADF):
        return (
            "This file descriptor is not a loaded socket filter: pass the .fd of a program "
            'whose section is SEC("socket"), while its object is open.'
        )
    return f"The program could not be attached to {interface} ({error.strerror})."


def attach_filter(sock: socket.socket, code: bytes) -> None:
    """Put a classic filter in front of a socket, in the place of whatever program was there.

    Arguments: code: the instructions, 8 bytes each, as cbpf.encode() makes them. No capability is
        needed, whatever the socket.
    Errors: FilterError, which names the instruction that the kernel does not take; SocketError.
    Source: socket(7), SO_ATTACH_FILTER; Documentation/networking/filter.rst. Built in chapter 09.
    """
    try:
        # chapter 09: begin attach_filter
        buffer = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        # chapter 09: end attach_filter
    except (OSError, struct.error) as error:
        # The kernel says EINVAL to everything; the check of chapter 09 says why. Loaded here, for
        # who attaches programs of the other kind needs nothing of it.
        from helpers import cbpf

        cbpf.check(cbpf.decode(code))
        raise SocketError(
            f"The filter is right, but the socket does not take it ({error}): it may be locked "
            "(SO_LOCK_FILTER), or the filter larger than net.core.optmem_max allows."
        ) from error


def detach_filter(sock: socket.socket) -> None:
    """Take a socket's program away, classic or not; from now on everything arrives.

    Errors: SocketError if there is none, or it is locked.
    Source: socket(7), SO_DETACH_FILTER. Built in chapter 09.
    """
    try:
        # chapter 09: begin detach_filter
        sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        # chapter 09: end detach_filter
    except OSError as error:
        reason = "has no filter" if error.errno == errno.ENOENT else "does not give its filter away"
        raise SocketError(f"This socket {reason}, so there is none to detach.") from error
