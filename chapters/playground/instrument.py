"""What moves the playground: counting, reading and drawing, as the controls say.

Laboratory equipment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from chapters.playground.capture import Feeder, in_steps, pieces
from chapters.playground.controls import Controls
from chapters.playground.history import History
from chapters.playground.program import Counting, filter_code
from chapters.playground.reading import Reader, Reading
from chapters.playground.screen import Screen
from helpers.errors import CourseError
from helpers.live.attachment import Attachment, Interfaces
from helpers.live.sender import Sender, hidden
from helpers.live.task import LiveError, Repeat, as_told, carry_out
from helpers.netlab import Network


class FileCount:
    """Counts one capture file at a time into the instrument's history."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._task: asyncio.Task | None = None

    @property
    def running(self) -> bool:
        """Whether what soon() has begun goes on."""
        return self._task is not None and not self._task.done()

    async def count(self, path: str | Path) -> None:
        """Count a file through the filter that is chosen, in place of what was recorded.

        Errors: PacketFileError, CaptureError, those of Counting.
        """
        instrument = self._instrument
        instrument.stop()
        steps = await asyncio.to_thread(in_steps, path)
        counting = instrument.open()
        feeder, name = Feeder(counting.program), Path(path).name
        total, done = sum(len(records) for _, records in steps), 0
        try:
            for seconds, records in steps:
                for some in pieces(records):
                    for record in some:
                        feeder.feed(record)
                    done += len(some)
                    instrument.say(f"Counting {name}: {done:,} of {total:,} frames.")
                    await asyncio.sleep(0)  # the controls' turn
                instrument.keep(seconds)
            instrument.say(f"Counted {name}, {total:,} frames. Another breakdown shows the same.")
            instrument.draw()
            instrument.warn_if_full(None)
        finally:
            instrument.release(counting)

    def soon(self, path: str) -> None:
        """The same beside whatever else runs on this loop; an error is said."""
        self.stop()
        self._task = asyncio.get_running_loop().create_task(self._told(path))

    async def _told(self, path: str) -> None:
        try:
            await self.count(path)
        except (CourseError, OSError) as error:
            self._instrument.say(str(error), error=True)

    def stop(self) -> None:
        """Break off what soon() has begun, unless it is that which asks."""
        task, running = self._task, asyncio_task()
        if task and task is not running:
            task.cancel()
            self._task = None


