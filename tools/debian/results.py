"""The table of machines: what a whole run said, kept in machines.json and docs/machines.md."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from helpers.toolchain import COURSE
from tools.kernels.results import FIVE_LINES

FILE = Path(__file__).with_name("machines.json")
PAGE = COURSE / "docs/machines.md"
BEGIN, END = "<!-- machines: begin -->", "<!-- machines: end -->"
PARTS = ("Debian", "clang", "LLVM", "libbpf", "bcc", "Python", "libpcap")


def entry(name: str, suite: str, found: dict) -> dict:
    """A run's findings, as `inside` reported them, put in order."""
    exact = found["demo"] == FIVE_LINES
    today = datetime.date.today().isoformat()
    return {"name": name, "suite": suite, "date": today, **found, "demo": exact}


def load(file: Path = FILE) -> list[dict]:
    """The runs that are kept, one a release."""
    return json.loads(file.read_text())["machines"] if file.exists() else []


def keep(new: dict, file: Path = FILE, page: Path = PAGE) -> None:
    """Put a run in place of the older one of its suite, and the table into the page."""
    machines = [each for each in load(file) if each["suite"] != new["suite"]] + [new]
    machines.sort(key=lambda machine: (not machine["name"].isdigit(), machine["name"]))
    file.write_text(json.dumps({"machines": machines}, indent=1) + "\n")
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{markdown(machines)}\n{END}{rest.partition(END)[2]}")


def markdown(machines: list[dict]) -> str:
    """One row for each release."""
    head = ("release", *PARTS[1:], "tests", "demo", "date")
    rows = [head, ("---",) * len(head), *map(row, machines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in rows)


def row(machine: dict) -> tuple[str, ...]:
    versions, tests = machine["versions"], machine["tests"]
    # In sid the file says "trixie/sid", which is no version.
    number = versions["Debian"] if machine["name"].isdigit() else machine["suite"]
    counts = [f"{tests['passed']:,} passed"]
    counts += [f"{len(tests[what])} {what}" for what in ("failed", "skipped") if tests[what]]
    exact = "to the byte" if machine["demo"] else "wrong"
    parts = (versions[name] for name in PARTS[1:])
    return (f"Debian {number}", *parts, ", ".join(counts), exact, machine["date"])
