"""The instructor's notes say what the notebooks and tests/wrong say now."""

from __future__ import annotations

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
