"""The handout: the learners' copy has no solution and runs; the instructor's has the notes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import stored

from tools import handout, teaching

EVERY = pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
# Runs every code cell of a notebook in one process, in the folder that it lies in, and prints what
# the checks say.
RUN = """
import json, sys
from IPython.testing.globalipapp import start_ipython
shell = start_ipython()
import helpers
print(helpers.__file__)
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        result = shell.run_cell("".join(cell["source"]))
        result.raise_error()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return handout.make(tmp_path_factory.mktemp("handout"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def text(path: Path) -> str:
    """What one reads in a file; of a notebook what its cells say."""
    if path.suffix == ".ipynb":
        return "\0".join(cell.source for cell in stored.read(path).cells)
    return path.read_text("utf-8", "replace")


def everything(folder: Path) -> str:
    """All that a learner could read in the folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png")
    return squeezed("\0".join(map(text, files)))


def solutions(path: Path) -> list[str]:
    return [each.solution for each in stored.exercises(stored.read(path))]


def test_no_solution_is_anywhere_in_the_learners_copy(made):
    given = everything(made["learners"])
    every = [each for path in stored.CHAPTERS for each in solutions(path)]
    told = [each for each in every if squeezed(each) in given]
    assert len(every) > 45 and told == []


def test_the_search_finds_every_solution_where_they_are(made):
    given = everything(made["instructor"])
    every = [each for path in stored.CHAPTERS for each in solutions(path)]
    assert [each for each in every if squeezed(each) not in given] == []


@EVERY
def test_a_learners_chapter_has_its_hints_and_no_outputs(path, made):
    kept = (stored.read(path), stored.read(made["learners"] / "notebooks" / path.name))
    ours, theirs = ("".join(c.source for c in each.cells if "source" in c) for each in kept)
    assert theirs.count("<summary>Hint</summary>") == ours.count("<summary>Hint</summary>") > 0
    assert "<summary>Solution</summary>" not in theirs
    assert theirs.count("<details>") == theirs.count("</details>")
    assert [c.id for c in kept[1].cells] == [c.id for c in kept[0].cells]
    assert not any(c.get("outputs") for c in kept[1].cells)


@EVERY
def test_an_instructors_chapter_has_a_note_for_each_prediction_and_exercise(path, made):
    notebook = stored.read(made["instructor"] / "notebooks" / path.name)
    nbformat.validate(notebook)
    notes = [c.source for c in notebook.cells if "instructor" in c.metadata.get("tags", [])]
    wanted = len(teaching.predictions(path)) + len(solutions(path)) + 1
    assert len(notes) == wanted
    assert notes[0].count("**") == 10  # the heading, and four lines of advice
    words = [each.words.strip() for each in stored.answers(path) if each.words]
    assert [each for each in words if each not in "\n".join(notes)] == []
    whole = "".join(cell.source for cell in notebook.cells)
    assert whole.count("<details open><summary>Solution") == len(solutions(path))


def test_neither_has_tests_and_the_learners_has_no_notes(made):
    for folder in made.values():
        assert not (folder / "tests").exists() and os.access(folder / "course", os.X_OK)
    assert not (made["learners"] / "docs/teaching").exists()
    assert (made["instructor"] / "docs/teaching/chapters.md").exists()
    assert "no solutions" in (made["learners"] / "README.md").read_text()


def test_a_folder_that_is_no_handout_is_left_alone(tmp_path):
    (tmp_path / "learners").mkdir()
    (tmp_path / "learners/mine").touch()
    with pytest.raises(handout.HandoutError):
        handout.make(tmp_path)
    assert (tmp_path / "learners/mine").exists()


@pytest.mark.kernel
def test_the_learners_copy_runs(made):
    """Chapter 03 from its own folder, with its own helpers; every exercise is still to be done."""
    folder = made["learners"]
    (notebook,) = (folder / "notebooks").glob("03_*.ipynb")
    command = [sys.executable, "-c", RUN, notebook]
    variables = os.environ | {"PYTHONPATH": str(folder), "COURSE_PLACE": str(folder)}
    how = {"cwd": notebook.parent, "env": variables, "capture_output": True, "text": True}
    ran = subprocess.run(command, **how, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{folder}/helpers/__init__.py" in ran.stdout
    assert "TCP 0 UDP 0 ICMP 784 bytes" in ran.stdout
    assert ran.stdout.count("Not attempted yet.") == 3


@EVERY
def test_for_nbgrader_each_check_is_a_test_of_one_point(path):
    notebook = handout.graded(json.loads(path.read_bytes()), path)
    tests = [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    assert len(tests) == len(solutions(path))
    marks = [cell["metadata"]["nbgrader"] for cell in tests]
    assert [each["grade_id"] for each in marks] == [f"exercise-{n + 1}" for n in range(len(tests))]
    assert all(each["grade"] and each["locked"] and each["points"] == 1 for each in marks)
    for cell in tests:
        compile("".join(cell["source"]), "cell", "exec")
        assert "".join(cell["source"]).count("verdict = check.") == 1
