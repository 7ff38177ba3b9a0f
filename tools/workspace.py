"""The learner's copies of the chapters, in work/: made by ./course lab, put back by ./course reset.

Laboratory equipment. A copy has no outputs, so that predictions are not given away. What a
learner has changed is never overwritten: reset keeps the old chapter beside the new one.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE


class WorkspaceError(CourseError):
    """There is no such chapter, or work/ cannot be written to."""


def without_outputs(notebook: str) -> str:
    """The text of a notebook file with its outputs and execution counts taken out."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def write(target: Path, source: Path) -> None:
    """Copy one file, a notebook without outputs; renamed in the end: there is never half a file."""
    content = source.read_bytes()
    if source.suffix == ".ipynb":
        content = without_outputs(content.decode()).encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(target)


def copy_chapters(stored: Path, work: Path) -> list[Path]:
    """Copy the chapters and pictures that work/ does not have yet, and touch nothing else.

    Arguments: the folder notebooks/, and the folder work/, which is made if it is missing.
    Result: the copies that were made.
    """
    made = []
    for source in sorted([*stored.glob("*.ipynb"), *stored.glob("images/*")]):
        target = work / source.relative_to(stored)
        if not target.exists():
            write(target, source)
            made.append(target)
    return made


def reset(stored: Path, work: Path, chapter: str) -> tuple[Path, Path | None]:
    """Put one chapter back as the course has it, with its pictures.

    Arguments: the folders as above, and the chapter's number, such as "3" or "03", or its name.
    Result: the fresh copy, and where the learner's own is kept (None if there was none).
    Errors: WorkspaceError if there is no such chapter.
    """
    name = chapter.removesuffix(".ipynb")
    number = name.zfill(2) if name.isdecimal() else None
    known = sorted(stored.glob("*.ipynb"))
    found = [path for path in known if name == path.stem or number == path.stem.split("_")[0]]
    if not found:
        names = ", ".join(path.stem for path in known)
        raise WorkspaceError(f"There is no chapter {chapter}; there are: {names}.")
    target = work / found[0].name
    kept = None
    if target.exists():
        numbered = (target.with_suffix(f".old-{n}.ipynb") for n in count(1))
        kept = target.rename(next(path for path in numbered if not path.exists()))
    write(target, found[0])
    for picture in stored.glob("images/*"):  # the new chapter may come with new ones
        write(work / "images" / picture.name, picture)
    return target, kept


def refusal(error: OSError) -> str:
    """Why work/ could not be written to, and what to do, in one sentence."""
    return (
        f"work/ cannot be written to ({error.strerror}): free some space, or put a clone "
        "of the course into a folder of your own."
    )


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) != 1:
            raise WorkspaceError("Name one chapter to put back, for example: ./course reset 03")
        fresh, kept = reset(COURSE / "notebooks", COURSE / "work", arguments[0])
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
