"""The part of a markdown file that a run writes, between two comments with its name.

Laboratory equipment, used by ./course bench --keep and ./course test --kernels.
"""

from __future__ import annotations

from pathlib import Path

from helpers.errors import CourseError


class MarkError(CourseError):
    """The file has no part of that name."""


def _parts(file: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
    text = file.read_text(encoding="utf-8")
    if begin not in text or end not in text.partition(begin)[2]:
        raise MarkError(
            f"{file.name} has no part {name}: put the lines {begin.strip()} and {end.strip()} back "
            "where the run is to write."
        )
    before, _, rest = text.partition(begin)
    part, _, after = rest.partition(end)
    return before + begin, part, end + after


def part(file: Path, name: str) -> str:
    """What stands there. Errors: MarkError."""
    return _parts(file, name)[1]


def put(file: Path, name: str, text: str) -> None:
    """Write `text` in place of what stands there. Errors: MarkError."""
    before, _, after = _parts(file, name)
    file.write_text(before + text + after, encoding="utf-8")
