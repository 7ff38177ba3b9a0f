"""How long a chapter takes: an estimate by one rule, and what readers have sent.

./course render applies the rule to what it stores, in the chapter's first cell; docs/minutes.md and
the README's table get theirs in the same run. Run by itself (python -m tools.minutes) it does that
for all chapters as they are. CONTRIBUTING.md says how readers send their minutes.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import nbformat

from helpers import progress
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked

# The rule: what is marked Deeper, folded text and the sources do not count.
WORDS_PER_MINUTE = 150  # read with care, by somebody to whom most of it is new
MINUTES = {"cells": 0.5, "predictions": 1, "exercises": 5}
ROUNDED_TO = 5  # minutes

PAGE, SENT = COURSE / "docs" / "minutes.md", COURSE / "docs" / "minutes.csv"
README = COURSE / "README.md"
SENT_HEAD = ["chapter", "minutes", "knew"]
STATED = re.compile(r"^\*(?:About|An estimated) \d+ minutes", re.MULTILINE)
HEADING = re.compile(r"^(?=#{2,3} )", re.MULTILINE)
LEVEL = re.compile(r"(#{2,3}) (.*)")
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
SOURCES = re.compile(r"^(?:### Sources|\*\*Sources\*\*).*", re.MULTILINE | re.DOTALL)
PREDICTION = re.compile(r"prediction = None\b.*")


class MinutesError(CourseError):
    """A line that a reader sent is none, or a chapter does not say how long it takes."""


@dataclass(frozen=True)
class Counts:
    """What a chapter asks of its reader, Deeper left out. cells: those that are only run."""

    words: int
    cells: int
    predictions: int
    exercises: int

    @property
    def minutes(self) -> int:
        """The rule. Result: whole minutes, rounded to ROUNDED_TO."""
        exact = self.words / WORDS_PER_MINUTE
        exact += sum(each * getattr(self, name) for name, each in MINUTES.items())
        return ROUNDED_TO * round(exact / ROUNDED_TO)


def core(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str, bool]]:
    """What is not Deeper, part by part: (the cell's type, the text, whether it is an exercise)."""
    deeper = 0  # the level of the heading that said so
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            if not deeper:
                yield "code", cell.source, "exercise" in cell.metadata.get("tags", [])
            continue
        for part in HEADING.split(cell.source):
            heading = LEVEL.match(part)
            if heading and len(heading[1]) <= (deeper or 3):
                deeper = len(heading[1]) if "Deeper" in heading[2] else 0
            if not deeper:
                yield "markdown", SOURCES.sub("", FOLDED.sub("", part)), False


def count(notebook: nbformat.NotebookNode) -> Counts:
    """Words, cells, predictions and exercises of a chapter, as the rule wants them."""
    parts = list(core(notebook))
    code = [text for kind, text, exercise in parts if kind == "code" and not exercise]
    predictions = sum(bool(PREDICTION.fullmatch(text.strip())) for text in code)
    return Counts(
        words=sum(len(text.split()) for kind, text, _ in parts if kind == "markdown"),
        cells=len(code) - predictions,
        predictions=predictions,
        exercises=sum(exercise for _, _, exercise in parts),
    )


def state(notebook: nbformat.NotebookNode) -> None:
    """Put the estimate into a chapter's first cell; a notebook that states none has no rule."""
    minutes = count(notebook).minutes
    first = notebook.cells[0]
    first.source = STATED.sub(f"*An estimated {minutes} minutes", first.source, count=1)


def chapters() -> dict[str, Counts]:
    """What there is to count in each chapter, by its number."""
    paths = progress.stored_chapters()
    return {path.name[:2]: count(nbformat.read(path, as_version=4)) for path in paths}


def sent(file: Path = SENT) -> dict[str, list[float]]:
    """The minutes that readers have sent, by chapter. Errors: MinutesError, with the line."""
    minutes = defaultdict(list)
    with file.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                minutes[f"{int(row['chapter']):02}"].append(float(row["minutes"]))
            except (KeyError, TypeError, ValueError) as error:
                raise MinutesError(
                    f"Line {number} of {file.name} is no reader's: {','.join(SENT_HEAD)} are "
                    "wanted, such as 03,55,python."
                ) from error
    return minutes


def table(counted: dict[str, Counts], readers: dict[str, list[float]]) -> str:
    """The table of docs/minutes.md, in markdown."""
    head = ("chapter", "words", "cells", "predictions", "exercises", "estimate")
    rows: list[Iterable[object]] = [(*head, "readers", "their median"), ["---"] * 8]
    for chapter, each in counted.items():
        theirs = readers.get(chapter, [])
        middle = f"{median(theirs):.0f}" if theirs else ""
        about = round(each.words, -2)  # so that not each change of a text changes the table
        numbers = (about, each.cells, each.predictions, each.exercises, each.minutes)
        rows.append((chapter, *numbers, len(theirs), middle))
    return "\n".join(f"| {' | '.join(map(str, row))} |".replace("|  |", "| |") for row in rows)


def in_readme(text: str, counted: dict[str, Counts]) -> str:
    """The README with the estimates in its table of chapters."""
    for chapter, each in counted.items():
        row = re.compile(rf"^(\| \[{chapter}\]\(notebooks/.*\| )\d+ \|$", re.MULTILINE)
        text = row.sub(rf"\g<1>{each.minutes} |", text)
    return text


def tell() -> None:
    """Write docs/minutes.md and the README's minutes. Errors: MinutesError, MarkError."""
    counted = chapters()
    marked.put(PAGE, "minutes", table(counted, sent()))
    README.write_text(in_readme(README.read_text("utf-8"), counted), "utf-8")


def main() -> None:
    for path in progress.stored_chapters():
        notebook = nbformat.read(path, as_version=4)
        state(notebook)
        nbformat.write(notebook, path)
    tell()


if __name__ == "__main__":
    main()
