"""The learner's copies in work/: made, refreshed or kept, compared, put back on request."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import stored as course

from chapters.ch00 import copies
from tools import diff, shipped, workspace

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
    """The files below a folder, but for the course's own notes."""
    every = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in every if name != copies.NOTES)


def stems(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def change(path: Path, old: str, new: str) -> None:
    """Edit a notebook as a learner would, outputs and all left as they are."""
    content = json.loads(path.read_text("utf-8"))
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"]).replace(old, new)
    path.write_text(json.dumps(content), "utf-8")


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
    assert workspace.copy_chapters(stored, work).made == [work / "04_new.ipynb"]
    assert (work / "02_first.ipynb").read_text() == "mine"
    assert (work / "images/road.svg").read_text() == "mine"


def test_a_copy_that_was_only_run_follows_the_course(folders):
    stored, work = folders
    workspace.copy_chapters(stored, work)
    copy = json.loads((work / "02_first.ipynb").read_text("utf-8"))
    # Run, marked as collapsed, and saved: JupyterLab has added a cell, and cut the text in lines.
    copy["cells"][1] |= {"outputs": [OUTPUT], "execution_count": 3, "metadata": {"collapsed": True}}
    copy["cells"][1]["source"] = ["1 +", " 1"]
    copy["cells"].append(CELL | {"source": [], "outputs": []})
    (work / "02_first.ipynb").write_text(json.dumps(copy), "utf-8")
    assert workspace.copy_chapters(stored, work).refreshed == []
    write_chapter(stored / "02_first.ipynb", "2 + 2")
    brought = workspace.copy_chapters(stored, work)
    assert (stems(brought.refreshed), brought.made, brought.kept) == (["02_first"], [], [])
    assert brought.sentences() == ["Newer in work/, where you had changed nothing: 02_first."]
    assert json.loads((work / "02_first.ipynb").read_text())["cells"][1]["source"] == "2 + 2"


def test_a_changed_copy_is_kept_and_told_of_once_for_each_new_version(folders):
    stored, work = folders
    workspace.copy_chapters(stored, work)
    change(work / "02_first.ipynb", "1 + 1", "1 + 2")
    assert workspace.copy_chapters(stored, work).sentences() == []  # the course has not changed
    for source in ("2 + 2", "3 + 3"):
        write_chapter(stored / "02_first.ipynb", source)
        brought = workspace.copy_chapters(stored, work)
        assert (stems(brought.kept), brought.refreshed) == (["02_first"], [])
        assert brought.sentences() == [
            "Kept as you changed them, though the course has gone on: 02_first. ./course diff 02 "
            "shows the difference; ./course reset 02 takes the course's and keeps yours aside."
        ]
        assert copies.left_behind(stored, work) == ["02_first"]
        assert workspace.copy_chapters(stored, work).sentences() == []
        assert copies.left_behind(stored, work) == ["02_first"]
        assert "1 + 2" in (work / "02_first.ipynb").read_text()
    workspace.reset(stored, work, "02")
    assert copies.left_behind(stored, work) == []
    write_chapter(stored / "02_first.ipynb", "4 + 4")
    assert stems(workspace.copy_chapters(stored, work).refreshed) == ["02_first"]


def test_who_takes_the_new_version_by_hand_hears_no_more_of_it(folders):
    stored, work = folders
    workspace.copy_chapters(stored, work)
    change(work / "02_first.ipynb", "1 + 1", "1 + 2")
    write_chapter(stored / "02_first.ipynb", "2 + 2")
    workspace.copy_chapters(stored, work)
    change(work / "02_first.ipynb", "1 + 2", "2 + 2")
    assert copies.left_behind(stored, work) == []
    workspace.copy_chapters(stored, work)
    change(work / "02_first.ipynb", "2 + 2", "mine again")
    assert workspace.copy_chapters(stored, work).sentences() == []


def test_a_copy_from_before_there_were_notes_is_known_by_what_was_shipped(folders):
    stored, work = folders
    old = {("02_first.ipynb", str(copies.fingerprint(stored / "02_first.ipynb")))}
    old |= {("images/road.svg", str(copies.fingerprint(stored / "images/road.svg")))}
    workspace.copy_chapters(stored, work)
    (work / copies.NOTES).write_text("no longer JSON")
    write_chapter(stored / "02_first.ipynb", "2 + 2")
    write_chapter(stored / "03_second.ipynb", "2 + 2")
    (stored / "images/road.svg").write_text("<svg>new</svg>")
    brought = workspace.copy_chapters(stored, work, old)
    assert stems(brought.refreshed) == ["02_first", "road"]
    assert stems(brought.kept) == ["03_second"]
    assert brought.sentences()[0].endswith("changed nothing: 02_first.")


def test_a_notebook_that_is_none_any_more_is_kept(folders, monkeypatch, capsys):
    stored, work = folders
    monkeypatch.setattr(diff, "COURSE", stored.parent)
    monkeypatch.setattr(diff, "WORK", stored.parent / "work")
    workspace.copy_chapters(stored, work)
    (work / "02_first.ipynb").write_text('{"cells": [{}]}')
    write_chapter(stored / "02_first.ipynb", "2 + 2")
    assert stems(workspace.copy_chapters(stored, work).kept) == ["02_first"]
    assert diff.main(["2"]) == 1
    assert "./course reset 02 puts the course's there" in capsys.readouterr().err


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
    monkeypatch.setattr(workspace, "WORK", stored.parent / "work")
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
    monkeypatch.setattr(workspace, "WORK", stored.parent / "work")
    assert workspace.main(["2"]) == 1
    assert capsys.readouterr().err.startswith("course: work/ cannot be written to")


def test_the_ledger_keeps_what_it_had_and_takes_each_version_once(folders, tmp_path):
    stored, ledger = folders[0], tmp_path / "shipped.txt"
    for source in ("1 + 1", "2 + 2", "2 + 2"):
        write_chapter(stored / "02_first.ipynb", source)
        shipped.add(shipped.of_course(stored), stored, ledger)
    lines = ledger.read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == [
        "02_first.ipynb",
        "02_first.ipynb",
        "03_second.ipynb",
        "images/road.svg",
    ]
    assert all(re.fullmatch(r"\S+ [0-9a-f]{16}", line) for line in lines)


def test_work_as_the_course_once_was_becomes_todays(tmp_path):
    """The chapters of commit 3dcf08f, without notes: two were changed, the others were not."""
    work = course.old_work(tmp_path)
    change(work / "05_bcc.ipynb", "import", "import antigravity, ")
    change(work / "12_beyond_sockex1.ipynb", "prediction = None", 'prediction = "a"')
    (work / "mine.ipynb").write_text("mine")
    before = {path.name: path.read_bytes() for path in work.glob("*.ipynb")}
    brought = workspace.copy_chapters(shipped.STORED, work)
    assert stems(brought.kept) == ["05_bcc", "12_beyond_sockex1"]
    kept = {"05_bcc.ipynb", "12_beyond_sockex1.ipynb", "mine.ipynb"}
    for path in work.glob("*.ipynb"):
        if path.name in kept:
            assert path.read_bytes() == before[path.name]
        else:
            newest = copies.fingerprint(shipped.STORED / path.name)
            assert copies.fingerprint(path) == newest, path.name
    assert len(brought.refreshed) >= 11
    assert "gone on: 05_bcc, 12_beyond_sockex1. ./course diff 05" in brought.sentences()[1]
    assert workspace.copy_chapters(shipped.STORED, work).sentences() == []


def test_the_difference_is_shown_cell_by_cell_and_without_outputs(folders, monkeypatch, capsys):
    stored, work = folders
    monkeypatch.setattr(diff, "COURSE", stored.parent)
    monkeypatch.setattr(diff, "WORK", stored.parent / "work")
    assert diff.main(["2"]) == 1
    assert "no work/02_first.ipynb yet: ./course lab copies" in capsys.readouterr().err
    workspace.copy_chapters(stored, work)
    assert diff.main(["2"]) == 0
    assert capsys.readouterr().out == "work/02_first.ipynb says what the course's says.\n"
    change(work / "02_first.ipynb", "1 + 1", "1 + 2")
    assert diff.main(["2"]) == 0
    first, cell, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("From work/02_first.ipynb (-) to the course's (+)")
    assert cell == "## modified /cells/1/source:"
    assert [line for line in lines if line] == ["-  1 + 2", "+  1 + 1"]
    for arguments in ([], ["9"], ["2", "3"]):
        assert diff.main(arguments) == 1
        assert capsys.readouterr().err.startswith("course: ")
