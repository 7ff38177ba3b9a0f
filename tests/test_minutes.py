"""The minutes that a chapter states: by the rule, in each place, and as readers send them."""

from __future__ import annotations

import re

import nbformat
import pytest
import stored

from tools import marked, minutes

CHAPTERS = pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
PARTS = [
    ("markdown", "# A title\n\nsix words are in this sentence"),  # and three in the title
    ("code", "print(1)"),
    ("code", 'prediction = None  # "a" or "b"'),
    ("exercise", "answer = None"),
    ("code", "check.answer(answer)"),
    ("markdown", "<details><summary>Hint</summary>\n\nfolded away\n\n</details>"),
    ("markdown", "### Deeper: more\n\nnot counted"),
    ("code", "deeper()"),
    ("markdown", "### Not deeper\n\nfour more\n\n### Sources\n\n- a book"),
    ("markdown", "## Deeper\n\nnothing"),
    ("markdown", "### A part of it\n\nnothing"),
    ("exercise", "deep = None"),
    ("markdown", "## You have\n\nread it"),
]


def notebook(parts: list[tuple[str, str]]) -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook()
    for kind, text in parts:
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        made.cells.append(new(text, metadata={"tags": ["exercise"]} if kind == "exercise" else {}))
    return made


def test_what_is_counted_and_what_is_not():
    # 3 + 6 in the first cell, 3 + 2 in "Not deeper", 3 + 2 at the end; a # counts as a word
    counted = minutes.count(notebook(PARTS))
    assert counted == minutes.Counts(words=19, cells=2, predictions=1, exercises=1)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((150 * 10, 0, 0, 0), 10),
        ((0, 40, 0, 0), 20),
        ((0, 0, 5, 0), 5),
        ((0, 0, 0, 3), 15),
        ((1500, 20, 4, 2), 35),  # 10 + 10 + 4 + 10 = 34
    ],
)
def test_the_rule(counts, expected):
    assert minutes.Counts(*counts).minutes == expected


@CHAPTERS
def test_a_chapter_states_what_the_rule_says_and_calls_it_an_estimate(path):
    read = stored.read(path)
    assert f"*An estimated {minutes.count(read).minutes} minutes" in read.cells[0].source


def test_the_table_is_that_of_the_chapters_and_of_what_readers_sent():
    """If it is not: python -m tools.minutes writes it."""
    expected = minutes.table(minutes.chapters(), minutes.sent())
    assert marked.part(minutes.PAGE, "minutes") == expected


def test_the_page_says_the_numbers_of_the_rule():
    page = minutes.PAGE.read_text()
    assert f"a minute for {minutes.WORDS_PER_MINUTE} words" in page
    assert minutes.MINUTES == {"cells": 0.5, "predictions": 1, "exercises": 5}
    assert "half a minute for each cell" in page
    assert "a minute for each prediction" in page
    assert "five minutes for each exercise" in page


def test_readers_are_taken_up_and_a_line_that_is_none_is_named(tmp_path):
    file = tmp_path / "minutes.csv"
    file.write_text("chapter,minutes,knew\n03,55,python\n3,70,python c\n03,61.5,\n")
    assert minutes.sent(file) == {"03": [55, 70, 61.5]}
    counted = {"03": minutes.Counts(1500, 20, 4, 2), "04": minutes.Counts(0, 0, 0, 0)}
    rows = minutes.table(counted, minutes.sent(file)).splitlines()[2:]
    assert rows == ["| 03 | 1500 | 20 | 4 | 2 | 35 | 3 | 62 |", "| 04 | 0 | 0 | 0 | 0 | 0 | 0 | |"]
    file.write_text("chapter,minutes,knew\n03,an hour,python\n")
    with pytest.raises(minutes.MinutesError, match="Line 2 of minutes.csv"):
        minutes.sent(file)


def test_the_readme_has_the_same_minutes():
    line = "| [03](notebooks/03_load_attach_count.ipynb) | Load, 2 things | 50 |"
    counted = {"03": minutes.Counts(0, 0, 0, 1)}
    assert minutes.in_readme(line, counted) == line.replace("50", "5")
    readme = minutes.README.read_text()
    assert len(re.findall(r"^\| \[\d\d\]\(notebooks/.*\| \d+ \|$", readme, re.MULTILINE)) == len(
        stored.CHAPTERS
    )
    assert minutes.in_readme(readme, minutes.chapters()) == readme
