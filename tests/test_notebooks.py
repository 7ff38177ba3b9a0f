"""Every notebook runs from top to bottom in a fresh kernel, and every exercise's check works."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
import stored
from nbclient import NotebookClient
from nbformat import NotebookNode

from tools import render

# Chapter 05 tries dozens of answers with bcc, each compiled twice: minutes on a busy machine.
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A learner's folder: a copy of notebooks/, so that a run leaves nothing in the course."""
    return Path(shutil.copytree(stored.COURSE / "notebooks", tmp_path / "work"))


@pytest.mark.parametrize("path", stored.NOTEBOOKS, ids=stored.name)
def test_untouched_it_runs_from_top_to_bottom_and_its_checks_tell_wrong_from_right(
    path: Path, folder: Path
) -> None:
    """Each exercise is left as it is; all that is kept for it is tried aside, in a copy."""
    notebook = stored.read(path)
    exercises = {exercise.check: exercise for exercise in stored.exercises(notebook)}
    with render.fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
            if index in exercises:
                assert printed(cell).startswith("Not attempted yet.")
                try_aside(client, cell, answers(path, exercises[index]))
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def answers(path: Path, exercise: stored.Exercise) -> list[stored.Answer]:
    """What tests/wrong/ keeps: wrong answers, and a right one besides the solution at least."""
    kept = [each for each in stored.answers(path) if each.number == exercise.number]
    assert {each.verdict for each in kept} == {"Not yet.", "Right."}
    return kept


def try_aside(client: NotebookClient, check: NotebookNode, tried: list[stored.Answer]) -> None:
    """Hold what the check says to each answer against what it has to say."""
    run(client, IMPORT_ASIDE)
    wrongly = []
    for answer in tried:
        said = run(client, f"print(_aside.attempt({answer.code!r}, {check.source!r}, globals()))")
        if not said.startswith(answer.verdict) or answer.words not in said:
            wrongly.append(f"{answer.number} {answer.name} -> {answer.words}\n{said}")
    assert not wrongly, "\n".join(wrongly)


def run(client: NotebookClient, code: str) -> str:
    """Have the kernel run code that is no cell of the notebook; what it printed."""
    cell = nbformat.v4.new_code_cell(code)
    client.nb.cells.append(cell)
    try:
        client.execute_cell(cell, len(client.nb.cells) - 1, store_history=False)
    finally:
        client.nb.cells.pop()
    return "".join(out.text for out in cell.outputs if out.get("name") == "stdout").strip()


# Under names that no notebook could need.
IMPORT_ASIDE = f"""
import sys as _sys
_sys.path.insert(0, {str(stored.COURSE / "tests")!r})
import aside as _aside
del _sys.path[0]
"""
LEFT = 'path.readlink().name for path in Path("/proc/self/fd")'  # chapter 05 asks for what is left
PROMISE = "every part can be skipped, and none needs another"
# What a kernel is told where Deeper begins, and where each of its parts ends.
REMEMBER = "_before = dict(globals())\n_before['_before'] = _before"
FORGET = "for _new in {*globals()} - {*_before}: del globals()[_new]\nglobals().update(_before)"


@pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
def test_solved_it_runs_too_and_what_is_deeper_needs_nothing_from_its_other_parts(
    path: Path, folder: Path
) -> None:
    """At each exercise a wrong answer, then the solution, which stays.

    Where the chapter promises it, the kernel forgets after each part of Deeper every name that the
    part has given. What comes after Deeper then runs as for somebody who has skipped it.
    """
    notebook = stored.read(path)
    exercises = {exercise.check: exercise for exercise in stored.exercises(notebook)}
    assert len(exercises) >= 2
    promised, began, parts = PROMISE in path.read_text(), False, 0
    with render.fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells):
            lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
            if promised and "## Deeper" in lines:
                began = True
                run(client, REMEMBER)
            elif began and any(line.startswith(("## ", "### Deeper")) for line in lines):
                parts += 1
                run(client, FORGET)
            if index in exercises:
                exercise = exercises[index]
                *_, wrong = (each for each in answers(path, exercise) if each.words)
                for code, verdict in ((wrong.code, "Not yet."), (exercise.solution, "Right.")):
                    notebook.cells[exercise.cell].source = code
                    client.execute_cell(notebook.cells[exercise.cell], exercise.cell)
                    client.execute_cell(cell, index)
                    assert printed(cell).startswith(verdict), f"{exercise.number}:\n{code}"
            else:
                client.execute_cell(cell, index)
                if LEFT in cell.source:
                    assert printed(cell) == "[]"  # whatever the checks have loaded
    assert parts >= 2 * promised


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed or returned, as text."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
    return "".join(texts).strip()
