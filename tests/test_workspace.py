"""The learner's copies in work/: made once, never overwritten, put back on request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import workspace

CELL = {"cell_type": "code", "source": "1 + 1", "execution_count": 7, "metadata": {}}
OUTPUT = {"output_type": "execute_result", "data": {"text/plain": "2"}}


def write_chapter(path: Path, source: str = "1 + 1") -> None:
    cells = [{"cell_type": "markdown", "source": "größer"}]
    cells.append(CELL | {"source": source, "outputs": [OUTPUT]})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}), "utf-8")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """notebooks/ with two chapters and a picture, and work/, which is not there yet."""
    stored = tmp_path / "notebooks"
    write_chapter(stored / "02_first.ipynb")
    write_chapter(stored / "03_second.ipynb")
    (stored / "images").mkdir()
    (stored / "images/road.svg").write_text("<svg/>")
    return stored, tmp_path / "work"


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_copy_has_no_outputs_and_all_the_rest(folders):
    stored, work = folders
    workspace.copy_chapters(stored, work)
    assert names(work) == ["02_first.ipynb", "03_second.ipynb", "images/road.svg"]
    copied = json.loads((work / "02_first.ipynb").read_text("utf-8"))
    assert copied["cells"][0]["source"] == "größer"
    assert copied["cells"][1] == CELL | {"outputs": [], "execution_count": None}


def test_what_the_learner_wrote_is_never_overwritten(folders):
    stored, work = folders
    workspace.copy_chapters(stored, work)
    (work / "02_first.ipynb").write_text("mine")
    (work / "images/road.svg").write_text("mine")
    write_chapter(stored / "04_new.ipynb")
    assert workspace.copy_chapters(stored, work) == [work / "04_new.ipynb"]
    assert (work / "02_first.ipynb").read_text() == "mine"
    assert (work / "images/road.svg").read_text() == "mine"


@pytest.mark.parametrize("chapter", ["2", "02", "02_first", "02_first.ipynb"])
def test_reset_puts_a_chapter_back_and_keeps_the_old_one(folders, chapter):
    stored, work = folders
    workspace.copy_chapters(stored, work)
    for number in (1, 2):
        (work / "02_first.ipynb").write_text(f"mine {number}")
        (work / "images/mine.png").write_text("mine")
        write_chapter(stored / "02_first.ipynb", "2 + 2")
        (stored / "images/road.svg").write_text("<svg>new</svg>")
        fresh, kept = workspace.reset(stored, work, chapter)
        assert kept == work / f"02_first.old-{number}.ipynb"
        assert kept.read_text() == f"mine {number}"
        assert json.loads(fresh.read_text())["cells"][1]["source"] == "2 + 2"
    assert (work / "images/road.svg").read_text() == "<svg>new</svg>"
    assert (work / "images/mine.png").read_text() == "mine"


def test_reset_of_a_chapter_that_was_never_copied(folders):
    fresh, kept = workspace.reset(*folders, "3")
    assert fresh.exists()
    assert kept is None


def test_reset_names_the_chapters_that_there_are(folders):
    with pytest.raises(workspace.WorkspaceError, match="no chapter 9.*02_first, 03_second"):
        workspace.reset(*folders, "9")


def test_the_command_says_what_it_did(folders, monkeypatch, capsys):
    stored, _ = folders
    monkeypatch.setattr(workspace, "COURSE", stored.parent)
    assert workspace.main(["2"]) == 0
    assert workspace.main(["2"]) == 0
    assert "Your own is now work/02_first.old-1.ipynb." in capsys.readouterr().out
    assert workspace.main([]) == 1
    assert "./course reset 03" in capsys.readouterr().err
    assert workspace.main(["9"]) == 1


def test_a_work_folder_that_cannot_be_written_to(folders, monkeypatch, capsys):
    stored, work = folders
    work.write_text("a file")
    monkeypatch.setattr(workspace, "COURSE", stored.parent)
    assert workspace.main(["2"]) == 1
    assert capsys.readouterr().err.startswith("course: work/ cannot be written to")
