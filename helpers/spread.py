"""Pictures of repeated measurements: each one a dot, their median a line.

Laboratory equipment, first used in chapter 11, measuring.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.flood import Run

# From the palette of Okabe and Ito. The ways are told apart by their labels, not by a colour.
DOT, MEDIAN = "#56B4E9", "#D55E00"
SEEN, COST = "datagrams seen, in percent", "work for one datagram, in nanoseconds"


@dataclass(frozen=True)
class Panel:
    """What one pair of axes shows: a row of values for each name."""

    axis: str
    values: Mapping[str, Sequence[float]]
    logarithmic: bool = False


def dots(axes: Axes, panel: Panel) -> None:
    """Draw one panel: names from the top down, a dot for each value, a line at the median."""
    for row, values in enumerate(panel.values.values()):
        # Dots of equal height would hide each other: they take turns at four heights.
        heights = [row + (0.09 * (number % 4) - 0.135) for number in range(len(values))]
        axes.plot(values, heights, "o", color=DOT, markersize=6, markeredgecolor="white", mew=0.5)
        middle = statistics.median(values)
        axes.plot([middle] * 2, [row - 0.33, row + 0.33], color=MEDIAN, lw=2.5)
    axes.set(xlabel=panel.axis, ylim=(len(panel.values) - 0.5, -0.5))
    axes.set_yticks(range(len(panel.values)), panel.values)
    if panel.logarithmic:
        axes.set_xscale("log")
    axes.grid(axis="x", color="#DDDDDD", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def spread(*panels: Panel) -> Figure:
    """A figure with the panels side by side; their rows have the same names."""
    rows = max(len(panel.values) for panel in panels)
    figure = Figure(figsize=(8.5, 1.0 + 0.5 * rows), dpi=100, layout="constrained")
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
        f"{name} {statistics.median(values):,.4g} (from {min(values):,.4g} to {max(values):,.4g})"
        for name, values in panel.values.items()
    ]
    return f"{panel.axis}: {', '.join(rows)}"


def alternative(*panels: Panel) -> str:
    """The alternative text of spread(*panels), made from the data."""
    return f"Dots and medians. {'. '.join(in_words(panel) for panel in panels)}."


def of_counting(runs: Mapping[str, Sequence[Run]], datagrams: int) -> tuple[Panel, Panel]:
    """The two panels of a flood that was counted in several ways: what they saw, what it cost.

    Arguments: runs: from flood.in_pairs; datagrams: how many each flood sent.
    """
    seen = {way: [100 * run.seen.packets / datagrams for run in of] for way, of in runs.items()}
    cost = {way: [max(run.added, 1) + run.reading for run in of] for way, of in runs.items()}
    return Panel(SEEN, seen), Panel(COST, cost, logarithmic=True)
