"""The part of the instructor's notes that the course itself knows: predictions with what happened,
and the mistakes that the checks tell apart, from tests/wrong. Run: python -m tools.teaching.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from helpers import progress
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked

PAGE = COURSE / "docs/teaching/chapters.md"
WRONG = COURSE / "tests/wrong"
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
PREDICT = re.compile(r"\*\*Predict\.\*\* (.*?)(?: Put a letter between quotes.*)?$", re.DOTALL)
HAPPENED = re.compile(r"What happened is \((\w)\): (.*)")
ANSWER = re.compile(r"^# %% (\d+) (\w+) -> (.*)$", re.MULTILINE)


def said(cell: dict) -> str:
    """What a stored cell printed."""
    texts = (each.get("text", "") for each in cell.get("outputs", ()))
    return "".join("".join(text) for text in texts)


def predictions(chapter: Path) -> list[str]:
    """What the learners are to predict, and what happened when the chapter was stored."""
    found: list[str] = []
    for cell in json.loads(chapter.read_bytes())["cells"]:
        source = "".join(cell["source"])
        asked = PREDICT.search(source)
        if cell["cell_type"] == "markdown" and asked:
            found.append(" ".join(LINK.sub(r"\1", asked[1]).split()))
        elif cell["cell_type"] == "code" and found and (happened := HAPPENED.search(said(cell))):
            found[-1] += f" **({happened[1]})**: {happened[2].strip()}"
    return found


def mistakes(chapter: Path) -> list[str]:
    """By exercise, each mistake that has words of its own: its name, and those words."""
    headings = {each.number: each.heading for each in progress.exercises(chapter)}
    wrong = (WRONG / f"ch{chapter.name[:2]}.py").read_text("utf-8")
    lines: list[str] = []
    for number, heading in headings.items():
        lines.append(f"- {heading}")
        for at, name, words in ANSWER.findall(wrong):
            if int(at) == number:
                lines.append(f'    - {name.replace("_", " ")}: "{words.strip()}"')
    return lines


def notes(chapter: Path) -> str:
    """The part of one chapter, in markdown."""
    asked = [f"- {each}" for each in predictions(chapter)]
    put = ["**To put to the room, and what happened:**", "", *asked, ""] if asked else []
    wrong = ["**What goes wrong, and the check's words for it:**", "", *mistakes(chapter)]
    return "\n".join([*put, *wrong])


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
