"""Checks of chapter 03, load_attach_count."""

from __future__ import annotations

import ipaddress
import numbers
import socket
from collections.abc import Callable

from helpers import loader, netlab, sockets, toolchain, traffic
from helpers.check import Verdict, not_attempted, not_yet, right
from helpers.counters import Counters
from helpers.protocols import NUMBERS, name


def three_big_pings(answer: int | None) -> Verdict:
    """Exercise 1: held against three pings of 1000 bytes, sent and counted now."""
    if answer is None:
        return not_attempted("Replace None by the number of bytes.")
    if not isinstance(answer, numbers.Real):
        return not_yet("One number is wanted, without quotes and brackets.")
    with (
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
        netlab.open_network() as net,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
    ):
        traffic.echo(net, count=3, size=1000)
        counted = int(Counters(loaded.map("bytes_by_protocol")).read()[NUMBERS["ICMP"]])
    if answer == counted:
        return right(f"Three such pings were sent just now, and the counter said {counted}.")
    if answer * 2 == counted:
        return not_yet("That is one direction; each ping is answered.")
    if answer == 3 * 2 * 1000:
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
    before = counted(NUMBERS["ICMP"])
    traffic.echo(net)
    grown = counted(NUMBERS["ICMP"]) - before
    if grown == 2 * 196:
        return right(f"One ping added {grown} bytes: each socket ran the program once a frame.")
    if grown == 196:
        return not_yet(
            "One ping added 196 bytes, so the second socket does not run the program: "
            "is it opened with net.socket, attached, and bound to lo?"
        )
    if grown == 0:
        return not_yet("The counter did not grow at all: run sections 2 to 4 again.")
    return not_yet(f"One ping added {grown} bytes: are there more than two sockets by now?")


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
        if not isinstance(address, str):
            raise ValueError
        given = ipaddress.IPv6Address(address)
    except ValueError:
        return not_yet(f"{address!r} is not an IPv6 address: those are hex digits and colons.")
    if given.is_multicast or given.is_unspecified:
        return not_yet(f"{address} cannot be the source of a packet: choose another beginning.")
    net.add_address(str(given))
    try:
        landed = grown(lambda: traffic.echo(net, to=str(given)))
    finally:
        if not given.is_loopback:
            net.run(["ip", "address", "delete", f"{given}/128", "dev", "lo"])
    if NUMBERS["TCP"] in landed:
        return right(f"The second byte of {given.exploded} is {given.packed[1]:#04x}: {landed}.")
    if not landed:
        return not_yet("The counter did not grow at all: run sections 2 to 4 again.")
    slot = next(iter(landed))
    return not_yet(
        f"A ping from {given.exploded} landed in slot {slot} ({name(slot)}), "
        f"its second byte being {given.packed[1]:#04x}."
    )
