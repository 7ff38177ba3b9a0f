"""What is compared with the predictions of chapter 11, measuring."""

from __future__ import annotations

from collections.abc import Sequence

from chapters.ch11.race import Order
from helpers.check import compare


def second_flood(prediction: str | None, change: float) -> None:
    """How the second flood differs from the first, as a part of it."""
    letter = "b" if abs(change) < 0.02 else "a" if change > 0 else "c"
    compare(prediction, letter, f"the second flood differs by {change:+.0%}. Do not believe it.")


def sniffed(prediction: str | None, seen: float, sent: int) -> None:
    """How many of the datagrams scapy saw, in the median."""
    letter = "a" if seen == sent else "b" if seen > sent / 2 else "c"
    compare(prediction, letter, f"it saw {seen:,.0f}, and lost {sent - seen:,.0f}.")


def plain_counter(prediction: str | None, lost: int, sent: int) -> None:
    """How many packets the plain counter lost."""
    if not lost:
        print("None was lost this time: the two hardly met. Run the cell above again.")
        print("(A machine with one processor never loses any: there the two cannot meet.)")
        return
    compare(prediction, "b" if 2 * lost == sent else "c", f"{lost:,} updates were lost.")


def orders(prediction: str | None, every: Sequence[Order]) -> None:
    """In how many of the orders nothing is lost."""
    exact = sum(not order.lost for order in every)
    near = {0.5: "a", 0.1: "b", 0.02: "c"}
    letter = near[min(near, key=lambda part: abs(part - exact / len(every)))]
    compare(prediction, letter, f"{exact} of {len(every)} orders lose nothing.")


def held_up(prediction: str | None, total: int, all_bytes: int) -> None:
    """What the counters say after a third of the readings never happened, and what passed."""
    missing = 1 - total / all_bytes
    letter = "c" if not missing else "a" if abs(missing - 1 / 3) < 0.03 else "b"
    compare(
        prediction, letter, "a counter remembers. The next reading has what the last one missed."
    )
