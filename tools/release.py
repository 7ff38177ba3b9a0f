"""./course release VERSION: the version everywhere, the tests of the rules, a commit and a tag.

Laboratory equipment. It pushes nothing, and where it stops, everything is as it was.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE

RULES = ("tests/test_rules.py", "tests/test_project.py")
UNRELEASED = "## [Unreleased]\n"
# Where the version stands, and the date beside it: the file, the line, what becomes of it.
PLACES = (
    ("pyproject.toml", r'^version = ".*"$', 'version = "{version}"'),
    ("CITATION.cff", r"^version: .*$", "version: {version}"),
    ("CITATION.cff", r"^date-released: .*$", "date-released: {date}"),
    ("CHANGELOG.md", rf"^{re.escape(UNRELEASED)}", UNRELEASED + "\n## [{version}] - {date}\n"),
)


class ReleaseError(CourseError):
    """There is something in the way of this release."""


def numbers(version: str) -> tuple[int, ...]:
    """1.2.3 as (1, 2, 3). Errors: ReleaseError if it has another form."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version, re.ASCII):
        raise ReleaseError(f"A version is three numbers, as in 1.2.3, and not {version}.")
    return tuple(map(int, version.split(".")))


def git(course: Path, *arguments: str) -> str:
    """What git prints. Errors: ReleaseError with git's last line."""
    try:
        ran = subprocess.run(["git", *arguments], cwd=course, capture_output=True, text=True)
    except FileNotFoundError:
        raise ReleaseError("There is no git here: install it, then start again.") from None
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ReleaseError(f"git {arguments[0]} refused ({said}): mend that, then start again.")
    return ran.stdout


def check(course: Path, version: str) -> None:
    """Errors: ReleaseError if the tree is not clean, or the version or the changelog not ready."""
    text = (course / "pyproject.toml").read_text(encoding="utf-8")
    present = re.search(r'^version = "(.*)"$', text, re.MULTILINE)[1]
    if numbers(version) <= numbers(present):
        raise ReleaseError(f"{version} does not come after {present}, the version that this is.")
    if changed := git(course, "status", "--porcelain").splitlines():
        raise ReleaseError(
            f"{changed[0][3:]} is not committed: commit it or put it aside, then start again."
        )
    if git(course, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"There is a tag v{version} already: choose another version.")
    log = (course / "CHANGELOG.md").read_text(encoding="utf-8")
    _, found, after = log.partition(UNRELEASED)
    if not found or not after.partition("\n## ")[0].strip():
        raise ReleaseError(
            "CHANGELOG.md has nothing under [Unreleased]: write there what a learner can notice."
        )


def rewritten(course: Path, version: str, date: str) -> dict[Path, str]:
    """The files that name the version, with the new one. Errors: ReleaseError if one does not."""
    texts: dict[Path, str] = {}
    for name, line, becomes in PLACES:
        path = course / name
        text = texts.get(path) or path.read_text(encoding="utf-8")
        new = becomes.format(version=version, date=date)
        texts[path], count = re.subn(line, lambda _, new=new: new, text, flags=re.MULTILINE)
        if count != 1:
            raise ReleaseError(f"{name} has {count} lines like {line}, and should have one.")
    return texts


def rules_hold(course: Path) -> bool:
    """Run the tests of the rules, in view."""
    command = [sys.executable, "-m", "pytest", "-q", *RULES]
    return subprocess.run(command, cwd=course).returncode == 0


def release(
    course: Path, version: str, date: str, holds: Callable[[Path], bool] = rules_hold
) -> None:
    """Make the commit and the tag.

    Arguments: the course's folder, a git checkout; the version, as 1.2.3; the date, as 2026-01-31;
        what tells whether the rules hold in that folder.
    Errors: ReleaseError; then every file is as it was.
    """
    check(course, version)
    texts = rewritten(course, version, date)
    old = {path: path.read_text(encoding="utf-8") for path in texts}
    committed = False
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        if not holds(course):
            raise ReleaseError("The tests of the rules fail: mend what they name, commit, repeat.")
        git(course, "commit", "--quiet", "-m", f"Version {version}", "--", *map(str, texts))
        committed = True
    finally:
        if not committed:
            for path, text in old.items():
                path.write_text(text, encoding="utf-8")
    git(course, "tag", "-a", f"v{version}", "-m", f"Packet tracing with BPF {version}")


def main(arguments: list[str]) -> int:
    """Exit status 0, 1 if something is in the way, 2 without a version, 130 after Ctrl-C."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("course: release takes a version: ./course release 1.2.3", file=sys.stderr)
        return 2
    (version,) = arguments
    try:
        release(COURSE, version, datetime.date.today().isoformat())
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse: interrupted; nothing is released.", file=sys.stderr)
        return 130
    print(f"Version {version} is committed and tagged, here only. To publish it:")
    print(f"git push origin HEAD v{version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
