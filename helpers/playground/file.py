"""Counting a capture file a little at a time, so that the controls answer meanwhile.

Laboratory equipment.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import CourseError
from helpers.playground.capture import Feeder, in_steps, pieces

if TYPE_CHECKING:
    from helpers.playground.instrument import Instrument


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
