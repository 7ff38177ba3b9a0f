"""What is compared with the predictions of chapter 01, kernel_config."""

from __future__ import annotations

from helpers.check import compare


def without_capabilities(prediction: str | None, answer: str) -> None:
    """Section 6: what a process without capabilities is told."""
    letters = {"works": "a", "Invalid argument": "b", "Operation not permitted": "c"}
    compare(prediction, letters.get(answer), "the kernel still can; it depends on who asks.")
