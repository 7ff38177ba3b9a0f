"""What is compared with the predictions of chapter 08, the_verifier."""

from __future__ import annotations

from helpers.check import compare


def steps(prediction: str | None, count: int) -> None:
    """How many steps the verifier took for five instructions."""
    letter = {5: "a", 7: "b"}.get(count, "c")
    compare(prediction, letter, "two instructions lie on both paths.")


def unasked(prediction: str | None, source: str) -> None:
    """At which line of C the program without its question was refused."""
    letter = "c" if "__sync_fetch_and_add" in source else "b"
    compare(prediction, letter, "a lookup that finds nothing is no fault. Going there is.")


def unbounded(prediction: str | None, source: str) -> None:
    """At which line of C the program was refused that does not ask where the packet ends."""
    letter = "c" if "ip->protocol" in source else "b" if "skb->data" in source else "a"
    why = "to have an address is no fault; nothing has shown where it ends."
    compare(prediction, letter, why)
