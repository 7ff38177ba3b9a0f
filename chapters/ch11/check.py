"""Checks of chapter 11, measuring."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from helpers.check import Verdict, not_attempted, not_yet, right

MOST = 50  # calls of each function
BASE, TIMES = 2_500.0, 1.25  # nanoseconds, and how many times as long the counted one takes
NEAR = 0.02  # of the true ratio
NO_FUNCTION = not_yet("Hand the check a function: begin the cell above with def, as it was.")


class Machine:
    """A machine that is not quiet: it needs a warm-up, dozes now and then, and gets a neighbour.

    expected: after how many calls the neighbour moves in, and makes everything slower.
    calls: "w" and "c" for each call of without() and counted(), in order.
    """

    def __init__(self, expected: int = MOST) -> None:
        self.calls = ""
        self._expected = expected

    def without(self) -> float:
        return self._call("w", BASE)

    def counted(self) -> float:
        return self._call("c", BASE * TIMES)

    def _call(self, kind: str, nanoseconds: float) -> float:
        if self.calls.count(kind) == MOST:
            raise TooManyError
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
    if not callable(function):
        return NO_FUNCTION
    probe = Machine()
    answer, failure = attempt(function, probe)
    if failure:
        return failure
    if probe.calls == "cw":
        return not_attempted("Repair the function: it measures each way once, counted first.")
    if {"w", "c"} - set(probe.calls):
        return not_yet("Call both functions: without() and counted().")
    for share in (0.5, 0.3):
        machine = Machine(expected=round(len(probe.calls) * share))
        answer, failure = attempt(function, machine)
        if failure:
            return failure
        if math.isclose(answer, TIMES, rel_tol=NEAR):
            continue
        if math.isclose(answer, 1 / TIMES, rel_tol=NEAR):
            return not_yet(f"{answer:.2f} is how much of the time is left without: turn it round.")
        return not_yet(f"It says {answer:,.2f} times as long, and it is {TIMES}: {reason(machine)}")
    return right(f"{answer:.2f} times as long, whatever the machine did meanwhile.")


def attempt(function: Callable[..., float], machine: Machine) -> tuple[float, Verdict | None]:
    """What the learner's function says about a machine, or what is wrong with it."""
    try:
        answer = function(machine.without, machine.counted)
    except TooManyError:
        return 0, not_yet(f"It calls a function more than {MOST} times.")
    except Exception as error:
        return 0, not_yet(f"It stops with {type(error).__name__}: {error}.")
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return 0, not_yet(f"One number is wanted, such as 1.1, not a {type(answer).__name__}.")
    return float(answer), None


def reason(machine: Machine) -> str:
    """Which of the mistakes shows in the order of the calls."""
    if len(machine.calls) < 10:
        return "a few calls cannot tell; measure more often."
    turns = sum(one != other for one, other in zip(machine.calls, machine.calls[1:], strict=False))
    if turns < len(machine.calls) / 3:
        return "the neighbour hit one more than the other; let them take turns."
    return "compare within each pair, and take the median of the ratios."


def busiest(function: Callable[[bytes], tuple[int, float] | None]) -> Verdict:
    """Exercise 2: tried on pieces for two, one, four and seven processors."""
    if not callable(function):
        return NO_FUNCTION
    cases = ([142, 426], [98], [0, 2**40, 5, 2**40 + 3], [2**16, 0, 0, 7, 2**33, 2**34, 255])
    for values in cases:
        raw = b"".join(value.to_bytes(8, sys.byteorder) for value in values)
        try:
            answer = function(raw)
        except Exception as error:
            return not_yet(f"It stops with {type(error).__name__}: {error}.")
        if answer is None:
            return not_attempted("Complete the function: it returns None.")
        verdict = judge_busiest(answer, values)
        if verdict:
            return verdict
    return right("A per-CPU map also tells which processor the packets came by.")


def judge_busiest(answer: object, values: list[int]) -> Verdict | None:
    """What is wrong with one answer, or None."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return not_yet(f"It returns {answer!r}; two things are wanted, such as (0, 0.75).")
    number, share = answer
    most, said = max(values), f"Processors counted {', '.join(map(str, values))}:"
    if number != values.index(most):
        return not_yet(f"{said} most did number {values.index(most)} (from 0), not {number!r}.")
    if isinstance(share, bool) or not isinstance(share, int | float):
        return not_yet(f"{share!r} is no share: a number from 0 to 1 is wanted.")
    if not math.isclose(share, most / sum(values)):
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
    if all(choice is None for choice in choices.values()):
        return not_attempted("Put the name of a way between quotes for each None.")
    names = [way for way, _ in WAYS.values()]
    wrong = []
    for situation, choice in choices.items():
        known = [WAYS[word] for word in WAYS if word in situation]
        if len(known) != 1:
            return not_yet("Leave the four situations as they are: ./course reset 11 has them.")
        if choice is None:
            return not_yet(f"There is still a None: {situation}")
        if choice not in names:
            return not_yet(f"{choice!r} is none of the ways, which are: {', '.join(names)}.")
        if choice != known[0][0]:
            wrong.append(f"{situation.rstrip('.')} ({known[0][1]})")
    if wrong:
        return not_yet(f"Think again about: {'; '.join(wrong)}.")
    return right("Each way has its place, and all four count the same.")
