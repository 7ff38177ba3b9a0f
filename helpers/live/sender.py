"""The moving plot's own traffic: a little, ten times a second, in the private network.

Laboratory equipment, used by helpers.live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from helpers import traffic
from helpers.live.task import LiveError
from helpers.netlab import Network

# What is sent each time; with these sizes all three can be seen on one linear axis.
KINDS: dict[str, Callable[[Network], object]] = {
    "ping": traffic.echo,
    "UDP": partial(traffic.udp, count=4),
    "TCP": partial(traffic.tcp, size=1000),
}


class Sender:
    """Sends in `net` while a plot moves; without one it has no kinds to send.

    Arguments: kinds: what to send each time, by name.
    """

    def __init__(
        self, net: Network | None, kinds: Mapping[str, Callable[[Network], object]] = KINDS
    ) -> None:
        self._net, self._send = net, kinds
        self.kinds = [*kinds] if net else []
        self._tasks: set[asyncio.Task] = set()

    async def send(self, kind: str, seconds: float) -> None:
        """Send a kind of traffic, one of `kinds`, ten times a second, for so many seconds.

        Errors: LiveError; TrafficError and NetworkError as the functions of helpers.traffic.
        """
        if kind not in self.kinds:
            known = ", ".join(self.kinds) or "nothing, for it has no network"
            raise LiveError(f"This plot cannot send {kind!r}; it can send: {known}.")
        for _ in range(round(seconds * 10)):
            # In a thread of its own, so that waiting for a reply does not hold up the drawing.
            await asyncio.to_thread(self._send[kind], self._net)
            await asyncio.sleep(0.1)

    def soon(self, kind: str, seconds: float, failed: Callable[[str], None]) -> None:
        """The same beside whatever else runs on this loop; failed(sentence) tells of an error."""

        def done(task: asyncio.Task) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception():
                failed(str(task.exception()))

        task = asyncio.get_running_loop().create_task(self.send(kind, seconds))
        self._tasks.add(task)  # the loop itself keeps no more than a weak reference
        task.add_done_callback(done)

    def close(self) -> None:
        """Send no more."""
        for task in self._tasks:
            task.cancel()
        self._net, self.kinds = None, []


def hidden(kind: str, running: bool, label: str | None, options: Sequence[str]) -> str:
    """How to see what is sent, "" if it shows already.

    Arguments: label: the interface that is looked at; options: those there are, the private
        network's first.
    """
    home = next(iter(options), None)
    if not running:
        return f"{kind} is sent in the private network. Press Start to see it."
    if label != home:
        return f"{kind} is sent in the private network. Choose {home} to see it."
    return ""
