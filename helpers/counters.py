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
# What is beyond the protocol numbers in the counters of chapter 12, as in bpf/protocols.h.
CLASSES = {"ARP": 256, "not IP": 257, "truncated": 258, "malformed": 259, "too many headers": 260}
NAMES = {number: name for name, number in (NUMBERS | CLASSES).items()}


class CounterError(CourseError):
    """The map cannot be read as counters, or the readings make no sense."""


def name(number: int) -> str:
    """The name of a protocol number, or the number itself: 6 is "TCP", 200 is "200".

    A number of CLASSES has a name, too.
    Source: IANA, Assigned Internet Protocol Numbers. Built in chapter 04.
    """
    return NAMES.get(number, str(number))


def number(name: str) -> int:
    """The protocol number behind a name, the way back from name(): "TCP" is 6, "200" is 200.

    A name of CLASSES gives its number, which is above 255.
    Errors: CounterError for anything else.
    Source: IANA, Assigned Internet Protocol Numbers. Built in chapter 04.
    """
    if name in CLASSES:
        return CLASSES[name]
    found = NUMBERS.get(name, int(name) if name.isdecimal() else -1)
    if not 0 <= found <= 255:
        raise CounterError(
            f"There is no protocol {name!r}: give a number from 0 to 255, or one of "
            f"{', '.join(NUMBERS)}."
        )
    return found


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
