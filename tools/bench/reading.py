"""The rows about reading all 256 counters: as memory, with 256 system calls, and with one.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
from functools import partial

from chapters.ch11.lookups import Read, in_one_batch, mean_time, one_by_one
from chapters.ch11.measuring import MeasuringError, take_turns
from helpers.counters import Counters
from helpers.loader import Map
from tools.bench.rows import Row, compared, verdict

MAPPED = "memory-mapped, as the course reads them"


def measure(counter_map: Map, repeats: int, reads: int) -> list[Row]:
    """The rows about reading: `repeats` times, in turns, the mean of so many `reads`."""
    with Counters(counter_map) as counters:
        ways: dict[str, Read] = {
            MAPPED: counters.read,
            "256 lookups": one_by_one(counter_map),
            "one batch lookup": in_one_batch(counter_map),
        }
        values = [read().tolist() for read in ways.values()]
        if values.count(values[0]) != len(values):
            raise MeasuringError(
                "Three ways to read the counters give different values: start again."
            )
        timed = {name: partial(mean_time, read, reads) for name, read in ways.items()}
        times = take_turns(timed, repeats, "Reading all counters")
    mapped, looked_up, _ = map(statistics.median, times.values())
    return [
        Row(f"**Reading** {counter_map.max_entries} counters, {repeats} times {reads:,}"),
        *compared(times, verdict("256 lookups take 100 times as long", looked_up / mapped >= 100)),
    ]
