"""./course release, in a small checkout of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from stored import COURSE

from tools import release

FILES = ("pyproject.toml", "CITATION.cff", "CHANGELOG.md")
DATE = "2031-02-03"
OLD = "## [1.0.0] - 2026-11-25\n\nOld.\n"


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A clean checkout of the three files, version 1.0.0, with one thing that is not released."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Nobody")
        monkeypatch.setenv(f"{name}_EMAIL", "nobody@localhost")
    for name in FILES:
        shutil.copy(COURSE / name, tmp_path)
    text = (tmp_path / "pyproject.toml").read_text()
    version = text.split('\nversion = "')[1].split('"')[0]
    (tmp_path / "pyproject.toml").write_text(text.replace(f'"{version}"', '"1.0.0"'))
    log = f"# Changelog\n\n{release.UNRELEASED}\n- Something new.\n\n{OLD}"
    (tmp_path / "CHANGELOG.md").write_text(log)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=folder, text=True)


def texts(folder: Path) -> list[str]:
    return [(folder / name).read_text() for name in FILES]


def make(folder: Path, version: str, holds: Callable[[Path], bool] = lambda _: True) -> None:
    release.release(folder, version, DATE, holds)


def test_the_version_stands_everywhere_and_is_tagged(checkout):
    seen: list[list[str]] = []
    make(checkout, "1.1.0", lambda folder: not seen.append(texts(folder)))
    project, citation, log = texts(checkout)
    assert seen == [[project, citation, log]]  # the tests ran on what was committed
    assert '\nversion = "1.1.0"\n' in project
    assert "\nversion: 1.1.0\n" in citation and f"\ndate-released: {DATE}\n" in citation
    assert log == (
        f"# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - {DATE}\n\n- Something new.\n\n{OLD}"
    )
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "log", "--format=%s") == "Version 1.1.0\nfirst\n"
    assert git(checkout, "describe", "--exact-match") == "v1.1.0\n"
    assert git(checkout, "cat-file", "-t", "v1.1.0") == "tag\n"


@pytest.mark.parametrize("version", ["1.0.0", "0.9.9", "1.0", "v1.1.0", "1.1.0-rc1", "1.01.0", ""])
def test_a_version_that_is_none_or_does_not_come_next(checkout, version):
    before = texts(checkout)
    with pytest.raises(release.ReleaseError, match="three numbers|does not come after 1.0.0"):
        make(checkout, version)
    assert texts(checkout) == before


def test_ten_comes_after_nine(checkout):
    make(checkout, "1.9.0")
    (checkout / "CHANGELOG.md").write_text(f"{release.UNRELEASED}\nMore.\n")
    git(checkout, "commit", "-qam", "more")
    make(checkout, "1.10.0")
    assert git(checkout, "tag").split() == ["v1.10.0", "v1.9.0"]


def left_aside(folder: Path) -> None:
    (folder / "a_note.txt").touch()


def with_a_tag(folder: Path) -> None:
    git(folder, "tag", "v1.1.0")


def with_nothing_new(folder: Path) -> None:
    path = folder / "CHANGELOG.md"
    path.write_text(path.read_text().replace("- Something new.\n", ""))
    git(folder, "commit", "-qam", "nothing new")


def without_a_place(folder: Path) -> None:
    path = folder / "CITATION.cff"
    path.write_text(path.read_text().replace("\nversion:", "\nissue:"))
    git(folder, "commit", "-qam", "no version")


def with_a_hook(folder: Path) -> None:
    hook = folder / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (left_aside, "a_note.txt is not committed"),
        (with_a_tag, "There is a tag v1.1.0 already"),
        (with_nothing_new, r"nothing under \[Unreleased\]"),
        (without_a_place, "CITATION.cff has 0 lines"),
        (with_a_hook, r"git commit refused \(not today\)"),
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_changes(checkout, spoil, said):
    spoil(checkout)
    before, status = texts(checkout), git(checkout, "status", "--porcelain")
    with pytest.raises(release.ReleaseError, match=said):
        make(checkout, "1.1.0")
    assert (texts(checkout), git(checkout, "status", "--porcelain")) == (before, status)
    assert git(checkout, "log", "-1", "--format=%s") != "Version 1.1.0\n"


def test_where_the_rules_do_not_hold_everything_is_as_it_was(checkout):
    with pytest.raises(release.ReleaseError, match="tests of the rules fail"):
        make(checkout, "1.1.0", lambda _: False)
    assert git(checkout, "status", "--porcelain") == git(checkout, "tag") == ""

    def stopped(_: Path) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(checkout, "1.1.0", stopped)
    assert git(checkout, "status", "--porcelain") == git(checkout, "tag") == ""


def test_the_rules_are_tests_that_there_are_and_are_believed(tmp_path):
    assert all((COURSE / name).is_file() for name in release.RULES)
    for name in release.RULES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("def test_it(): assert True\n")
    assert release.rules_hold(tmp_path)
    (tmp_path / name).write_text("def test_it(): assert False\n")
    assert not release.rules_hold(tmp_path)


def test_without_git_or_a_checkout_it_says_so(tmp_path, monkeypatch):
    with pytest.raises(release.ReleaseError, match="git status refused .*not a git repository"):
        release.git(tmp_path, "status")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(release.ReleaseError, match="There is no git here"):
        release.git(tmp_path, "status")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["1.1.0", "1.2.0"]])
def test_without_a_version_it_says_what_it_takes(arguments, capsys):
    assert release.main(arguments) == 2
    assert capsys.readouterr().err == "course: release takes a version: ./course release 1.2.3\n"


def test_a_refusal_and_a_release_in_words(checkout, monkeypatch, capsys):
    monkeypatch.setattr(release, "COURSE", checkout)
    assert release.main(["1.0.0"]) == 1
    assert capsys.readouterr().err.startswith("course: 1.0.0 does not come after 1.0.0")
    monkeypatch.setattr(release, "release", lambda *_: None)
    assert release.main(["1.1.0"]) == 0
    assert capsys.readouterr().out.endswith("git push origin HEAD v1.1.0\n")
