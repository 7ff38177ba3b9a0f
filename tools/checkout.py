"""Can the course's folder be set up? ./course asks before it does, and says what is in the way.

Laboratory equipment. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chapters.ch00 import checkout
from helpers.toolchain import COURSE


def main(arguments: list[str]) -> int:
    """The environment's folder; exit status 1 if there is something in the way."""
    said = checkout.trouble(COURSE, Path(arguments[0]))
    if said:
        print(f"course: {said}", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
