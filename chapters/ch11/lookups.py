"""Two ways to ask the kernel for all counters of an array map, and what one reading costs.

Laboratory equipment of chapter 11, measuring. The third way, memory, is counters.Counters, built in
chapter 04.
"""

from __future__ import annotations

import ctypes
import timeit
from collections.abc import Callable

import numpy as np

from chapters.ch11.measuring import MeasuringError
from helpers import libbpf
from helpers.loader import Map

Read = Callable[[], np.ndarray]


def one_by_one(counters: Map) -> Read:
    """A function that looks every counter up, with a system call each.

    The buffers are made beforehand, which favours it. Source: bpf(2).
    """
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
    """A function that asks the kernel for all counters at once.

    Errors: it raises MeasuringError where the kernel has no such call.
    Source: bpf/bpf.h, bpf_map_lookup_batch; Linux 5.6.
    """
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
            raise MeasuringError("This kernel has no batch lookup: it takes Linux 5.6 or later.")
        return values

    return read


def mean_time(read: Read, reads: int) -> float:
    """Nanoseconds for one reading, the mean of so many."""
    return timeit.timeit(read, number=reads) * 1e9 / reads
