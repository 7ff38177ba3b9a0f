"""What is compared with the predictions of chapter 13, one_packets_journey."""

from __future__ import annotations

from helpers.check import compare


def three_pings(prediction: str | None, events: int) -> None:
    """How many events the one tracepoint told of three pings."""
    letter = {3: "a", 6: "b", 12: "c"}.get(events)
    compare(prediction, letter, "three requests and three replies came in.")


def addresses(prediction: str | None, count: int) -> None:
    """How many different addresses the skbs of ten pings had."""
    letter = "c" if count < 12 else "b" if 15 <= count < 30 else "a" if count >= 40 else None
    compare(prediction, letter, "what is given back is handed out again, the last first.")


def tapped(prediction: str | None, skbs: int) -> None:
    """How many skbs one datagram became."""
    letter = {1: "a", 2: "b", 3: "c"}.get(skbs)
    compare(prediction, letter, "the packet itself, and two clones of it.")
