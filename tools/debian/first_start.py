"""What the first start takes on a bare Debian 12, this course against an older one, side by side.

.venv/bin/python -m tools.debian.first_start [COMMIT] runs both in turns, each in a fresh root file
system with nothing in its caches, and writes the table of docs/setup.md. It takes root, and the
network. Laboratory equipment.
"""

from __future__ import annotations

import datetime
import os
import re
import statistics
import sys
import threading
import time
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked
from tools.debian import roots
from tools.kernels.results import FIVE_LINES
from tools.private_apt import alone

WITH_PIP = "3dcf08f"  # the last set-up by pip
PAGE = COURSE / "docs/setup.md"
# JupyterLab is stopped when the script ends, like all that was started in that root.
SCRIPT = """\
echo begin
./course demo
echo lab
mkfifo /tmp/said
./course lab --no-browser >/tmp/said 2>&1 &
while read -r line; do
    case $line in *token=*) echo address; exit ;; *) echo "$line" ;; esac
done </tmp/said"""
# What is timed, from which line that is seen to which.
PARTS = {
    "system packages": ("Installing system packages", "(Making .venv|Installing Python packages)"),
    "Python packages": ("(Making .venv|Installing Python packages)", "TCP 0 UDP 0 ICMP 0 bytes"),
    "**from nothing to the five lines**": ("begin", FIVE_LINES[-1]),
    "then `./course lab`, to its address": ("lab", "address"),
}


def first_start(root: roots.Root, revision: str) -> list[tuple[float, str]]:
    """Start the course in a fresh root. Result: every line that it said, and when.

    Errors: RootError if the five lines are not exact, or JupyterLab did not start.
    """
    said: list[tuple[float, str]] = []
    reading, writing = os.pipe()

    def read() -> None:
        with os.fdopen(reading, encoding="utf-8") as lines:
            said.extend((time.monotonic(), line.rstrip()) for line in lines)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        how = {"stdout": writing, "stderr": writing, "revision": revision}
        root.run("sh", "-c", SCRIPT, lower="bare", **how)
    finally:
        os.close(writing)
        thread.join()
    lines = [line for _, line in said]
    counted = [line for line in lines if line.startswith("TCP ")]
    if counted != FIVE_LINES or "address" not in lines:
        raise roots.RootError(f"The first start did not come to its end: {' | '.join(lines[-3:])}")
    return said


def seconds(said: list[tuple[float, str]], begin: str, end: str) -> float:
    """The time between the first line that begins so and the first one after it."""
    start = next(when for when, line in said if re.match(begin, line))
    return next(when for when, line in said if re.match(end, line) and when > start) - start


def table(runs: dict[str, list[dict[str, float]]]) -> str:
    """The medians of the runs, a row for each part. runs: "pip" and "uv"."""
    lines = ["| | with pip | with uv | ratio |", "|---|---|---|---|"]
    for part in PARTS:
        old, new = (statistics.median(run[part] for run in runs[by]) for by in ("pip", "uv"))
        lines.append(f"| {part} | {old:.0f} s | {new:.0f} s | {new / old:.2f} |")
    return "\n".join(lines)


def measure(root: roots.Root, revision: str, repeats: int) -> dict[str, list[dict[str, float]]]:
    """The times of each part, the two in turns. Errors: RootError."""
    runs: dict[str, list[dict[str, float]]] = {"pip": [], "uv": []}
    for number in range(repeats):
        for by in sorted(runs, reverse=bool(number % 2)):
            said = first_start(root, revision if by == "pip" else "")
            runs[by].append({part: seconds(said, *lines) for part, lines in PARTS.items()})
            took = (f"{part} {time_taken:.1f} s" for part, time_taken in runs[by][-1].items())
            print(f"{by}: {', '.join(took)}", file=sys.stderr, flush=True)
    return runs


def main(arguments: list[str], repeats: int = 3, page: Path = PAGE) -> int:
    """Measure, print the table and keep it; exit status 1 if it cannot be measured."""
    revision = arguments[0] if arguments else WITH_PIP
    load, day = os.getloadavg()[0], datetime.date.today().isoformat()
    try:
        if os.geteuid() != 0:
            raise roots.RootError("Only root may mount: start this as root.")
        root = roots.find("12")
        with alone(root.folder):
            roots.have_bare(root)
        runs = measure(root, revision, repeats)
        whole = (
            f"Measured on {day}, {len(os.sched_getaffinity(0))} cores, load average {load:.1f} at "
            f"the start, runs of each in turns: {repeats}, medians. With pip: "
            f"commit {revision}.\n\n"
        ) + table(runs)
        print(whole)
        marked.put(page, "first start", whole)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
