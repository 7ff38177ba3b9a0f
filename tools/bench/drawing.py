"""One update of the moving plot, against clearing the axes and plotting anew.

Laboratory equipment, used by ./course bench. Both record a reading, draw three lines of 120 points
on 800 x 400 pixels in the same style, and end with a PNG. CPU time of this process.
"""

from __future__ import annotations

import io
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from chapters.ch11.measuring import take_turns
from helpers.live import USUAL_PROTOCOLS
from helpers.live.picture import Chart, Picture, decorate, new_figure
from helpers.live.series import OTHER, Series
from helpers.pictures import style
from helpers.protocols import NUMBERS
from tools.bench.rows import Row, compared, verdict

COURSE = "lines over a saved background, as the course draws"
POINTS = 120
INTERVAL = 0.1  # seconds: ten updates in one
PROTOCOLS = ("TCP", "UDP", "ICMP")
WINDOW = POINTS * INTERVAL
CHART = Chart(PROTOCOLS, window=WINDOW)
TOP = 2e6  # bytes per second, the upper end of the axis that both draw


class Waves:
    """Made-up counters of three protocols whose rates rise and fall, and what was read of them."""

    def __init__(self) -> None:
        self.series = Series((*USUAL_PROTOCOLS, OTHER))
        self._counters = np.zeros(256, dtype=np.uint64)
        self._readings = 0
        for _ in range(POINTS + 1):
            self.read()

    def read(self) -> None:
        """Another reading, INTERVAL after the one before."""
        for place, name in enumerate(PROTOCOLS):
            rate = 1e6 * (1 + 0.9 * math.sin(self._readings / 15 + 2 * place))
            self._counters[NUMBERS[name]] += np.uint64(rate * INTERVAL)
        self.series.add(self._readings * INTERVAL, self._counters)
        self._readings += 1


def as_the_course(waves: Waves) -> Callable[[], bytes]:
    """An update as the moving plot makes it, while its axes stay as they are."""
    picture = Picture()

    def update() -> bytes:
        waves.read()
        return picture.draw(waves.series.curves(WINDOW), CHART)

    update()  # the first one draws the axes
    return update


def with_new_axes(waves: Waves) -> Callable[[], bytes]:
    """An update of the moving plot when an axis has to change, which is seldom."""

    def update() -> bytes:
        waves.read()
        return Picture().draw(waves.series.curves(WINDOW), CHART)

    return update


def plotting_anew(waves: Waves) -> Callable[[], bytes]:
    """An update as most examples have it: clear, plot, save."""
    canvas, axes = new_figure()

    def update() -> bytes:
        waves.read()
        curves = waves.series.curves(WINDOW)
        times = curves.times - curves.times[-1]
        axes.clear()
        for name, line in zip(PROTOCOLS, curves.values("rate", PROTOCOLS).T, strict=True):
            look = {"color": style(name).color, "linestyle": style(name).linestyle}
            axes.plot(times, line, drawstyle="steps-pre", lw=2, label=name, **look)
        axes.set_xlim(-WINDOW, 0)
        axes.set_xlabel("seconds ago")
        decorate(axes, CHART, TOP)
        file = io.BytesIO()
        canvas.print_png(file)
        return file.getvalue()

    return update


def cpu_time(update: Callable[[], bytes], updates: int) -> float:
    """Nanoseconds of CPU time for one update, the mean of so many."""
    began = time.process_time_ns()
    for _ in range(updates):
        update()
    return (time.process_time_ns() - began) / updates


def measure(repeats: int, updates: int) -> list[Row]:
    """The rows about drawing: `repeats` times, in turns, the mean of so many `updates`."""
    waves = Waves()
    ways = {
        COURSE: as_the_course(waves),
        "the same when an axis changes, which is seldom": with_new_axes(waves),
        "clearing and plotting anew": plotting_anew(waves),
    }
    timed = {name: partial(cpu_time, update, updates) for name, update in ways.items()}
    times = take_turns(timed, repeats, "Drawing the plot")
    course, _, anew = map(statistics.median, times.values())
    share = course / 1e9 / INTERVAL
    target = (
        f"{verdict('plotting anew takes 4 times as long', anew / course >= 4)}; "
        f"{verdict('10 a second within 25% of a core', share <= 0.25)} ({share:.1%})"
    )
    heading = Row(f"**Drawing** an update of the plot, {repeats} times {updates}, CPU time")
    return [heading, *compared(times, target)]
