"""What is compared with the predictions of chapter 12, beyond_sockex1."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from helpers.check import compare


def four_addresses(prediction: str | None, found: Collection[str]) -> None:
    """Which classes have grown in the new program."""
    why = "ICMP and ICMPv6. sockex1 found UDP, HOPOPT and too much ICMP in the same frames."
    compare(prediction, {1: "a", 2: "b", 4: "c"}.get(len(found)), why)


def tagged(prediction: str | None, left: Iterable[str], right: Iterable[str]) -> None:
    """Which classes were found at each end."""
    letters = {("not IP", "not IP"): "a", ("UDP", "UDP"): "b", ("not IP", "UDP"): "c"}
    letter = letters.get((*left, *right))
    compare(prediction, letter, "the tag is in the bytes on the left alone.")


def hop_by_hop(prediction: str | None, found: str) -> None:
    """The class of the datagram behind a hop-by-hop header."""
    letter = {"UDP": "a", "HOPOPT": "b", "not IP": "c"}.get(found)
    why = "number 0 follows the IPv6 header, and 0 is HOPOPT: this time it really is one."
    compare(prediction, letter, why)


def port_6(prediction: str | None, found: Collection[str]) -> None:
    """Where sockex1 counted the datagram in the tunnel."""
    letter = {("UDP",): "a", ("TCP",): "b", (): "c"}.get(tuple(found))
    why = "byte 23 is the low byte of the port, and 6 is TCP. The same program, a third miscount."
    compare(prediction, letter, why)


def broken_frame(prediction: str | None, seen: Mapping[str, Collection[str]]) -> None:
    """At which places the broken frame was seen; seen: classes by place."""
    places = {place for place in seen if "truncated" in seen[place]}
    on_the_right = {place for place in places if "right" in place}
    letter = "b" if not on_the_right else "c" if on_the_right == {"XDP right"} else None
    letter = "a" if places == set(seen) - {"XDP left"} else letter
    why = "the kernel cannot take that tag off, and drops the frame before the tap. XDP is earlier."
    compare(prediction, letter, why)


def longest(prediction: str | None, length: int) -> None:
    """The length of the longest frame, in bytes."""
    letter = "a" if length <= 1514 else "b" if 7000 < length < 11_000 else None
    letter = "c" if length > 30_000 else letter
    compare(prediction, letter, "although lo was told to carry 1500 bytes and no more.")
