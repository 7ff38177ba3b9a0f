"""./course progress: which exercises are right, and where to go on; --clear forgets it."""

from __future__ import annotations

import sys

from chapters.ch00.progress import standing
from helpers import progress
from helpers.errors import CourseError
from helpers.toolchain import WORK
from tools import workspace


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["--clear"]:
            progress.clear(WORK)
            print("What you had reached is forgotten; your chapters are as they were.")
        elif arguments:
            raise progress.ProgressError("./course progress takes nothing but --clear.")
        else:
            print(standing(work=WORK))
    except (CourseError, OSError) as error:
        sentence = workspace.refusal(error) if isinstance(error, OSError) else error
        print(f"course: {sentence}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
