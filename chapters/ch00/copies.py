"""The learner's copies in work/ beside the course's own files: the same, or in which version.

./course lab makes the copies and keeps a note of each (tools/workspace.py); chapter 00 shows
which of them the course has gone past.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from helpers import places

NOTES = ".course.json"
SOURCES = "bpf|helpers|chapters"  # folders, beside notebooks/ and copied into work/


def fingerprint(path: Path) -> str | None:
    """16 hex digits that stand for what a file says; None for a notebook that cannot be read.

    Of a notebook the cells' kinds and sources count, so that one which was only run is the same.
    Empty cells do not: JupyterLab adds one after the last cell, when that is run.
    """
    content = path.read_bytes()
    if path.suffix == ".ipynb":
        try:
            cells = json.loads(content)["cells"]
            said = [[cell["cell_type"], as_stored("".join(cell["source"]))] for cell in cells]
        except (ValueError, KeyError, TypeError):
            return None
        content = json.dumps([each for each in said if each[1].strip()]).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def unreadable(notebook: Path) -> str:
    """What is wrong with a notebook's file, and what helps, in a sentence; "" if nothing is.

    Arguments: a file in notebooks/ or work/.
    """
    name = f"{notebook.parent.name}/{notebook.name}"
    try:
        content = notebook.read_bytes()
    except OSError as error:
        cure = places.as_root(f"chown $USER {name}")
        return f"{name} cannot be read ({error.strerror}): let it be yours, {cure}"
    try:
        json.loads(content)["cells"]
    except (ValueError, KeyError, TypeError):
        rows = [row for row, line in enumerate(content.splitlines(), 1) if line[:8] == b"<<<<<<< "]
        marks = f"has the marks of a merge that did not fit, from line {rows[0]} on" if rows else ""
        damage = marks or ("is damaged" if content else "is empty")
        cure = f"git checkout HEAD -- {name} takes the version before"
        if notebook.parent.name == "work":
            cure = f"./course reset {number(notebook.stem)} takes the course's, and keeps it aside"
        return f"{name} {damage}: {cure}."
    return ""


def as_in_work(text: str) -> str:
    """A cell's text with its links to the sources as they lead from work/."""
    return re.sub(rf"\]\(\.\./({SOURCES})/", r"](\1/", text)


def as_stored(text: str) -> str:
    """The same as they lead from notebooks/."""
    return re.sub(rf"\]\(({SOURCES})/", r"](../\1/", text)


def read_notes(work: Path) -> dict[str, dict[str, str]]:
    """What ./course lab noted of each copy, by its name within work/.

    copied: the fingerprint of the version that was copied; on: the day; told: that of a newer
    one, of which the learner was told. Notes that cannot be read are none: without them fewer
    copies are known to be untouched, and none is overwritten for it.
    """
    try:
        notes = json.loads((work / NOTES).read_bytes())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def number(name: str) -> str:
    """What ./course calls a chapter: "03"; the name of one that has no number."""
    return name[:2] if name[:2].isdecimal() else name


def advice(names: list[str]) -> str:
    """What a learner is told of chapters that both they and the course have changed."""
    first = number(names[0])
    return (
        f"Kept as you changed them, though the course has gone on: {', '.join(names)}. "
        f"./course diff {first} shows the difference; ./course reset {first} takes the course's "
        "and keeps yours aside."
    )


def left_behind(stored: Path, work: Path) -> list[str]:
    """The chapters, by name, that the learner has changed and the course has, too, since.

    Arguments: the folders notebooks/ and work/.
    """
    told = {name: note.get("told") for name, note in read_notes(work).items()}
    return [
        source.stem
        for source in sorted(stored.glob("*.ipynb"))
        if told.get(source.name)
        and (work / source.name).exists()
        and told[source.name] == fingerprint(source) != fingerprint(work / source.name)
    ]
