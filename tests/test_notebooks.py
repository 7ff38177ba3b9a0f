"""Every notebook runs from top to bottom in a fresh kernel, and every exercise's check works."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import stored

from tools import render

pytestmark = pytest.mark.kernel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A learner's folder: a copy of notebooks/, so that a run leaves nothing in the course."""
    return Path(shutil.copytree(stored.COURSE / "notebooks", tmp_path / "work"))


@pytest.mark.parametrize("path", stored.NOTEBOOKS, ids=stored.name)
def test_it_runs_from_top_to_bottom(path: Path, folder: Path) -> None:
    notebook = stored.read(path)
    render.execute(notebook, folder)
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    for exercise in stored.exercises(notebook):
        assert printed(notebook.cells[exercise.check]).startswith("Not attempted yet.")


@pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
def test_checks_tell_untouched_wrong_and_right(path: Path, folder: Path) -> None:
    """One kernel a chapter; at each exercise the untouched cell, the wrong ones, the solution."""
    notebook = stored.read(path)
    exercises = {exercise.check: exercise for exercise in stored.exercises(notebook)}
    assert len(exercises) >= 2
    with render.fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells):
            if index not in exercises:
                client.execute_cell(cell, index)
                continue
            exercise = exercises[index]
            for answer, verdict in attempts(path, notebook, exercise):
                notebook.cells[exercise.cell].source = answer
                client.execute_cell(notebook.cells[exercise.cell], exercise.cell)
                client.execute_cell(cell, index)
                assert printed(cell).startswith(verdict), f"exercise {exercise.number}:\n{answer}"


PROMISE = "every part can be skipped, and none needs another"
PROMISED = [path for path in stored.CHAPTERS if PROMISE in path.read_text()]
# What a kernel is told where Deeper begins, and where each of its parts ends.
REMEMBER = "_before = dict(globals())\n_before['_before'] = _before"
FORGET = "for _new in {*globals()} - {*_before}: del globals()[_new]\nglobals().update(_before)"


@pytest.mark.parametrize("path", PROMISED, ids=stored.name)
def test_what_is_deeper_needs_nothing_from_its_other_parts(path: Path, folder: Path) -> None:
    """One kernel, which forgets after each part every name that the part has given.

    What comes after Deeper then runs as for somebody who has skipped it.
    """
    notebook = stored.read(path)
    aside = len(notebook.cells)
    notebook.cells.append(nbformat.v4.new_code_cell())
    began, parts = False, 0
    with render.fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells[:aside]):
            lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
            if "## Deeper" in lines:
                began = True
                client.execute_cell(nbformat.v4.new_code_cell(REMEMBER), aside)
            elif began and any(line.startswith(("## ", "### Deeper")) for line in lines):
                parts += 1
                client.execute_cell(nbformat.v4.new_code_cell(FORGET), aside)
            client.execute_cell(cell, index)
    assert parts >= 2


def attempts(
    path: Path, notebook: nbformat.NotebookNode, exercise: stored.Exercise
) -> Iterator[tuple[str, str]]:
    yield notebook.cells[exercise.cell].source, "Not attempted yet."
    wrong = stored.wrong_answers(path, exercise.number)
    assert wrong, f"no wrong answer is kept for exercise {exercise.number} of {path.stem}"
    for answer in wrong:
        yield answer.read_text(), "Not yet."
    yield exercise.solution, "Right."


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed or returned, as text."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
    return "".join(texts).strip()
