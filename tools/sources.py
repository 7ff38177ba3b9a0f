"""Copies of the course's sources in the learner's folder, so that a link in a text opens there.

Laboratory equipment. JupyterLab shows nothing outside of work/. The copies are read-only, for what
runs is the course's own; ./course lab makes them like it again each time.
"""

from __future__ import annotations

from pathlib import Path

from chapters.ch00 import copies
from tools import workspace

FOLDERS = tuple(copies.SOURCES.split("|"))
KINDS = {".c", ".css", ".h", ".py"}
READ_ONLY = 0o444
# With these, `import helpers` in a notebook would find the copy: the notebook's folder comes first.
DOORS = {Path(name) / "__init__.py" for name in FOLDERS}


def refresh(course: Path, work: Path) -> None:
    """Make the copies in `work` what the sources in `course` are. What the learner wrote stays.

    Errors: OSError.
    """
    for folder in FOLDERS:
        names = {
            path.relative_to(course)
            for path in (course / folder).rglob("*")
            if path.suffix in KINDS and path.is_file()
        } - DOORS
        for old in (work / folder).rglob("*"):
            if is_copy(old) and old.relative_to(work) not in names:
                old.unlink()
        for name in names:
            copy(course / name, work / name)


def is_copy(path: Path) -> bool:
    """Whether a file is one of the copies; a learner's own can be written to."""
    return path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o777 == READ_ONLY


def copy(source: Path, target: Path) -> None:
    """One file, unless it is there already, or is the learner's own."""
    content = source.read_bytes()
    if target.exists() and (not is_copy(target) or target.read_bytes() == content):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    workspace.put(target, content)
    target.chmod(READ_ONLY)
