"""A flood of UDP datagrams over a private lo: who sees all of it, and what it costs the sender.

Laboratory equipment of chapter 11, measuring; ./course bench uses it too. `sender.py` and
`readers.py` are the processes beside it. Each flood under a counter comes right after one without,
and the ways of counting take turns, so that whatever else slows the machine down slows all of them
down; the medians leave out what hit only a few.
"""

from __future__ import annotations

import os
import select
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chapters.ch11.measuring import MeasuringError, progress
from helpers import sockets
from helpers.counters import Counters
from helpers.loader import LoadedObject
from helpers.netlab import Command, Network
from helpers.protocols import NUMBERS

SENDER, READERS = (Path(__file__).with_name(name) for name in ("sender.py", "readers.py"))
DATA = 100  # bytes in a datagram
FRAME = 14 + 20 + 8 + DATA  # bytes on the wire: Ethernet, IPv4, UDP, data


@dataclass(frozen=True)
class Seen:
    """What a counter saw of one flood; `cpu` is what its own process took, in nanoseconds."""

    packets: int
    bytes: int
    cpu: int


@dataclass(frozen=True)
class Run:
    """A flood without a counter and one under it, in nanoseconds per datagram sent."""

    without: float
    under: float
    seen: Seen

    @property
    def added(self) -> float:
        return self.under - self.without

    @property
    def reading(self) -> float:
        """Nanoseconds that a reader worked on one packet that it saw."""
        return self.seen.cpu / max(self.seen.packets, 1)


# Something to count with: entered, it counts; what it gives tells what was seen.
Way = Callable[[], AbstractContextManager[Callable[[], Seen]]]


class Sender:
    """A process of its own that sends datagrams to an open port inside the network.

    cpu: the number of the processor that it shall keep to, or None for any.
    to: the address and port to send to instead, where nobody needs to be.
    """

    def __init__(
        self, net: Network, cpu: int | None = None, to: tuple[str, int] | None = None
    ) -> None:
        # Nobody reads at that port. Its buffer is soon full, and from then on all floods are alike.
        self._receiver = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.bind(("127.0.0.1", 0))
        self._socket = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(to or self._receiver.getsockname())
        descriptor = self._socket.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-I", SENDER, str(descriptor), str(DATA)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C is for us; our end is its end
            text=True,
        )
        if cpu is not None:
            os.sched_setaffinity(self._process.pid, {cpu})

    def flood(self, datagrams: int) -> float:
        """Send so many datagrams; the nanoseconds that one took."""
        self.begin(datagrams)
        return self.finish() / datagrams

    def begin(self, datagrams: int) -> None:
        """Let so many datagrams be sent, and do not wait for it."""
        if self._process.stdin.closed:
            raise MeasuringError("This sender is closed: open a new one with flood.Sender(net).")
        with suppress(BrokenPipeError):  # it has ended: finish() says so
            print(datagrams, file=self._process.stdin, flush=True)

    def finish(self) -> int:
        """Wait until what was begun is sent; the nanoseconds that all of it took."""
        answer = self._process.stdout.readline()
        if not answer:
            raise MeasuringError("The process that sends has ended by itself: start again.")
        return int(answer)

    def empty_datagram(self) -> None:
        """Send one datagram without data, by which a reader knows that the flood is over."""
        self._socket.send(b"")

    def close(self) -> None:
        """End the process and close its sockets."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        for held in (self._process.stdout, self._socket, self._receiver):
            held.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@contextmanager
def in_the_kernel(net: Network, loaded: LoadedObject) -> Iterator[Callable[[], Seen]]:
    """Count with sockex1. It counts bytes; all frames are of one size, so we know the packets."""
    program = loaded.program("count_bytes")
    with (
        Counters(loaded.map("bytes_by_protocol")) as counters,
        sockets.packet_socket(net, program.fd),
    ):
        before = counters.read()

        def seen() -> Seen:
            grown = int((counters.read() - before)[NUMBERS["UDP"]])
            return Seen(grown // FRAME, grown, cpu=0)

        yield seen


@contextmanager
def in_python(net: Network, sender: Sender, way: str, cache: str) -> Iterator[Callable[[], Seen]]:
    """Count with a process that reads every packet; scapy may keep its files in `cache`.

    way: "loop", "tcpdump" or "scapy", see readers.py.
    """
    command = [sys.executable, str(READERS), way]
    with net.start(["env", f"XDG_CACHE_HOME={cache}", *command], seconds=300) as reader:
        if not reader.stdout.readline():
            raise MeasuringError(f"The reader {way} did not start ({complaint(reader)}).")

        def seen() -> Seen:
            # Again and again, because the reader may lose this one too.
            while not select.select([reader.stdout], [], [], 0.02)[0]:
                sender.empty_datagram()
            if not (answer := reader.stdout.readline()):
                raise MeasuringError(f"The reader {way} has ended by itself ({complaint(reader)}).")
            return Seen(*map(int, answer.split()))

        yield seen


def complaint(reader: Command) -> str:
    """The last thing that a reader said before it ended."""
    return (reader.stderr.read().strip() or "it gave no reason").splitlines()[-1]


def in_pairs(
    sender: Sender, ways: Mapping[str, Way], datagrams: int, repeats: int
) -> dict[str, list[Run]]:
    """Flood without and with each way of counting, `repeats` times in turns."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    order = list(ways)
    for _ in progress("Counting a flood", repeats):
        for name in order:
            sender.flood(datagrams // 10 or 1)  # what came before has left the caches cold
            without = sender.flood(datagrams)
            with ways[name]() as seen:
                under = sender.flood(datagrams)
                runs[name].append(Run(without, under, seen()))
        order.reverse()
    return runs


def whole_cost(runs: list[Run]) -> float:
    """Nanoseconds for one packet: what it adds to sending, and what a reader works on it."""
    added = statistics.median(run.added for run in runs)
    return added + statistics.median(run.reading for run in runs)
