"""The versions of the chapters and pictures that learners may have copied, by fingerprint.

By these ./course lab knows a copy that nobody has touched from one that a learner changed. They
stand in shipped.txt, one a line; ./course render adds what it stores. Run by itself
(python -m tools.shipped) it adds what lies in notebooks/, and every version in git's history.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from chapters.ch00.copies import fingerprint
from helpers.toolchain import COURSE

LEDGER = Path(__file__).with_name("shipped.txt")
STORED = COURSE / "notebooks"


def versions(ledger: Path = LEDGER) -> set[tuple[str, str]]:
    """All that were shipped: (the name within notebooks/, the fingerprint)."""
    lines = ledger.read_text("utf-8").splitlines()
    return {(name, mark) for name, mark in map(str.split, lines)}


def of_course(folder: Path) -> list[Path]:
    """The files below a folder like notebooks/ that are copied for the learner."""
    return sorted([*folder.glob("*.ipynb"), *folder.glob("images/*")])


def add(paths: Iterable[Path], stored: Path = STORED, ledger: Path = LEDGER) -> None:
    """Add files below `stored` as they are now; what cannot be read is no version."""
    marks = {str(path.relative_to(stored)): fingerprint(path) for path in paths}
    known = versions(ledger) if ledger.exists() else set()
    new = {(name, mark) for name, mark in marks.items() if mark}
    if not new <= known:
        lines = sorted(" ".join(each) for each in new | known)
        ledger.write_text("\n".join(lines) + "\n", "utf-8")


def git(*arguments: str) -> bytes:
    """What git says of this repository."""
    return subprocess.run(["git", *arguments], cwd=COURSE, check=True, capture_output=True).stdout


def add_history() -> None:
    """Add every version of which git knows, on the way to this commit and its parents."""
    held = set()
    for commit in git("log", "--format=%H", "--", "notebooks").decode().split():
        for line in git("ls-tree", "-r", commit, "notebooks").decode().splitlines():
            about, name = line.split("\t")
            held.add((about.split()[2], name.removeprefix("notebooks/")))
    for blob, name in sorted(held):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(git("cat-file", "blob", blob))
            add([path], Path(folder))


def main() -> int:
    add_history()
    add(of_course(STORED))
    print(f"{LEDGER.name} knows {len(versions())} versions.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
