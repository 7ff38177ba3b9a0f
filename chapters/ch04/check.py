"""Checks of chapter 04, live_plot."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from helpers import loader, netlab, sockets, toolchain, traffic
from helpers.check import (
    NO_NUMBER,
    Verdict,
    as_list,
    as_number,
    as_word,
    called,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.counters import Counters
from helpers.live.series import OTHER
from helpers.protocols import NUMBERS

NEAR = 1e-5  # of a rate
Busiest = Callable[[np.ndarray, np.ndarray, float], tuple[str, float] | None]


def readings(grown: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two readings between which these protocols grew; TCP has the largest total in both."""
    before = np.zeros(256, dtype=np.uint64)
    before[NUMBERS["TCP"]] = 5_000_000
    before[NUMBERS["UDP"]] = 1_000
    after = before.copy()
    for protocol, size in grown.items():
        after[protocol] += np.uint64(size)
    return before, after


def busiest(function: Busiest) -> Verdict:
    """Exercise 1: tried on three pairs of readings, made so that each usual slip shows."""
    cases = [
        ({6: 100, 17: 7_100}, 0.5, "UDP", 14_200.0, "UDP grew most, and totals do not tell"),
        ({6: 100, 1: 392}, 2.0, "ICMP", 196.0, "ICMP grew most this time"),
        ({6: 100, 200: 1_500}, 4.0, "200", 375.0, "a protocol without a name has its number"),
    ]
    for grown, seconds, name, rate, why in cases:
        before, after = readings(grown)
        answer, failure = called(function, before, after, seconds)
        if failure:
            return failure
        if answer is None:
            return not_attempted("Complete the function: it returns None.")
        pair = as_list(answer)
        if pair is None or len(pair) != 2:
            return not_yet(
                f"It returns {shown(answer)}; two things are wanted: the name and the rate."
            )
        verdict = judge(pair, name, rate, rate * seconds, why)
        if verdict:
            return verdict
    return right("It tells what passes now from what has passed since the beginning.")


def judge(pair: list, name: str, rate: float, difference: float, why: str) -> Verdict | None:
    """What is wrong with one answer, or None."""
    given, value = pair[0], as_number(pair[1])
    if isinstance(pair[1], str):
        return not_yet("The name comes first, and the rate is a number.")
    if not isinstance(given, str):
        return not_yet(f"{shown(given)} is no name; protocols.name() turns a number into one.")
    if as_word(given) != as_word(name):
        return not_yet(f"It says {shown(given)}, where {name} was wanted: {why}.")
    if value is None:
        return not_yet("The rate is wanted as one number, not as an array or None.")
    if math.isclose(value, difference, rel_tol=NEAR):
        return not_yet(f"{value} is how many bytes {name} grew by; how many is that per second?")
    if not math.isclose(value, rate, rel_tol=NEAR):
        return not_yet(f"For {name} it says {value} bytes per second, not {rate}.")
    return None


GAP, BURSTS = 1.0, 5  # seconds between the bursts; how many
MOST_READINGS = 10  # readings a second that a plot may cost


def interval(seconds: float | None) -> Verdict:
    """Exercise 2: the bursts are read with this interval, wherever the first reading falls."""
    if seconds is None:
        return not_attempted("Replace None by a number of seconds.")
    seconds = as_number(seconds)
    if seconds is None:
        return NO_NUMBER
    if not seconds > 0 or seconds * MOST_READINGS < 1 - 1e-9:
        return not_yet(
            f"That is more than {MOST_READINGS} readings a second: take a longer interval."
        )
    late = seconds * 1.01  # as a reading is, on any machine
    merged = [start for start in np.arange(0, 1, 0.01) if not told_apart(late, start * late)]
    if len(merged) == 100:
        return not_yet(f"Every {seconds:g} s one reading falls between two bursts, or none.")
    if merged:
        return not_yet(
            f"Every {seconds:g} s it works in {100 - len(merged)} of 100 tries: it depends on when "
            "the first reading falls."
        )
    return right("Between two bursts there is a whole quiet interval, wherever the readings fall.")


def told_apart(seconds: float, first: float) -> bool:
    """Whether between any two bursts an interval without bytes is seen."""
    bursts = np.arange(1, BURSTS + 1) * GAP
    moments = np.arange(first, bursts[-1] + 2 * seconds, seconds)
    totals = np.searchsorted(bursts, moments, side="right")
    heights = np.diff(totals)
    seen = np.flatnonzero(heights)
    return bool(np.all(heights <= 1) and np.all(np.diff(seen) >= 2))


def line_of_ipv6_ping(ticked: list[str] | None) -> Verdict:
    """Exercise 3: pings ::1 in a network of its own, and looks which of these counters grew."""
    if ticked is None:
        return not_attempted("Replace None by a list of protocol names.")
    names = list(ticked) if isinstance(ticked, set | frozenset) else as_list(ticked)
    if names is None:
        return not_yet(f"A list is wanted, even of one name: [{shown(ticked)}].")
    boxes = {as_word(box): box for box in (*NUMBERS, OTHER)}
    for name in names:
        if as_word(name) not in boxes:
            return not_yet(
                f"There is no box {shown(name)}; there are: {', '.join(boxes.values())}."
            )
    if as_word(OTHER) in map(as_word, names):
        return not_yet(f"HOPOPT and the rest have boxes of their own: they are not in {OTHER!r}.")
    numbers = {boxes[as_word(name)]: NUMBERS[boxes[as_word(name)]] for name in names}
    with (
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
        netlab.open_network() as net,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
        Counters(loaded.map("bytes_by_protocol")) as counters,
    ):
        before = counters.read()
        traffic.echo(net, count=1, to="::1")
        grown = counters.read() - before
    quiet = [name for name, slot in numbers.items() if not grown[slot]]
    if quiet or not numbers:
        return not_yet(
            f"An IPv6 ping went by, and nothing moved for: {', '.join(quiet) or '[]'}. "
            "Which number did sockex1 read in byte 23?"
        )
    name = next(iter(numbers))
    return right(f"{grown[numbers[name]]} bytes in {name}: sockex1 read a byte of the address.")
