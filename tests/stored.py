"""The stored notebooks, as the tests read them."""

from __future__ import annotations

import json
import lzma
import re
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import nbformat

COURSE = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.name[:2].isdigit()]
HEAD = re.compile(r"(\d) (?:(\w+) -> (.+)|right: (.+))")
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


@dataclass(frozen=True)
class Answer:
    """One answer to an exercise, as a learner could write it, from tests/wrong/.

    name: the misconception, or what another right answer does differently. words: what the check
    has to say to it, "" if it is right. code: the exercise's cell.
    """

    number: int
    name: str
    words: str
    code: str

    @property
    def verdict(self) -> str:
        return "Not yet." if self.words else "Right."


def answers(chapter: Path) -> list[Answer]:
    """The answers kept for a chapter, wrong ones and other right ones.

    Each is a cell of the percent format: "# %% 2 plain_add -> two processors" and what the learner
    writes in exercise 2, or "# %% 2 right: one return".
    """
    text = (COURSE / "tests" / "wrong" / f"ch{chapter.name[:2]}.py").read_text()
    kept = []
    for cell in re.split(r"^# %% ", text, flags=re.MULTILINE)[1:]:
        head, _, code = cell.partition("\n")
        number, mistake, words, other = HEAD.fullmatch(head).groups()
        kept.append(Answer(int(number), mistake or other, words or "", f"{code.strip()}\n"))
    return kept


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
