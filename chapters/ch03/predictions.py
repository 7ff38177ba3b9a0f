"""What is compared with the predictions of chapter 03, load_attach_count."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.check import compare


def closed_port(prediction: str | None, growth: Mapping[str, int]) -> None:
    """Which of the counters have grown; growth: bytes by protocol."""
    letters = {("UDP",): "a", (): "b", ("UDP", "ICMP"): "c"}
    grown = tuple(name for name in growth if growth[name])
    compare(prediction, letters.get(grown), "the kernel answers for the port, by ICMP.")


def over_ipv6(prediction: str | None, landed: Mapping[int, int] | None) -> None:
    """Where the bytes of an IPv6 ping landed: bytes by slot, None if there was no ping."""
    letter = {1: "a", 58: "b"}.get(min(landed), "c") if landed else None
    why = "they are in slot 0. 236 is 2 x 118: IPv6 headers are 20 bytes longer."
    compare(prediction, letter, why)


def returning_0(prediction: str | None, others: int | str, ours: int | str) -> None:
    """What two sockets got of a ping: its length in bytes, or "nothing"."""
    letters = {("nothing", "nothing"): "a", (98, "nothing"): "b", (98, 98): "c"}
    compare(prediction, letters.get((others, ours)), "ping got its answer, others their 98 bytes.")


def full_queue(prediction: str | None, seen: int, sent: int) -> None:
    """How many of the bytes that were sent the program has seen."""
    letter = {sent: "a", 0: "c"}.get(seen, "b")
    compare(prediction, letter, "the program runs as each frame passes, before it is queued.")
