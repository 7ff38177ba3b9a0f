"""Where a learner stands: each chapter's exercises, and where to go on. Chapter 00 shows it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from chapters.ch00 import copies
from helpers import progress
from helpers.progress import Exercise
from helpers.table import Table
from helpers.toolchain import COURSE

NOTEBOOKS = COURSE / "notebooks"


@dataclass(frozen=True)
class Standing:
    """What was reached of each exercise, and which copies the course has gone past.

    reached: for each exercise "not attempted", "not yet" or "right", in the chapters' order;
    names: the chapters' names by number; old: the names of copies that the course has gone past.
    """

    reached: dict[Exercise, str]
    names: dict[str, str]
    old: list[str]

    @property
    def next(self) -> Exercise | None:
        """Where to go on: what was tried and is open, else what comes after the last that is
        right, else the first that is open; None if nothing is."""
        order = list(self.reached)
        tried = [each for each in order if self.reached[each] == "not yet"]
        solved = [at for at, each in enumerate(order) if self.reached[each] == "right"]
        after = order[solved[-1] + 1 :] if solved else []
        is_open = [each for each in (*after, *order) if self.reached[each] != "right"]
        return next(iter(tried or is_open), None)

    def table(self) -> Table:
        """A row for each chapter, a column for each exercise."""
        rows, most = [], max(each.number for each in self.reached)
        for number, name in self.names.items():
            mine = {e.number: status for e, status in self.reached.items() if e.chapter == number}
            rows.append((name, *(mine.get(n, "") for n in range(1, most + 1))))
        solved = sum(status == "right" for status in self.reached.values())
        caption = f"{solved} of {len(self.reached)} exercises are right"
        return Table(caption, ("chapter", *(f"exercise {n}" for n in range(1, most + 1))), rows)

    def __repr__(self) -> str:
        said = [repr(self.table()), "All of them are right."]
        if self.next:
            said[1] = f"Go on with {self.names[self.next.chapter]}, {self.next.heading}"
        return "\n\n".join(said + ([copies.advice(self.old)] if self.old else []))

    def _repr_html_(self) -> str:
        go_on = "All of them are right."
        if self.next:
            name = self.names[self.next.chapter]
            link = f"{name}.ipynb#{quote(self.next.anchor, safe=':,')}"
            go_on = f'Go on with <a href="{link}">{escape(f"{name}, {self.next.heading}")}</a>'
        said = [go_on] + ([escape(copies.advice(self.old))] if self.old else [])
        return self.table()._repr_html_() + "".join(f"<p>{text}</p>" for text in said)


def standing(stored: Path = NOTEBOOKS, work: Path | None = None) -> Standing:
    """Where the learner stands whose folder is `work`; by default the one that this kernel runs in.

    Outside of a learner's folder nothing is kept, so nothing was attempted there.
    Errors: ProgressError if what was kept, or a chapter, cannot be read.
    """
    work = work or progress.here()
    kept = progress.read(work) if work else {}
    chapters = [path for path in sorted(stored.glob("*.ipynb")) if path.stem[:2].isdecimal()]
    if damaged := next(filter(None, map(copies.unreadable, chapters)), ""):
        raise progress.ProgressError(damaged)
    reached = {
        each: kept.get(each.chapter, {}).get(str(each.number), "not attempted")
        for path in chapters
        for each in progress.exercises(path)
    }
    old = copies.left_behind(stored, work) if work else []
    return Standing(reached, {path.stem[:2]: path.stem for path in chapters}, old)
