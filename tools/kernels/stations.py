"""The stations of chapter 13 on a kernel: which there are, held against the kernel's own trace.

Laboratory equipment; `inside` runs it in a virtual machine, as root, and here; what it has found is
kept in stations.json and shown in docs/stations.md.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from chapters.ch13.recording import STATIONS
from helpers import kernel
from helpers.toolchain import COURSE
from tools import marked

FILE = Path(__file__).with_name("stations.json")
PAGE = COURSE / "docs" / "stations.md"
PART = 10  # a tenth of the packets that the suite sends on the running kernel
INSIDE = COURSE / "tests" / "inside"


def script(name: str, *arguments: str) -> dict:
    """What a script of tests/inside prints as JSON, run as root with a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        apart = ["unshare", "-m", "--propagation", "private"]
        command = [*apart, sys.executable, str(INSIDE / name), folder, *arguments]
        return json.loads(subprocess.check_output(command, cwd=COURSE, text=True))


def report() -> dict:
    """Both sides of every packet; see tests/inside/traced.py."""
    about = {"release": os.uname().release, "version": kernel.version()}
    return about | {"traced": script("traced.py", str(PART))}


def passed(traced: dict) -> set[str]:
    """The stations that some packet has passed."""
    runs = (run for run in traced.values() if isinstance(run, dict) and "mine" in run)
    return {event[0] for run in runs for event in run["mine"]} | set(traced["passed"])


def keep(suite: str, found: dict, file: Path = FILE, page: Path = PAGE) -> None:
    """Put one kernel's findings in place of the older ones of its suite, and on the page.

    found: from report(), with compared, the number of packets whose stations were the same as in
    the kernel's trace. Errors: MarkError if the page has no place for it.
    """
    traced, new = found["traced"], {name: found[name] for name in ("release", "version")}
    here = passed(traced)
    new |= {"suite": suite, "date": datetime.date.today().isoformat()}
    new |= {"compared": found["compared"], "stations": {}}
    for name, (attached, _) in traced["stations"].items():
        new["stations"][name] = "passed" if name in here else "there" if attached else "no"
    kernels = [each for each in load(file) if each["suite"] != suite] + [new]
    kernels.sort(key=lambda each: each["version"])
    file.write_text(json.dumps(kernels, indent=1) + "\n")
    marked.put(page, "stations", markdown(kernels))


def load(file: Path = FILE) -> list[dict]:
    return json.loads(file.read_text()) if file.exists() else []


def markdown(kernels: list[dict]) -> str:
    """The table by kernel."""
    titles = [
        ".".join(map(str, each["version"])) + ("" if each["suite"] else " (running)")
        for each in kernels
    ]
    rows = [["station", *titles], ["---"] * (1 + len(kernels))]
    rows += [[f"`{name}`", *(each["stations"][name] for each in kernels)] for name in STATIONS]
    rows.append(["packets compared", *(str(each["compared"]) for each in kernels)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    tried = ", ".join(f"{each['release']} on {each['date']}" for each in kernels)
    return f"{table}\n\nTried: {tried}."
