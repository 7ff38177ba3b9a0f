"""The names that the lines of a translated program use.

Built in chapter 07, inside_the_bytecode. They do the same as helpers.machine.operations, without
asking first: Python notices by itself when an address leads nowhere.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from chapters.ch07.translator.statements import MAX_PREPARED
from helpers import asm
from helpers.machine import arithmetic, calls, packet
from helpers.machine.arithmetic import M32, M64, function
from helpers.machine.faults import BadArgument, TooManyFrames, UnknownHelper
from helpers.machine.maps import ARRAY
from helpers.machine.memory import MAX_FRAMES, Memory
from helpers.machine.operations import NO_CONTEXT
from helpers.machine.program import Reference

# How to read and write a number of so many bytes, the least significant byte first.
UNSIGNED = {1: struct.Struct("<B"), 2: struct.Struct("<H"), 4: struct.Struct("<I")}
UNSIGNED |= {8: struct.Struct("<Q")}
SIGNED = {1: struct.Struct("<b"), 2: struct.Struct("<h"), 4: struct.Struct("<i")}


class Unset:
    """What a register without a value holds: it can be copied, and any use of it fails."""

    def __eq__(self, other: object) -> bool:
        raise TypeError("a register without a value is compared")

    __ne__ = __eq__
    __hash__ = None


def environment(memory: Memory, references: Mapping[int, Reference]) -> dict[str, object]:
    """The names that the lines of a translated program use."""
    names: dict[str, object] = {"M32": M32, "M64": M64, "unset": Unset(), **arithmetic.NAMES}
    names |= {helper.__name__: helper for helper, _ in calls.HELPERS.values()}
    names |= {"packet_load": packet.load, "no_context": no_context, "call_local": call_local}
    names |= {"unknown_helper": unknown_helper, "kernel_function": kernel_function}
    names["element"] = lambda s, place: s.memory.share(
        references[place].number, references[place].element
    )
    for number, owner in enumerate(memory.maps):
        if owner.type == ARRAY and owner.max_entries <= MAX_PREPARED:
            keys = enumerate(owner.keys())
            names[f"array_{number}"] = {n: memory.share(number, owner.find(key)) for n, key in keys}
    for size, number in UNSIGNED.items():
        bits = 8 * size
        names |= {f"u{bits}": number.unpack_from, f"put_u{bits}": number.pack_into}
        names |= {f"load_u{bits}": loader(memory, number), f"store_u{bits}": storer(memory, number)}
        for sign, name in [*asm.ATOMICS.values(), ("=", "exchange")]:
            title = f"exchange_u{bits}" if sign == "=" else f"atomic_{name}_u{bits}"
            names[title] = atomic(memory, number, function(arithmetic.OPERATIONS[sign]))
        names[f"compare_exchange_u{bits}"] = compare_exchange(memory, number)
    for size, number in SIGNED.items():
        names |= {f"s{8 * size}": number.unpack_from, f"load_s{8 * size}": loader(memory, number)}
    return names


def loader(memory: Memory, number: struct.Struct) -> Callable[[int], int]:
    regions, unpack = memory.readable, number.unpack_from

    def load(address: int) -> int:
        return unpack(regions[address >> 32], address & M32)[0]

    return load


def storer(memory: Memory, number: struct.Struct) -> Callable[[int, int], None]:
    regions, pack, mask = memory.writable, number.pack_into, (1 << 8 * number.size) - 1

    def store(address: int, value: int) -> None:
        pack(regions[address >> 32], address & M32, value & mask)

    return store


def atomic(memory: Memory, number: struct.Struct, work_out: Callable) -> Callable[[int, int], int]:
    regions, unpack, pack = memory.writable, number.unpack_from, number.pack_into
    mask = (1 << 8 * number.size) - 1

    def update(address: int, value: int) -> int:
        region, start = regions[address >> 32], address & M32
        old = unpack(region, start)[0]
        pack(region, start, work_out(old, value & mask) & mask)
        return old

    return update


def compare_exchange(memory: Memory, number: struct.Struct) -> Callable[[int, int, int], int]:
    regions, unpack, pack = memory.writable, number.unpack_from, number.pack_into
    mask = (1 << 8 * number.size) - 1

    def update(address: int, expected: int, value: int) -> int:
        region, start = regions[address >> 32], address & M32
        old = unpack(region, start)[0]
        if old == expected & mask:
            pack(region, start, value & mask)
        return old

    return update


def call_local(s, called: Callable[..., int], *registers: int) -> int:
    """Call a function of the program: it gets r1 to r5 and a stack of its own."""
    s.depth += 1
    if s.depth == MAX_FRAMES:
        raise TooManyFrames(f"calls are nested deeper than {MAX_FRAMES} functions.")
    result = called(s, *registers, s.memory.frame(s.depth))
    s.depth -= 1
    return result


def no_context() -> None:
    raise BadArgument(NO_CONTEXT)


def unknown_helper(number: int) -> None:
    raise UnknownHelper(calls.unknown(number))


def kernel_function(number: int) -> None:
    raise UnknownHelper(calls.NO_KERNEL_FUNCTIONS)
