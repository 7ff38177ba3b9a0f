"""./course diff NN: what differs between a chapter in work/ and the course's, cell by cell.

Only what cells say is compared: outputs, counts, metadata and ids are taken out before. nbdime's
own options for that leave ids in its count of differences. Source: nbdime.readthedocs.io.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from chapters.ch00 import copies
from helpers.errors import CourseError
from helpers.toolchain import COURSE, WORK
from tools import workspace


class DiffError(CourseError):
    """There is nothing to compare, or nothing to compare with."""


def bare(path: Path) -> dict:
    """A notebook with nothing but the kinds of its cells and what they say.

    Errors: DiffError for a file that is no notebook.
    """
    if sentence := copies.unreadable(path):
        raise DiffError(sentence)
    try:
        cells = json.loads(path.read_bytes())["cells"]
        said = [(each["cell_type"], copies.as_stored("".join(each["source"]))) for each in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise DiffError(
            f"{path.parent.name}/{path.name} is no notebook any more: ./course reset "
            f"{copies.number(path.stem)} puts the course's there and keeps yours aside."
        ) from error
    nothing = {"metadata": {}, "outputs": [], "execution_count": None}
    return {"cells": [{"cell_type": kind, "source": text} | nothing for kind, text in said if text]}


def difference(mine: Path, stored: Path, color: bool = False) -> str:
    """What turns the learner's chapter into the course's, as text; "" if both say the same.

    Arguments: the two notebooks; whether to color the text for a terminal.
    Errors: DiffError.
    """
    ours, theirs = bare(mine), bare(stored)
    if ours == theirs:
        return ""
    try:
        from nbdime import diff_notebooks
        from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff
    except ImportError as error:
        raise DiffError("nbdime is missing: ./course lab installs it, then try again.") from error
    changes = diff_notebooks(ours, theirs)
    out = io.StringIO()
    look = PrettyPrintConfig(out=out, use_git=False, use_diff=False, use_color=color)
    pretty_print_notebook_diff(str(mine), str(stored), ours, changes, look)
    lines = out.getvalue().splitlines(keepends=True)
    return "".join(lines[3:])  # without the two names, which it calls by paths and times


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) != 1:
            raise DiffError("Name one chapter to compare, for example: ./course diff 03")
        stored = workspace.find(COURSE / "notebooks", arguments[0])
        mine = WORK / stored.name
        if not mine.exists():
            raise DiffError(f"There is no work/{mine.name} yet: ./course lab copies it there.")
        text = difference(mine, stored, sys.stdout.isatty())
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    if not text:
        print(f"work/{mine.name} says what the course's says.")
        return 0
    print(f"From work/{mine.name} (-) to the course's (+), cell by cell; outputs do not count.")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
