"""What the checks keep of a learner's way, and how it is shown."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
import stored

from chapters.ch00 import copies
from chapters.ch00.progress import Standing, standing
from helpers import progress
from tools import progress as command
from tools import render

FIRST = stored.CHAPTERS[0]
TOTAL = sum(len(stored.exercises(stored.read(path))) for path in stored.CHAPTERS)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
def test_the_exercises_of_a_chapter_are_known_without_running_it(path):
    found = progress.exercises(path)
    cells = stored.read(path).cells
    told = [(each.number, cells[each.check].source) for each in stored.exercises(stored.read(path))]
    assert [each.number for each in found] == [number for number, _ in told]
    assert len({each.call for each in found}) == len(found) >= 2
    for exercise, (_, source) in zip(found, told, strict=True):
        assert exercise.call.startswith("check.")
        assert progress.attempted(source, path) == exercise
        assert exercise.chapter == path.name[:2]


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("check.frame_length(frame_length)", 1),
        ("from chapters.ch00 import check\n\ncheck.frame_length( frame_length )  # mine", 1),
        ("check.frame_length(98)", 1),
        ("check.ethertype(ethertype, frame)", 2),
        ("verdict = check.frame_length(98)", None),
        ("check.somebody_elses(98)", None),
        ("%time check.frame_length(98)", None),
        ("", None),
    ],
)
def test_which_exercise_a_cell_checks(code, number):
    found = progress.attempted(code, FIRST)
    assert (found and found.number) == number


def test_a_check_of_two_exercises_is_told_apart_by_what_it_is_given():
    path = next(path for path in stored.CHAPTERS if path.name.startswith("08"))
    assert progress.attempted('check.mended("bounds", bounds)', path).number == 2
    assert progress.attempted("check.mended(case, program)", path).number == 3
    assert progress.attempted("check.mended(mine, program)", path) is None


def test_what_was_reached_is_never_less_than_before(work):
    for status, kept in (
        ("not attempted", {}),
        ("not yet", {"03": {"2": "not yet"}}),
        ("right", {"03": {"2": "right"}}),
        ("not yet", {"03": {"2": "right"}}),
        ("not attempted", {"03": {"2": "right"}}),
    ):
        progress.note(work, "03", 2, status)
        assert progress.read(work) == kept
    assert {path.name for path in work.iterdir()} == {progress.KEPT, progress.LOCK}


def note_many(work: Path, chapter: str, begin) -> None:
    begin.wait()
    for number in range(1, 21):
        progress.note(work, chapter, number, "not yet")
        progress.note(work, chapter, number, "right")


def test_several_kernels_at_once_lose_nothing(work):
    begin = multiprocessing.Barrier(4)
    chapters = ["00", "01", "02", "03"]
    each = [
        multiprocessing.Process(target=note_many, args=(work, chapter, begin))
        for chapter in chapters
    ]
    for process in each:
        process.start()
    for process in each:
        process.join()
    assert [process.exitcode for process in each] == [0] * 4
    right = {str(number): "right" for number in range(1, 21)}
    assert progress.read(work) == dict.fromkeys(chapters, right)


def test_a_damaged_file_is_one_sentence_and_kept(work, monkeypatch, capsys):
    monkeypatch.setattr(command, "WORK", work)
    monkeypatch.setattr(progress, "here", lambda: work)
    for text in ("{", "[]", '{"03": ["right"]}', '{"03": {"1": []}}'):
        (work / progress.KEPT).write_text(text)
        assert command.main([]) == 1
        assert "is damaged: ./course progress --clear begins a new one" in capsys.readouterr().err
        progress.keep("check.frame_length(98)", "chapters.ch00.check", "right")
        assert "is damaged" in capsys.readouterr().out
        assert (work / progress.KEPT).read_text() == text
    assert command.main(["--clear"]) == 0
    progress.keep("check.frame_length(98)", "chapters.ch00.check", "right")
    assert progress.read(work) == {"00": {"1": "right"}}


def test_a_folder_that_cannot_be_written_to_spoils_no_verdict(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress, "here", lambda: tmp_path / "no such folder")
    progress.keep("check.frame_length(98)", "chapters.ch00.check", "right")
    assert capsys.readouterr().out == (
        "What you reached could not be kept (No such file or directory): free some space.\n"
    )


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the course, as a kernel sees it that runs there."""
    copy = tmp_path / "course"
    for name in ("helpers", "chapters", "notebooks"):
        shutil.copytree(stored.COURSE / name, copy / name)
    shutil.copytree(copy / "notebooks", copy / "work" / "of mine")
    monkeypatch.setenv("PYTHONPATH", str(copy))
    return copy


ANSWERS = ("None", "97", "98", "1", "None")


