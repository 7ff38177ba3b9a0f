"""Checks of chapter 00, start_here."""

from __future__ import annotations

from helpers.checks import Verdict, not_attempted, not_yet, right


def frame_length(answer: int | None) -> Verdict:
    """Exercise 1: the length of a ping's frame, headers and all."""
    if answer is None:
        return not_attempted("Replace None by a number, then run that cell and this one again.")
    if answer == 14 + 20 + 8 + 56:
        return right("98 bytes. You will meet this number again.")
    if answer == 20 + 8 + 56:
        return not_yet("That is the packet without its Ethernet header.")
    if answer == 14 + 20 + 8:
        return not_yet("Those are the headers; the data is missing.")
    return not_yet("Add the three headers and the 56 bytes of data.")


def ethertype(answer: int | None, frame: bytes) -> Verdict:
    """Exercise 2: bytes 12 and 13 of the frame that was caught, larger part first."""
    if answer is None:
        return not_attempted("Replace None by an expression with frame in it.")
    if answer == int.from_bytes(frame[12:14], "big"):
        return right(f"{answer} is {answer:#06x}, which stands for IPv4.")
    if answer == int.from_bytes(frame[12:14], "little"):
        return not_yet("The right bytes, the smaller part first: which order does the network use?")
    if isinstance(answer, bytes | str):
        return not_yet("Those are the bytes; make one number of them.")
    return not_yet("Which slice of the frame holds bytes 12 and 13?")
