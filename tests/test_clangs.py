"""python -m tools.clangs: the row that a run leaves."""

from __future__ import annotations

from tools import clangs, marked
from tools.kernels import refusals


def test_a_row_counts_what_was_found():
    found = {"right": ["a", "b"], "none": ["c"], "wrong": [], "accepted": ["d"]}
    tests = {"passed": 1200, "failed": ["x"], "skipped": []}
    row = clangs.row("16.0.6", tests, found, "2026-11-29")
    assert row == "| 16.0.6 | 1,200 passed, 1 failed | 3 | 2 | 1 | 0 | 1 | 2026-11-29 |"


def test_a_later_run_of_a_version_takes_the_place_of_the_earlier(tmp_path):
    page = tmp_path / "machines.md"
    page.write_text("before\n<!-- clangs: begin -->\nnot run yet\n<!-- clangs: end -->\nafter\n")
    for version, day in (("19.1.7", 1), ("9.0.1", 2), ("19.1.7", 3)):
        clangs.keep(f"| {version} | {day} |", page)
    rows = marked.part(page, "clangs").splitlines()[2:]
    assert rows == ["| 9.0.1 | 2 |", "| 19.1.7 | 3 |"]


def test_no_stored_row_has_a_wrong_reason_or_a_test_that_failed():
    rows = [row.split(" | ") for row in marked.part(clangs.PAGE, "clangs").splitlines()[2:]]
    assert max(int(row[0].removeprefix("| ").split(".")[0]) for row in rows) >= 23
    for row in rows:
        named = dict(zip(clangs.HEAD, row, strict=True))
        assert named["wrong"] == "0" and "failed" not in named["tests"]
        assert int(named["right"]) >= 3 * int(named["no reason"])
    assert refusals.OBJECTS.name == "refused"
