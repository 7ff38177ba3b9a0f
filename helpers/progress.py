"""What a learner has reached, kept in work/ by the checks: right, or not yet. No answers.

The exercises are read from the stored chapters, so nothing has to run to know them. Chapter 00
shows what is kept.
"""

from __future__ import annotations

import ast
import fcntl
import json
import re
from dataclasses import dataclass
from pathlib import Path

from helpers import board
from helpers.errors import CourseError
from helpers.toolchain import COURSE, WORK

KEPT = ".progress.json"
LOCK = ".progress.lock"
RANK = {"not attempted": 0, "not yet": 1, "right": 2}
COMPARED = re.compile(r"\bpredictions\.\w+\(\s*prediction\b")  # in a cell that compares one
HEADING = re.compile(r"^#+ (.*\bexercise (\d+)\b.*)$", re.IGNORECASE | re.MULTILINE)


class ProgressError(CourseError):
    """What was reached cannot be read, or not be kept."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a stored chapter.

    chapter: "03"; number: from 1; heading: as it stands in the text; call: the check's call, as
    ast.unparse writes it.
    """

    chapter: str
    number: int
    heading: str
    call: str

    @property
    def anchor(self) -> str:
        """The part of a link after the #, as JupyterLab and nbconvert make it of a heading."""
        return self.heading.replace(" ", "-")


def exercises(chapter: Path) -> list[Exercise]:
    """The exercises of one stored notebook, in order: a tagged cell, and the check after it."""
    found: list[Exercise] = []
    heading, tagged = None, False
    for cell in json.loads(chapter.read_bytes())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = HEADING.search(source) or heading
            continue
        if tagged and heading:
            call = last_call(source) or ""
            found.append(Exercise(chapter.name[:2], int(heading[2]), heading[1], call))
        tagged = "exercise" in cell["metadata"].get("tags", [])
    return found


def last_call(code: str) -> str | None:
    """The expression that a cell ends with, in one way of writing; None if there is none."""
    try:
        *_, last = ast.parse(code).body
    except (SyntaxError, ValueError):
        return None
    return ast.unparse(last) if isinstance(last, ast.Expr) else None


def attempted(code: str, stored: Path) -> Exercise | None:
    """The exercise that a cell checks, by the call of its check.

    Arguments: the cell's code; the folder notebooks/. A chapter's checks are called as
    check.NAME(...), so the call is looked for among those of the chapter that `check` is of.
    """
    call = last_call(code)
    if call is None:
        return None
    every = exercises(stored)
    same = [each for each in every if each.call == call]
    # With other arguments it is told by the check's name, if no other exercise has that.
    alike = [each for each in every if each.call.split("(")[0] == call.split("(")[0]]
    return same[0] if same else alike[0] if len(alike) == 1 else None


def here() -> Path | None:
    """The folder work/ if this process runs in it, as a learner's kernel does; else None."""
    return WORK if Path.cwd().is_relative_to(WORK) else None


def read(work: Path) -> dict[str, dict[str, str]]:
    """What was reached: chapter -> exercise -> "not yet" or "right".

    Errors: ProgressError if the file is damaged.
    """
    try:
        kept = json.loads((work / KEPT).read_bytes())
        return {
            chapter: {number: status for number, status in reached.items() if status in RANK}
            for chapter, reached in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError) as error:
        raise ProgressError(
            f"work/{KEPT} is damaged: ./course progress --clear begins a new one."
        ) from error


def note(work: Path, chapter: str, number: int, status: str) -> None:
    """Keep what was reached; never less than before. Several kernels may do so at once.

    Errors: ProgressError; OSError if work/ cannot be written to.
    """
    with (work / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        kept = read(work)
        before = kept.get(chapter, {}).get(str(number), "not attempted")
        if RANK[status] <= RANK[before]:
            return
        kept.setdefault(chapter, {})[str(number)] = status
        write(work, kept)


def write(work: Path, kept: dict[str, dict[str, str]]) -> None:
    """Write it beside, and rename it: there is never half a file."""
    unfinished = work / f"{KEPT}.unfinished"
    unfinished.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    unfinished.replace(work / KEPT)


def clear(work: Path) -> None:
    """Forget everything."""
    (work / KEPT).unlink(missing_ok=True)


def stored_chapters() -> list[Path]:
    """The stored notebooks of all chapters, in order."""
    return sorted((COURSE / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def stored_chapter(checked_by: str) -> Path | None:
    """The stored notebook of a chapter's checks or predictions, such as "chapters.ch03.check"."""
    owner = re.fullmatch(r"chapters\.ch(\d\d)\.(check|predictions)", checked_by)
    return next((COURSE / "notebooks").glob(f"{owner[1]}_*.ipynb"), None) if owner else None


def keep(code: str, checked_by: str, status: str, text: str = "") -> None:
    """Keep the verdict that a cell ended with, if it is one of a chapter's exercises, in work/;
    and tell the room's board, if the learner agreed to that.

    Arguments: the cell's code; the module that its name `check` stands for, such as
    "chapters.ch03.check"; the verdict's status, and what it says.
    """
    work, stored = here(), stored_chapter(checked_by)
    exercise = attempted(code, stored) if work and stored else None
    if not exercise:
        return
    try:
        note(work, exercise.chapter, exercise.number, status)
        if board.agreed(work):
            mistake = board.of_check(checked_by, text) if status == "not yet" else ""
            told = {"chapter": exercise.chapter, "number": exercise.number}
            board.note(work, {"kind": "exercise", **told, "status": status, "mistake": mistake})
    except ProgressError as error:
        print(error)
    except OSError as error:
        print(f"What you reached could not be kept ({error.strerror}): free some space.")


def predictions(chapter: Path) -> list[str]:
    """The cells of one stored notebook that compare a prediction, in order."""
    cells = json.loads(chapter.read_bytes())["cells"]
    code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return [source.strip() for source in code if COMPARED.search(source)]


def predicted(code: str, checked_by: str, said: object, happened: str | None) -> None:
    """Tell the room's board of a prediction, if the learner agreed, and the cell is a chapter's.

    Arguments: as above; the prediction; the letter of what happened.
    """
    work, stored = here(), stored_chapter(checked_by)
    if not (work and stored and board.agreed(work)):
        return  # before the notebook is read
    cells = predictions(stored)
    if code.strip() in cells:
        told = {"chapter": stored.name[:2], "number": cells.index(code.strip()) + 1}
        letters = {"said": board.letter(said), "happened": happened or ""}
        try:
            board.note(work, {"kind": "prediction", **told, **letters})
        except OSError as error:
            print(f"The room's board is not told of it ({error.strerror}): free some space.")
