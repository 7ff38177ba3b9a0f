"""Which registers hold an address that is known before the program runs.

Built in chapter 07, inside_the_bytecode. The address of the stack and of the context never
change, so a translator can work out "r10 - 4" once, and need not ask each time where it leads.
The kernel's verifier does the same, for every register, on every way through the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpers import asm
from helpers.asm import Instruction
from helpers.machine.memory import STACK_SIZE
from helpers.machine.program import Reference

COPY = asm.ALU64 | asm.REGISTER_SOURCE | asm.MOVE
ADD_NUMBER = asm.ALU64  # 64-bit, += imm


@dataclass(frozen=True)
class Known:
    """An address: so many bytes into the "context" or the "stack"; of a "map", its number."""

    region: str
    offset: int


def known_addresses(
    blocks: Sequence[list[Instruction]], references: Mapping[int, Reference], is_program: bool
) -> dict[int, dict[int, Known]]:
    """By place of an instruction, the registers whose address is known just before it runs.

    Arguments: the blocks of one function, the first of them its beginning; whether it is the
    program itself, which begins with the context in r1, and whose stack this is.
    """
    if not is_program:
        return {i.number: {} for block in blocks for i in block}
    stack = {10: Known("stack", STACK_SIZE)}
    first = blocks[0][0].number
    again = any(i.target == first and not i.is_call for block in blocks for i in block)
    begin = stack if again else stack | {1: Known("context", 0)}
    known: dict[int, dict[int, Known]] = {}
    for block in blocks:
        now = dict(begin)
        for i in block:
            known[i.number] = dict(now)
            _follow(now, i, references)
        if block is blocks[0]:
            # What only the first block writes stays as it is there.
            written = {r for other in blocks[1:] for i in other for r in i.writes}
            begin = {register: it for register, it in now.items() if register not in written}
    return known


def _follow(now: dict[int, Known], i: Instruction, references: Mapping[int, Reference]) -> None:
    """Change `now` as the instruction changes the registers."""
    result = None
    if i.opcode == COPY and not i.offset:
        result = now.get(i.src)
    elif i.opcode == ADD_NUMBER and i.dst in now:
        result = Known(now[i.dst].region, now[i.dst].offset + i.imm)
    elif i.is_wide:
        reference = references[i.number]
        if (i.src or i.symbol) and not reference.element:
            result = Known("map", reference.number)
    for register in i.writes:
        now.pop(register, None)
    if result:
        now[i.dst] = result
