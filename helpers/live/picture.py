"""The picture of the moving plot: lines over a saved background, as PNG.

The last stage of the road. Built in chapter 04, live_plot.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, FuncFormatter
from PIL import Image, ImageColor

from helpers.live import areas
from helpers.live.series import Series
from helpers.pictures import Style, style

# What the vertical axis says, for each quantity.
LABELS = {"rate": "bytes per second", "total": "bytes counted so far"}
UNITS = {"rate": "B/s", "total": "B"}
# The top of an idle axis, in bytes or bytes per second.
LOWEST = 1000.0
# So many names stand beside each other above the axes, if they are short.
COLUMNS = 6
# A legend with fewer columns gives a name so many characters.
LONGEST = 48
# How far two colours of the palette differ at least, in one channel of 0 to 255.
CLOSEST = 9


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


def add_lines(
    axes: Axes, shown: Sequence[str], style: Callable[[str], Style] = style
) -> dict[str, Line2D]:
    """One empty line for each protocol, left out of the ordinary drawing (animated).

    Steps, for a rate is the mean over the interval that ends at its reading: the area under
    a step is the bytes that were counted. Built in chapter 04.
    """
    # chapter 04: begin lines
    lines = {}
    for name in shown:
        look = {"color": style(name).color, "linestyle": style(name).linestyle}
        (lines[name],) = axes.plot([], [], drawstyle="steps-pre", lw=2, label=name, **look)
        lines[name].set_animated(True)
    # chapter 04: end lines
    return lines


class Picture:
    """A chart of the newest `window` seconds that is cheap to draw again and again.

    Everything but the lines is drawn once, and again only when an axis changes.
    Arguments: window: in seconds. style: the look of each name. columns: of the legend; fewer
        for long names.
    Source: Matplotlib, "Faster rendering by using blitting". Built in chapter 04.
    """

    def __init__(
        self, window: float, style: Callable[[str], Style] = style, columns: int = COLUMNS
    ) -> None:
        self.window, self._style, self._columns = window, style, columns
        self._look: tuple | None = None
        self._top = LOWEST

    def draw(
        self, series: Series, shown: Sequence[str], quantity: str, scale: str, points: int
    ) -> bytes:
        """Draw the newest readings of the protocols in `shown`; the picture as PNG.

        Arguments: quantity: "rate" or "total"; scale: "linear", "log" or "stacked"
            (areas instead of lines); points: how many readings at most.
        """
        times, values = series.last(points, quantity)
        columns = [series.protocols.index(name) for name in shown]
        seen = values[times >= -self.window][:, columns]
        if scale == "stacked":
            seen = seen.sum(axis=1)
        if self._look and self._look[1:3] != (quantity, scale):
            self._top = LOWEST
        self._top = top_of_axis(np.nanmax(seen, initial=0.0), self._top, scale)
        look = (tuple(shown), quantity, scale, self._top)
        if look != self._look:
            self._draw_background(*look)
            self._look = look
        if scale == "stacked":
            areas.fill(self.lines, times, values[:, columns], quantity)
        else:
            for name, column in zip(shown, columns, strict=True):
                self.lines[name].set_data(times, values[:, column])
        canvas, axes, lines, background = self.canvas, self.axes, self.lines, self._background
        # chapter 04: begin blit
        canvas.restore_region(background)
        for line in lines.values():
            axes.draw_artist(line)
        # chapter 04: end blit
        return png(canvas, self._palette)

    def _draw_background(self, shown: Sequence[str], quantity: str, scale: str, top: float) -> None:
        canvas, axes = new_figure()
        add = areas.add_areas if scale == "stacked" else add_lines
        lines = add(axes, shown, self._style)
        if quantity == "total" and scale != "stacked":
            for line in lines.values():
                line.set_drawstyle("default")
        axes.set_xlim(-self.window, 0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{abs(second):g}"))
        axes.set_xlabel("seconds ago")
        decorate(axes, quantity, scale, top, self._columns)
        # chapter 04: begin background
        canvas.draw()
        background = canvas.copy_from_bbox(axes.bbox)
        # chapter 04: end background
        self.canvas, self.axes, self.lines, self._background = canvas, axes, lines, background
        self._palette = palette([self._style(name).color for name in shown])


def decorate(axes: Axes, quantity: str, scale: str, top: float, columns: int = COLUMNS) -> None:
    """The vertical axis, the grid and the legend, the same for the moving plot and the still."""
    if scale == "log":
        axes.set_yscale("log", nonpositive="clip")  # 0 lies on the lower edge
    axes.set_ylim(1 if scale == "log" else 0, top)
    axes.yaxis.set_major_formatter(EngFormatter(UNITS[quantity]))
    axes.set_ylabel(LABELS[quantity])
    axes.yaxis.set_label_coords(-0.11, 0.5)  # at rest, however long the numbers are
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines or axes.patches:
        legend = {"loc": "lower left", "ncols": columns, "frameon": False, "handlelength": 3.5}
        if columns == COLUMNS:
            axes.legend(bbox_to_anchor=(0, 1), **legend)
        else:  # three rows of long names
            handles, names = axes.get_legend_handles_labels()
            names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
            axes.set_position((0.13, 0.14, 0.85, 0.67))
            axes.legend(handles, names, bbox_to_anchor=(-0.13, 1), fontsize=8.5, **legend)


def in_words(series: Series, shown: Sequence[str], quantity: str) -> str:
    """The newest values as text, for those who want the number or do not see the lines."""
    _, values = series.last(1, quantity)
    if not len(values):
        return ""
    newest = dict(zip(series.protocols, np.nan_to_num(values[0]), strict=True))
    return ", ".join(f"{name} {with_unit(newest[name], quantity)}" for name in shown)


def with_unit(value: float, quantity: str) -> str:
    """A number as a reader wants it: 196 B/s, 15.4 kB/s, 2.0 MB."""
    return EngFormatter(UNITS[quantity], places=1 if value >= 1000 else 0)(value)


def top_of_axis(highest: float, top: float, scale: str) -> float:
    """The upper end of the axis: `top` as long as that fits, else 1, 2 or 5 times a power of ten.

    It grows when something would not fit and shrinks only when a quarter would do, so that the
    axis (and with it the costly background) changes seldom.
    """
    if top / 4 <= highest <= top and (scale != "log" or math.log10(top).is_integer()):
        return top
    wanted = max(highest * 1.05, LOWEST)
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
        if len(kept) < 256 and np.abs(kept - color).max(axis=1).min() >= CLOSEST:
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
