"""What is compared with the predictions of chapter 10, containers."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.capabilities import mask
from helpers.check import compare


def two_networks(prediction: str | None, counted: Sequence[int]) -> None:
    """The counter after ten datagrams in one network, and after ten in the other."""
    letters = {(1420, 1420): "c", (1420, 2840): "b"}
    why = "10 x 142 bytes from the first network, and as many again from the second."
    compare(prediction, letters.get(tuple(counted)), why)


def stopped_at(prediction: str | None, status: int, said: str) -> None:
    """Where the demo stopped, by its exit status and what it said of it."""
    letter = "b" if "bpf(2)" in said else "a" if "clang" in said else None
    why = "clang needs no bpf(2); the first thing that does is the map, which loading creates."
    compare(prediction, "d" if status == 0 else letter, why)


def least(prediction: str | None, works: Sequence[int]) -> None:
    """With which sets of capabilities the count was right, of those that the letters name."""
    letters = {0: "a", mask("CAP_BPF"): "b", mask("CAP_BPF", "CAP_NET_RAW"): "c"}
    letters[mask("CAP_SYS_ADMIN")] = "d"
    letter = min((letters[held] for held in works if held in letters), default=None)
    compare(prediction, letter, "the socket came from elsewhere.")
