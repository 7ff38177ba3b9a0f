"""The learner's copies of the chapters, in work/: made by ./course lab, put back by ./course reset.

Laboratory equipment. A copy has no outputs, so that predictions are not given away. What a
learner has changed is never overwritten: reset keeps the old chapter beside the new one. A copy
that nobody has changed follows the course. docs/workspace.md says what is decided how.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Set
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path

from chapters.ch00 import copies
from chapters.ch00.copies import NOTES, fingerprint, read_notes
from helpers import places
from helpers.errors import CourseError
from helpers.toolchain import COURSE, WORK
from tools import shipped


class WorkspaceError(CourseError):
    """There is no such chapter, or work/ cannot be written to."""


def without_outputs(notebook: str) -> str:
    """The text of a notebook file with its outputs and execution counts taken out.

    In work/ the sources that the text links to lie beside the notebook (sources.py).
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (here := copies.as_in_work(text)) != text:
            cell["source"] = here.splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def content(source: Path) -> bytes:
    """What a copy of a file says: a notebook has no outputs. Errors: WorkspaceError."""
    if source.suffix != ".ipynb":
        return source.read_bytes()
    if said := copies.unreadable(source):
        raise WorkspaceError(said)
    return without_outputs(source.read_text("utf-8")).encode()


def write(target: Path, said: bytes) -> None:
    """Write a copy, and the folder that it is in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    put(target, said)


def put(target: Path, content: bytes) -> None:
    """Write a file and rename it in the end: there is never half a file."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(target)


def note_copy(notes: dict[str, dict[str, str]], name: str, mark: str | None) -> None:
    """Note that the copy of this name is the version with this fingerprint, as of today."""
    if mark and notes.get(name, {}).get("copied") != mark:
        notes[name] = {"copied": mark, "on": date.today().isoformat()}


def write_notes(work: Path, notes: dict[str, dict[str, str]]) -> None:
    put(work / NOTES, (json.dumps(notes, indent=1) + "\n").encode())


@dataclass
class Brought:
    """What copy_chapters did: copies made, copies refreshed, and changed ones kept, told now."""

    made: list[Path] = field(default_factory=list)
    refreshed: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What the learner is told of it; nothing of copies that were missing."""
        said = []
        refreshed = [path.stem for path in self.refreshed if path.suffix == ".ipynb"]
        if refreshed:
            said.append(f"Newer in work/, where you had changed nothing: {', '.join(refreshed)}.")
        if self.kept:
            said.append(copies.advice([path.stem for path in self.kept]))
        return said


def copy_chapters(
    stored: Path, work: Path, versions: Set[tuple[str, str]] | None = None
) -> Brought:
    """Copy the chapters and pictures that are missing, or have become newer, into work/.

    A copy is refreshed if it says what some version of the course said, outputs aside; one that
    was changed stays, and is told of once for each version of the course's.
    Arguments: the folder notebooks/; the folder work/, which is made if it is missing; every
    version that was ever shipped (by default those of tools/shipped.txt).
    """
    versions = shipped.versions() if versions is None else versions
    brought, notes = Brought(), read_notes(work)
    for source in shipped.of_course(stored):
        name = str(source.relative_to(stored))
        target, newest, note = work / name, fingerprint(source), notes.get(name, {})
        mine = fingerprint(target) if target.exists() else None
        if not target.exists():
            brought.made.append(target)
        elif mine == newest:
            note_copy(notes, name, newest)
            continue
        elif mine is not None and (mine == note.get("copied") or (name, mine) in versions):
            brought.refreshed.append(target)
        else:
            if source.suffix == ".ipynb" and newest not in (note.get("copied"), note.get("told")):
                brought.kept.append(target)
                notes[name] = note | {"told": str(newest)}
            continue
        write(target, content(source))
        note_copy(notes, name, newest)
    write_notes(work, notes)
    return brought


def find(stored: Path, chapter: str) -> Path:
    """The chapter of a number, such as "3" or "03", or of a name.

    Errors: WorkspaceError, naming the chapters that there are.
    """
    name = chapter.removesuffix(".ipynb")
    number = name.zfill(2) if name.isdecimal() else None
    known = sorted(stored.glob("*.ipynb"))
    for path in known:
        if name == path.stem or number == path.stem.split("_")[0]:
            return path
    names = ", ".join(path.stem for path in known)
    raise WorkspaceError(f"There is no chapter {chapter}; there are: {names}.")


def aside(target: Path) -> Path:
    """A name beside a notebook, for the learner's own, that nothing has yet."""
    numbered = (target.with_suffix(f".old-{n}.ipynb") for n in count(1))
    return next(path for path in numbered if not path.exists())


def reset(stored: Path, work: Path, chapter: str) -> tuple[Path, Path | None]:
    """Put one chapter back as the course has it, with its pictures.

    Arguments: the folders as above, and the chapter's number, such as "3" or "03", or its name.
    Result: the fresh copy, and where the learner's own is kept (None if there was none).
    Errors: WorkspaceError if there is no such chapter.
    """
    source = find(stored, chapter)
    # The new chapter may come with new pictures. All is read before the learner's own is touched.
    fresh = {each: content(each) for each in (source, *stored.glob("images/*"))}
    target = work / source.name
    kept = None
    if target.exists():
        kept = target.rename(aside(target))
    notes = read_notes(work)
    notes.pop(source.name, None)
    for each, said in fresh.items():
        name = str(each.relative_to(stored))
        write(work / name, said)
        note_copy(notes, name, fingerprint(each))
    write_notes(work, notes)
    return target, kept


def refusal(error: OSError) -> str:
    """Why work/ could not be written to, and what to do, in one sentence."""
    place = Path(error.filename) if error.filename else WORK
    return f"work/ cannot be written to, {places.unwritable(place, error)}"


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) != 1:
            raise WorkspaceError("Name one chapter to put back, for example: ./course reset 03")
        fresh, kept = reset(COURSE / "notebooks", WORK, arguments[0])
    except (OSError, WorkspaceError) as error:
        sentence = refusal(error) if isinstance(error, OSError) else error
        print(f"course: {sentence}", file=sys.stderr)
        return 1
    print(f"work/{fresh.name} is as the course has it.")
    if kept:
        print(f"Your own is now work/{kept.name}.")
        print("If the chapter is open in the browser, close its tab and open it again.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
