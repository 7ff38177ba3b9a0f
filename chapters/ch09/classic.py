"""What the stepper shows of a classic filter: its walk over one packet, from helpers.cbpf's states.

Laboratory equipment, first used in chapter 09, classic_bpf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from helpers import cbpf
from helpers.cbpf import Instruction
from helpers.cbpf import instruction as c
from helpers.cbpf.machine import M32, FilterState
from helpers.stepper.view import Cell, Group, Line, View, Walk

LOADS = {c.LD, c.LDX}


def walk(
    program: Sequence[Instruction],
    packet: bytes,
    mode: str = "packet",
    auxiliary: Mapping[str, int] | None = None,
) -> Walk:
    """One run of a classic filter over one packet, for the stepper; arguments as cbpf.run().

    Errors: FilterError, from check(), at once; MissingDataError when the walk comes to the load.
    """
    cbpf.check(program, mode)
    lines = tuple(
        Line(number, cbpf.text(each, number).partition(") ")[2].expandtabs(2))
        for number, each in enumerate(program)
    )
    return Walk(lines, packet, moments(program, packet, mode, auxiliary))


def moments(
    program: Sequence[Instruction],
    packet: bytes,
    mode: str,
    auxiliary: Mapping[str, int] | None,
) -> Iterator[View]:
    """The view before the first instruction, and after each."""
    yield View(None, 0, registers(FilterState()), scratch(program, FilterState()))
    for before, after in pairwise(cbpf.steps(program, packet, mode, auxiliary)):
        i = program[before.number]
        reading = bytes_read(i, before, len(packet))
        yield View(
            executed=before.number,
            following=after.number if after.result is None else None,
            registers=registers(after, written(i) if after.result is None else ""),
            memory=scratch(program, after, written(i)),
            reading=reading,
            note=note(i, before, after, packet[slice(*reading)] if reading else b""),
            ending=ending(i, before, after, len(packet)),
        )


def written(i: Instruction) -> str:
    """The name of what an instruction writes to, "" if to nothing."""
    if i.opcode_class in (c.ST, c.STX):
        return f"M[{i.k}]"
    if i.opcode_class == c.LDX or i.code == c.MISC | c.TAX:
        return "X"
    return "A" if i.opcode_class in (c.LD, c.ALU, c.MISC) else ""


def registers(state: FilterState, changed: str = "") -> tuple[Cell, ...]:
    pairs = (("A", state.a), ("X", state.x))
    return tuple(Cell(name, shown(value), changed=name == changed) for name, value in pairs)


def scratch(
    program: Sequence[Instruction], state: FilterState, changed: str = ""
) -> tuple[Group, ...]:
    """The scratch words that the filter stores to; without any, no group."""
    used = sorted({i.k for i in program if i.code in (c.ST, c.STX)})
    pairs = [(f"M[{word}]", state.scratch[word]) for word in used]
    cells = tuple(Cell(name, shown(value), changed=name == changed) for name, value in pairs)
    return (Group("scratch memory", cells),) if cells else ()


def shown(number: int) -> str:
    """In hex, as filters compare it, and in decimal."""
    return str(number) if number < 10 else f"{number:#x} = {number}"


def place_of(i: Instruction, before: FilterState) -> tuple[int, int] | None:
    """The bytes that a load from the packet asks for, there or not; None for all others."""
    if i.opcode_class not in LOADS or i.mode not in (c.ABS, c.IND, c.MSH) or c.auxiliary(i):
        return None
    start = (i.k + before.x if i.mode == c.IND else i.k) & M32
    return start, start + (1 if i.mode == c.MSH else i.size)


def bytes_read(i: Instruction, before: FilterState, length: int) -> tuple[int, int] | None:
    place = place_of(i, before)
    return place if place and place[1] <= length else None


def note(i: Instruction, before: FilterState, after: FilterState, read: bytes) -> str:
    """A few words about what happened that no register shows."""
    if read:
        return f"from the packet: {read.hex(' ')}"
    if i.code == c.JMP | c.JA:
        return f"goes on at {after.number}"
    if i.is_conditional:
        answer = "yes" if after.number == before.number + 1 + i.jt else "no"
        return f"{answer}: goes on at {after.number}"
    return ""


def ending(i: Instruction, before: FilterState, after: FilterState, length: int) -> str:
    if after.result is None:
        return ""
    if i.opcode_class == c.RET:
        return f"The filter returns {after.result}."
    if place := place_of(i, before):
        missing = max(place[0], length)
        return f"The filter returns 0: there is no byte {missing} in this packet."
    return "The filter returns 0: a division by 0."
