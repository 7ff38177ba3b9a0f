"""Which line has which look, and keeps it as long as it is shown.

Laboratory equipment.
"""

from __future__ import annotations

from collections.abc import Sequence

from chapters.playground.breakdown import REST
from helpers.pictures import DASH_DOT, DASHED, DOTTED, LONG, OTHER, Style, style

FREE = (
    Style("#0072B2"),
    Style("#E69F00", DASHED),
    Style("#009E73", DASH_DOT),
    Style("#CC79A7", DOTTED),
    Style("#56B4E9", LONG),
)


class Looks:
    """Called with a name, it gives the look of its line.

    Protocols look as everywhere in the course; other groups take the looks that are free.
    """

    def __init__(self, by: str) -> None:
        self._by = by
        self._taken: dict[str, Style] = {}

    def arrange(self, names: Sequence[str]) -> tuple[str, ...]:
        """The same names in a steady order, each with a look from now on."""
        kept = {name: look for name, look in self._taken.items() if name in names}
        free = [look for look in FREE if look not in kept.values()]
        for name in names:
            if name not in kept and name != REST:
                kept[name] = style(name) if self._by == "protocol" else free.pop(0)
        self._taken = kept
        return (*kept, REST) if REST in names else tuple(kept)

    def __call__(self, name: str) -> Style:
        return self._taken.get(name, Style(OTHER))
