"""The page that a learner hands in: what was met and measured, where, and the source.

Laboratory equipment, used in chapter 14.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chapters.ch14 import traffic
from chapters.ch14.acceptance import Outcome, Test
from chapters.ch14.program import MonitorError
from chapters.ch14.traffic import Table

FENCE = "````"
ENDING = "Checksum, which finds damage and proves nothing else: "
FIELD = re.compile(r"^- (\w+): (.*)$", re.MULTILINE)
SOURCE = re.compile(rf"^{FENCE}c\n(.*)^{FENCE}$", re.MULTILINE | re.DOTALL)


class ReportError(MonitorError):
    """The file is no report, or a damaged one, or somebody else's."""


@dataclass(frozen=True)
class Report:
    """What ./course verify needs of a page."""

    name: str
    number: int
    counts: str  # see counts_of
    source: str


def counts_of(name: str, number: int) -> str:
    """The counts of a right monitor for a name's traffic, as one short number in hex."""
    table = sorted(traffic.whole(traffic.made(name, number)).items())
    return hashlib.sha256(repr(table).encode()).hexdigest()[:16]


def page(
    name: str,
    number: int,
    source: str,
    outcome: Outcome,
    caught: int,
    tests: Sequence[Test] = (),
) -> str:
    """The report as Markdown.

    Arguments: caught: how many of the wrong programs the learner's tests caught. tests: those.
    Errors: ReportError for a name or a source that would not come out of the page as it went in.
    """
    if not name.strip() or name != " ".join(name.split()):
        raise ReportError("The name is to be one line of text, without blanks around it.")
    if FENCE in source or not source.endswith("\n"):
        raise ReportError("The source is to end with a line's end, without four ` in a row in it.")
    fields = {
        "name": name,
        "number": number,
        "met": outcome.sentence(),
        "frames": outcome.frames,
        "cost": f"{outcome.cost:.2f} times the reference, in one run on this machine",
        "tests": f"{caught} wrong programs caught",
        "counts": counts_of(name, number),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
    lines = [f"- {field}: {value}" for field, value in fields.items()]
    head = "# A monitor of one's own\n\n" + "\n".join(lines)
    body = f"{head}\n\n## The source\n\n{FENCE}c\n{source}{FENCE}\n\n"
    body += "".join(shown(number, *test) for number, test in enumerate(tests, 1))
    return f"{body}{ENDING}{checksum(body)}\n"


def shown(number: int, frames: Sequence[bytes], table: Table) -> str:
    """A learner's test: the frames in hexadecimal, and what is to be counted of them."""
    lines = "\n".join(frame.hex() for frame in frames)
    rows = [
        f"| {client} | {server} | {' | '.join(map(str, counts))} |"
        for (client, server), counts in table.items()
    ]
    head = "| client | server | questions | bytes | replies | bytes |\n" + "|---" * 6 + "|"
    table_of = "\n".join([head, *rows])
    return f"## Test {number}\n\n```text\n{lines}\n```\n\n{table_of}\n\n"


def checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def read(path: Path) -> Report:
    """A report, as it was handed in.

    Errors: ReportError: no report, a damaged one, or one with the counts of other traffic.
    """
    try:
        text = path.read_text()
    except (OSError, ValueError) as error:
        raise ReportError(
            f"{path.name} cannot be read: give the file that was handed in."
        ) from error
    body, ending, stated = text.rpartition(ENDING)
    fields, source = dict(FIELD.findall(body.split(FENCE)[0])), SOURCE.search(body)
    number = fields.get("number", "")
    if not ending or not source or not number.isdecimal() or not {"name", "counts"} <= set(fields):
        raise ReportError(f"{path.name} is no report of chapter 14: the notebook writes one.")
    if stated.strip() != checksum(body):
        raise ReportError(f"{path.name} is damaged: its checksum is another. Ask for it again.")
    if fields["counts"] != counts_of(fields["name"], int(number)):
        raise ReportError(
            f"{path.name} has the counts of other traffic than that of {fields['name']}, number "
            f"{number}: it is another's report."
        )
    return Report(fields["name"], int(number), fields["counts"], source[1])
