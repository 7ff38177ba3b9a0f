"""What the verifier knows of a register or a place on the stack, in words and in numbers.

Laboratory equipment, first used in chapter 08, the_verifier. The log's notation differs between
kernels: a number of which nothing is known is `scalar()`, or before Linux 5.18 `inv(id=0)`; the
constant 4 is `4` or `inv4`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

POINTERS = ("ctx", "fp", "map_", "pkt", "sock", "tcp_sock", "xdp_sock", "ptr_", "mem", "rdonly_")
POINTERS += ("trusted_", "untrusted_", "rcu_", "ringbuf_", "alloc_", "buf", "func", "flow_keys")
SOCKETS = ("sock", "sock_common", "tcp_sock", "xdp_sock")
RECORDS = ("mem", "ringbuf_mem", "alloc_mem")  # what a ring buffer reserves, by Linux version
CONSTANT = re.compile(r"(?:inv|scalar|P)?(-?(?:0x[0-9a-f]+|\d+))$", re.IGNORECASE)
# One character for each byte of a place on the stack, the highest address first; ? is unwritten.
BYTES = re.compile(r"[?mr0idf]{8}$")
U64_MAX, U32_MAX = (1 << 64) - 1, (1 << 32) - 1
S64_MIN, S64_MAX = -(1 << 63), (1 << 63) - 1


def is_pointer(value: str) -> bool:
    """Whether it is an address, of whatever."""
    return value.startswith(POINTERS)


def kind(value: str) -> str:
    """What kind of thing it is, such as "map_value"; "number" for each number, "" for nothing."""
    if is_number(value):
        return "number"
    return re.match(r"[a-z_]*", value)[0].removesuffix("_or_null")


def may_be_null(value: str) -> bool:
    return "_or_null" in value.partition("(")[0]


def map_name(value: str) -> str:
    """The name of the map that an address belongs to, as far as the log has it: 15 letters."""
    name = re.search(r"map=([^,)]+)", value)
    return name[1] if name else ""


def is_number(value: str) -> bool:
    return bool(value) and (value.startswith(("inv", "scalar")) or bool(CONSTANT.match(value)))


def constant(value: str) -> int | None:
    """The number, if it is one that is known exactly."""
    number = CONSTANT.match(value)
    return int(number[1], 0) if number else None


def attribute(value: str, *names: str) -> int | None:
    """A number that the log gives under one of these names, such as ks, a map's key size."""
    for name in names:
        number = re.search(rf"(?<!\w)(?:\w+=)*{name}=(?:\w+=)*(-?(?:0x[0-9a-f]+|\d+))", value)
        if number:
            return int(number[1], 0)
    return None


def limits(value: str) -> tuple[int, int] | None:
    """The smallest and the largest that a number can be, unsigned; None if it is no number."""
    if not is_number(value):
        return None
    known = constant(value)
    if known is not None:
        return known, known
    low = attribute(value, "umin_value", "umin")
    high = attribute(value, "umax_value", "umax")
    return low or 0, U64_MAX if high is None else high


def signed_limits(value: str) -> tuple[int, int]:
    """The smallest and the largest that a number, or the part of an address that is not known
    exactly, can be, signed."""
    known = constant(value)
    if known is not None:
        known = _signed(known)
        return known, known
    low, high = attribute(value, "smin_value", "smin"), attribute(value, "smax_value", "smax")
    umin, umax = attribute(value, "umin_value", "umin"), attribute(value, "umax_value", "umax")
    positive = umax is not None and umax <= S64_MAX
    if low is None:
        low = (umin or 0) if positive else S64_MIN
    if high is None:
        high = umax if positive else S64_MAX
    return _signed(low), _signed(high)


def _signed(number: int) -> int:
    return number - (1 << 64) if number > S64_MAX else number


def moved(value: str) -> tuple[int, int]:
    """How far an address lies from where what it points to begins: the least and the most."""
    low = high = attribute(value, "off") or 0
    if "var_off" in value:
        least, most = signed_limits(value.partition("(")[2])
        return low + least, high + most
    exact = attribute(value, "imm") or 0
    return low + exact, high + exact


def stack_offset(value: str) -> int | None:
    """-4 for fp-4, 0 for fp0: where an address on the stack lies, below the stack's upper end."""
    offset = re.fullmatch(r"fp(-?\d+)", value)
    return int(offset[1]) if offset else None


def written(registers: Mapping[str, str]) -> set[int]:
    """The bytes of the stack that hold something, as offsets: -8 is the lowest byte of fp-8."""
    held = set()
    for name, value in registers.items():
        if name.startswith("fp"):
            lowest = int(name[2:])
            unwritten = value if BYTES.match(value) else re.match(r"\?*", value)[0].ljust(8, "m")
            held |= {lowest + 7 - at for at, sign in enumerate(unwritten) if sign != "?"}
    return held


def in_words(value: str) -> str:
    """What it is, for a reader: "number 0 to 255", "map value or null", "stack, 4 below the end".

    The log's own notation where there are no words for it.
    """
    if (number := limits(value)) is not None:
        low, high = number
        if low == high:
            return str(low)
        return "number" if (low, high) == (0, U64_MAX) else f"number {short(low)} to {short(high)}"
    offset = stack_offset(value)
    if offset is not None:
        return f"stack, {-offset} below its end" if offset else "stack, its end"
    if above := re.match(r"fp\[\d+\](-\d+)", value):
        return f"a caller's stack, {-int(above[1])} below its end"
    if value.startswith("pkt_end"):
        return "end of the packet"
    if value.startswith("pkt"):
        checked = attribute(value, "r") or 0
        # Below zero, however it is written: compared, and found to lie behind the end.
        behind = not 0 <= checked < 1 << 31
        return "packet, behind its end" if behind else f"packet, {checked} bytes checked"
    names = {
        "ctx": "context",
        "map_ptr": "map",
        "map_value_or_null": "map value or null",
        "map_value": "map value",
    }
    return names.get(re.match(r"\w*", value)[0], value)


def what(value: str) -> str:
    """What kind of thing it is, for a sentence."""
    names = {"number": "a number", "ctx": "the context", "pkt": "the packet", "fp": "the stack"}
    names |= {"pkt_end": "the end of the packet", "pkt_meta": "the metadata", "map_ptr": "a map"}
    names |= {"map_value": "a map's value"}
    return names.get(kind(value), "a socket" if kind(value) in SOCKETS else "something else")


def short(number: int) -> str:
    """A number as one says it: the largest of 32 or 64 bits by name."""
    return {U32_MAX: "2^32-1", U64_MAX: "2^64-1"}.get(number, str(number))
