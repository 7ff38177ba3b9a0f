"""Pictures of repeated measurements: each one a dot, their median a line.

Laboratory equipment, first used in chapter 11, measuring.
"""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chapters.ch11.flood import Run

# From the palette of Okabe and Ito. The ways are told apart by their labels, not by a colour.
DOT, MEDIAN = "#56B4E9", "#D55E00"
SEEN, COST = "datagrams seen, in percent", "work for one datagram, in nanoseconds"


@dataclass(frozen=True)
class Panel:
    """What one pair of axes shows: a row of values for each name.

    logarithmic: the axis goes up by tens. It has no zero, so what noise has made smaller than its
    `start` is drawn there, as an arrowhead.
    """

    axis: str
    values: Mapping[str, Sequence[float]]
    logarithmic: bool = False

    @property
    def start(self) -> float:
        """Where the axis begins: at a power of ten well below the smallest median, or anywhere."""
        if not self.logarithmic:
            return -math.inf
        smallest = min(statistics.median(values) for values in self.values.values())
        return 10.0 ** math.floor(math.log10(max(smallest / 3, 1)))


def dots(axes: Axes, panel: Panel) -> None:
    """Draw one panel: names from the top down, a dot for each value, a line at the median."""
    for row, values in enumerate(panel.values.values()):
        # Dots of equal height would hide each other: they take turns at four heights.
        heights = [row + (0.09 * (number % 4) - 0.135) for number in range(len(values))]
        for value, height in zip(values, heights, strict=True):
            marker = "o" if value >= panel.start else "<"
            look = {"color": DOT, "markersize": 6, "markeredgecolor": "white", "mew": 0.5}
            axes.plot(max(value, panel.start), height, marker, clip_on=False, **look)
        middle = max(statistics.median(values), panel.start)
        axes.plot([middle] * 2, [row - 0.33, row + 0.33], color=MEDIAN, lw=2.5)
    axes.set(ylim=(len(panel.values) - 0.5, -0.5))
    axes.set_xlabel(panel.axis, fontsize=9)
    names = [textwrap.fill(name, 22) for name in panel.values]
    axes.set_yticks(range(len(names)), names)
    if panel.logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(left=panel.start)
    axes.grid(axis="x", color="#DDDDDD", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def spread(*panels: Panel) -> Figure:
    """A figure with the panels side by side; their rows have the same names."""
    rows = max(len(panel.values) for panel in panels)
    figure = Figure(figsize=(8.5, 1.0 + 0.5 * rows), dpi=100, layout="constrained")
    figure.get_layout_engine().set(wspace=0.05)  # so that two axes' numbers are not read as one
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        dots(axes, panel)
        if axes is not figure.axes[0]:
            axes.set_yticklabels([])
    handles = [
        figure.axes[0].plot([], [], "o", color=DOT, label="one measurement")[0],
        figure.axes[0].plot([], [], color=MEDIAN, lw=2.5, label="median")[0],
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return figure


def in_words(panel: Panel) -> str:
    """What a panel shows, for those who do not see it."""
    rows = [
        f"{name} {rounded(statistics.median(values))} "
        f"(from {rounded(min(values))} to {rounded(max(values))})"
        for name, values in panel.values.items()
    ]
    return f"{panel.axis}: {', '.join(rows)}"


def rounded(value: float) -> str:
    """Three digits: 99.8, 2,950, 146,000."""
    return f"{float(f'{value:.3g}'):,g}" if value < 1e6 else f"{value:,.0f}"


def alternative(*panels: Panel) -> str:
    """The alternative text of spread(*panels), made from the data."""
    return f"Dots and medians. {'. '.join(in_words(panel) for panel in panels)}."


def of_counting(runs: Mapping[str, Sequence[Run]], datagrams: int) -> tuple[Panel, Panel]:
    """The two panels of a flood that was counted in several ways: what they saw, what it cost.

    Arguments: runs: from flood.in_pairs; datagrams: how many each flood sent.
    """
    seen = {way: [100 * run.seen.packets / datagrams for run in of] for way, of in runs.items()}
    cost = {way: [run.added + run.reading for run in of] for way, of in runs.items()}
    return Panel(SEEN, seen), Panel(COST, cost, logarithmic=True)
