"""The instructor's notes say what the notebooks and tests/wrong say now."""

from __future__ import annotations

import re

import pytest
import stored

from tools import marked, teaching


@pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
def test_the_notes_of_a_chapter_are_of_this_chapter(path):
    assert marked.part(teaching.PAGE, f"notes {path.name[:2]}") == teaching.notes(path)


@pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
def test_each_wrong_answer_is_told_with_its_words(path):
    wrong = [each for each in stored.answers(path) if each.verdict == "Not yet."]
    told = teaching.mistakes(path)
    assert len(told) - len(stored.exercises(stored.read(path))) == len(wrong) > 0
    for answer in wrong:
        assert any(answer.words.strip() in line for line in told), answer


def test_every_prediction_has_what_happened():
    found = [each for path in stored.CHAPTERS for each in teaching.predictions(path)]
    assert len(found) > 40
    assert [each for each in found if "**(" not in each] == []


# --- the plans

ROW = re.compile(r"^\| (\d+:\d\d|\d+) \| (\d+) \| ([^|]*?) ?\|.*\|$", re.MULTILINE)
PARTS = re.compile(r"(\d\d): ((?:\d+(?:-\d+)?(?:, )?)+)")
PLANS = (stored.COURSE / "docs/teaching/plans.md").read_text("utf-8").split("\n## ")[1:]


def estimate(blocks: str) -> float:
    """The minutes of what a row names, such as "03: 1-6, 8-9; 04: 1"."""
    whole = 0.0
    for number, ranges in PARTS.findall(blocks):
        took = teaching.sections(next(p for p in stored.CHAPTERS if p.name.startswith(number)))
        for each in ranges.strip(", ").split(", "):
            first, _, last = each.partition("-")
            wanted = range(int(first), int(last or first) + 1)
            whole += sum(took[str(section)] for section in wanted if str(section) in took)
            assert str(first) in took and (str(last or first) in took), blocks
    return whole


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.partition("\n")[0])
def test_a_plan_has_time_for_what_it_plans(plan):
    rows = ROW.findall(plan)
    assert len(rows) >= 8 and sum(bool(blocks.strip()) for _, _, blocks in rows) >= 4
    short = [row for row in rows if int(row[1]) < 1.3 * estimate(row[2])]
    assert short == []


@pytest.mark.parametrize("plan", PLANS[:3], ids=lambda plan: plan.partition("\n")[0])
def test_in_a_plan_one_part_begins_where_the_last_one_ends(plan):
    moments = [
        (60 * int(at[: at.index(":")]) + int(at[-2:]), int(minutes))
        for at, minutes, _ in ROW.findall(plan)
    ]
    ends = [at + minutes for at, minutes in moments]
    assert [at for at, _ in moments[1:]] == [
        0 if at == 0 else end for (at, _), end in zip(moments[1:], ends, strict=False)
    ]
    evenings = sum(at == 0 for at, _ in moments)
    assert ends[-1] == {"Half": 240, "A da": 420, "Thre": 150}[plan[:4]]
    assert evenings == (3 if plan.startswith("Three") else 1)


def test_the_semester_has_every_chapter_within_ninety_minutes_a_week():
    rows = ROW.findall(PLANS[3])
    assert [int(week) for week, _, _ in rows] == list(range(1, 16))
    assert max(int(minutes) for _, minutes, _ in rows) <= 90
    named = {number for _, _, blocks in rows for number, _ in PARTS.findall(blocks)}
    assert named == {path.name[:2] for path in stored.CHAPTERS}
