"""What is compared with the predictions of chapter 09, classic_bpf."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.check import compare


def pings(prediction: str | None, count: int) -> None:
    """How many packets the socket got."""
    letter = {1: "a", 2: "b", 4: "c"}.get(count)
    compare(prediction, letter, "request and reply, each leaving and arriving; no UDP.")


def too_short(prediction: str | None, arrived: Sequence[int]) -> None:
    """What arrived of 30 bytes: the lengths."""
    letter = {(30,): "a", (): "c"}.get(tuple(arrived))
    compare(prediction, letter, "beyond the packet's end a filter returns 0.")


def judged_otherwise(prediction: str | None, count: int) -> None:
    """How many of the two packets both filters judge in different ways."""
    letter = {0: "a", 1: "b", 2: "c"}.get(count)
    compare(prediction, letter, "it misses the one, and takes the other for what it is not.")


def two_filters(prediction: str | None, arrived: Sequence[int]) -> None:
    """What the socket got with both attached: the lengths."""
    letters = {(98,) * 4: "a", (142,) * 2: "b", (): "c"}
    compare(prediction, letters.get(tuple(arrived)), "a socket has one place for a filter.")


def cut(prediction: str | None, arrived: bytes) -> None:
    """What arrived of the datagram."""
    letter = {b"Hello, filte": "a", b"Hell": "b", b"": "c"}.get(arrived)
    compare(prediction, letter, "12 bytes, and the first 8 are the UDP header.")