def asyncio_task() -> asyncio.Task | None:
    """The task that runs now, if any."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


class Instrument:
    """The program in the kernel, what was read of it, its picture and its controls.

    Arguments: those of Playground. Errors: as there.
    """

    def __init__(
        self,
        at: Callable[[int], Interfaces],
        net: Network | None,
        kinds: Mapping[str, Callable[[Network], object]],
        flows: int,
        interval: float,
        clock: Callable[[], float],
    ) -> None:
        self.error: CourseError | None = None
        self.closed = False
        self.history = History()
        self.sender = Sender(net, kinds)
        self.attachment = Attachment({})
        self._at, self._flows, self._clock = at, flows, clock
        self._counting: Counting | None = None
        self.controls = Controls([*at(-1)], self.sender.kinds, interval, self._act)
        self.repeat = Repeat(self.step, lambda: self.controls.interval.value, self._failed)
        self.file, self.screen = FileCount(self), Screen(self.controls)
        self.draw()
        self.say("Press Start.")

    def open(self) -> Counting:
        """A program with empty maps and the filter that was chosen, and nothing recorded.

        Errors: those of Counting.
        """
        self.release()
        self._counting = Counting(self.controls.filter.value, self._flows)
        self.history = History(self.controls.filter.value.strip())
        self._reader = Reader(self._counting)
        return self._counting

    def release(self, only: Counting | None = None) -> None:
        """Nothing in the kernel any more, or not this one program; what was recorded stays."""
        if only and only is not self._counting:
            return
        self.file.stop()
        self.attachment.close()
        if self._counting:
            self._counting.close()
        self._counting = None

    def start(self) -> None:
        """Count from zero on the interface that was chosen. Errors: LiveError, those of Counting,
        SocketError."""
        self.require_open()
        if self.repeat.running:
            return
        self.error = None
        counting = self.open()
        try:
            self.attachment = Attachment(self._at(counting.program.fd))
            self.attachment.attach(self.controls.interface.value)
        except CourseError:
            self.release()
            raise
        self.repeat.start()
        if self.repeat.running:
            self.say(f"Running on {self.attachment.label}.")

    def require_open(self) -> None:
        """Errors: LiveError after close()."""
        if self.closed:
            raise LiveError("This playground is closed: make a new one.")

    def stop(self) -> None:
        """A last reading, and the program off the socket; what was recorded stays."""
        if self.repeat.running:
            self.repeat.stop()
            self.attachment.close()
            self.record(self._clock())
            self.release()
            self.say("Stopped. Another breakdown shows the same frames; Start counts from zero.")
        elif self.file.running:
            self.release()
            self.say("Stopped before the end of the file.")

    def step(self) -> None:
        """One reading, recorded and drawn. Errors: LiveError if the interface is gone."""
        self.attachment.check()
        self.record(self._clock())

    def record(self, now: float) -> None:
        """One reading, drawn as well."""
        before = self.history.newest
        self.keep(now, self.controls.interval.value / 2)
        self.draw()
        self.warn_if_full(before)

    def keep(self, now: float, nearest: float = 0.0) -> None:
        """One reading, not drawn; see History.add. Errors: SyscallError."""
        self.history.add(now, self._reader.read(), nearest)

    def warn_if_full(self, before: Reading | None) -> None:
        """Say that the map is full, once: where the reading before did not know of it."""
        if self.history.newest.missed["packets"] and not (before and before.missed["packets"]):
            self.say(
                f"The map is full: it has room for {self._flows:,} flows. Frames of more flows are "
                "counted as without room, and by size as ever. A filter lets fewer through.",
                error=True,
            )

    def draw(self) -> None:
        """A new picture and a new table of what was recorded."""
        self.screen.draw(self.history, self.repeat.running)

    def say(self, text: str, error: bool = False) -> None:
        """Show one sentence above the picture."""
        self.controls.say(text, self.repeat.running, error)

    def close(self, text: str) -> None:
        """Stop, release, and leave the last picture with a sentence."""
        self.stop()
        self.release()
        self.sender.close()
        self.closed = True
        self.controls.retire(text)

    def _act(self, what: str, *label: str) -> None:
        """A button was pressed or a choice made. JupyterLab may call this on another thread."""
        self.repeat.on_loop(self._do, what, *label)

    def _do(self, what: str, *label: str) -> None:
        actions = {
            "start": self.start,
            "stop": self.stop,
            "redraw": self.draw,
            "again": self.again,
            "send": self._send,
            "file": lambda: self.file.soon(self.controls.path.value),
            "csv": lambda: self._save("csv"),
            "png": lambda: self._save("png"),
        }
        carry_out(self, actions[what], *label)

    def again(self) -> None:
        """Another interface or filter: count anew if it runs; a filter is looked at in any case."""
        filter_code(self.controls.filter.value)
        if self.repeat.running:
            self.stop()
            self.start()

    def _failed(self, error: Exception) -> None:
        """Whatever ended the repetition is shown as one sentence, and kept for run()."""
        self.attachment.close()
        self.error = as_told(error)
        if isinstance(error, LiveError):  # the interface is gone, the maps are not
            self.record(self._clock())
        self.release()
        self.say(f"Stopped: {self.error}", error=True)

    def _send(self, kind: str) -> None:
        """Send for two seconds, and say so where it does not show."""
        self.sender.soon(kind, 2.0, lambda text: self.say(text, error=True))
        options = self.controls.interface.options
        if sentence := hidden(kind, self.repeat.running, self.attachment.label, options):
            self.say(sentence)

    def _save(self, kind: str) -> None:
        name = time.strftime(f"playground_%Y-%m-%d_%H-%M-%S.{kind}")
        path = self.screen.save(self.history, kind, name)
        self.say(f"Saved to {path.absolute()}.")
