"""What the parts share: rows of the table, and how they compare.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chapters.ch11.measuring import duration, middle_half, times_as_much

HEAD = ("", "medians", "the middle half", "ratio", "target")


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


def verdict(target: str, met: bool) -> str:
    """The target in words, and whether it was met."""
    return f"{target}: {'met' if met else 'missed'}"


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
