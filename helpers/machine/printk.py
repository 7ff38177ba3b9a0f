"""What bpf_trace_printk and bpf_trace_vprintk make of a format and its values, as the kernel does.

Built in chapter 07, inside_the_bytecode. bpf_printk of <bpf/bpf_helpers.h> calls one of the two.
Source: bpf-helpers(7); bpf_bprintf_prepare() in kernel/bpf/helpers.c.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

from helpers.machine.arithmetic import signed
from helpers.machine.faults import BadArgument

# %, then flags and a width, then what is to be written.
PLACEHOLDER = re.compile(
    r"%(?:(?P<percent>%)|(?P<form>[0+\- ]*(?:[1-9]\d*)?)"
    r"(?:(?P<long>l{0,2})(?P<number>[diuxX])|(?P<text>[cs])|p(?P<pointer>[Ii][46]|[xK]?)))"
)
PRINTABLE, BYTES = string.printable.encode(), "latin-1"  # a character for each byte
ALONE = "sp"  # what no letter may follow
ADDRESSES = {"4": 4, "6": 16}  # how many bytes %pI4 and %pI6 read

Reader = Callable[[int, int], bytes]


def formatted(form: bytes, values: Sequence[int | None], read: Reader) -> bytes | None:
    """A line for the trace; None if the kernel refuses the format (it answers EINVAL).

    Characters beyond ASCII are taken, as Linux 6.18 does.

    Arguments: form: the format, up to a zero byte. values: one for each placeholder, at most.
        read: gives so many bytes from an address.
    Errors: BadArgument for a value that was never set, BadAddress.
    """
    text, ended, _ = form.partition(b"\0")
    if not ended or any(byte < 128 and byte not in PRINTABLE for byte in text):
        return None
    left, line, at = iter(values), "", 0
    words = text.decode(BYTES)
    while (place := words.find("%", at)) >= 0:
        found = PLACEHOLDER.match(words, place)
        if found is None:
            return None
        following = words[found.end() : found.end() + 1]
        if found[0][-1] in ALONE and following.isalnum():
            return None
        line += words[at:place]
        at = found.end()
        if found["percent"]:
            line += "%"
            continue
        value = next(left, "none")
        if value == "none":
            return None
        if value is None:
            raise BadArgument(f"trace_printk is given no value for {found[0]}.")
        line += one(found, value, read)
    return (line + words[at:]).encode(BYTES)


def one(found: re.Match, value: int, read: Reader) -> str:
    """What a value looks like in the place of %d, %x, ..."""
    form, letter = f"%{found['form']}", found["number"] or found["text"]
    if found["number"]:
        bits = 64 if found["long"] else 32
        number = signed(value, bits) if letter in "di" else value & (1 << bits) - 1
        return (form + {"i": "d", "u": "d"}.get(letter, letter)) % number
    if letter == "c":
        return (form + "c") % (value & 0xFF)
    if letter == "s":
        return (form + "s") % text_at(value, read)
    if found["pointer"] and found["pointer"][-1] in ADDRESSES:
        return address(read(value, ADDRESSES[found["pointer"][-1]]), found["pointer"])
    return f"{value:#x}"  # the kernel's own addresses look otherwise, and %p hides them


def address(data: bytes, how: str) -> str:
    """%pI4 is 127.0.0.1, %pi4 127.000.000.001; %pI6 has colons, %pi6 has none."""
    if len(data) == 4:
        return ".".join(f"{byte:03}" if how[0] == "i" else str(byte) for byte in data)
    pairs = [data[at : at + 2].hex() for at in range(0, 16, 2)]
    return ("" if how[0] == "i" else ":").join(pairs)


def text_at(place: int, read: Reader) -> str:
    """The text that begins there and ends with a zero byte."""
    text = bytearray()
    while (byte := read(place + len(text), 1)) != b"\0":
        text += byte
    return text.decode(BYTES)
