"""Checks of chapter 14, a_monitor_of_your_own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from chapters.ch14 import acceptance, briefs, packed, report, traffic
from chapters.ch14.acceptance import Outcome, Test
from chapters.ch14.briefs import LEAKS
from chapters.ch14.program import compiled
from helpers.check import (
    NO_PROGRAM,
    Verdict,
    as_list,
    as_text,
    called,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.errors import CourseError

NAME, NUMBER = "a learner", 1  # the traffic of the first exercise, before there is a name


def judged(source: str, name: str, number: int) -> Outcome:
    """What a C text comes to. Errors: CourseError, one sentence."""
    acceptance.sources_of_its_own(source)
    with compiled(source) as path:
        return acceptance.judged(path, name, number)


def monitor(answer: object) -> Verdict:
    """Exercise 1: the C text of a monitor, milestone by milestone."""
    if answer is None:
        return not_attempted("Read your file into `monitor`: the text of a C program.")
    source = as_text(answer)
    if source is None:
        return NO_PROGRAM
    try:
        outcome = judged(source, NAME, NUMBER)
    except CourseError as error:
        return not_yet(str(error))
    for number, names in enumerate(traffic.MILESTONES, 1):
        if missed := [name for name in names if name in outcome.wrong]:
            return not_yet(
                f"Milestone {number}: these are not counted right yet: {'; '.join(missed)}."
            )
    return right(outcome.sentence()) if outcome.met else not_yet(outcome.sentence())


def as_test(answer: object) -> Test | None:
    """Frames, and a table of four numbers for each pair of addresses; else None."""
    parts = as_list(answer)
    if not parts or len(parts) != 2 or not isinstance(parts[1], Mapping):
        return None
    frames = as_list(parts[0])
    if not frames or not all(isinstance(each, bytes) for each in frames):
        return None
    try:
        table = {(a, b): tuple(map(int, counts)) for (a, b), counts in parts[1].items()}
    except Exception:  # an answer's own code may raise anything
        return None
    return frames, table


def tests(answer: object) -> Verdict:
    """Exercise 2: two tests that a right monitor passes, and no wrong one."""
    if answer is None:
        return not_attempted("Put two tests into a list, each a pair: frames, and their table.")
    given = [as_test(each) for each in as_list(answer) or []]
    if len(given) != 2 or None in given:
        return not_yet("A list of two pairs is wanted: frames as bytes, and the table of them.")
    try:
        for number, test in enumerate(given, 1):
            if not acceptance.passes(packed.references()["socket"], test):
                return not_yet(f"Test {number} says something else than a right monitor counts.")
        missed = [each for each in shown_to_tests() if uncaught(each, given)]
    except CourseError as error:
        return not_yet(str(error))
    if missed:
        return not_yet(
            f"{len(missed)} wrong monitors pass both tests; one of them is wrong about: "
            f"{missed[0].class_name}."
        )
    return right("Both tests let a right monitor pass, and no wrong one passes both.")


def shown_to_tests() -> list[packed.Wrong]:
    return list(packed.wrong().values())[: packed.FOR_LEARNERS_TESTS]


def uncaught(wrong: packed.Wrong, given: list[Test]) -> bool:
    return all(acceptance.passes(wrong.source, test) for test in given)


def retransmitted(answer: Callable[[list], object]) -> Verdict:
    """Exercise 3: how many bytes of a connection's one direction were sent again."""
    for segments, again, hint in briefs.SEGMENTS:
        given, failure = called(answer, list(segments))
        if failure:
            return failure
        if given is None:
            return not_attempted("Replace None: go through the segments, and give a number.")
        if not isinstance(given, int) or given != again:
            return not_yet(f"{hint} It gives {shown(given)} for {segments}.")
    return right("Bytes sent twice are told from late ones, and the numbers may begin again.")


def leaking(answer: Callable[..., object]) -> Verdict:
    """Exercise 4: through which interface what a container sends has left."""
    given = [called(answer, dict(silent), dict(busy), sent) for silent, busy, sent, *_ in LEAKS]
    for (value, failure), (*_, wanted, hint) in zip(given, LEAKS, strict=True):
        if failure:
            return failure
        if not isinstance(value, str | None) or value != wanted:
            if all(each is None for each, _ in given):
                return not_attempted("Replace None: give the name of an interface, or None.")
            return not_yet(hint)
    return right("The interface is found, through a tunnel and beside other traffic.")


def hand_in(source: str, tried: object, name: str, number: int) -> Path:
    """Write the report of a monitor, on the traffic of its maker, into the current folder.

    Errors: CourseError: the monitor or the tests are not right yet.
    """
    verdict = tests(tried)
    if verdict.status != "right":
        raise report.ReportError(f"The tests first. {verdict.text}")
    outcome = judged(source, name, number)
    if not outcome.met:
        raise report.ReportError(f"On the traffic of {name}: {outcome.sentence()}")
    path = Path("monitor_report.md")
    found = [as_test(each) for each in as_list(tried)]
    page = report.page(name, number, source, outcome, packed.FOR_LEARNERS_TESTS, found)
    path.write_text(page)
    return path
