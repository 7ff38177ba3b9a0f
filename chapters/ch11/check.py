"""Checks of chapter 11, measuring."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from helpers.check import (
    Verdict,
    as_list,
    as_number,
    called,
    chosen,
    not_attempted,
    not_yet,
    right,
    shown,
)

MOST_CALLS = 50  # calls of each function
BASE, TIMES = 2_500.0, 1.25  # nanoseconds, and how many times as long the counted one takes
NEAR = 0.02  # of the true ratio


class BusyMachine:
    """A machine that is not quiet: it needs a warm-up, dozes now and then, and gets a neighbour.

    expected: after how many calls the neighbour moves in, and makes everything slower.
    calls: "w" and "c" for each call of without() and counted(), in order.
    """

    def __init__(self, expected: int = MOST_CALLS) -> None:
        self.calls = ""
        self._expected = expected

    def without(self) -> float:
        return self._call("w", BASE)

    def counted(self) -> float:
        return self._call("c", BASE * TIMES)

    def _call(self, kind: str, nanoseconds: float) -> float:
        if self.calls.count(kind) == MOST_CALLS:
            raise TooManyError(f"it calls one function more than {MOST_CALLS} times")
        number = len(self.calls)
        self.calls += kind
        nanoseconds *= 1 + 0.8 / (number + 1) ** 2  # the warm-up
        if number % 11 in (4, 5):
            nanoseconds *= 4 + number % 7  # it dozes
        if number >= self._expected:
            nanoseconds *= 2  # the neighbour
        return nanoseconds * (1 + 0.004 * (number * 7 % 5 - 2))  # and never twice the same


class TooManyError(Exception):
    """A function was called more often than the exercise allows."""


def how_many_times(function: Callable[..., float]) -> Verdict:
    """Exercise 1: on a machine whose true ratio is known, and where trouble begins twice."""
    probe = BusyMachine()
    answer, failure = attempt(function, probe)
    if failure:
        return failure
    if probe.calls == "cw":
        return not_attempted("Repair the function: it measures each way once, counted first.")
    if {"w", "c"} - set(probe.calls):
        return not_yet("Call both functions: without() and counted().")
    for share in (0.5, 0.3):
        machine = BusyMachine(expected=round(len(probe.calls) * share))
        answer, failure = attempt(function, machine)
        if failure:
            return failure
        if math.isclose(answer, TIMES, rel_tol=NEAR):
            continue
        if math.isclose(answer, 1 / TIMES, rel_tol=NEAR):
            return not_yet(f"{answer:.2f} is how much of the time is left without: turn it round.")
        return not_yet(f"It says {answer:,.2f} times as long, and it is {TIMES}: {reason(machine)}")
    return right(f"{answer:.2f} times as long, whatever the machine did meanwhile.")


def attempt(function: Callable[..., float], machine: BusyMachine) -> tuple[float, Verdict | None]:
    """What the learner's function says about a machine, or what is wrong with it."""
    answer, failure = called(function, machine.without, machine.counted)
    if failure:
        return 0, failure
    times = as_number(answer)
    if times is None:
        return 0, not_yet(f"One number is wanted, such as 1.1, not {shown(answer)}.")
    return times, None


def reason(machine: BusyMachine) -> str:
    """Which of the mistakes shows in the order of the calls."""
    if len(machine.calls) < 10:
        return "a few calls cannot tell; measure more often."
    turns = sum(one != other for one, other in zip(machine.calls, machine.calls[1:], strict=False))
    if turns < len(machine.calls) / 3:
        return "the neighbour hit one more than the other; let them take turns."
    return "compare within each pair, and take the median of the ratios."


def busiest(function: Callable[[bytes], tuple[int, float] | None]) -> Verdict:
    """Exercise 2: tried on pieces for two, one, four and seven processors."""
    cases = ([142, 426], [98], [0, 2**40, 5, 2**40 + 3], [2**16, 0, 0, 7, 2**33, 2**34, 255])
    for values in cases:
        raw = b"".join(value.to_bytes(8, sys.byteorder) for value in values)
        answer, failure = called(function, raw)
        if failure:
            return failure
        if answer is None:
            return not_attempted("Complete the function: it returns None.")
        verdict = judge_busiest(answer, values)
        if verdict:
            return verdict
    return right("A per-CPU map also tells which processor the packets came by.")


def judge_busiest(answer: object, values: list[int]) -> Verdict | None:
    """What is wrong with one answer, or None."""
    pair = as_list(answer)
    if pair is None or len(pair) != 2:
        return not_yet(f"It returns {shown(answer)}; two things are wanted, such as (0, 0.75).")
    number, share = map(as_number, pair)
    most, said = max(values), f"Processors counted {', '.join(map(str, values))}:"
    if number != values.index(most):
        return not_yet(
            f"{said} most did number {values.index(most)} (from 0), not {shown(pair[0])}."
        )
    if share is None:
        return not_yet(f"{shown(pair[1])} is no share: a number from 0 to 1 is wanted.")
    if not math.isclose(share, most / sum(values), rel_tol=1e-5):
        return not_yet(f"{said} the share is {most / sum(values):.3f}, not {share:.6g}.")
    return None


# A word of each situation, the way, and why.
WAYS = {
    "DNS": ("classic BPF", "it reads the packets anyway, so selecting them is enough"),
    "routers": ("libbpf", "compiled once, and small where it runs"),
    "tonight": ("bcc", "a question that changes, where the compiler is at hand"),
    "instruction": ("bpf(2)", "no compiler between you and the instruction"),
}


def which_way(choices: dict[str, str | None]) -> Verdict:
    """Exercise 3: four situations, each with a way that fits it best."""
    names = [way for way, _ in WAYS.values()]
    return chosen(choices, WAYS, names) or right("Each way has its place, and all four count.")
