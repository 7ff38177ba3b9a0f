"""Writes docs/filters.md: python -m tools.filters

Laboratory equipment. It needs tcpdump, and the rights that ./course lab has.
"""

from __future__ import annotations

import platform
import subprocess
import tempfile
import time
from pathlib import Path

from tools import marked
from tools.filters import files, live
from tools.filters.expressions import EXPRESSIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "filters.md"
ON_ANY = slice(None, None, 3)


def table(of_live: list[live.Row], of_files: list[files.FileRow]) -> str:
    """Both comparisons in one table, an expression a line."""
    places = [*live.ENDS, *files.FILES]
    cells: dict[str, dict[str, str]] = {}
    for row in of_live:
        cells.setdefault(row.expression, {})[row.place] = cell(row.classic, row.theirs)
    for row in of_files:
        cells.setdefault(row.expression, {})[row.file] = cell(row.ours, row.theirs)
    lines = ["| expression | " + " | ".join(places) + " |", "|---|" + "---|" * len(places)]
    family = None
    for text, found in cells.items():
        if EXPRESSIONS.get(text, family) != family:
            family = EXPRESSIONS[text]
            lines.append(f"| **{family}** |" + " |" * len(places))
        shown = text.replace("|", "\\|")
        lines.append(f"| `{shown}` | " + " | ".join(found.get(p, "") for p in places) + " |")
    return "\n".join(lines)


def cell(ours: int | str, theirs: int | str) -> str:
    """Ours, then tcpdump's where that differs."""
    if isinstance(ours, int) and ours == theirs:
        return str(ours)
    if isinstance(ours, str) and isinstance(theirs, str):
        return f"no; {theirs}" if "user space" in theirs else "no"
    return f"{ours}; tcpdump {theirs}"


def summary(of_live: list[live.Row], of_files: list[files.FileRow]) -> str:
    versions = subprocess.run(["tcpdump", "--version"], capture_output=True, text=True)
    said = ", ".join(versions.stdout.splitlines()[:2] or versions.stderr.splitlines()[:2])
    same = sum(row.agrees for row in of_live)
    alike = sum(live.agree(row.theirs, row.ours) for row in of_files)
    return (
        f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {said}: {len(EXPRESSIONS)} "
        f"expressions. Live, at `left`, `right` and `any`: {same:,} of {len(of_live):,} "
        "comparisons are equal, classic filter, translation and tcpdump. "
        f"On files: {alike:,} of {len(of_files):,}."
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        of_files = files.compare(Path(folder))
    of_live = live.compare()
    on_any = live.compare(list(EXPRESSIONS)[ON_ANY], (live.ANY,))
    marked.put(PAGE, "summary", summary(of_live + on_any, of_files))
    marked.put(PAGE, "filters", table(of_live, of_files))
    print(marked.part(PAGE, "summary"))


if __name__ == "__main__":
    main()
