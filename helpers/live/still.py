"""The still figure of what a moving plot recorded: a picture, and the same in words.

The last stage of the road. Built in chapter 04, live_plot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers import pictures
from helpers.live import areas, picture
from helpers.live.picture import with_unit
from helpers.live.series import Series
from helpers.pictures import Style, style


@dataclass(frozen=True)
class Still:
    """A figure and its alternative text; as the last thing in a cell it shows itself."""

    figure: Figure
    alt: str

    def _ipython_display_(self) -> None:
        pictures.show(self.figure, self.alt)


def draw(
    series: Series,
    shown: Sequence[str],
    quantity: str = "rate",
    scale: str = "linear",
    style: Callable[[str], Style] = style,
    columns: int = picture.COLUMNS,
) -> Still:
    """Everything that `series` has kept of the protocols in `shown`, as a Still.

    Arguments: quantity: "rate" (bytes per second) or "total" (bytes); scale: "linear", "log", or
        "stacked" for areas instead of lines. style, columns: as for picture.Picture.
    Built in chapter 04.
    """
    times, values = series.last(len(series.times), quantity)
    times = times - times[0] if len(times) else times
    canvas, axes = picture.new_figure()
    places = [series.protocols.index(name) for name in shown]
    seen = values[:, places]
    if scale == "stacked":
        filled = areas.add_areas(axes, shown, style)
        areas.fill(filled, times, seen, quantity)
        for area in filled.values():
            area.set(animated=False, zorder=3)
        seen = seen.sum(axis=1)
    else:
        add_still_lines(axes, times, dict(zip(shown, seen.T, strict=True)), quantity, style)
    highest = float(np.nanmax(seen, initial=0.0))
    top = picture.top_of_axis(highest, picture.LOWEST, scale)
    axes.set_xlim(0, times[-1] if len(times) > 1 else 1)
    axes.set_xlabel("seconds since the first reading")
    picture.decorate(axes, quantity, scale, top, columns)
    return Still(canvas.figure, describe(times, values, shown, places, quantity))


def add_still_lines(
    axes: Axes,
    times: np.ndarray,
    values: dict[str, np.ndarray],
    quantity: str,
    style: Callable[[str], Style] = style,
) -> None:
    """One line for each protocol, drawn as usual."""
    lines = picture.add_lines(axes, list(values), style)
    for name, line in lines.items():
        line.set(animated=False, zorder=3)
        line.set_data(times, values[name])
        if quantity == "total":
            line.set_drawstyle("default")


def describe(
    times: np.ndarray,
    values: np.ndarray,
    shown: Sequence[str],
    columns: Sequence[int],
    quantity: str,
) -> str:
    """What the picture shows, in words: the peak of each rate, or the end of each total."""
    if len(times) < 2:
        return "A chart without lines: there are fewer than two readings."
    if not shown:
        return f"A chart without lines: in {times[-1]:.1f} seconds no byte was counted."
    parts = []
    for name, column in zip(shown, columns, strict=True):
        line = values[:, column]
        if quantity == "total":
            parts.append(f"{name} ends at {with_unit(line[-1], quantity)}")
        elif not np.nanmax(line):
            parts.append(f"{name} stays at 0")
        else:
            at = int(np.nanargmax(line))
            parts.append(f"{name} peaks at {with_unit(line[at], quantity)} after {times[at]:.1f} s")
    return (
        f"Line chart of {picture.LABELS[quantity]} over {times[-1]:.1f} seconds: "
        f"{', '.join(parts)}."
    )
