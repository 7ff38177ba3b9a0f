"""What moves the plot: read, record and draw on the kernel's loop, as the controls say.

Laboratory equipment, used by helpers.live. Chapter 04 builds the core of it by hand: a reading, a
rate, the lines over the saved background.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from helpers.errors import CourseError
from helpers.live.attachment import Attachment, Interfaces
from helpers.live.controls import Controls
from helpers.live.picture import Picture, in_words
from helpers.live.sender import Sender, hidden
from helpers.live.series import OTHER, Series
from helpers.live.task import LiveError, Repeat, as_told, carry_out
from helpers.netlab import Network
from helpers.table import Table

# The lines that every plot has; more come with the protocols asked for, "other" is the last.
COLUMNS = ("TCP", "UDP", "ICMP", "ICMPv6", "HOPOPT")
SHORTEST = 0.05  # seconds between readings


class Source(Protocol):
    """Anything to plot: read() gives counters in bytes, one per protocol number or class."""

    def read(self) -> np.ndarray: ...


class Instrument:
    """A source, the interface it counts on, what was recorded, its picture and its controls.

    Arguments: those of live.LivePlot. Errors: as there.
    """

    def __init__(
        self,
        source: Source,
        at: Interfaces,
        net: Network | None,
        protocols: Sequence[str],
        interval: float,
        window: float,
        clock: Callable[[], float],
        below: Callable[[], Table] | None = None,
    ) -> None:
        if interval < SHORTEST:
            raise LiveError(f"An interval of {interval} s is too short: take {SHORTEST} or more.")
        self.series = Series(tuple(dict.fromkeys([*COLUMNS, *protocols, OTHER])))
        self.error: CourseError | None = None
        self.closed = False
        self.sender = Sender(net)
        self.attachment = Attachment(at)
        self.attachment.attach(next(iter(at), None))
        self._source, self._clock, self._below = source, clock, below
        self._picture = Picture(window)
        self.controls = Controls(
            self.series.protocols, protocols, [*at], self.sender.kinds, interval, self._act
        )
        self.repeat = Repeat(self.step, lambda: self.controls.interval.value, self._failed)
        self.draw()
        self.say("Press Start.")

    def start(self) -> None:
        """Attach if that is needed, take the first reading, and go on. Errors: LiveError."""
        if self.closed:
            raise LiveError("This plot is closed: make a new one.")
        if not self.repeat.running:
            self.error = None
            self.attachment.attach(self.controls.interface.value)
            self.repeat.start()
        if self.repeat.running:
            self.say("Running.")

    def stop(self) -> None:
        """Not one more reading; what was recorded stays."""
        was_running = self.repeat.running
        self.repeat.stop()
        if was_running:
            self.say("Stopped.")

    def step(self) -> None:
        """One reading, recorded and drawn. Errors: whatever the source raises."""
        self.attachment.check()
        self.series.add(self._clock(), self._source.read())
        self.draw()
        if self._below:
            self.controls.show_below(self._below())

    def draw(self) -> None:
        """A new picture of what was recorded."""
        shown, quantity, scale = self.controls.chosen
        points = 1 + round(self._picture.window / SHORTEST)
        self.controls.image.value = self._picture.draw(self.series, shown, quantity, scale, points)
        self.controls.numbers.value = in_words(self.series, shown, quantity)

    def clear(self) -> None:
        """Forget what was recorded."""
        self.series = Series(self.series.protocols)
        if self.repeat.running:
            self.step()  # from here on, not from the next reading on
        else:
            self.draw()

    def say(self, text: str, error: bool = False) -> None:
        """Show one sentence beside the picture."""
        self.controls.say(text, self.repeat.running, error)

    def close(self, text: str) -> None:
        """Stop, detach, and leave the last picture with a sentence."""
        self.stop()
        self.sender.close()
        self.attachment.close()
        self.closed = True
        # Jupyter keeps what a cell has shown: without this, map and program would stay with it.
        self.attachment, self._source, self._below = Attachment({}), None, None
        self.controls.retire(text)

    def _act(self, what: str, *label: str) -> None:
        """A button was pressed or a choice made. JupyterLab may call this on another thread."""
        self.repeat.on_loop(self._do, what, *label)

    def _do(self, what: str, *label: str) -> None:
        actions = {
            "start": self.start,
            "stop": self.stop,
            "redraw": self.draw,
            "interface": self._move,
            "send": self._send,
            "clear": self.clear,
            "save": self._save,
        }
        carry_out(self, actions[what], *label)

    def _failed(self, error: Exception) -> None:
        """Whatever ended the repetition is shown as one sentence, and kept for run()."""
        self.attachment.close()
        self.error = as_told(error)
        self.say(f"Stopped: {self.error}", error=True)

    def _send(self, kind: str) -> None:
        """Send for two seconds, and say so where this plot does not show it."""
        self.sender.soon(kind, 2.0, lambda text: self.say(text, error=True))
        options = self.controls.interface.options
        if sentence := hidden(kind, self.repeat.running, self.attachment.label, options):
            self.say(sentence)

    def _move(self) -> None:
        """Attach to the interface that was chosen, or choose the old one again."""
        try:
            self.attachment.attach(self.controls.interface.value)
        except CourseError:
            self.controls.interface.value = self.attachment.label
            raise

    def _save(self) -> None:
        name = time.strftime("bytes_%Y-%m-%d_%H-%M-%S.csv")
        path = self.series.table().save_csv(name)
        self.say(f"Saved {len(self.series.times)} readings to {path.absolute()}.")
