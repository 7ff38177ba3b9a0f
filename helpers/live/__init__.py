"""The moving plot: bytes per protocol, read from the kernel while packets pass.

The last stage of the road. Built in chapter 04, live_plot. Its parts lie beside this: what is
recorded (series), what is drawn (picture, still), and laboratory equipment: what every moving plot
does (moving), its widgets (controls), where it looks (attachment), the repetition (task).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from helpers import loader, netlab, toolchain
from helpers.counters import Counters
from helpers.errors import CourseError
from helpers.live import still
from helpers.live.attachment import Interfaces, interfaces
from helpers.live.controls import PlotControls
from helpers.live.moving import SENDS, Closable, MovingPlot, dated
from helpers.live.picture import Chart, Picture
from helpers.live.series import OTHER, Series, SeriesTable
from helpers.live.task import LiveError
from helpers.table import Table

__all__ = ["LiveError", "LivePlot", "interfaces", "open_plot"]

# The lines that every plot has; more come with the protocols asked for, "other" is the last.
USUAL_PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPv6", "HOPOPT")
SHORTEST_INTERVAL = 0.05  # seconds between readings


class Source(Protocol):
    """Anything to plot: read() gives counters in bytes, one per protocol number or class."""

    def read(self) -> np.ndarray: ...


class Together:
    """Programs that count in turns, in different places; read() adds up what all have counted."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._loaded: dict[str, tuple[loader.LoadedObject, Counters]] = {}

    def load(self, source: str) -> int:
        """The descriptor of a program of bpf/, which is loaded once.

        Errors: CompileError, LoadError, CounterError.
        """
        if source not in self._loaded:
            loaded = self._stack.enter_context(loader.load(toolchain.compile_bpf(source)))
            counters = self._stack.enter_context(Counters(loaded.map("bytes_by_protocol")))
            self._loaded[source] = loaded, counters
        return self._loaded[source][0].program("count_bytes").fd

    def read(self) -> np.ndarray:
        """The counters, in bytes."""
        return np.sum([counters.read() for _, counters in self._loaded.values()], axis=0)

    def close(self) -> None:
        """Give programs and maps back."""
        self._stack.close()


