"""The moving plot as stacked areas: the upper edge is the sum, each area one protocol's share.

Built in chapter 12, beyond_sockex1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from helpers.pictures import DASH_DOT, DASHED, DOTTED, LONG, Style, style

# What dashes are to a line, hatches are to an area: nobody has to tell colours apart.
HATCHES = {(): "", DASHED: "//", DASH_DOT: "\\\\", DOTTED: "..", LONG: "xx"}


def add_areas(
    axes: Axes, shown: Sequence[str], style: Callable[[str], Style] = style
) -> dict[str, Polygon]:
    """One empty area for each protocol, left out of the ordinary drawing (animated).

    Built in chapter 12.
    """
    areas = {}
    for name in shown:
        look = style(name)
        (areas[name],) = axes.fill(
            [], [], facecolor=look.color, edgecolor="white", hatch=HATCHES[look.dashes], label=name
        )
        areas[name].set_animated(True)
    return areas


def fill(
    areas: Mapping[str, Polygon], times: np.ndarray, values: np.ndarray, quantity: str
) -> None:
    """Give each area its outline, one on top of the other.

    Arguments: times: shape (n,), in seconds. values: shape (n, areas). quantity: a "rate" is the
        mean over the time since the reading before, so it makes steps; a "total" makes slopes.
    Built in chapter 12.
    """
    # chapter 12: begin stack
    tops = np.cumsum(np.nan_to_num(values), axis=1)
    bottoms = np.hstack([np.zeros((len(times), 1)), tops[:, :-1]])
    # chapter 12: end stack
    for column, area in enumerate(areas.values()):
        up = edge(times, tops[:, column], quantity)
        down = edge(times, bottoms[:, column], quantity)
        area.set_xy(np.vstack([up, down[::-1]]) if len(times) > 1 else np.zeros((1, 2)))


def edge(times: np.ndarray, heights: np.ndarray, quantity: str) -> np.ndarray:
    """The points of one edge, shape (m, 2), from left to right."""
    if quantity == "rate":
        times, heights = np.repeat(times, 2)[1:-1], np.repeat(heights[1:], 2)
    return np.column_stack([times, heights])
