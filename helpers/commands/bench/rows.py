"""What the parts share: taking turns, medians and their spread, rows of the table.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from helpers.errors import CourseError

HEAD = ("", "medians", "the middle half", "ratio", "target")


class BenchError(CourseError):
    """Something could not be measured."""


@dataclass(frozen=True)
class Row:
    """One line of the table; every field is text, and may be empty."""

    name: str
    measured: str = ""
    spread: str = ""
    ratio: str = ""
    target: str = ""

    def __str__(self) -> str:
        cells = (self.name, self.measured, self.spread, self.ratio, self.target)
        return f"| {' | '.join(cells)} |"


def table(rows: Sequence[Row]) -> str:
    """The rows as one markdown table."""
    return "\n".join(map(str, [Row(*HEAD), f"|{'---|' * len(HEAD)}", *rows]))


def duration(nanoseconds: float) -> str:
    """A time with its unit: 405 ns, 12.3 µs, 2.61 ms."""
    size = abs(nanoseconds)
    if size < 9_999:
        return f"{nanoseconds:,.0f} ns"
    unit, factor = ("µs", 1e3) if size < 999_500 else ("ms", 1e6)
    scaled = nanoseconds / factor
    return f"{scaled:,.0f} {unit}" if abs(scaled) >= 99.95 else f"{scaled:.3g} {unit}"


def middle_half(times: Sequence[float]) -> str:
    """From where to where the middle half of the measured times lies (the quartiles)."""
    low, _, high = statistics.quantiles(times, n=4, method="inclusive")
    return f"{duration(low)} to {duration(high)}"


def times_as_much(value: float, unit: float) -> str:
    """A ratio in two or three digits: 1.9, 17, 1,720; none to what noise has made nothing."""
    if unit <= 0:
        return "unknown"
    ratio = value / unit
    return f"{ratio:.1f}" if ratio < 9.95 else f"{float(f'{ratio:.3g}'):,.0f}"


def verdict(target: str, met: bool) -> str:
    """The target in words, and whether it was met."""
    return f"{target}: {'met' if met else 'missed'}"


def take_turns(
    what: str, ways: Mapping[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Measure each way `repeats` times, in turns: what slows the machine down slows all of them."""
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in progress(what, repeats):
        for name, measure in ways.items():
            measured[name].append(measure())
    return measured


def compared(times: Mapping[str, Sequence[float]], target: str) -> list[Row]:
    """A row for each way, in nanoseconds; the first is the course's: it is 1 and has the target."""
    medians = {name: statistics.median(times[name]) for name in times}
    course = next(iter(times))
    return [
        Row(
            name,
            duration(medians[name]),
            middle_half(times[name]),
            times_as_much(medians[name], medians[course]),
            target if name == course else "",
        )
        for name in times
    ]


def progress(what: str, repeats: int) -> Iterator[int]:
    """Count from 1 to `repeats`, and show that on stderr."""
    for number in range(1, repeats + 1):
        if number == 1 or sys.stderr.isatty():
            print(f"\r{what}: {number} of {repeats} ", end="", file=sys.stderr, flush=True)
        yield number
    print(f"\r{what}: {repeats} of {repeats} ", file=sys.stderr, flush=True)
