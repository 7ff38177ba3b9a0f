"""A table that reads well in a notebook and in a terminal.

Laboratory equipment, first used in chapter 01.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

LEFT = 'style="text-align: left; vertical-align: top"'
LONG = LEFT[:-1] + '; min-width: 15em"'  # sentences, which would else be a word wide
RIGHT = 'style="text-align: right; vertical-align: top; padding-left: 2em"'
NUMBER = re.compile(r"|…|[-+]?\d[\d,]*(\.\d+)?")


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
        looks = [LEFT, *map(look_of, list(zip(*self.rows, strict=True))[1:])]
        looks += [LEFT] * (len(self.head) - len(looks))  # there are no rows
        head = "".join(
            cell("th", text, f'scope="col" {each}') if text else cell("td", "", each)
            for text, each in zip(self.head, looks, strict=True)
        )
        rows = "".join(f"<tr>{_cells(row, looks)}</tr>" for row in self.rows)
        caption = "" if self.folded else f"<caption {LEFT}>{escape(self.caption)}</caption>"
        inside = f"{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        table = element(inside, self.caption)
        if self.folded:
            return f"<details><summary>{escape(self.caption)}</summary>{table}</details>"
        return table


def element(inside: str, name: str) -> str:
    """A table as HTML, which scrolls by itself where the page is too narrow for it.

    It takes the focus, for without that no arrow key would reach what is out of sight.
    Arguments: inside: its rows as HTML; name: what a screen reader calls it.
    """
    what = f'tabindex="0" role="group" aria-label="{escape(name)}"'
    return f'<div {what} style="overflow-x: auto"><table>{inside}</table></div>'


def look_of(column: tuple[str, ...]) -> str:
    """Numbers stand on the right, so that their digits do under each other; text on the left."""
    numbers = all(map(NUMBER.fullmatch, column)) and any(map(str.strip, column))
    return RIGHT if numbers else LONG if max(map(len, column), default=0) > 24 else LEFT


def cell(tag: str, text: str, attributes: str) -> str:
    return f"<{tag} {attributes}>{escape(text)}</{tag}>"


def _cells(row: tuple[str, ...], looks: list[str]) -> str:
    name, *rest = row
    cells = [cell("td", text, look) for text, look in zip(rest, looks[1:], strict=True)]
    first = cell("th", name, f'scope="row" {LEFT}') if name else cell("td", "", LEFT)
    return first + "".join(cells)