class LivePlot(MovingPlot):
    """A plot that moves while packets pass. Display it; start() and stop() it, or use its buttons.

    Arguments:
        source: what to read, for example Counters: its read() gives 256 counters, in bytes, or more
            with those of chapter 12.
        at: what can be looked at, by label; see live.interfaces. The program is attached to the
            first at once. None: it is attached already, elsewhere.
        net: the network that the buttons send traffic in; None for no such buttons.
        protocols: names of the lines shown at first ("other" is the sum of those without a line).
        interval: seconds between two readings. window: seconds shown.
        clock: the time in seconds; it must never go backwards.
        owns: what close() closes as well, last first.
        below: gives a table to show below the picture, asked for at every reading (chapter 12).
    Errors: LiveError; SocketError if the first interface refuses; ProtocolError for a protocol
        that there is not.
    Built in chapter 04.
    """

    NOUN = "plot"
    DESCRIPTION = "A plot that moves: bytes per protocol, with controls."

    def __init__(
        self,
        source: Source,
        at: Interfaces | None = None,
        net: netlab.Network | None = None,
        protocols: Sequence[str] = ("TCP", "UDP", "ICMP"),
        interval: float = 0.25,
        window: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        owns: Iterable[Closable] = (),
        below: Callable[[], Table] | None = None,
    ) -> None:
        if interval < SHORTEST_INTERVAL:
            raise LiveError(
                f"An interval of {interval} s is too short: take {SHORTEST_INTERVAL} or more."
            )
        self._source, self._clock, self._below = source, clock, below
        self._series = Series(tuple(dict.fromkeys([*USUAL_PROTOCOLS, *protocols, OTHER])))
        self._picture: Picture | None = Picture()
        self._window = window
        at, sends = at or {}, SENDS if net else {}
        controls = PlotControls(self.protocols, protocols, [*at], [*sends], interval, self._act)
        super().__init__(controls, at, net, sends, owns)

    @property
    def protocols(self) -> tuple[str, ...]:
        """The names of all lines, drawn or not."""
        return self._series.protocols

    def clear(self) -> None:
        """Forget what was recorded; the counters in the kernel are as they were."""
        self._repeat.on_loop(self._clear)

    def choose(self, **choices: object) -> None:
        """Set a control: interval, scale, quantity, interface, or protocols (a list of names).

        Errors: LiveError for a choice that there is not, or an interface that refuses.
        """
        for name, value in choices.items():
            self.controls.choose(name, value)
            if name == "interface" and self._attachment.label != value:
                raise LiveError(self.controls.sentence)

    def table(self) -> SeriesTable:
        """What was recorded: seconds and bytes per protocol, the newest 10,000 readings."""
        return self._series.table()

    def save_csv(self, path: str | Path) -> Path:
        """Write what was recorded to a CSV file. Result: its path. Errors: OSError."""
        return self.table().save_csv(path)

    def figure(
        self,
        protocols: Sequence[str] | None = None,
        quantity: str | None = None,
        scale: str | None = None,
    ) -> still.Still:
        """A still figure of what was recorded, with alternative text.

        Arguments: which lines; "rate" or "total"; "linear", "log" or "stacked"; None as the
            controls say.
        Errors: LiveError for a protocol without a line.
        """
        unknown = set(protocols or ()) - set(self.protocols)
        if unknown:
            raise LiveError(f"There is no line {', '.join(unknown)}, only {self.protocols}.")
        given = {"shown": tuple(protocols or ()), "quantity": quantity, "scale": scale}
        chart = replace(self._chart(), **{name: value for name, value in given.items() if value})
        return still.draw(self._series.curves(), chart)

    def _prepare(self) -> str:
        self._attachment.attach(self.controls.interface.value)
        return "Running."

    def _step(self) -> None:
        self._look()
        self._series.add(self._clock(), self._source.read())
        self._draw()
        if self._below:
            self.controls.show_below(self._below())

    def _chart(self) -> Chart:
        """What the controls say."""
        controls = self.controls
        return Chart(
            controls.shown, controls.quantity.value, controls.scale.value, window=self._window
        )

    def _draw(self) -> None:
        chart = self._chart()
        curves = self._series.curves(chart.window)
        picture = self._picture.draw(curves, chart)
        self.controls.show(picture, still.newest_in_words(curves, chart))

    def _stop(self) -> None:
        was_running = self.running
        self._repeat.stop()
        if was_running:
            self._say("Stopped.")

    def _release(self) -> None:
        self._source = self._below = self._picture = None

    def _still(self) -> still.Still | None:
        return self.figure() if len(self._series.times) > 1 else None

    def _actions(self) -> dict[str, Callable[..., None]]:
        return super()._actions() | {
            "interface": self._move,
            "clear": self._clear,
            "save": self._save,
        }

    def _move(self) -> None:
        """Attach to the interface that was chosen, or choose the old one again."""
        try:
            self._attachment.attach(self.controls.interface.value)
        except CourseError:
            self.controls.interface.value = self._attachment.label
            raise

    def _clear(self) -> None:
        self._series = Series(self.protocols)
        if self.running:
            self._step()  # from here on, not from the next reading on
        else:
            self._draw()

    def _save(self) -> None:
        readings = len(self._series.times)
        if not readings:
            raise LiveError("Nothing is recorded yet, so nothing is saved: press Start before.")
        path = self.save_csv(dated("bytes", "csv"))
        self._remark(f"Saved {readings} readings to {path.absolute()}.")


def open_plot(**options: object) -> LivePlot:
    """Chapters 02 to 04 in one call: sockex1 compiled and loaded, a private network, a plot.

    Arguments: options: as for LivePlot (protocols, interval, window).
    Result: a LivePlot that owns all of it: its close(), or the next plot, gives it back.
    Errors: CompileError, LoadError, NetworkError, SocketError, CounterError,
        ProtocolError, LiveError.
    Used in chapter 00, built in chapter 04.
    """
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(netlab.open_network())
        source = stack.enter_context(contextlib.closing(Together()))
        at_socket = source.load("sockex1_kern.c")
        at = interfaces(net, at_socket, at_tc=lambda: source.load("sockex1_tc_kern.c"))
        plot = LivePlot(source, at, net, owns=[net, source], **options)
        stack.pop_all()  # it is the plot's now
        return plot