def verdicts(folder: Path) -> tuple[list[str], list[dict]]:
    """Chapter 00's first exercise, answered in a kernel whose folder this is: what the check
    says, and what is kept after each answer."""
    cells = stored.read(FIRST).cells
    (exercise, *_) = stored.exercises(stored.read(FIRST))
    check = cells[exercise.check].source
    sources = [part for answer in ANSWERS for part in (f"frame_length = {answer}", check)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    said, kept = [], []
    with render.fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
            if index % 2:
                (output,) = cell.outputs
                said.append(output.data["text/plain"].split(".")[0])
                kept.append(progress.read(folder if folder.name == "work" else folder.parent))
    return said, kept


def test_a_check_keeps_its_verdict_in_work_and_no_answer(course):
    said, kept = verdicts(course / "work")
    assert said == ["Not attempted yet", "Not yet", "Right", "Not yet", "Not attempted yet"]
    assert kept == [{}, {"00": {"1": "not yet"}}, *3 * [{"00": {"1": "right"}}]]
    assert "98" not in (course / "work" / progress.KEPT).read_text()
    (course / "work" / progress.KEPT).unlink()
    assert verdicts(course / "work" / "of mine")[1] == kept  # a folder of the learner's own


@pytest.mark.parametrize("folder", ["notebooks", ".", "elsewhere/work"])
def test_outside_of_work_nothing_is_kept(course, folder):
    """In notebooks/, where the course renders, and in a test's copy of it."""
    (course / folder).mkdir(parents=True, exist_ok=True)
    (course / "work").mkdir(exist_ok=True)
    said, _ = verdicts(course / folder)
    assert said[2] == "Right"
    assert not list(course.rglob(".progress*"))


def reached(work: Path, **chapters: dict[str, str]) -> Standing:
    kept = {name.removeprefix("ch"): statuses for name, statuses in chapters.items()}
    progress.write(work, kept)
    return standing(work=work)


def test_where_to_go_on(work):
    def after(**chapters: dict[str, str]) -> tuple[str, int] | None:
        found = reached(work, **chapters).next
        return found and (found.chapter, found.number)

    assert after() == ("00", 1)
    assert after(ch00={"1": "right"}) == ("00", 2)
    assert after(ch03={"1": "right", "3": "right"}) == ("04", 1)  # nobody is sent back to 00
    assert after(ch03={"1": "right", "2": "not yet", "3": "right"}) == ("03", 2)
    assert after(ch13={"2": "right"}) == ("14", 1)
    assert after(ch14={"4": "right"}) == ("00", 1)  # the last of all
    everything = {}
    for path in stored.CHAPTERS:
        statuses = {str(each.number): "right" for each in progress.exercises(path)}
        everything[f"ch{path.name[:2]}"] = statuses
    assert after(**everything) is None
    assert "All of them are right." in repr(reached(work, **everything))


def test_the_table_has_a_row_for_each_chapter_and_a_link_to_what_is_next(work):
    shown = reached(work, ch08={"1": "right", "2": "not yet"}, ch99={"1": "right"})
    table = shown.table()
    assert table.caption == f"1 of {TOTAL} exercises are right"
    assert [row[0] for row in table.rows] == [path.stem for path in stored.CHAPTERS]
    assert table.rows[8][1:] == ("right", "not yet", *3 * ["not attempted"])
    assert table.rows[0][1:] == ("not attempted", "not attempted", "", "", "")
    assert repr(shown).endswith("Go on with 08_the_verifier, Exercise 2: up to the end")
    (link,) = re.findall(r'<a href="([^"]+)">', shown._repr_html_())
    name, anchor = unquote(link).split("#")
    assert anchor in stored.anchors(stored.COURSE / "notebooks" / name)


def test_a_copy_that_the_course_has_gone_past_is_named_below_the_table(work):
    (work / stored.CHAPTERS[5].name).write_text("mine")
    mark = copies.fingerprint(stored.CHAPTERS[5])
    notes = {stored.CHAPTERS[5].name: {"copied": "an older one", "told": mark}}
    (work / copies.NOTES).write_text(json.dumps(notes))
    shown = standing(work=work)
    assert repr(shown).endswith(
        "gone on: 05_bcc. ./course diff 05 shows the difference; ./course reset 05 takes the "
        "course's and keeps yours aside."
    )
    assert "./course diff 05 shows" in shown._repr_html_()


def test_the_command_shows_and_forgets(work, monkeypatch, capsys):
    monkeypatch.setattr(command, "WORK", work)
    progress.note(work, "00", 1, "right")
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith(f"1 of {TOTAL} exercises are right\nchapter ")
    assert command.main(["--forget"]) == 1
    assert "takes nothing but --clear" in capsys.readouterr().err
    for _ in range(2):
        assert command.main(["--clear"]) == 0
        assert progress.read(work) == {}
    assert command.main([]) == 0
    assert f"0 of {TOTAL} exercises are right" in capsys.readouterr().out
