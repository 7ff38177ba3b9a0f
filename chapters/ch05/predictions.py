"""What is compared with the predictions of chapter 05, bcc."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from helpers.check import compare


def longest(prediction: str | None, took: Mapping[str, float]) -> None:
    """Which step took the longest, of those with bcc; took: milliseconds by step."""
    letters = {"bcc:    compile": "a", "bcc:    load, verify": "b", "either: attach": "c"}
    most = max(letters, key=took.__getitem__)
    compare(prediction, letters[most], "its clang passes over hundreds of kernel headers.")


def by_bcc(prediction: str | None, grew: int) -> None:
    """By how many bytes the counter grew that bcc itself had attached."""
    why = "the socket was opened where this notebook lives: on the machine's lo."
    compare(prediction, {196: "a", 0: "b", 98: "c"}.get(grew), why)


def full_table(prediction: str | None, pairs: Collection, loud: object, sent: int) -> None:
    """What a full table keeps: of so many pairs that sent something, and of the loud one."""
    letter = "a" if loud not in pairs else "b" if len(pairs) == sent else "c"
    compare(prediction, letter, "LRU: the old make room.")


def slots(prediction: str | None, filled: Collection[int]) -> None:
    """Which slots of the histogram the pings have filled."""
    letters = {(6, 10): "a", (7, 11): "b", (98, 1042): "c"}
    why = "the whole frames have 98 and 1042 bytes: 7 and 11 binary digits."
    compare(prediction, letters.get(tuple(sorted(filled))), why)
