"""Checks of chapter 03, load_attach_count."""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import socket
from collections.abc import Callable

from helpers import loader, netlab, sockets, toolchain, traffic
from helpers.check import (
    NO_NUMBER,
    Verdict,
    as_number,
    as_word,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.counters import Counters
from helpers.protocols import NUMBERS, name

NOT_GROWN = not_yet("The counter did not grow at all: run sections 2 to 4 again.")


def three_big_pings(answer: int | None) -> Verdict:
    """Exercise 1: held against three pings of 1000 bytes, sent and counted now."""
    if answer is None:
        return not_attempted("Replace None by the number of bytes.")
    total = as_number(answer)
    if total is None:
        return NO_NUMBER
    with (
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
        netlab.open_network() as net,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
    ):
        traffic.echo(net, count=3, size=1000)
        counted = int(Counters(loaded.map("bytes_by_protocol")).read()[NUMBERS["ICMP"]])
    if total == counted:
        return right(f"Three such pings were sent just now, and the counter said {counted}.")
    if total * 2 == counted:
        return not_yet("That is one direction; each ping is answered.")
    if total * 3 == counted:
        return not_yet("That is one ping, there and back; three were sent.")
    if total == 3 * 2 * 1000:
        return not_yet("The counter counts whole frames: what lies before the data?")
    return not_yet("Begin with one frame: its headers, then its 1000 bytes of data.")


def second_socket(
    second: socket.socket | None,
    first: socket.socket,
    net: netlab.Network,
    counted: Callable[[int], int],
) -> Verdict:
    """Exercise 2: one ping, and the counter must grow by twice 196 bytes.

    counted: the chapter's own function, from protocol number to bytes.
    """
    if second is None:
        return not_attempted("Replace None by a packet socket from net.socket(...).")
    if second is first:
        return not_yet("That is the first socket under a second name: open another one.")
    if fault := fault_of(second):
        return not_yet(fault)
    before = counted(NUMBERS["ICMP"])
    traffic.echo(net)
    grown = counted(NUMBERS["ICMP"]) - before
    if grown == 2 * 196:
        return right(f"One ping added {grown} bytes: each socket ran the program once a frame.")
    if grown == 196:
        return not_yet(
            "One ping added 196 bytes, so the second socket does not run this program here: is it "
            "opened with net.socket, and is program_fd attached?"
        )
    if grown == 0:
        return NOT_GROWN
    return not_yet(f"One ping added {grown} bytes: are there more than two sockets by now?")


def fault_of(second: object) -> str | None:
    """What keeps a packet socket from running a program for the frames of lo, in a sentence."""
    if not isinstance(second, socket.socket) or second.family != socket.AF_PACKET:
        return "A packet socket is wanted, as net.socket(socket.AF_PACKET, ...) opens it."
    if second.fileno() < 0:
        return "That socket is closed: open it again, and leave it open."
    interface, protocol, *_ = second.getsockname()
    if not has_program(second):
        return "No program is attached to it: setsockopt does that."
    if not interface:
        return "It is bound to no interface: bind it to lo."
    if interface != "lo":
        return f"It listens on {interface}: bind it to lo."
    if protocol != sockets.ETH_P_ALL:
        return (
            f"It is bound to lo, and asks for frames of EtherType {protocol:#06x}, so it sees none "
            "that leave: bind it with ETH_P_ALL."
        )
    return None


def has_program(sock: socket.socket) -> bool:
    """Whether a BPF program is attached. Source: sk_get_filter() in the kernel's net/core/filter.c.

    Asked how long the filter is, the kernel answers for classic ones only; there is no room for
    the filter itself, since its length is in instructions where a buffer's is in bytes.
    """
    libc, length = ctypes.CDLL(None, use_errno=True), ctypes.c_uint(0)
    option = socket.SOL_SOCKET, sockets.SO_ATTACH_FILTER
    refused = libc.getsockopt(sock.fileno(), *option, None, ctypes.byref(length))
    return bool(refused) and ctypes.get_errno() == errno.EACCES


def counted_as_tcp(
    address: str | None,
    net: netlab.Network,
    grown: Callable[[Callable[[], object]], dict[int, int]],
) -> Verdict:
    """Exercise 3: the address is given to lo and pinged; the bytes must land in TCP's slot.

    grown: the chapter's own function, from an action to the growth of each counter.
    """
    if address is None:
        return not_attempted("Replace None by an IPv6 address between quotes.")
    try:
        text = str(address) if isinstance(address, ipaddress.IPv6Address) else as_word(address)
        given = ipaddress.IPv6Address(text)
    except ValueError:
        return not_yet(f"{shown(address)} is not an IPv6 address: those are hex digits and colons.")
    if given.is_multicast or given.is_unspecified:
        return not_yet(f"{given} cannot be the source of a packet: choose another beginning.")
    if given.is_link_local or given.ipv4_mapped or given.scope_id:
        return not_yet(f"{given} is kept for one link, or for IPv4: choose another beginning.")
    try:
        net.add_address(str(given))
    except netlab.NetworkError as refused:
        return not_yet(str(refused))
    try:
        landed = grown(lambda: traffic.echo(net, to=str(given)))
    finally:
        if not given.is_loopback:
            net.run(["ip", "address", "delete", f"{given}/128", "dev", "lo"])
    if NUMBERS["TCP"] in landed:
        return right(f"The second byte of {given.exploded} is {given.packed[1]:#04x}: {landed}.")
    if not landed:
        return NOT_GROWN
    slot = next(iter(landed))
    return not_yet(
        f"A ping from {given.exploded} landed in slot {slot} ({name(slot)}), "
        f"its second byte being {given.packed[1]:#04x}."
    )
