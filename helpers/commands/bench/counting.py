"""A flood of UDP datagrams over a private lo: who sees all of it, and what it costs the sender.

Laboratory equipment, used by ./course bench. Each flood under a counter comes right after one
without, and the ways of counting take turns, so that whatever else slows the machine down slows
all of them down; the medians leave out what hit only a few.
"""

from __future__ import annotations

import importlib.util
import select
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from helpers import sockets
from helpers.commands.bench.rows import (
    BenchError,
    Row,
    duration,
    middle_half,
    progress,
    times_as_much,
    verdict,
)
from helpers.counters import NUMBERS, Counters
from helpers.loader import LoadedObject
from helpers.netlab import Command, Network

FLOOD = Path(__file__).with_name("flood.py")
READERS = Path(__file__).with_name("readers.py")
DATA = 100  # bytes in a datagram
FRAME = 14 + 20 + 8 + DATA  # bytes on the wire: Ethernet, IPv4, UDP, data
NONE, COURSE = "no counter", "the course's program, in the kernel"
LOOP, SCAPY = "a Python loop over an AF_PACKET socket", "scapy's sniff"
MISSING = (
    "scapy is not installed, so its row is left out: ./course test installs it, and so does "
    "pip install scapy."
)


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


# Something to count with: entered, it counts; what it gives tells what was seen.
Way = Callable[[], AbstractContextManager[Callable[[], Seen]]]


class Sender:
    """A process of its own that sends datagrams to an open port inside the network."""

    def __init__(self, net: Network) -> None:
        # Nobody reads at that port. Its buffer is soon full, and from then on all floods are alike.
        self._receiver = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.bind(("127.0.0.1", 0))
        self._socket = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(self._receiver.getsockname())
        descriptor = self._socket.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-I", FLOOD, str(descriptor), str(DATA)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C is for us; our end is its end
            text=True,
        )

    def flood(self, datagrams: int) -> float:
        """Send so many datagrams; the nanoseconds that one took."""
        print(datagrams, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise BenchError("The process that sends has ended by itself: start again.")
        return int(answer) / datagrams

    def empty_datagram(self) -> None:
        """Send one datagram without data, by which a reader knows that the flood is over."""
        self._socket.send(b"")

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        for held in (self._process.stdout, self._socket, self._receiver):
            held.close()


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
    """Count with a process that reads every packet; scapy may keep its files in `cache`."""
    command = [sys.executable, str(READERS), way]
    with net.start(["env", f"XDG_CACHE_HOME={cache}", *command]) as reader:
        if not reader.stdout.readline():
            raise BenchError(f"The reader {way} did not start ({complaint(reader)}).")

        def seen() -> Seen:
            # Again and again, because the reader may lose this one too.
            while not select.select([reader.stdout], [], [], 0.02)[0]:
                sender.empty_datagram()
            if not (answer := reader.stdout.readline()):
                raise BenchError(f"The reader {way} has ended by itself ({complaint(reader)}).")
            return Seen(*map(int, answer.split()))

        yield seen


def complaint(reader: Command) -> str:
    """The last thing that a reader said before it ended."""
    return (reader.stderr.read().strip() or "it gave no reason").splitlines()[-1]


def in_pairs(
    sender: Sender, ways: dict[str, Way], datagrams: int, repeats: int
) -> dict[str, list[Run]]:
    """Flood without and with each way of counting, `repeats` times in turns."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in progress("Counting a flood", repeats):
        for name, way in ways.items():
            sender.flood(datagrams // 10)  # what came before has left the caches cold
            without = sender.flood(datagrams)
            with way() as seen:
                under = sender.flood(datagrams)
                runs[name].append(Run(without, under, seen()))
    return runs


def has_scapy() -> bool:
    """Whether scapy can be imported."""
    return importlib.util.find_spec("scapy") is not None


def measure(net: Network, loaded: LoadedObject, datagrams: int, repeats: int) -> list[Row]:
    """The rows about counting. Errors: BenchError, and those of each stage."""
    with Sender(net) as sender, tempfile.TemporaryDirectory() as cache:
        ways: dict[str, Way] = {
            NONE: lambda: nullcontext(lambda: Seen(0, 0, cpu=0)),
            COURSE: lambda: in_the_kernel(net, loaded),
            LOOP: lambda: in_python(net, sender, "loop", cache),
        }
        if has_scapy():
            ways[SCAPY] = lambda: in_python(net, sender, "scapy", cache)
        runs = in_pairs(sender, ways, datagrams, repeats)
    where = "a private lo" if net.private else "a lo that others use too, so that nothing is exact"
    unit = whole_cost(runs[COURSE])
    rows = [
        Row(f"**Counting** {repeats} floods of {datagrams:,} UDP datagrams over {where}"),
        without_a_counter(runs[NONE]),
        *(counted(name, runs[name], datagrams, unit) for name in ways if name != NONE),
    ]
    return rows if SCAPY in ways else [*rows, Row(SCAPY, "left out")]


def without_a_counter(runs: list[Run]) -> Row:
    """What sending costs, and by how much two floods differ that should not."""
    median = statistics.median(run.without for run in runs)
    noise = middle_half([run.added for run in runs])
    return Row(NONE, f"{duration(median)} to send one", f"adds {noise}: the noise")


def cpu_for_one(runs: list[Run]) -> float:
    """Nanoseconds that a reader works on one packet."""
    return statistics.median(run.seen.cpu / max(run.seen.packets, 1) for run in runs)


def whole_cost(runs: list[Run]) -> float:
    """Nanoseconds for one packet: what it adds to sending, and what a reader works on it."""
    return statistics.median(run.added for run in runs) + cpu_for_one(runs)


def counted(name: str, runs: list[Run], datagrams: int, unit: float) -> Row:
    """What one way of counting saw, and what that cost."""
    sent, packets = len(runs) * datagrams, sum(run.seen.packets for run in runs)
    exact = all(run.seen.bytes == datagrams * FRAME for run in runs)
    added = [run.added for run in runs]
    median = statistics.median(added)
    share = median / statistics.median(run.without for run in runs)
    parts = [
        f"{packets:,} of {sent:,} seen",
        f"bytes {'' if exact else 'not '}exact",
        f"adds {duration(median)} ({share:.0%}) to sending one",
    ]
    if name != COURSE:
        parts.append(f"reading one takes {duration(cpu_for_one(runs))} of another core")
    return Row(
        name,
        ", ".join(parts),
        f"adds {middle_half(added)}",
        times_as_much(whole_cost(runs), unit),
        verdict("misses nothing", exact) if name == COURSE else "",
    )
