"""What the stepper shows of a classic filter: its walk over one packet, from helpers.cbpf's states.

Laboratory equipment, first used in chapter 09, classic_bpf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from helpers import cbpf
from helpers.cbpf import Instruction
from helpers.cbpf import instruction as c
from helpers.cbpf.machine import WORD, State
from helpers.stepper.view import Cell, Group, Line, View, Walk

LOADS = {c.LD, c.LDX}


def walk(
    program: Sequence[Instruction],
    packet: bytes,
    mode: str = "packet",
    auxiliary: Mapping[str, int] | None = None,
) -> Walk:
    """One run of a classic filter over one packet, for the stepper; arguments as cbpf.run().

    Errors: FilterError, from check(), at once; MachineError when the walk comes to the load.
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
    yield View(None, 0, registers(State(), State()))
    for before, after in pairwise(cbpf.steps(program, packet, mode, auxiliary)):
        i = program[before.number]
        yield View(
            executed=before.number,
            following=after.number if after.result is None else None,
            registers=registers(before, after),
            memory=scratch(program, before, after),
            reading=bytes_read(i, before, len(packet)),
            note=note(i, after),
            ending=ending(i, before, after, len(packet)),
        )


def registers(before: State, after: State) -> tuple[Cell, ...]:
    pairs = (("A", before.a, after.a), ("X", before.x, after.x))
    return tuple(Cell(name, f"{new:#x}", str(new), old != new) for name, old, new in pairs)


def scratch(program: Sequence[Instruction], before: State, after: State) -> tuple[Group, ...]:
    """The scratch words that the filter uses; without any, no group."""
    used = sorted({i.k for i in program if i.code in (c.ST, c.STX)})
    words = ((f"M[{word}]", before.scratch[word], after.scratch[word]) for word in used)
    cells = tuple(Cell(name, f"{new:#x}", str(new), old != new) for name, old, new in words)
    return (Group("scratch memory", cells),) if cells else ()


def place_of(i: Instruction, before: State) -> tuple[int, int] | None:
    """The bytes that a load from the packet asks for, there or not; None for all others."""
    mode = i.code & 0xE0
    if i.code & 0x07 not in LOADS or mode not in (c.ABS, c.IND, c.MSH) or c.auxiliary(i):
        return None
    start = (i.k + before.x if mode == c.IND else i.k) & WORD
    return start, start + (1 if mode == c.MSH else c.SIZES[i.code & 0x18])


def bytes_read(i: Instruction, before: State, length: int) -> tuple[int, int] | None:
    place = place_of(i, before)
    return place if place and place[1] <= length else None


def note(i: Instruction, after: State) -> str:
    """Where a jump went."""
    if i.code not in c.CONDITIONAL or after.result is not None:
        return ""
    return f"goes on at {after.number}"


def ending(i: Instruction, before: State, after: State, length: int) -> str:
    if after.result is None:
        return ""
    if i.code & 0x07 == c.RET:
        return f"returns {after.result}"
    place = place_of(i, before)
    if place:
        return f"returns 0: there is no byte {max(place[0], length)} in this packet"
    return "returns 0: a division by 0"
