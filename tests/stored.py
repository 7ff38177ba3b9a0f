"""The stored notebooks, as the tests read them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nbformat

COURSE = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.name[:2].isdigit()]
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def tracked() -> list[Path]:
    """The files that git knows."""
    names = subprocess.check_output(["git", "ls-files"], cwd=COURSE, text=True).splitlines()
    return [COURSE / name for name in names]


def name(path: Path) -> str:
    return path.stem


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


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
