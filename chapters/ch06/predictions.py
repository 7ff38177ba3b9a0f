"""What is compared with the predictions of chapter 06, the_bpf_system_call."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from helpers.check import compare


def next_number(prediction: str | None, numbers: Sequence[int]) -> None:
    """The number that the file had, and the map's; none if there was no map."""
    letter = {numbers[0]: "a", 0: "b"}.get(numbers[1], "c") if len(numbers) == 2 else None
    compare(prediction, letter, "the kernel gives the lowest number that the process does not use.")


def beyond(prediction: str | None, map_fd: int, found: int) -> None:
    """What reading behind the last entry gave; map_fd: below 0 if there was no map."""
    letter = "a" if found == 0 else "b" if found > 0 else "c"
    why = "the kernel checks each key; below zero is an error number."
    compare(prediction, letter if map_fd >= 0 else None, why)


def same_order(prediction: str | None, map_fd: int, found: int) -> None:
    """What entry 1 of the map says that was made by the same order."""
    letter = {98: "a", 0: "b"}.get(found, "c") if map_fd >= 0 else None
    compare(prediction, letter, "the order was the same, but each call makes a map of its own.")


def received(prediction: str | None, length: int) -> None:
    """How many bytes of a datagram the socket got."""
    letter = {142: "a", 23: "b", 17: "c"}.get(length)
    compare(prediction, letter, "17 is UDP's protocol number. ICMP's is 1.")


def written_beyond(prediction: str | None, answer: int) -> None:
    """What writing behind the last entry gave: 0, or an error number below zero."""
    letter = {-errno.ENOENT: "a", 0: "b", -errno.E2BIG: "c"}.get(answer)
    why = "no list is meant: this is how the kernel says that there is no room."
    compare(prediction, letter, why)
