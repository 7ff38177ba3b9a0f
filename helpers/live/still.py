"""What a moving plot recorded, to keep: a still figure, and the same in words.

The last stage of the road. Built in chapter 04, live_plot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from helpers import pictures
from helpers.live import picture
from helpers.live.picture import Chart
from helpers.live.series import Curves


@dataclass(frozen=True)
class Still:
    """A figure, drawn when it is asked for, and its alternative text; as the last thing in a cell
    it shows itself.

    Jupyter keeps what a cell ends with, and a drawn figure takes megabytes.
    """

    draw: Callable[[], Figure]
    alt: str

    @property
    def figure(self) -> Figure:
        """A new Matplotlib figure each time."""
        return self.draw()

    def _ipython_display_(self) -> None:
        pictures.show(self.figure, self.alt)


def draw(curves: Curves, chart: Chart) -> Still:
    """All readings of `curves`, as a Still. Built in chapter 04."""
    times = curves.times - curves.times[:1]  # seconds since the first reading
    values = curves.values(chart.quantity, chart.shown)
    return Still(partial(drawn, times, values, chart), in_words(times, values, chart))


def drawn(times: np.ndarray, values: np.ndarray, chart: Chart) -> Figure:
    """The figure. Arguments: as for in_words."""
    canvas, axes = picture.new_figure()
    if chart.scale == "stacked":
        lines = picture.add_areas(axes, chart)
        picture.set_areas(lines, times, values, chart.quantity)
    else:
        lines = picture.add_lines(axes, chart)
        picture.set_lines(lines, times, values)
    for line in lines.values():
        line.set(animated=False, zorder=3)
    top = picture.top_of_axis(picture.highest(values, chart.scale), picture.IDLE_TOP, chart.scale)
    axes.set_xlim(0, times[-1] if len(times) > 1 else 1)
    axes.set_xlabel("seconds since the first reading")
    picture.decorate(axes, chart, top)
    return canvas.figure


def in_words(times: np.ndarray, values: np.ndarray, chart: Chart) -> str:
    """What the picture shows, in words: the peak of each rate, or the end of each total.

    Arguments: times: seconds since the first reading, shape (n,). values: shape (n, chart.shown).
    """
    if len(times) < 2:
        return "A chart without lines: there are fewer than two readings."
    if not chart.shown:
        return f"A chart without lines: in {times[-1]:.1f} seconds no byte was counted."
    parts = []
    for name, line in zip(chart.shown, values.T, strict=True):
        if chart.quantity == "total":
            parts.append(f"{name} ends at {with_unit(line[-1], chart.quantity)}")
        elif not np.nanmax(line):
            parts.append(f"{name} stays at 0")
        else:
            at = int(np.nanargmax(line))
            peak = with_unit(line[at], chart.quantity)
            parts.append(f"{name} peaks at {peak} after {times[at]:.1f} s")
    return (
        f"Line chart of {picture.LABELS[chart.quantity]} over {times[-1]:.1f} seconds: "
        f"{', '.join(parts)}."
    )


def newest_in_words(curves: Curves, chart: Chart) -> str:
    """The newest values as text, for those who want the number or do not see the lines."""
    if not len(curves.times):
        return ""
    newest = np.nan_to_num(curves.values(chart.quantity, chart.shown)[-1])
    return ", ".join(
        f"{name} {with_unit(value, chart.quantity)}"
        for name, value in zip(chart.shown, newest, strict=True)
    )


def with_unit(value: float, quantity: str) -> str:
    """A number as a reader wants it: 196 B/s, 15.4 kB/s, 2.0 MB."""
    return EngFormatter(picture.UNITS[quantity], places=1 if value >= 1000 else 0)(value)
