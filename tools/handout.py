"""./course handout: the course without its solutions, for learners; with notes, for who teaches it.

    build/handout/learners/     all of the course but solutions, tests and notes; its chapters have
                                their hints, and no outputs
    build/handout/instructor/   with solutions, outputs, and notes beside the cells: what to say,
                                what happened, which mistakes there are, in the check's words

Each folder is a course of its own: ./course lab runs in it. --nbgrader NN writes a chapter as
nbgrader takes it as well. Laboratory equipment. Source: nbgrader's "Notebook metadata".
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import sys
from pathlib import Path

from helpers import places, progress
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import teaching, workspace
from tools.debian.roots import tracked

INTO = COURSE / "build/handout"
# What has answers in it, or is for whoever changes the course.
LEFT_OUT = ("tests/", "findings/", ".ci/", ".github/", ".devcontainer/", ".git")
INSTRUCTORS = "docs/teaching/"
ANSWER = re.compile(
    r"\n*<details><summary>(?:Solution|What you should have found)[^<]*</summary>.*?</details>",
    re.DOTALL,
)
FOLDED = "<details><summary>Solution</summary>"
ABOUT = {
    "learners": "*This copy of the course has no solutions and no tests: `./course test` has "
    "nothing to run here.*",
    "instructor": "*This copy of the course is the instructor's: its chapters have notes beside "
    "the cells, and no tests.*",
}


class HandoutError(CourseError):
    """The handout cannot be made."""


def without_solutions(notebook: dict) -> dict:
    """A stored notebook without solutions and outputs; hints stay."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = ANSWER.sub("", "".join(cell["source"])).rstrip()
            cell["source"] = text.splitlines(keepends=True)
        else:
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def note(mark: str, *lines: str) -> dict:
    """A cell with a note. mark: of which the cell's id is made."""
    text = "\n".join(f"> {line}".rstrip() for line in ("**For the instructor**", "", *lines))
    return {
        "cell_type": "markdown",
        "id": f"note-{mark}",
        "metadata": {"tags": ["instructor"]},
        "source": text.splitlines(keepends=True),
    }


def with_notes(notebook: dict, chapter: Path) -> dict:
    """A stored chapter with what an instructor needs beside its cells, and solutions unfolded."""
    after: dict[int, list[dict]] = {0: [note("chapter", *teaching.advice(chapter))]}
    for number, each in enumerate(teaching.asked(notebook["cells"]), 1):
        vote = "Put it to the room before anybody runs on: vote, discuss, vote again."
        happened = f"What happened is ({each.letter}): {each.because}"
        after.setdefault(each.cell, []).append(note(f"prediction-{number}", vote, "", happened))
    number, tagged = 0, False
    for at, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"]).replace(FOLDED, FOLDED.replace("s>", "s open>", 1))
            cell["source"] = text.splitlines(keepends=True)
        elif tagged:
            number += 1
            wrong = teaching.wrong_answers(chapter, number)
            ask = "What goes wrong, and what the check says: do not tell, ask the same."
            after.setdefault(at, []).append(note(f"exercise-{number}", ask, "", *wrong))
        if cell["cell_type"] == "code":
            tagged = "exercise" in cell["metadata"].get("tags", [])
    cells = ([cell, *after.get(at, [])] for at, cell in enumerate(notebook["cells"]))
    return notebook | {"cells": [each for group in cells for each in group]}


def graded(notebook: dict, chapter: Path) -> dict:
    """A learners' chapter whose checks are nbgrader's tests, one point each.

    An exercise's own cell is left as it is: what a learner writes there is kept.
    """
    notebook, number = without_solutions(notebook), 0
    calls = {each.call for each in progress.exercises(chapter)}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and progress.last_call(source) in calls:
            number += 1
            *before, last = ast.parse(source).body
            asked = ast.unparse(ast.Module([*before], []))
            test = f"{asked}\nverdict = {ast.unparse(last)}\nprint(verdict)\n"
            test += 'assert verdict.status == "right", verdict.text'
            cell["source"] = test.strip().splitlines(keepends=True)
            cell["metadata"] = {
                "nbgrader": {"grade": True, "grade_id": f"exercise-{number}", "points": 1}
                | {"locked": True, "solution": False, "task": False, "schema_version": 3}
            }
    return notebook


def content(source: Path, who: str) -> bytes:
    """What a file of the course says in the handout. who: "learners" or "instructor"."""
    if source.parent == COURSE and source.name == "README.md":
        head, rest = source.read_text("utf-8").split("\n", 1)
        return f"{head}\n\n{ABOUT[who]}\n{rest}".encode()
    if source.suffix != ".ipynb":
        return source.read_bytes()
    notebook = json.loads(source.read_bytes())
    if who == "learners":
        notebook = without_solutions(notebook)
    elif source.name[:2].isdigit():
        notebook = with_notes(notebook, source)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def make(into: Path) -> dict[str, Path]:
    """Make both folders anew. Result: by whom each is for. Errors: RootError, OSError."""
    made = {who: into / who for who in ABOUT}
    names = [name for name in tracked() if not name.startswith(LEFT_OUT)]
    for who, folder in made.items():
        if folder.exists() and not (folder / "course").exists():
            raise HandoutError(f"{folder} is there and no handout: name another folder, --into.")
        shutil.rmtree(folder, ignore_errors=True)
        for name in names:
            source = COURSE / name
            if not source.is_file() or who == "learners" and name.startswith(INSTRUCTORS):
                continue
            workspace.write(folder / name, content(source, who))
            (folder / name).chmod(source.stat().st_mode & 0o777)
    return made


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./course handout",
        description="Make two copies of the course: one for learners, without solutions, and the "
        "instructor's, with notes beside the cells.",
    )
    parser.add_argument("--into", type=Path, default=INTO, help="where (default: build/handout)")
    parser.add_argument("--nbgrader", metavar="NN", help="also this chapter, as nbgrader takes it")
    asked = parser.parse_args(words)
    try:
        for who, folder in make(asked.into.resolve()).items():
            print(f"{who}: {folder}")
        if asked.nbgrader:
            chapter = workspace.find(COURSE / "notebooks", asked.nbgrader)
            target = asked.into.resolve() / "nbgrader/source" / chapter.stem[:2] / chapter.name
            notebook = graded(json.loads(chapter.read_bytes()), chapter)
            workspace.write(target, json.dumps(notebook, indent=1, ensure_ascii=False).encode())
            print(f"nbgrader: {target}")
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = places.unwritable(Path(error.filename or INTO), error)
        print(f"course: The handout cannot be made, {where}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
