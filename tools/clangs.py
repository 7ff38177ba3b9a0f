"""python -m tools.clangs: the clang on the PATH, and what the readers of refusals make of it.

Laboratory equipment. Put another version in front of PATH, and it runs the tests of what clang
says, and shows the running kernel the programs of tests/refused as that clang compiles them. The
run writes its row of docs/machines.md.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from helpers.toolchain import COURSE
from tools import marked
from tools.debian import inside
from tools.kernels import refusals

PAGE = COURSE / "docs/machines.md"
PART = "clangs"
TESTS = ("tests/test_complaints.py", "tests/test_around_the_verifier.py")
HEAD = ("clang", "tests", "refused", "right", "no reason", "wrong", "accepted", "date")


def version() -> str:
    said = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"version (\d+(?:\.\d+)+)", said)[1]


def row(version: str, tests: dict, found: dict[str, list], today: str) -> str:
    """A run's row. tests: as inside.tests counts them; found: as refusals.judged gives it."""
    counts = [f"{tests['passed']:,} passed"]
    counts += [f"{len(tests[what])} {what}" for what in ("failed", "skipped") if tests[what]]
    right, none, wrong, accepted = (
        len(found[name]) for name in ("right", "none", "wrong", "accepted")
    )
    parts = (version, ", ".join(counts), right + none + wrong, right, none, wrong, accepted, today)
    return f"| {' | '.join(map(str, parts))} |"


def keep(new: str, page: Path = PAGE) -> None:
    """Put a run's row into the table, in place of the older one of its version."""
    older = [each for each in marked.part(page, PART).splitlines() if re.match(r"\| \d", each)]
    rows = {each.split(" | ")[0]: each for each in (*older, new)}
    ordered = sorted(rows, key=lambda begin: [int(part) for part in begin[2:].split(".")])
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    marked.put(page, PART, "\n".join([*lines, *(rows[begin] for begin in ordered)]))


def main() -> int:
    """Result: 0 if all passed and nothing is wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "tests.xml")
        command = [sys.executable, "-m", "pytest", *TESTS, "-q", f"--junitxml={report}"]
        subprocess.run(command, cwd=COURSE)
        tests = inside.tests(report)
        refusals.OBJECTS = Path(scratch, "objects")
        refusals.compile()
        found = refusals.judged()
    new = row(version(), tests, found, datetime.date.today().isoformat())
    keep(new)
    print(new, *tests["failed"], *found["wrong"], sep="\n")
    return int(bool(tests["failed"] or found["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
