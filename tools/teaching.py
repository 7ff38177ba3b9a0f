"""The part of the instructor's notes that the course itself knows: predictions with what happened,
and the mistakes that the checks tell apart, from tests/wrong. Run: python -m tools.teaching.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers import progress
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked, minutes

PAGE = COURSE / "docs/teaching/chapters.md"
WRONG = COURSE / "tests/wrong"
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
PREDICT = re.compile(r"\*\*Predict\.\*\* (.*?)(?: Put a letter between quotes.*)?$", re.DOTALL)
HAPPENED = re.compile(r"What happened is \((\w)\): (.*)")
SECTION = re.compile(r"## (\d+)\. ")
ANSWER = re.compile(r"^# %% (\d+) (\w+) -> (.*)$", re.MULTILINE)


def said(cell: dict) -> str:
    """What a stored cell printed."""
    texts = (each.get("text", "") for each in cell.get("outputs", ()))
    return "".join("".join(text) for text in texts)


@dataclass
class Asked:
    """A prediction: the number of its cell, the question, and what happened as it was stored."""

    cell: int
    question: str
    letter: str = ""
    because: str = ""


def asked(cells: list[dict]) -> list[Asked]:
    """What the learners are to predict in the cells of a stored chapter."""
    found: list[Asked] = []
    for number, cell in enumerate(cells):
        question = PREDICT.search("".join(cell["source"]))
        if cell["cell_type"] == "markdown" and question:
            found.append(Asked(number, " ".join(LINK.sub(r"\1", question[1]).split())))
        elif cell["cell_type"] == "code" and found and (happened := HAPPENED.search(said(cell))):
            found[-1].letter, found[-1].because = happened[1], happened[2].strip()
    return found


def predictions(chapter: Path) -> list[str]:
    """What the learners are to predict, and what happened when the chapter was stored."""
    every = asked(json.loads(chapter.read_bytes())["cells"])
    told = (f" **({each.letter})**: {each.because}" if each.letter else "" for each in every)
    return [each.question + after for each, after in zip(every, told, strict=True)]


def wrong_answers(chapter: Path, number: int) -> list[str]:
    """Each mistake of an exercise that has words of its own: its name, and those words."""
    wrong = (WRONG / f"ch{chapter.name[:2]}.py").read_text("utf-8")
    return [
        f'- {name.replace("_", " ")}: "{words.strip()}"'
        for at, name, words in ANSWER.findall(wrong)
        if int(at) == number
    ]


def mistakes(chapter: Path) -> list[str]:
    """The same by exercise."""
    lines: list[str] = []
    for each in progress.exercises(chapter):
        told = wrong_answers(chapter, each.number)
        lines += [f"- {each.heading}", *(f"    {line}" for line in told)]
    return lines


def advice(chapter: Path, page: Path = PAGE) -> list[str]:
    """The page's own lines on a chapter: what to say, what to show, where people get stuck."""
    begin, end = f"## {chapter.name[:2]} ", f"<!-- notes {chapter.name[:2]}: begin"
    _, _, rest = page.read_text("utf-8").partition(begin)
    return [line for line in rest.partition(end)[0].splitlines() if line.startswith("- **")]


def sections(chapter: Path) -> dict[str, float]:
    """The estimate for each section of a chapter, by its number; what comes before is "0".

    It is the rule of docs/minutes.md, not rounded: minutes.
    """
    found: dict[str, float] = {"0": 0.0}
    at = "0"
    for kind, text, exercise in minutes.core(nbformat.read(chapter, as_version=4)):
        if kind == "markdown":
            heading = SECTION.match(text)
            at = heading[1] if heading else "0" if text.startswith("## ") else at
            took = len(text.split()) / minutes.WORDS_PER_MINUTE
        elif minutes.PREDICTION.fullmatch(text.strip()):
            took = minutes.MINUTES["predictions"]
        else:
            took = minutes.MINUTES["exercises" if exercise else "cells"]
        found[at] = found.get(at, 0.0) + took
    return found


def notes(chapter: Path) -> str:
    """The part of one chapter, in markdown."""
    took = (f"section {at}: {each:.0f}" for at, each in sections(chapter).items() if at != "0")
    estimate = [f"**Minutes, by the estimate:** {', '.join(took)}.", ""]
    asked = [f"- {each}" for each in predictions(chapter)]
    put = ["**To put to the room, and what happened:**", "", *asked, ""] if asked else []
    wrong = ["**What goes wrong, and the check's words for it:**", "", *mistakes(chapter)]
    return "\n".join([*estimate, *put, *wrong])


def main() -> int:
    try:
        for chapter in progress.stored_chapters():
            marked.put(PAGE, f"notes {chapter.name[:2]}", notes(chapter))
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
