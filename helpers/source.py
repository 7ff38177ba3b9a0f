"""C code on the page, straight from the file that is compiled.

Laboratory equipment, first used in chapter 02.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from IPython.display import display

from helpers.errors import CourseError
from helpers.toolchain import SOURCES


class SourceError(CourseError):
    """No line of the file has that text."""


def show(file: str | Path, first: str, last: str) -> None:
    """Show lines of a C file: from one with `first` in it to the next with `last` in it.

    Arguments: file: a path, or the name of a file in bpf/.
    Errors: SourceError.
    """
    path = SOURCES / file
    lines = lines_of(path)
    start = next((n for n, line in enumerate(lines) if first in line), None)
    if start is None:
        raise SourceError(f"No line of {path.name} has {first!r} in it: look for another text.")
    stop = next((n for n in range(start, len(lines)) if last in lines[n]), len(lines) - 1)
    code = "\n".join(lines[start : stop + 1])
    display({"text/markdown": f"```c\n{code}\n```", "text/plain": code}, raw=True)


def diff(before: str | Path, after: str | Path) -> None:
    """Show what has to change in one file to get the other: lines taken out, -, and put in, +.

    Arguments: paths, or names of files in bpf/. Their first comment is left out.
    First used in chapter 12.
    """
    old, new = (body(SOURCES / path) for path in (before, after))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=2))[3:]
    changes = "\n".join(" ..." if line.startswith("@@") else line for line in lines)
    display({"text/markdown": f"```diff\n{changes}\n```", "text/plain": changes}, raw=True)


def body(path: Path) -> list[str]:
    """The lines of a C file after the comment that it begins with."""
    lines = lines_of(path)
    start = next((n for n, line in enumerate(lines) if not line.startswith("//")), 0)
    return lines[start:]


def lines_of(path: Path) -> list[str]:
    """A file's lines with tabs of four places, and without what stood before a macro's backslashes
    to have them in one column, for with such tabs they are in none.
    """
    return re.sub(r"[ \t]+\\$", r" \\", path.read_text(), flags=re.M).expandtabs(4).splitlines()
