"""A table that reads well in a notebook and in a terminal.

Laboratory equipment, first used in chapter 01.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

LEFT = 'style="text-align: left; vertical-align: top"'


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading; the first column names the row.

    folded: in a notebook only the caption shows, until it is clicked.
    """

    caption: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    folded: bool = False

    def __repr__(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = [map(str.ljust, line, widths) for line in lines]
        return "\n".join([self.caption, *("  ".join(line).rstrip() for line in padded)])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" {LEFT}>{escape(text)}</th>' for text in self.head)
        rows = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        caption = "" if self.folded else f"<caption {LEFT}>{escape(self.caption)}</caption>"
        table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        if self.folded:
            return f"<details><summary>{escape(self.caption)}</summary>{table}</details>"
        return table


def _cells(row: tuple[str, ...]) -> str:
    name, *rest = map(escape, row)
    return f'<th scope="row" {LEFT}>{name}</th>' + "".join(f"<td {LEFT}>{t}</td>" for t in rest)
