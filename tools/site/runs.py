"""Which chapter runs in the page: a table of docs/site.md that ./course test --site writes.

Laboratory equipment. The same table is a page of the book.
"""

from __future__ import annotations

from pathlib import Path

from helpers.toolchain import COURSE
from tools import marked

PAGE = COURSE / "docs/site.md"
PART = "what runs"
HEAD = "| chapter | cells that ran | seconds | first words of what did not |\n|---|---|---|---|"
UNTRIED = ("", "", "not tried in a page yet")


def chapters() -> list[str]:
    """The chapters' notebooks by name, without their ending; the playground comes last."""
    return sorted(path.stem for path in (COURSE / "notebooks").glob("[0-9p]*.ipynb"))


def read(page: Path = PAGE) -> dict[str, tuple[str, ...]]:
    """The cells of each chapter's row after the first."""
    found = {}
    for line in marked.part(page, PART).splitlines()[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        found[name] = tuple(cells)
    return found


def note(chapter: str, ran: int, of: int, seconds: float, first: str, page: Path = PAGE) -> None:
    """Write down what a run of a chapter in a page gave; first: of the first cell that failed."""
    rows = read(page)
    first = " ".join(first.replace("|", "/").split())[:100]
    rows[chapter] = (f"{ran} of {of}", f"{seconds:.0f}", first)
    write(rows, page)


def write(rows: dict[str, tuple[str, ...]], page: Path = PAGE) -> None:
    lines = (f"| {name} | {' | '.join(rows.get(name, UNTRIED))} |" for name in chapters())
    marked.put(page, PART, "\n".join([HEAD, *lines]))
