"""Checks of chapter 00, start_here."""

from __future__ import annotations

from helpers.check import NO_NUMBER, Verdict, as_number, not_attempted, not_yet, right


def frame_length(answer: int | None) -> Verdict:
    """Exercise 1: the length of a ping's frame, headers and all."""
    if answer is None:
        return not_attempted("Replace None by a number, then run that cell and this one again.")
    length = as_number(answer)
    if length is None:
        return NO_NUMBER
    if length == 14 + 20 + 8 + 56:
        return right("98 bytes. You will meet this number again.")
    if length == 20 + 8 + 56:
        return not_yet("That is the packet without its Ethernet header.")
    if length == 14 + 20 + 8:
        return not_yet("Those are the headers; the data is missing.")
    return not_yet("Add the three headers and the 56 bytes of data.")


def ethertype(answer: int | None, frame: bytes) -> Verdict:
    """Exercise 2: bytes 12 and 13 of the frame that was caught, larger part first."""
    if answer is None:
        return not_attempted("Replace None by an expression with frame in it.")
    wanted = int.from_bytes(frame[12:14], "big")
    number = as_number(answer)
    if number is None:
        return not_yet("Make one number of the two bytes.")
    if number == wanted:
        return right(f"{wanted} is {wanted:#06x}, which stands for IPv4.")
    if number == 800:
        return not_yet("The 08 00 is hexadecimal; Python writes that 0x0800.")
    if number == frame[13]:
        return not_yet("That is byte 13 alone; one number is wanted of two bytes.")
    if number == frame[12]:
        return not_yet(
            "That is byte 12 alone, or both with the smaller part first: the larger comes first."
        )
    return not_yet("Which slice of the frame holds bytes 12 and 13?")
