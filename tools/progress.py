"""./course progress: which exercises are right, and where to go on; a learner's work as one file.

--clear forgets what was reached; --out FILE writes the learner's work into one file, --in FILE
takes one in, from the page of ./course site or another ./course lab (carry.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

from chapters.ch00.progress import standing
from helpers import progress
from helpers.errors import CourseError
from helpers.toolchain import COURSE, WORK
from tools import carry, workspace

CARRIED = {"--out": carry.take_out, "--in": carry.bring_in}


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["--clear"]:
            progress.clear(WORK)
            print("What you had reached is forgotten; your chapters are as they were.")
        elif len(arguments) == 2 and arguments[0] in CARRIED:
            carrying = CARRIED[arguments[0]]
            print(*carrying(WORK, COURSE / "notebooks", Path(arguments[1])), sep="\n")
        elif arguments:
            raise progress.ProgressError(
                "./course progress takes nothing but --clear, --out FILE or --in FILE."
            )
        else:
            print(standing(work=WORK))
    except (CourseError, OSError) as error:
        sentence = workspace.refusal(error) if isinstance(error, OSError) else error
        print(f"course: {sentence}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
