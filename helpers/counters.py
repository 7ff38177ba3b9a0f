"""Every counter at once, and what the numbers mean.

The fifth stage of the road. Built in chapter 04, live_plot.
"""

from __future__ import annotations

import mmap

import numpy as np

from helpers.errors import CourseError
from helpers.loader import Map

# Protocol numbers of the Internet protocol suite, as IANA keeps them.
NUMBERS = {
    "HOPOPT": 0,
    "ICMP": 1,
    "IGMP": 2,
    "TCP": 6,
    "UDP": 17,
    "IPv6": 41,
    "GRE": 47,
    "ESP": 50,
    "ICMPv6": 58,
    "OSPF": 89,
    "SCTP": 132,
}
NAMES = {number: name for name, number in NUMBERS.items()}


class CounterError(CourseError):
    """The map cannot be read as counters."""


def name(number: int) -> str:
    """The name of a protocol number, or the number itself: 6 is "TCP", 200 is "200".

    Source: IANA, Assigned Internet Protocol Numbers. Built in chapter 04.
    """
    return NAMES.get(number, str(number))


class Counters:
    """The values of an array map, read as plain memory: no system call, whatever their number.

    Arguments:
        map: an array map of 64-bit values, made with BPF_F_MMAPABLE.
    Errors: CounterError.
    Source: mmap(2); bpf(2). Built in chapter 04.
    """

    def __init__(self, map: Map) -> None:
        if map.value_size != 8:
            raise CounterError(
                f"The values of {map.name} have {map.value_size} bytes, a counter has 8."
            )
        try:
            # chapter 04: begin mmap
            memory = mmap.mmap(map.fd, map.max_entries * 8, mmap.MAP_SHARED, mmap.PROT_READ)
            values = np.frombuffer(memory, dtype=np.uint64)
            # chapter 04: end mmap
        except OSError as error:
            raise CounterError(
                f"The map {map.name} cannot be mapped into memory ({error.strerror}): give it "
                "map_flags BPF_F_MMAPABLE (Linux 5.5 and later), and keep its object open."
            ) from error
        self._values = values

    def read(self) -> np.ndarray:
        """All values now, a copy: shape (max_entries,), uint64."""
        return self._values.copy()


def rate(before: np.ndarray, after: np.ndarray, seconds: float) -> np.ndarray:
    """Bytes per second between two readings that lie `seconds` apart.

    Arguments: two arrays of the same shape, in bytes; the seconds as measured.
    Result: an array of that shape, float. Built in chapter 04.
    """
    # chapter 04: begin rate
    return (after - before) / seconds
    # chapter 04: end rate
