"""./course test --newest: what is installed, and the row that a run leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored import COURSE

from tools import newest, setup

VERSIONS = dict.fromkeys(newest.SHOWN, "9.1")


def test_nothing_is_pinned_and_nothing_is_twice():
    names = newest.unpinned()
    assert {*newest.SHOWN, "pytest", "pip"} <= set(names)
    assert len(names) == len(set(names))
    assert not [name for name in names if set(name) & set("<>=~;")]


def test_its_tests_are_there():
    assert [name for name in newest.TESTS if not (COURSE / f"tests/test_{name}.py").exists()] == []


def test_a_row_says_what_broke():
    found = {"passed": 1200, "failed": ["tests.test_live::test_a[x]"], "skipped": []}
    row = newest.row(found, VERSIONS, "2026-11-28")
    assert row.startswith("| 2026-11-28 | 9.1 |")
    assert row.endswith("| 1,200 passed, 1 failed | test_live test_a[x] |")
    assert newest.row(found | {"failed": []}, VERSIONS, "2026-11-28").endswith(
        "| 1,200 passed | nothing |"
    )


def test_a_later_run_of_a_day_takes_the_place_of_the_earlier(tmp_path):
    page = tmp_path / "machines.md"
    page.write_text("before\n<!-- newest: begin -->\n\n<!-- newest: end -->\nafter\n")
    found = {"passed": 1, "failed": [], "skipped": []}
    for passed, day in ((1, "2026-11-27"), (2, "2026-11-28"), (3, "2026-11-28")):
        newest.keep(newest.row(found | {"passed": passed}, VERSIONS, day), page)
    lines = page.read_text().splitlines()
    rows = [line for line in lines if line.startswith("| 2")]
    assert [(row[2:12], row.split(" | ")[-2]) for row in rows] == [
        ("2026-11-28", "3 passed"),
        ("2026-11-27", "1 passed"),
    ]
    assert (lines[0], lines[-1]) == ("before", "after")


def test_a_run_of_all_is_kept_and_one_of_some_is_not(monkeypatch, tmp_path):
    kept: list[str] = []
    monkeypatch.setattr(newest, "keep", kept.append)
    monkeypatch.setattr(newest, "versions", lambda: VERSIONS)
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        'for each; do case $each in --junitxml=*) echo "<a/>" >"${each#*=}" ;; esac; done\nexit 5\n'
    )
    python.chmod(0o755)
    assert newest.run(python, ["-k", "one"]) == 5
    assert kept == []
    assert newest.run(python, []) == 5
    assert len(kept) == 1 and "| 0 passed | nothing |" in kept[0]


def test_what_does_not_install_is_one_sentence(monkeypatch, capsys):
    def fail() -> Path:
        raise setup.StepError("the network did not answer: connect this machine")

    monkeypatch.setattr(newest, "make", fail)
    assert newest.main(["--newest"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("course: that failed: the network did not answer")


def test_the_newest_environment_is_none_that_the_set_up_removes():
    assert newest.ENVIRONMENT not in (setup.VENV, setup.ASIDE, *setup.PLACES)


@pytest.mark.parametrize("name", newest.SHOWN)
def test_versions_are_found_in_an_environment(tmp_path, name):
    info = tmp_path / f"lib/python3.13/site-packages/{name}-7.8.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 7.8\n")
    assert newest.versions(tmp_path) == {name: "7.8"}
