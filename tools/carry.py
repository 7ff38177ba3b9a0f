"""A learner's work in one file: out of work/, into the page of ./course site, and back.

Laboratory equipment. The file is JSON: the notebooks that the learner changed or added, as they
are, and what the checks kept. The page writes and reads the same (lab_extension/work.js in
tools/site). Nothing of the learner's is overwritten: a notebook that says something else is kept
beside.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from chapters.ch00.copies import fingerprint
from helpers import progress
from helpers.errors import CourseError
from tools import shipped, workspace

WHAT = "work in Packet tracing with BPF"
NAME = re.compile(r"[\w-][\w.-]*\.ipynb")


class CarryError(CourseError):
    """A file of work cannot be read, or is something else."""


def changed(work: Path, stored: Path) -> list[Path]:
    """The notebooks in work/ that say what no version of the course's says."""
    versions = shipped.versions()
    versions |= {(path.name, fingerprint(path)) for path in stored.glob("*.ipynb")}
    found = ((path, fingerprint(path)) for path in sorted(work.glob("*.ipynb")))
    return [path for path, mark in found if mark and (path.name, mark) not in versions]


def take_out(work: Path, stored: Path, file: Path) -> list[str]:
    """Write a learner's work into a file. Result: what is in it, in sentences.

    Arguments: the folders work/ and notebooks/; the file. Errors: ProgressError, OSError.
    """
    kept = progress.read(work)
    notebooks = {path.name: json.loads(path.read_bytes()) for path in changed(work, stored)}
    whole = {"what": WHAT, "version": 1, "progress": kept, "notebooks": notebooks}
    workspace.put(file, (json.dumps(whole, ensure_ascii=False) + "\n").encode())
    right = sum(status == "right" for reached in kept.values() for status in reached.values())
    names = ", ".join(Path(name).stem for name in notebooks) or "none"
    return [f"{file} has your work: {right} exercises right; notebooks that you changed: {names}."]


def read(file: Path) -> dict:
    """A file of work, if it is one. Errors: CarryError."""
    try:
        whole = json.loads(file.read_bytes())
        if whole["what"] != WHAT or whole["version"] != 1:
            raise ValueError
        for name, notebook in whole["notebooks"].items():
            if not NAME.fullmatch(name) or not isinstance(notebook["cells"], list):
                raise ValueError
        for chapter, reached in whole["progress"].items():
            for number, status in reached.items():
                if not (chapter.isdecimal() and number.isdecimal() and status in progress.RANK):
                    raise ValueError
    except OSError as error:
        raise CarryError(f"{file} cannot be read ({error.strerror}): name the file.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CarryError(
            f"{file} is no work of this course: take it out of the page, or of another "
            "./course lab, once more."
        ) from error
    return whole


def bring_in(work: Path, stored: Path, file: Path) -> list[str]:
    """Take a file of work into work/. Result: what came of it, in sentences.

    Arguments: as above. Errors: CarryError, ProgressError, OSError.
    """
    whole = read(file)
    work.mkdir(exist_ok=True)
    mine, said = {path.name for path in changed(work, stored)}, []
    for name, notebook in whole["notebooks"].items():
        target, kept = work / name, None
        before = fingerprint(target) if target.exists() else None
        new = (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
        if name in mine or (target.exists() and before is None):
            kept = target.rename(workspace.aside(target))
        workspace.put(target, new)
        if kept and fingerprint(target) == before:
            kept.unlink()  # it said the same
        elif kept:
            said.append(f"Your own work/{name} is now work/{kept.name}.")
    for chapter, reached in whole["progress"].items():
        for number, status in reached.items():
            progress.note(work, chapter, int(number), status)
    names = ", ".join(Path(name).stem for name in whole["notebooks"]) or "none"
    return [f"work/ has what {file.name} brought; notebooks: {names}.", *said]
