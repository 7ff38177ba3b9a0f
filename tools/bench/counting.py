"""The rows about counting: a flood of datagrams, the ways to count it, and what they cost.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import nullcontext
from functools import partial

from chapters.ch11.flood import (
    FRAME,
    Run,
    Seen,
    Sender,
    Way,
    in_pairs,
    in_python,
    in_the_kernel,
    whole_cost,
)
from chapters.ch11.measuring import duration, middle_half, times_as_much
from helpers.loader import LoadedObject
from helpers.netlab import Network
from tools.bench.rows import Row, verdict

NONE, COURSE = "no counter", "the course's program, in the kernel"
READERS = {
    "a Python loop over an AF_PACKET socket": "loop",
    "tcpdump, piped into Python": "tcpdump",
    "scapy's sniff": "scapy",
}


def floods(
    net: Network, loaded: LoadedObject, datagrams: int, repeats: int
) -> dict[str, list[Run]]:
    """Count floods in every way, in turns. Errors: MeasuringError, SocketError, NetworkError."""
    with Sender(net) as sender, tempfile.TemporaryDirectory() as cache:
        ways: dict[str, Way] = {
            NONE: lambda: nullcontext(lambda: Seen(0, 0, cpu=0)),
            COURSE: lambda: in_the_kernel(net, loaded),
        }
        for name, way in READERS.items():
            ways[name] = partial(in_python, net, sender, way, cache)
        return in_pairs(sender, ways, datagrams, repeats)


def measure(net: Network, loaded: LoadedObject, datagrams: int, repeats: int) -> list[Row]:
    """The rows about counting. Errors: MeasuringError, SocketError, NetworkError."""
    runs = floods(net, loaded, datagrams, repeats)
    where = "a private lo" if net.private else "a lo that others use too, so that nothing is exact"
    unit = whole_cost(runs[COURSE])
    return [
        Row(f"**Counting** {repeats} floods of {datagrams:,} UDP datagrams over {where}"),
        without_a_counter(runs[NONE]),
        *(counted(name, runs[name], datagrams, unit) for name in runs if name != NONE),
    ]


def without_a_counter(runs: list[Run]) -> Row:
    """What sending costs, and by how much two floods differ that should not."""
    median = statistics.median(run.without for run in runs)
    noise = middle_half([run.added for run in runs])
    return Row(NONE, f"{duration(median)} to send one", f"adds {noise}: the noise")


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
        reading = statistics.median(run.reading for run in runs)
        parts.append(f"reading one takes {duration(reading)} of another core")
    return Row(
        name,
        ", ".join(parts),
        f"adds {middle_half(added)}",
        times_as_much(whole_cost(runs), unit),
        verdict("misses nothing", exact) if name == COURSE else "",
    )
