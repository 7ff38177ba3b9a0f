"""What chapter 13 records, held against the kernel's own trace of the same tracepoints.

tests/inside/traced.py makes both; events are [station, address, length or reason].
"""

from __future__ import annotations

from collections import Counter

OF_THE_MACHINE = ("skb_copy_datagram_iovec", "consume_skb", "kfree_skb")
# By run of traced.py: journeys that begin, by their packets; and whether an end may be silent.
RUNS = {
    "pings": (800, False),
    "closed port": (600, False),
    "datagrams": (1000, True),
    "tcp": (0, True),
}


def told(events: list[list]) -> dict[int, list[tuple]]:
    """What happened at each address, in order."""
    found: dict[int, list[tuple]] = {}
    for station, address, detail in events:
        found.setdefault(address, []).append((station, detail))
    return found


def others(mine: list[tuple], theirs: list[tuple]) -> list[tuple[str, str]]:
    """The kernel's events at an address that are not ours: after which of ours, and what.

    Errors: AssertionError if one of ours is not there, or not in that order.
    """
    waiting, extra, last = list(mine), [], ""
    for event in theirs:
        untold = event[1] is None  # a drop's reason, by this kernel's trace
        if waiting and (waiting[0] == event or (untold and waiting[0][0] == event[0])):
            last = waiting.pop(0)[0]
        else:
            extra.append((last, event[0]))
    assert waiting == []
    return extra


def shown(mine: list[list], theirs: list[list]) -> tuple[list[list], list[list]]:
    """Both, with the true addresses in a trace whose kernel hides them: the stations of net:* were
    of one interface only, so there the n-th event is the same on both sides. An address that none
    of these has tells nothing, and is left out.

    Errors: AssertionError if one address would have to be two, or if their numbers differ.
    """
    ours, hidden = ([e for e in each if e[0] not in OF_THE_MACHINE] for each in (mine, theirs))
    pairs = {(a[1], b[1]) for a, b in zip(ours, hidden, strict=True)}
    true = {theirs: mine for mine, theirs in pairs}
    assert len(true) == len(pairs) == len({mine for mine, _ in pairs})
    return (
        [event for event in mine if event[1] in true.values()],
        [[station, true[at], detail] for station, at, detail in theirs if at in true],
    )


def compare(traced: dict, run: str, part: int = 1) -> int:
    """Packet for packet: every station, in its order, with its length or its reason; none lost.

    Result: how many packets were compared. Errors: AssertionError if they differ.
    """
    found, (journeys, silent) = traced[run], RUNS[run]
    assert (found["lost"], found["overrun"]) == (0, 0)
    lists = found["mine"], found["theirs"]
    mine, theirs = map(told, shown(*lists) if traced["hidden"] else lists)
    assert set(mine) <= set(theirs)
    for address, events in theirs.items():
        for last, station in others(mine.get(address, []), events):
            # skb:* of the rest of the machine: only when the address was no packet of ours.
            assert station in OF_THE_MACHINE
            assert silent or last in ("", "consume_skb", "kfree_skb")
    begun = Counter(station for station, _, _ in found["mine"])["net_dev_queue"]
    clones = 400 if run == "pings" else 0
    assert begun + clones // part == journeys // part or run == "tcp"
    return begun
