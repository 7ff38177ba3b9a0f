"""Something done again and again on the event loop of the notebook's kernel.

Laboratory equipment, used by helpers.live; chapter 04 writes the simple form of it by hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from helpers.errors import CourseError

# The loop gets at least so many seconds between two steps, however long they take.
SHORTEST_PAUSE = 0.02


class LiveError(CourseError):
    """The moving plot cannot start, or cannot go on."""


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs on this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Repeat:
    """Calls step() every interval() seconds, on one event loop, from start() to stop().

    Arguments:
        step: what to do; whatever it raises ends the repetition.
        interval: seconds from one call to the next, asked for anew each time.
        failed: called with the exception that ended it.
    """

    def __init__(
        self,
        step: Callable[[], None],
        interval: Callable[[], float],
        failed: Callable[[Exception], None],
    ) -> None:
        self._step, self._interval, self._failed = step, interval, failed
        self._loop = running_loop()
        self._task: asyncio.Task | None = None
        self._stepped, self._began = asyncio.Event(), 0.0

    @property
    def running(self) -> bool:
        """Whether it repeats: False from the moment of stop(), or of an exception."""
        return self._task is not None

    def on_loop(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function on the loop's thread: at once on that thread, soon from any other.

        With JupyterLab a button's callback may arrive on a thread of its own, while Matplotlib
        and the widgets want all calls from one.
        """
        here = running_loop()
        if self._loop is None or self._loop.is_closed():
            self._loop = here
        if self._loop is here:
            function(*arguments)
        else:
            self._loop.call_soon_threadsafe(function, *arguments)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop. Errors: LiveError where there is none."""
        if self._loop is None:
            raise LiveError("The plot cannot move: there is no event loop here. Use a notebook.")
        return self._loop

    def start(self) -> None:
        """Begin, on the loop's thread, with the first step at once; what runs already goes on.

        Errors: LiveError where there is no event loop.
        """
        loop = self.loop()
        if not self.running and self._once():
            self._task = loop.create_task(self._follow())

    def stop(self) -> None:
        """End, on the loop's thread: not one more step."""
        if self._task:
            self._task.cancel()
            self._task = None
        self._stepped.set()

    async def until(self, seconds: float) -> None:
        """Return after the first step that begins `seconds` from now or later, or at the end."""
        end = time.monotonic() + seconds
        while self.running and self._began < end:
            self._stepped.clear()
            await self._stepped.wait()

    async def _follow(self) -> None:
        spent = 0.0
        while True:
            await asyncio.sleep(max(self._interval() - spent, SHORTEST_PAUSE))
            if not self._once():
                return
            spent = time.monotonic() - self._began

    def _once(self) -> bool:
        """One step; False if it failed, which ends the repetition."""
        self._began = time.monotonic()
        try:
            self._step()
        except Exception as error:
            self._task = None
            self._failed(error)
            return False
        finally:
            self._stepped.set()
        return True
