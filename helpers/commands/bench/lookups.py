"""Reading all 256 counters: as memory, with 256 system calls, and with one.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import ctypes
import statistics
import timeit
from collections.abc import Callable
from functools import partial

import numpy as np

from helpers import libbpf
from helpers.commands.bench.rows import BenchError, Row, compared, take_turns, verdict
from helpers.counters import Counters
from helpers.loader import Map

Read = Callable[[], np.ndarray]


def one_by_one(counters: Map) -> Read:
    """A function that looks every counter up. The buffers are made beforehand, which favours it."""
    keys = np.arange(counters.max_entries, dtype=np.uint32)
    values = np.zeros(counters.max_entries, dtype=np.uint64)
    key_places = range(keys.ctypes.data, keys.ctypes.data + keys.nbytes, keys.itemsize)
    value_places = range(values.ctypes.data, values.ctypes.data + values.nbytes, values.itemsize)
    places = list(zip(key_places, value_places, strict=True))
    lookup, map_fd = libbpf.library().bpf_map_lookup_elem, counters.fd

    def read(keep: np.ndarray = keys) -> np.ndarray:  # keys live as long as their addresses
        for key, value in places:
            lookup(map_fd, key, value)
        return values

    return read


def in_one_batch(counters: Map) -> Read:
    """A function that asks the kernel for all counters at once. Source: bpf/bpf.h; Linux 5.6."""
    keys = np.zeros(counters.max_entries, dtype=np.uint32)
    values = np.zeros(counters.max_entries, dtype=np.uint64)
    position, count = ctypes.c_uint32(), ctypes.c_uint32()
    pointers = [None, ctypes.addressof(position), keys.ctypes.data, values.ctypes.data]
    lookup, map_fd = libbpf.library().bpf_map_lookup_batch, counters.fd
    lookup.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 6]

    # Both live as long as their addresses are in use.
    def read(keep: tuple[object, ...] = (keys, position)) -> np.ndarray:
        count.value = len(values)
        if lookup(map_fd, *pointers, ctypes.addressof(count), None):
            raise BenchError("This kernel has no batch lookup: it takes Linux 5.6 or later.")
        return values

    return read


def mean_time(read: Read, reads: int) -> float:
    """Nanoseconds for one reading, the mean of so many."""
    return timeit.timeit(read, number=reads) * 1e9 / reads


def measure(counter_map: Map, repeats: int, reads: int) -> list[Row]:
    """The rows about reading: `repeats` times, in turns, the mean of so many `reads`."""
    with Counters(counter_map) as counters:
        ways: dict[str, Read] = {
            "memory-mapped, as the course reads them": counters.read,
            "256 lookups": one_by_one(counter_map),
            "one batch lookup": in_one_batch(counter_map),
        }
        values = [read().tolist() for read in ways.values()]
        if values.count(values[0]) != len(values):
            raise BenchError("Three ways to read the counters give different values: start again.")
        timed = {name: partial(mean_time, read, reads) for name, read in ways.items()}
        times = take_turns("Reading all counters", timed, repeats)
    mapped, looked_up, _ = map(statistics.median, times.values())
    return [
        Row(f"**Reading** {counter_map.max_entries} counters, {repeats} times {reads:,}"),
        *compared(times, verdict("256 lookups take 100 times as long", looked_up / mapped >= 100)),
    ]
