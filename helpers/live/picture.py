"""The picture of the moving plot: lines or stacked areas over a saved background, as PNG.

The last stage of the road. Built in chapter 04, live_plot; the areas in chapter 12,
beyond_sockex1.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.ticker import EngFormatter, FuncFormatter
from PIL import Image, ImageColor

from helpers.live.series import Curves
from helpers.pictures import DASH_DOT, DASHED, DOTTED, LONG, Style, give_back, style

# What the vertical axis says, for each quantity.
LABELS = {"rate": "bytes per second", "total": "bytes counted so far"}
UNITS = {"rate": "B/s", "total": "B"}
# The top of an idle axis, in bytes or bytes per second.
IDLE_TOP = 1000.0
# From so many short names on, the legend has two rows.
LEGEND_COLUMNS = 6
# A legend with fewer columns gives a name so many characters.
NAME_LENGTH = 48
# How far two colours of the palette differ at least, in one channel of 0 to 255.
COLOR_DISTANCE = 9
# What dashes are to a line, hatches are to an area: nobody has to tell colours apart.
HATCHES = {(): "", DASHED: "//", DASH_DOT: "\\\\", DOTTED: "..", LONG: "xx"}


@dataclass(frozen=True)
class Chart:
    """What was chosen to be drawn, and how.

    Arguments:
        shown: the names of the lines, in the order of the legend.
        quantity: "rate" (bytes per second) or "total" (bytes).
        scale: "linear", "log", or "stacked" for areas instead of lines.
        window: seconds that a moving picture shows; a still one shows all there is.
        style: gives the look of each name. columns: of the legend; fewer for long names.
    """

    shown: tuple[str, ...]
    quantity: str = "rate"
    scale: str = "linear"
    window: float = 30.0
    style: Callable[[str], Style] = style
    columns: int = LEGEND_COLUMNS


def new_figure() -> tuple[FigureCanvasAgg, Axes]:
    """A figure of 800 x 400 pixels with one pair of axes, outside of pyplot.

    pyplot would keep every figure alive, and expects to be called from one thread alone.
    Source: Matplotlib, "Writing a graphical user interface without pyplot". Built in chapter 04.
    """
    # chapter 04: begin figure
    figure = Figure(figsize=(8, 4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.13, 0.14, 0.85, 0.74))
    # chapter 04: end figure
    return canvas, axes


def add_lines(axes: Axes, chart: Chart) -> dict[str, Line2D]:
    """One empty line for each name, left out of the ordinary drawing (animated).

    Steps, for a rate is the mean over the interval that ends at its reading: the area under
    a step is the bytes that were counted. Built in chapter 04.
    """
    shown, style = chart.shown, chart.style
    # chapter 04: begin lines
    lines = {}
    for name in shown:
        look = {"color": style(name).color, "linestyle": style(name).linestyle}
        (lines[name],) = axes.plot([], [], drawstyle="steps-pre", lw=2, label=name, **look)
        lines[name].set_animated(True)
    # chapter 04: end lines
    if chart.quantity == "total":
        for line in lines.values():
            line.set_drawstyle("default")
    return lines


def set_lines(lines: Mapping[str, Line2D], times: np.ndarray, values: np.ndarray) -> None:
    """Give each line its points. Arguments: times: shape (n,); values: shape (n, lines)."""
    for column, line in enumerate(lines.values()):
        line.set_data(times, values[:, column])


def add_areas(axes: Axes, chart: Chart) -> dict[str, Polygon]:
    """One empty area for each name, left out of the ordinary drawing (animated).

    Built in chapter 12.
    """
    areas = {}
    for name in chart.shown:
        look = chart.style(name)
        (areas[name],) = axes.fill(
            [], [], facecolor=look.color, edgecolor="white", hatch=HATCHES[look.dashes], label=name
        )
        areas[name].set_animated(True)
    return areas


def set_areas(
    areas: Mapping[str, Polygon], times: np.ndarray, values: np.ndarray, quantity: str
) -> None:
    """Give each area its outline: the upper edge is the sum, each area one name's share.

    Arguments: times: shape (n,), in seconds. values: shape (n, areas). quantity: a "rate" is the
        mean over the time since the reading before, so it makes steps; a "total" makes slopes.
    Built in chapter 12.
    """
    # chapter 12: begin stack
    tops = np.cumsum(np.nan_to_num(values), axis=1)
    bottoms = np.hstack([np.zeros((len(times), 1)), tops[:, :-1]])
    # chapter 12: end stack
    for column, area in enumerate(areas.values()):
        up = edge_of_area(times, tops[:, column], quantity)
        down = edge_of_area(times, bottoms[:, column], quantity)
        area.set_xy(np.vstack([up, down[::-1]]) if len(times) > 1 else np.zeros((1, 2)))


def edge_of_area(times: np.ndarray, heights: np.ndarray, quantity: str) -> np.ndarray:
    """The points of one edge, shape (m, 2), from left to right."""
    if quantity == "rate":
        times, heights = np.repeat(times, 2)[1:-1], np.repeat(heights[1:], 2)
    return np.column_stack([times, heights])


class Picture:
    """A chart of the newest seconds that is cheap to draw again and again.

    Everything but the lines is drawn once, and again only when an axis changes.
    Source: Matplotlib, "Faster rendering by using blitting". Built in chapter 04.
    """

    def __init__(self) -> None:
        self._drawn: tuple[Chart, float] | None = None
        self._top = IDLE_TOP

    def draw(self, curves: Curves, chart: Chart) -> bytes:
        """Draw the newest readings; the picture as PNG."""
        times = curves.times - curves.times[-1:]  # seconds, none above 0
        values = curves.values(chart.quantity, chart.shown)
        self._draw_background(chart, values[times >= -chart.window])
        if chart.scale == "stacked":
            set_areas(self.lines, times, values, chart.quantity)
        else:
            set_lines(self.lines, times, values)
        canvas, axes, lines, background = self.canvas, self.axes, self.lines, self._background
        # chapter 04: begin blit
        canvas.restore_region(background)
        for line in lines.values():
            axes.draw_artist(line)
        # chapter 04: end blit
        return png(canvas, self._palette)

    def _draw_background(self, chart: Chart, values: np.ndarray) -> None:
        """A new background, if the one that there is does not fit the chart or the values."""
        before = self._drawn[0] if self._drawn else chart
        if (before.quantity, before.scale) != (chart.quantity, chart.scale):
            self._top = IDLE_TOP
        self._top = top_of_axis(highest(values, chart.scale), self._top, chart.scale)
        if self._drawn == (chart, self._top):
            return
        self._drawn = self.canvas = self.axes = self.lines = self._background = None
        give_back()
        canvas, axes = new_figure()
        lines = add_areas(axes, chart) if chart.scale == "stacked" else add_lines(axes, chart)
        axes.set_xlim(-chart.window, 0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{abs(second):g}"))
        axes.set_xlabel("seconds ago")
        decorate(axes, chart, self._top)
        # chapter 04: begin background
        canvas.draw()
        background = canvas.copy_from_bbox(axes.bbox)
        # chapter 04: end background
        self.canvas, self.axes, self.lines, self._background = canvas, axes, lines, background
        self._palette = palette([chart.style(name).color for name in chart.shown])
        self._drawn = chart, self._top


def decorate(axes: Axes, chart: Chart, top: float) -> None:
    """The vertical axis, the grid and the legend, the same for the moving plot and the still.

    Arguments: top: the upper end of the axis, in bytes or bytes per second.
    """
    if chart.scale == "log":
        axes.set_yscale("log", nonpositive="clip")  # 0 lies on the lower edge
    axes.set_ylim(1 if chart.scale == "log" else 0, top)
    axes.yaxis.set_major_formatter(EngFormatter(UNITS[chart.quantity]))
    axes.set_ylabel(LABELS[chart.quantity])
    axes.yaxis.set_label_coords(-0.12, 0.5)  # at rest, however long the numbers are
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines or axes.patches:
        legend = {"loc": "lower left", "frameon": False, "handlelength": 3.5}
        names = len(axes.lines) + len(axes.patches)
        if chart.columns == LEGEND_COLUMNS and names < LEGEND_COLUMNS:
            axes.legend(bbox_to_anchor=(0, 1), ncols=chart.columns, **legend)
        elif chart.columns == LEGEND_COLUMNS:  # two rows
            legend |= {"ncols": -(-names // 2), "fontsize": 8.5, "labelspacing": 0.3}
            axes.legend(bbox_to_anchor=(0, 1), **legend)
        else:  # three rows of long names
            handles, names = axes.get_legend_handles_labels()
            names = [shortened(name) for name in names]
            axes.set_position((0.13, 0.14, 0.85, 0.67))
            legend |= {"ncols": chart.columns, "fontsize": 8.5}
            axes.legend(handles, names, bbox_to_anchor=(-0.13, 1), **legend)


def shortened(name: str) -> str:
    """A name as a legend of few columns has room for it."""
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def highest(values: np.ndarray, scale: str) -> float:
    """The highest point of lines, or of areas on each other; 0 where there is none.

    Arguments: values: shape (n, lines), in bytes or bytes per second.
    """
    heights = values.sum(axis=1) if scale == "stacked" else values
    return float(np.nanmax(heights, initial=0.0))


def top_of_axis(highest: float, top: float, scale: str) -> float:
    """The upper end of the axis: `top` as long as that fits, else 1, 2 or 5 times a power of ten.

    It grows when something would not fit and shrinks only when a quarter would do, so that the
    axis (and with it the costly background) changes seldom.
    """
    if top / 4 <= highest <= top and (scale != "log" or math.log10(top).is_integer()):
        return top
    wanted = max(highest * 1.05, IDLE_TOP)
    power = 10.0 ** math.floor(math.log10(wanted))
    steps = (10.0,) if scale == "log" else (1.0, 2.0, 5.0, 10.0)
    return next(step * power for step in steps if step * power >= wanted)


def palette(colors: Sequence[str]) -> Image.Image:
    """The colours that a picture of lines needs: each one in steps towards white, and greys.

    One byte per pixel instead of three makes the PNG three times cheaper to compress, and the
    lines keep their exact colours.
    """
    inks = np.array([ImageColor.getrgb(color) for color in dict.fromkeys([*colors, "#000000"])])
    share = np.linspace(1, 0, 17)[:, None, None]
    kept: list[np.ndarray] = [np.array([255, 255, 255])]
    for color in np.rint(inks * share + 255 * (1 - share)).reshape(-1, 3):
        # Pillow mixes up colours that lie closer than this.
        if len(kept) < 256 and np.abs(kept - color).max(axis=1).min() >= COLOR_DISTANCE:
            kept.append(color)
    table = Image.new("P", (1, 1))
    table.putpalette(np.array(kept, dtype=np.uint8).tobytes())
    return table


def png(canvas: FigureCanvasAgg, colors: Image.Image) -> bytes:
    """What is on the canvas as PNG, lightly compressed: compressing costs more than drawing."""
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    file = io.BytesIO()
    reduced = picture.quantize(palette=colors, dither=Image.Dither.NONE)
    reduced.save(file, "png", compress_level=1)
    return file.getvalue()
