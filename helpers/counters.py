"""Every counter at once, and how fast they grow.

The fifth stage of the road. Built in chapter 04, live_plot.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import CourseError
from helpers.uapi import BPF_F_MMAPABLE

if TYPE_CHECKING:
    from helpers.loader import Map


class CounterError(CourseError):
    """The map cannot be read as counters, or the readings make no sense."""


class Counters:
    """The values of an array map, read as plain memory: no system call, whatever their number.

    Arguments:
        counter_map: an array map of 64-bit values, made with BPF_F_MMAPABLE.
    Use it with `with`, or close() it: until then the map stays in the kernel.
    Errors: CounterError.
    Source: mmap(2); bpf(2). Built in chapter 04.
    """

    def __init__(self, counter_map: Map) -> None:
        if counter_map.value_size != 8:
            raise CounterError(
                f"The values of {counter_map.name} have {counter_map.value_size} bytes, "
                "a counter has 8."
            )
        try:
            # chapter 04: begin mmap
            length = counter_map.max_entries * 8
            memory = mmap.mmap(counter_map.fd, length, mmap.MAP_SHARED, mmap.PROT_READ)
            values = np.frombuffer(memory, dtype=np.uint64)
            # chapter 04: end mmap
        except OSError as error:
            from helpers import features  # to say why, which is rarely asked

            if lack := features.lacking([("flag", BPF_F_MMAPABLE)]):
                raise CounterError(lack) from error
            raise CounterError(
                f"The map {counter_map.name} cannot be mapped into memory: give it map_flags "
                "BPF_F_MMAPABLE (Linux 5.5 and later), and keep its object open."
            ) from error
        self._name = counter_map.name
        self._memory, self._values = memory, values

    def read(self) -> np.ndarray:
        """All values now, a copy: shape (max_entries,), uint64, in bytes.

        Errors: CounterError if the counters are closed.
        """
        if self._memory.closed:
            raise CounterError(f"The counters of {self._name} are closed: load the program again.")
        return self._values.copy()

    def close(self) -> None:
        """Give the memory back; the kernel frees the map once nobody else holds it."""
        self._values = np.empty(0, dtype=np.uint64)  # a view keeps the memory from closing
        self._memory.close()

    def __enter__(self) -> Counters:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def rate(before: np.ndarray, after: np.ndarray, seconds: float) -> np.ndarray:
    """Bytes per second between two readings that lie `seconds` apart.

    Arguments: two arrays of the same shape, in bytes; the seconds as measured.
    Result: an array of that shape, float.
    Errors: CounterError if no time has passed, or a counter has shrunk. Built in chapter 04.
    """
    if seconds <= 0:
        raise CounterError("Two readings at the same moment give no rate: let time pass between.")
    if np.any(after < before):
        raise CounterError(
            "A counter has shrunk: somebody cleared it, or the readings are of two maps. "
            "Make a new plot."
        )
    # chapter 04: begin rate
    return (after - before) / seconds
    # chapter 04: end rate
