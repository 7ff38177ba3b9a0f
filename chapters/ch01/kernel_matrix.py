"""What ran on which kernel, as `./course test --kernels` measured it.

Laboratory equipment, first used in chapter 01. The numbers are in kernels.json; nothing here
guesses: what was not tried says so.
"""

from __future__ import annotations

import json
from pathlib import Path

from helpers.features import FEATURES, WORKS
from helpers.table import Table

FILE = Path(__file__).with_name("kernels.json")
NOT_RUN = "not run"
CAPTION = "What the course uses, and its chapters, on real kernels"
NOTE = (
    "yes: tried there, and it works, also for an ordinary user with CAP_BPF and CAP_NET_RAW; "
    "root: for root only; no: that kernel has not got it; not run: not tried there. Chapters and "
    "kernel tests run on the oldest and the newest, by that user and, where root sees more, by "
    "root as well, and on the machine itself (running). The course is tried from 5.10 on; that "
    "sockex1 works from 4.1 on is the article's word, not tried."
)


def load(file: Path = FILE) -> list[dict]:
    """What is known of each kernel, the oldest first; see commands/kernels/results.py."""
    kernels = json.loads(file.read_text())["kernels"] if file.exists() else []
    return sorted(kernels, key=lambda kernel: kernel["version"])


def table(kernels: list[dict] | None = None) -> Table:
    """Features and chapters by kernel, for a notebook or a terminal."""
    kernels = load() if kernels is None else kernels
    head = ("", "since", *(title(kernel) for kernel in kernels))
    rows = [
        (feature.name, feature.since, *(of_feature(kernel, feature.name) for kernel in kernels))
        for feature in FEATURES
    ]
    for name, since, cell in (
        ("the five lines of sockex1", "4.1, says the article", five_lines),
        ("exact counts: ICMP, UDP, IPv6", "", lambda kernel: yes(kernel["checks"], "exact")),
        ("every socket filter of bpf/", "", lambda kernel: yes(kernel["checks"], "filters")),
        ("the kernel tests", "", tests),
    ):
        rows.append((name, since, *map(cell, kernels)))
    for name in sorted({name for kernel in kernels for name in kernel["chapters"]}):
        cells = (yes(kernel["chapters"], name) for kernel in kernels)
        rows.append((f"chapter {name.replace('_', ' ')}", "", *cells))
    return Table(CAPTION, head, rows, folded=True)


def title(kernel: dict) -> str:
    """How a column is headed: the version, and whether it is that of the machine itself."""
    version = ".".join(map(str, kernel["version"]))
    return version if kernel["suite"] else f"{version} (running)"


def of_feature(kernel: dict, name: str) -> str:
    """yes, root, no or not run."""
    answers = kernel["features"].get(name, {})
    if not answers:
        return NOT_RUN
    if answers.get("user", WORKS) == WORKS and answers.get("root", WORKS) == WORKS:
        return "yes"
    return "root" if answers.get("root") == WORKS else "no"


def five_lines(kernel: dict) -> str:
    return yes(kernel["checks"], "five lines")


def tests(kernel: dict) -> str:
    counts = kernel["tests"]
    if not counts:
        return NOT_RUN
    failed = len(counts["failed"])
    return f"{counts['passed']} passed" + (f", {failed} failed" if failed else "")


def yes(answers: dict[str, str], name: str) -> str:
    if name not in answers:
        return NOT_RUN
    return "yes" if answers[name] == WORKS else "stops"


def stops(kernels: list[dict] | None = None) -> list[str]:
    """One sentence for each chapter that does not run through on a kernel."""
    kernels = load() if kernels is None else kernels
    return [
        f"Chapter {name} on {title(kernel)}: {answer}"
        for kernel in kernels
        for name, answer in sorted(kernel["chapters"].items())
        if answer != WORKS
    ]


def markdown(kernels: list[dict] | None = None) -> str:
    """The table for docs/kernels.md."""
    kernels = load() if kernels is None else kernels
    whole = table(kernels)
    lines = [whole.head, ("---",) * len(whole.head), *whole.rows]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    releases = ", ".join(f"{k['release']} ({k['suite'] or 'this machine'})" for k in kernels)
    sentences = "".join(f"\n\n{sentence}" for sentence in stops(kernels))
    return f"{rows}\n\n{NOTE} The kernels: {releases}.{sentences}"
