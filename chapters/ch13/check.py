"""Checks of chapter 13, one_packets_journey."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chapters.ch13.recording import Event
from chapters.ch13.ways import WAYS
from helpers.check import (
    Verdict,
    as_list,
    called,
    chosen,
    not_attempted,
    not_yet,
    right,
    shown,
)

OUT, DRIVER, IN, USED, DROPPED = (
    "net_dev_queue",
    "net_dev_start_xmit",
    "netif_receive_skb",
    "consume_skb",
    "kfree_skb",
)


def made(*passed: tuple[int, str]) -> list[Event]:
    """Events, a microsecond apart: the skb's number, and the station."""
    return [Event(1000 * n, station, skb, skb, 1) for n, (skb, station) in enumerate(passed)]


# What is asked: what the answer gets, what it should make of it, and the hint if it does not.
CASES: tuple[tuple[list[Event], list[list[int]], str], ...] = (
    (
        made((1, OUT), (1, DRIVER), (1, IN), (1, USED)),
        [[0, 1, 2, 3]],
        "One packet that passes four stations should come out as one list of four events.",
    ),
    (
        made((1, OUT), (2, OUT), (1, USED), (2, USED)),
        [[0, 2], [1, 3]],
        "Two packets that are under way at once should be two lists: their addresses differ.",
    ),
    (
        made((1, OUT), (1, IN), (1, USED), (1, OUT), (1, IN), (1, USED)),
        [[0, 1, 2], [3, 4, 5]],
        "After consume_skb the address may be another packet's: a new list begins.",
    ),
    (
        made((1, OUT), (1, IN), (1, DROPPED), (1, OUT), (1, IN), (1, USED)),
        [[0, 1, 2], [3, 4, 5]],
        "A packet ends at kfree_skb, too.",
    ),
    (
        made((1, OUT), (1, IN)),
        [[0, 1]],
        "A packet whose end was not seen should be there as well.",
    ),
)


def packets(answer: Callable[[list[Event]], object]) -> Verdict:
    """Exercise 1: events put together to packets, tried with events made up."""
    for events, wanted, hint in CASES:
        given, failure = called(answer, list(events))
        if failure:
            return failure
        if given is None:
            return not_attempted("Replace None: go through the events, and give a list of lists.")
        found = as_list(given)
        lists = [as_list(each) for each in found] if found is not None else [None]
        if not all(each and all(isinstance(one, Event) for one in each) for each in lists):
            return not_yet(f"It should give a list of lists of events, and gives {shown(given)}.")
        if sorted([events.index(one) for one in each] for each in lists) != wanted:
            return not_yet(hint)
    return right("An address is a packet's name from its first station to its last, no longer.")


# Which way each packet of exercise 2 was lost in, and what gives it away.
LOST = {
    "A": ("wrong machine", "it is not IP that looks at it for long, and whose host is meant?"),
    "B": ("full buffer", "it came as far as a socket, and what did that have too little of?"),
    "C": ("closed port", "what did the kernel look for, and what did it answer?"),
    "D": ("wrong checksum", "whose checksum is it, that of IP or that of what lies in it?"),
}


def diagnosis(answer: Mapping[str, str | None]) -> Verdict:
    """Exercise 2: for each packet the way in which it was lost."""
    wrong = chosen(answer, LOST, list(WAYS))
    return wrong or right("Four packets, four reasons, and a place in the kernel for each.")
