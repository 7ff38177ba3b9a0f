"""The stored notebooks, as the tests read them."""

from __future__ import annotations

import json
import lzma
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import nbformat

COURSE = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.name[:2].isdigit()]
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def name(path: Path) -> str:
    return path.stem


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def anchors(path: Path) -> set[str]:
    """What a link into a notebook can name, as nbconvert sees it: its headings, spaces as "-"."""
    from nbconvert.filters import markdown2html  # takes seconds to load

    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    html = "".join(map(markdown2html, texts))
    return {unescape(each) for each in re.findall(r'<h\d id="([^"]+)"', html)}


@dataclass(frozen=True)
class Exercise:
    """Where an exercise's cell is, where its check is, and its solution.

    cell, check: indices into the notebook's cells; number counts from 1 within the chapter.
    """

    number: int
    cell: int
    check: int
    solution: str


def exercises(notebook: nbformat.NotebookNode) -> list[Exercise]:
    """The exercises of a notebook: a tagged cell, the next code cell, the fence after that."""
    found = []
    for index, cell in enumerate(notebook.cells):
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        rest = range(index + 1, len(notebook.cells))
        check = next(i for i in rest if notebook.cells[i].cell_type == "code")
        answer = next(
            text[1]
            for i in range(check + 1, len(notebook.cells))
            if notebook.cells[i].cell_type == "markdown"
            and (text := FENCE.search(notebook.cells[i].source))
        )
        found.append(Exercise(len(found) + 1, index, check, answer))
    return found


def wrong_answers(chapter: Path, number: int) -> list[Path]:
    """The wrong answers kept for one exercise of a chapter."""
    folder = COURSE / "tests" / "wrong"
    return sorted(folder.glob(f"{chapter.name[:2]}_{number}_*.py"))


def old_work(folder: Path) -> Path:
    """A learner's work/ as ./course lab made it at commit 3dcf08f, before the house was tidied.

    Kept as one file, since a clone may come without history.
    """
    work = folder / "work"
    work.mkdir()
    kept = (COURSE / "tests" / "work_of_3dcf08f.json.xz").read_bytes()
    for name, notebook in json.loads(lzma.decompress(kept)).items():
        (work / name).write_text(json.dumps(notebook, indent=1), "utf-8")
    return work
