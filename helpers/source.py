"""C code on the page, straight from the file that is compiled.

Laboratory equipment, first used in chapter 02.
"""

from __future__ import annotations

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
    lines = path.read_text().expandtabs(4).splitlines()
    start = next((n for n, line in enumerate(lines) if first in line), None)
    if start is None:
        raise SourceError(f"No line of {path.name} has {first!r} in it: look for another text.")
    stop = next((n for n in range(start, len(lines)) if last in lines[n]), len(lines) - 1)
    code = "\n".join(lines[start : stop + 1])
    display({"text/markdown": f"```c\n{code}\n```", "text/plain": code}, raw=True)
