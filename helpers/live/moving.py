"""A plot that moves: what LivePlot and the playground have in common.

Laboratory equipment, used by helpers.live. Chapter 04 builds the core of it by hand: a reading, a
rate, the lines over the saved background, again and again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from IPython.display import display, update_display

from helpers import page, pictures, tc, traffic
from helpers.errors import CourseError
from helpers.live.attachment import AT_TC, Attachment, Interfaces
from helpers.live.controls import Controls
from helpers.live.still import Still
from helpers.live.task import LiveError, Repeat
from helpers.netlab import Network

# What is sent each time, by the label of its button.
Sends = Mapping[str, Callable[[Network], object]]
# With these sizes all three can be seen on one linear axis.
SENDS: Sends = {
    "ping": traffic.echo,
    "UDP": partial(traffic.udp, count=4),
    "TCP": partial(traffic.tcp, size=1000),
}
SENDS_PER_SECOND = 10
SECONDS_OF_SENDING = 2.0
SECONDS_OF_A_REMARK = 10.0  # while it runs

Plot = TypeVar("Plot", bound="MovingPlot")


class Closable(Protocol):
    """Anything that holds something until close()."""

    def close(self) -> None: ...


class MovingPlot(ABC):
    """A picture with controls that moves while packets pass. Use LivePlot or the playground.

    Arguments:
        controls: its widgets; they hold what is chosen.
        at: what can be looked at, by label. The program is attached to the first at once.
        net: the network that the buttons send traffic in. sends: what they send, by label.
        owns: what close() closes as well, last first.
    Errors: SocketError if the first interface refuses.
    """

    # What it is called in its own sentences, and what it is, in one.
    NOUN: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    # One process has one of each kind. A learner runs the cell again, or the next one: without
    # this the plot before would go on, unseen, with its task, its socket and its program.
    _current: ClassVar[MovingPlot | None] = None

    def __init__(
        self,
        controls: Controls,
        at: Interfaces,
        net: Network | None,
        sends: Sends,
        owns: Iterable[Closable],
    ) -> None:
        if self._current:
            self._current.close(f"A newer {self.NOUN} has taken the place of this one.")
        self._controls, self._net, self._sends, self._owns = controls, net, sends, list(owns)
        self._closed, self._error = False, None
        # Under which name Jupyter knows what cells show of it.
        self._display_id, self._shown = secrets.token_hex(16), False
        self._tasks: set[asyncio.Task] = set()
        # How things stand, in a sentence, and whether it is an error; when a remark hid it.
        self._standing: tuple[str, bool] = "", False
        self._remarked: float | None = None
        tc.sweep()
        self._attachment = Attachment(at)
        self._attachment.attach(next(iter(at), None))
        self._repeat = Repeat(self._step, lambda: controls.interval.value, self._failed)
        self._draw()
        self._say("Press Start.")
        type(self)._current = self

    @property
    def running(self) -> bool:
        """Whether it is reading: from start() until stop(), close() or an error."""
        return self._repeat.running

    @property
    def controls(self) -> Controls:
        """The widgets: what is chosen, the picture, the sentence shown."""
        return self._controls

    def start(self) -> None:
        """Begin to read and draw; what runs already goes on.

        Errors: LiveError once it is closed, or without an event loop; SocketError if the
            interface refuses; in the playground those of its program, too (program.Counting).
        """
        self._repeat.on_loop(self._start)

    def stop(self) -> None:
        """Stop reading and drawing; what was recorded stays."""
        self._repeat.on_loop(self._stop)

    async def run(self, seconds: float) -> None:
        """Run for so many seconds, to the first reading after them, then stop.

        A notebook that is executed from top to bottom runs the plot like this.
        Errors: those of start(); whatever ended it early.
        """
        self.start()
        try:
            await self._repeat.until(seconds)
        finally:
            self._stop()
        if self._error:
            raise self._error

    async def send(self, kind: str, seconds: float = SECONDS_OF_SENDING) -> None:
        """Send what a button sends, ten times a second, in the private network.

        Arguments: kind: the button's label: "ping", "UDP", "TCP", in the playground "flows" (500
            new ones each time), too.
        Errors: LiveError; TrafficError and NetworkError as the functions of helpers.traffic.
        """
        if kind not in self._sends:
            known = ", ".join(self._sends) or "nothing, for it has no network"
            raise LiveError(f"This {self.NOUN} cannot send {kind!r}; it can send: {known}.")
        for _ in range(round(seconds * SENDS_PER_SECOND)):
            # In a thread of its own, so that waiting for a reply does not hold up the drawing.
            await asyncio.to_thread(self._sends[kind], self._net)
            await asyncio.sleep(1 / SENDS_PER_SECOND)

    def close(self, text: str = "") -> None:
        """Stop, and give back the socket and whatever it owns. The last picture stays.

        Arguments: text: a sentence to show below the picture instead of the usual one.
        """
        if self._closed:
            return
        self._stop()
        for task in self._tasks:
            task.cancel()
        self._attachment.close()
        self._release()
        self._closed, self._remarked = True, None
        # Jupyter keeps what a cell has shown: without this, map and program would stay with it.
        self._attachment, self._net, self._sends = Attachment({}), None, {}
        self._controls.remove(
            text or f"This {self.NOUN} is closed: run its cell again for a new one."
        )
        if self._shown:
            self._display(update_display)
        while self._owns:
            self._owns.pop().close()
        if self._current is self:
            type(self)._current = None
        pictures.give_back()

    @property
    def _home(self) -> str | None:
        """The label of the private network's interface, which is the first one."""
        return next(iter(self._controls.interface.options), None)

    def _look(self) -> None:
        """Whether what is looked at is there still. Errors: LiveError, which says what is not."""
        self._unsay(SECONDS_OF_A_REMARK)
        label = self._attachment.label
        at_home = label is None or label.removesuffix(AT_TC) == self._home
        if self._net and self._net.private and self._net.ended and at_home:
            raise LiveError(
                f"The private network has ended, and nothing passes in it any more: run this "
                f"cell again for a new {self.NOUN}."
            )
        self._attachment.check()

    @abstractmethod
    def _prepare(self) -> str:
        """Make ready for the first reading. Result: a sentence to show while it runs.

        Errors: whatever is in the way.
        """

    @abstractmethod
    def _step(self) -> None:
        """One reading, recorded and drawn. Errors: whatever ends the repetition."""

    @abstractmethod
    def _draw(self) -> None:
        """A new picture of what was recorded."""

    @abstractmethod
    def _stop(self) -> None:
        """Not one more reading; what was recorded stays."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of what is read."""

    @abstractmethod
    def _still(self) -> Still | None:
        """A still figure of what was recorded; None if that is not enough for one."""

    def _actions(self) -> dict[str, Callable[..., None]]:
        """What the controls may ask for, by the name that they use."""
        return {
            "start": self._start,
            "stop": self._stop,
            "redraw": self._draw,
            "send": self._send_beside,
        }

    def _act(self, what: str, *label: str) -> None:
        """A button was pressed or a choice made. JupyterLab may call this on another thread."""
        self._repeat.on_loop(self._act_on_loop, what, *label)

    def _act_on_loop(self, what: str, *label: str) -> None:
        """Do what the controls ask for, unless it is closed; a refusal is shown as one sentence."""
        if self._closed:
            return
        self._unsay()
        try:
            self._actions()[what](*label)
        except (CourseError, OSError) as error:
            self._say(str(error), error=True)

    def _require_open(self) -> None:
        """Errors: LiveError after close()."""
        if self._closed:
            raise LiveError(f"This {self.NOUN} is closed: make a new one.")

    def _start(self) -> None:
        self._require_open()
        if not self.running:
            self._repeat.loop()
            self._error = None
            sentence = self._prepare()
            self._repeat.start()
            if self.running:
                self._say(sentence)

    def _failed(self, error: Exception) -> None:
        """Whatever ended the repetition is shown as one sentence, and kept for run()."""
        self._attachment.close()
        known = isinstance(error, CourseError)
        self._error = error if known else LiveError(f"{type(error).__name__}: {error}")
        self._say(f"Stopped: {self._error}", error=True)

    def _say(self, text: str, error: bool = False) -> None:
        """Show one sentence beside the picture: how things stand from now on."""
        self._standing, self._remarked = (text, error), None
        self._controls.say(text, self.running, error)

    def _remark(self, text: str) -> None:
        """Show one sentence for a while; then it is said again how things stand."""
        self._controls.say(text, self.running)
        self._remarked = time.monotonic()

    def _unsay(self, after: float = 0.0) -> None:
        """A remark of more than so many seconds ago is over."""
        if self._remarked is not None and time.monotonic() - self._remarked >= after:
            self._remarked = None
            self._controls.say(self._standing[0], self.running, self._standing[1])

    def _send_beside(self, kind: str) -> None:
        """Send for two seconds, and say so where this plot does not show it."""
        self._beside(self.send, kind)
        if not self.running:
            self._remark(f"{kind} is sent in the private network. Press Start to see it.")
        elif (self._attachment.label or "").removesuffix(AT_TC) != self._home:
            self._remark(f"{kind} is sent in the private network. Choose {self._home} to see it.")

    def _beside(self, function: Callable[..., object], *arguments: object) -> None:
        """Run an async function beside whatever else runs on this loop; its error is shown."""

        def done(task: asyncio.Task) -> None:
            self._tasks.discard(task)
            self._unsay()  # what was said of it is over
            if not task.cancelled() and task.exception():
                self._say(str(task.exception()), error=True)

        task = self._repeat.loop().create_task(function(*arguments))
        self._tasks.add(task)  # the loop itself keeps no more than a weak reference
        task.add_done_callback(done)

    def __enter__(self: Plot) -> Plot:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"{self.DESCRIPTION} It shows where the notebook runs; a stored notebook has a still "
            "figure instead."
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self._bundle()[0]

    def _bundle(self) -> tuple[dict, dict]:
        """The widget; once it is closed a still figure. Result: as of pictures.bundle."""
        if not self._closed:
            return self._controls.view._repr_mimebundle_() | {"text/plain": repr(self)}, {}
        words = self._controls.sentence
        if (still := self._still()) is not None:
            return pictures.bundle(still.figure, still.alt, words)
        return {"text/plain": words, "text/html": page.paragraph(words)}, {}

    def _ipython_display_(self) -> None:
        self._shown = True
        self._display(display)

    def _display(self, show: Callable[..., object]) -> None:
        data, metadata = self._bundle()
        show(data, metadata=metadata, raw=True, display_id=self._display_id)


def dated(stem: str, ending: str) -> str:
    """The name of a file to save now, with date and time in it."""
    return time.strftime(f"{stem}_%Y-%m-%d_%H-%M-%S.{ending}")
