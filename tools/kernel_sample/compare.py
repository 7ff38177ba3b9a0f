"""The instructions of the kernel's sockex1 and of the course's, side by side.

Laboratory equipment.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path

from helpers import asm, objfile

WIDTH = 44


def instructions(path: Path) -> list[str]:
    """The first program of an object file, as text."""
    program = next(p for p in objfile.read(path).programs.values() if p.instructions)
    return [asm.text(each) for each in program.instructions]


def side_by_side(theirs: list[str], ours: list[str]) -> list[str]:
    """Two listings in two columns; a bar marks where they differ."""
    rows = [f"  {'the kernel tree':<{WIDTH}}  the course"]
    for kind, a, b, c, d in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        mark = " " if kind == "equal" else "|"
        for left, right in zip_longest(theirs[a:b], ours[c:d], fillvalue=""):
            rows.append(f"{mark} {left:<{WIDTH}}  {right}".rstrip())
    return rows
