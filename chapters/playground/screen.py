"""What the playground shows of a history: picture, table, words, and the same as files.

Laboratory equipment.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from chapters.playground.breakdown import REST
from chapters.playground.controls import PlaygroundControls
from chapters.playground.history import LINES_SHOWN, History
from helpers.live import still
from helpers.live.picture import LABELS, UNITS, Chart, Picture, new_figure
from helpers.live.series import Curves
from helpers.live.still import with_unit
from helpers.pictures import DASH_DOT, DASHED, DOTTED, LONG, OTHER, Style, small_png, style

LEGEND_COLUMNS = 2
NAME_SHOWN = 34  # characters, beside a bar
INTERVALS_SHOWN = 60  # in the moving picture; a still one has all that is kept
# For lines that are no protocol.
FREE_STYLES = (
    Style("#0072B2"),
    Style("#E69F00", DASHED),
    Style("#009E73", DASH_DOT),
    Style("#CC79A7", DOTTED),
    Style("#56B4E9", LONG),
)


class LineStyles:
    """Called with a name, it gives the style of its line, which keeps it as long as it is shown.

    Protocols look as everywhere in the course; other groups take the styles that are free.
    """

    def __init__(self, by: str) -> None:
        self._by = by
        self._taken: dict[str, Style] = {}

    def arrange(self, names: Sequence[str]) -> tuple[str, ...]:
        """The same names in a steady order, each with a style from now on."""
        taken = {name: its for name, its in self._taken.items() if name in names}
        free = [one for one in FREE_STYLES if one not in taken.values()]
        for name in names:
            if name not in taken and name != REST:
                taken[name] = style(name) if self._by == "protocol" else free.pop(0)
        self._taken = taken
        return (*taken, REST) if REST in names else tuple(taken)

    def __call__(self, name: str) -> Style:
        return self._taken.get(name, Style(OTHER))


class Screen:
    """Draws into the controls' picture and table, as the controls say."""

    def __init__(self, controls: PlaygroundControls) -> None:
        self._controls = controls
        self._drawn: tuple[str, float, History] | None = None

    def draw(self, history: History, moving: bool) -> None:
        """A new picture, a new table, and how much that is in words.

        Arguments: moving: the picture ends now, and moves on; else it is all that is kept.
        """
        if moving or not history.newest:
            curves, chart = self._chosen(history)
            picture = self._picture.draw(curves, chart)
        else:
            memory = io.BytesIO()
            self.still(history).figure.savefig(memory, format="png")
            picture = memory.getvalue()
        self._controls.show(picture, in_words(history))
        self._controls.show_below(history.table(self._controls.breakdown.value))

    def forget(self) -> None:
        """Let go of what was drawn; a still can be drawn anew."""
        self._drawn = self._picture = None

    def still(self, history: History) -> still.Still:
        """A still figure of what was recorded; of totals where there is no rate."""
        if history.without_time:
            return bars(history, self._controls.breakdown.value)
        return still.draw(*self._chosen(history))

    def _chosen(self, history: History) -> tuple[Curves, Chart]:
        """What to draw, and how; new styles for another breakdown or another history."""
        controls = self._controls
        by, interval = controls.breakdown.value, controls.interval.value
        if (by, interval, history) != self._drawn:
            self._drawn = by, interval, history
            self._styles, self._picture = LineStyles(by), Picture()
        curves = history.curves(by)
        chart = Chart(
            shown=self._styles.arrange(curves.names),
            quantity=controls.quantity.value,
            scale=controls.scale.value,
            window=INTERVALS_SHOWN * interval,
            style=self._styles,
            columns=LEGEND_COLUMNS,
        )
        return curves, chart

    def save(self, history: History, kind: str, path: str | Path) -> Path:
        """Write all groups of the breakdown as "csv", or the picture as "png".

        Result: the path. Errors: OSError. Source: RFC 4180.
        """
        by, path = self._controls.breakdown.value, Path(path)
        if kind == "png":
            path.write_bytes(small_png(self.still(history).figure))
            return path
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([by, "packets", "bytes"])
            writer.writerows(history.rows(by))
        return path


def bars(history: History, by: str) -> still.Still:
    """The largest groups as bars, and everything else, with their bytes: what there is to see
    without time."""
    rows = history.rows(by)
    if others := rows[LINES_SHOWN:]:
        packets, size = (sum(row[at] for row in others) for at in (1, 2))
        rows = [*rows[:LINES_SHOWN], (REST, packets, size)]
    parts = [f"{name} {with_unit(size, 'total')}" for name, _, size in rows]
    alt = f"Bar chart of {LABELS['total']}: {', '.join(parts)}."
    return still.Still(partial(drawn_bars, rows[::-1], by), alt)


def drawn_bars(rows: Sequence[tuple[str, int, int]], by: str) -> Figure:
    """The figure: rows from the lowest bar up, each a name, packets and bytes."""
    styles = LineStyles(by)
    styles.arrange([name for name, _, _ in rows])
    canvas, axes = new_figure()
    axes.set_position((0.36, 0.14, 0.58, 0.8))
    names = [shortened(name) for name, _, _ in rows]
    sizes = [size for _, _, size in rows]
    drawn = axes.barh(names, sizes, color=[styles(name).color for name, _, _ in rows], height=0.6)
    axes.bar_label(drawn, [with_unit(size, "total") for size in sizes], padding=4)
    axes.margins(x=0.12)
    axes.set_xlabel(LABELS["total"])
    axes.xaxis.set_major_formatter(EngFormatter(UNITS["total"]))
    return canvas.figure


def shortened(name: str) -> str:
    return name if len(name) <= NAME_SHOWN else f"{name[: NAME_SHOWN - 1]}…"


def in_words(history: History) -> str:
    """How many frames were counted, and how many the filter kept out."""
    reading = history.newest
    if not reading:
        return ""
    counted = f"{reading.packets:,} frames, {reading.bytes:,} bytes"
    if history.expression:
        counted = f"{reading.packets:,} of {reading.seen:,} frames pass the filter"
        if reading.seen and not reading.packets:
            return f"{counted}: is “{history.expression}” what you are looking for?"
        counted += f", {reading.bytes:,} bytes"
    missed = int(reading.missed["packets"])
    return f"{counted}; {missed:,} frames found no room in the map." if missed else f"{counted}."
