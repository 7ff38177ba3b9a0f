"""The playground: one screen of controls to look at traffic through a filter, by any breakdown.

Laboratory equipment, and the course put together: the parser of chapter 12 counts flows (program,
reading), behind a filter of chapter 09; Python adds them up as asked (breakdown, history); the
plot of chapter 04 draws them (looks, controls, instrument); a capture file is counted by the very
same program (capture, file).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from chapters.playground import traffic
from chapters.playground.controls import Controls
from chapters.playground.instrument import Instrument
from chapters.playground.program import FLOWS, filter_code
from chapters.playground.reading import Reading
from helpers import netlab
from helpers.live import still
from helpers.live.attachment import Interfaces, interfaces
from helpers.live.task import LiveError, run_for
from helpers.table import Table

__all__ = ["Playground", "open_playground"]


class Playground:
    """A plot and a table that move while packets pass. Display it; use its buttons, or its methods.

    Arguments:
        net: the network that the buttons send traffic in; close() closes it.
        at: what can be looked at, given the program's descriptor; see live.interfaces.
        flows: how many flows the map has room for.
        interval: seconds between two readings. clock: the time in seconds.
    Errors: LiveError.
    """

    # One process has one playground, as it has one moving plot (helpers.live).
    _current: ClassVar[Playground | None] = None

    def __init__(
        self,
        net: netlab.Network,
        at: Callable[[int], Interfaces] | None = None,
        flows: int = FLOWS,
        interval: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(flows, int) or flows < 1:
            raise LiveError(f"flows={flows!r} is no room: give a whole number, 1 or more.")
        if Playground._current:
            Playground._current.close("A newer playground has taken the place of this one.")
        at = at or partial(interfaces, net, both_ways=True)
        self._instrument = Instrument(at, net, traffic.kinds(), flows, interval, clock)
        self._net = net
        Playground._current = self

    @property
    def running(self) -> bool:
        """Whether it counts on an interface: from start() until stop(), close() or an error."""
        return self._instrument.repeat.running

    @property
    def controls(self) -> Controls:
        """The widgets: what is chosen, the picture, the sentence shown."""
        return self._instrument.controls

    @property
    def reading(self) -> Reading | None:
        """The newest reading, flow by flow; None before the first."""
        return self._instrument.history.newest

    def start(self) -> None:
        """Count from zero, through the filter, on the interface; what runs already goes on.

        Errors: LiveError, SocketError, FilterError, SyscallError.
        """
        self._instrument.repeat.on_loop(self._instrument.start)

    def stop(self) -> None:
        """Take the program off the interface; what was counted stays to be looked at."""
        self._instrument.repeat.on_loop(self._instrument.stop)

    async def run(self, seconds: float) -> None:
        """Count for so many seconds, to the first reading after them, then stop.

        Errors: as start(); whatever ended it early.
        """
        await run_for(self._instrument, seconds)

    async def count_file(self, path: str | Path) -> None:
        """Count a capture file, through the filter, in place of what was counted.

        The same program counts it, frame by frame, in test runs (BPF_PROG_TEST_RUN).
        Errors: PacketFileError, CaptureError, FilterError, SyscallError.
        """
        await self._instrument.file.count(path)

    def choose(self, **choices: object) -> None:
        """Set a control: interface, filter, breakdown ("protocol", "port", "sender", "receiver",
        "size", "flow"), interval, quantity ("rate", "total"), scale ("linear", "log", "stacked").

        Errors: LiveError for a choice that there is not, an interface that refuses, or once it is
        closed;
        FilterError, which says where the expression goes wrong.
        """
        self._instrument.require_open()
        for name, value in choices.items():
            if name == "filter":
                filter_code(str(value))
            was_running = self.running
            self.controls.choose(name, value)
            if was_running and not self.running:
                raise LiveError(self.controls.sentence)

    async def send(self, kind: str, seconds: float = 2.0) -> None:
        """Send "ping", "UDP", "TCP" or "flows" (500 new ones each time) in the private network,
        ten times a second.

        Errors: LiveError; TrafficError and NetworkError as the functions of helpers.traffic.
        """
        await self._instrument.sender.send(kind, seconds)

    def table(self, count: int = 8) -> Table:
        """The largest groups of the breakdown, with packets and bytes."""
        return self._instrument.history.table(self.controls.breakdown.value, count)

    def rows(self) -> list[tuple[str, int, int]]:
        """Name, packets and bytes of every group of the breakdown, the largest first."""
        return self._instrument.history.rows(self.controls.breakdown.value)

    def figure(self) -> still.Still:
        """A still figure of what was counted, as the controls say, with alternative text."""
        return self._instrument.screen.still(self._instrument.history)

    def save_csv(self, path: str | Path) -> Path:
        """Write every group of the breakdown to a CSV file. Result: its path. Errors: OSError."""
        return self._save("csv", path)

    def save_png(self, path: str | Path) -> Path:
        """Write the still figure to a PNG file. Result: its path. Errors: OSError."""
        return self._save("png", path)

    def _save(self, kind: str, path: str | Path) -> Path:
        return self._instrument.screen.save(self._instrument.history, kind, path)

    def close(self, text: str = "This playground is closed: run its cell again.") -> None:
        """Stop, and release the program, the socket and the network. The last picture stays."""
        if self._instrument.closed:
            return
        self._instrument.close(text)
        self._net.close()
        if Playground._current is self:
            Playground._current = None

    def __enter__(self) -> Playground:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            "The playground: a plot and a table that move, with controls. It shows where the "
            "notebook runs; a stored notebook has a still figure instead."
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self.controls.view._repr_mimebundle_() | {"text/plain": repr(self)}


def open_playground(**options: object) -> Playground:
    """A playground with a private network of its own, and this machine's interfaces to choose.

    Arguments: options: as for Playground (flows, interval).
    Errors: NetworkError, LiveError. A real interface needs CAP_NET_RAW; ./course lab arranges it.
    """
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(netlab.open_network())
        playground = Playground(net, **options)
        stack.pop_all()  # it is the playground's now
        return playground
