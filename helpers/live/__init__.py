"""The moving plot: bytes per protocol, read from the kernel while packets pass.

The last stage of the road. Built in chapter 04, live_plot. Its parts lie beside this: what is drawn
(picture, still) and what is recorded (series); and laboratory equipment, the controls (controls),
the interface (attachment), the repetition (task), the traffic (sender), and what holds them
together (instrument).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from helpers import loader, netlab, toolchain
from helpers.counters import Counters
from helpers.live import still
from helpers.live.attachment import Interfaces, interfaces
from helpers.live.controls import Controls
from helpers.live.instrument import Instrument, Source
from helpers.live.series import SeriesTable
from helpers.live.task import LiveError, run_for
from helpers.table import Table

__all__ = ["LiveError", "LivePlot", "interfaces", "open_plot"]


class Closable(Protocol):
    """Anything that holds something until close()."""

    def close(self) -> None: ...


class LivePlot:
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
    Errors: LiveError; SocketError if the first interface refuses; CounterError for a protocol
        that there is not.
    Built in chapter 04.
    """

    # One process has one plot. A learner runs the cell again, or the next one: without this the
    # plot before would go on, unseen, with its task, its socket and its program.
    _current: ClassVar[LivePlot | None] = None

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
        if LivePlot._current:
            LivePlot._current.close("A newer plot has taken the place of this one.")
        self._instrument = Instrument(
            source, at or {}, net, protocols, interval, window, clock, below
        )
        self._owns = list(owns)
        LivePlot._current = self

    @property
    def running(self) -> bool:
        """Whether it is reading: from start() until stop(), close() or an error."""
        return self._instrument.repeat.running

    @property
    def controls(self) -> Controls:
        """The widgets: what is chosen, the picture, the sentence shown."""
        return self._instrument.controls

    @property
    def protocols(self) -> tuple[str, ...]:
        """The names of all lines, drawn or not."""
        return self._instrument.series.protocols

    def start(self) -> None:
        """Begin to read and draw; a plot that runs already goes on. Errors: LiveError."""
        self._instrument.repeat.on_loop(self._instrument.start)

    def stop(self) -> None:
        """Stop reading and drawing; what was recorded stays, and the kernel goes on counting."""
        self._instrument.repeat.on_loop(self._instrument.stop)

    def clear(self) -> None:
        """Forget what was recorded; the counters in the kernel are as they were."""
        self._instrument.repeat.on_loop(self._instrument.clear)

    async def run(self, seconds: float) -> None:
        """Run for so many seconds, to the first reading after them, then stop.

        A notebook that is executed from top to bottom runs the plot like this.
        Errors: LiveError; whatever ended the plot early.
        """
        await run_for(self._instrument, seconds)

    def choose(self, **choices: object) -> None:
        """Set a control: interval, scale, quantity, interface, or protocols (a list of names).

        Errors: LiveError for a choice that there is not, or an interface that refuses.
        """
        for name, value in choices.items():
            self.controls.choose(name, value)
            if name == "interface" and self._instrument.attachment.label != value:
                raise LiveError(self.controls.sentence)

    async def send(self, kind: str, seconds: float = 2.0) -> None:
        """Send "ping", "UDP" or "TCP" traffic in the private network, ten times a second.

        Errors: LiveError; TrafficError and NetworkError as the functions of helpers.traffic.
        """
        await self._instrument.sender.send(kind, seconds)

    def table(self) -> SeriesTable:
        """What was recorded: seconds and bytes per protocol, the newest 10,000 readings."""
        return self._instrument.series.table()

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
        chosen = zip((protocols, quantity, scale), self.controls.chosen, strict=True)
        return still.draw(self._instrument.series, *(given or held for given, held in chosen))

    def close(self, text: str = "This plot is closed: run its cell again for a new one.") -> None:
        """Stop, and release the socket and what the plot owns. The last picture stays."""
        if self._instrument.closed:
            return
        self._instrument.close(text)
        while self._owns:
            self._owns.pop().close()
        if LivePlot._current is self:
            LivePlot._current = None

    def __enter__(self) -> LivePlot:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            "A plot that moves: bytes per protocol, with controls. It shows where the notebook "
            "runs; a stored notebook has a still figure instead."
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self.controls.view._repr_mimebundle_() | {"text/plain": repr(self)}


def open_plot(**options: object) -> LivePlot:
    """Chapters 02 to 04 in one call: sockex1 compiled and loaded, a private network, a plot.

    Arguments: options: as for LivePlot (protocols, interval, window).
    Result: a LivePlot that owns all of it: its close(), or the next plot, gives it back.
    Errors: CompileError, LoadError, NetworkError, SocketError, CounterError, LiveError.
    Used in chapter 00, built in chapter 04.
    """
    with contextlib.ExitStack() as stack:
        loaded = stack.enter_context(loader.load(toolchain.compile_bpf("sockex1_kern.c")))
        net = stack.enter_context(netlab.open_network())
        counters = stack.enter_context(Counters(loaded.map("bytes_by_protocol")))
        at = interfaces(net, loaded.program("count_bytes").fd)
        plot = LivePlot(counters, at, net, owns=[loaded, net, counters], **options)
        stack.pop_all()  # it is the plot's now
        return plot
