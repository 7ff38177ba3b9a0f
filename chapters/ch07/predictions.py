"""What is compared with the predictions of chapter 07, inside_the_bytecode."""

from __future__ import annotations

from helpers.check import compare


def wrapped(prediction: str | None, result: int) -> None:
    """What the program returned that adds 2 to -1."""
    compare(prediction, {1: "a", 2**64 + 1: "b"}.get(result), "-1 is all ones; adding 2 runs over.")


def first_difference(prediction: str | None, opcode: int) -> None:
    """The opcode of the first instruction that left another register behind in the two walks."""
    letters = {0x30: "a", 0x55: "b", 0x85: "c"}
    compare(prediction, letters.get(opcode), "it reads another byte 23.")
