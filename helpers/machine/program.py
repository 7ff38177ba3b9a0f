"""From bytes, or an object file's instructions, to a program that can run: checked, with its maps.

Built in chapter 07, inside_the_bytecode. All of this is done before the first step. The kernel's
verifier checks far more (chapter 08).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers import asm
from helpers.asm import DisasmError, Instruction
from helpers.machine.faults import (
    BadJump,
    BadOperand,
    NoExit,
    TruncatedProgram,
    UnknownMap,
    UnknownOpcode,
)
from helpers.machine.maps import Element, MachineMap
from helpers.machine.memory import MAPS
from helpers.machine.variables import sections, variables, with_variables

if TYPE_CHECKING:
    from helpers.objfile import ObjectFile


def decode(code: bytes) -> list[Instruction]:
    """The instructions in `code`. Errors: TruncatedProgram. Built in chapters 02 and 07."""
    try:
        return list(asm.decode(code))
    except asm.BytecodeError as error:
        raise TruncatedProgram(str(error), error.number) from error


def linked(object_file: ObjectFile, name: str) -> list[Instruction]:
    """A program of an object file with all functions that it calls.

    Errors: ObjectFileError if there is no such program, BadJump for a call that leads nowhere.
    """
    try:
        return with_variables(object_file.linked(name), object_file)
    except asm.LinkError as error:
        raise BadJump(str(error), error.number) from error


def checked(instructions: list[Instruction]) -> list[Instruction]:
    """The same instructions, if a machine can run them.

    Errors: UnknownOpcode, BadOperand, BadJump or NoExit, with the number of the instruction.
    Source: RFC 9669; what check_subprogs() and resolve_pseudo_ldimm64() in the kernel refuse.
    Built in chapter 07.
    """
    if not instructions:
        raise NoExit("The program is empty: it needs an exit at least.")
    places = {each.number for each in instructions}
    last = instructions[-1]
    for each in instructions:
        check_operands(each)
        if each.target is not None and each.target not in places:
            inside = f"into the middle of the instruction at {each.target - 1}"
            outside = f"to {each.target}, out of the program"
            raise BadJump(
                f"Instruction {each.number}, {asm.text(each)}, leads "
                f"{inside if 0 <= each.target < last.end else outside} "
                f"(which has places 0 to {last.end - 1}): count the slots of 8 bytes again.",
                each.number,
            )
    if not (last.is_exit or last.is_goto):
        raise NoExit(
            f"The last instruction, {last.number}, {asm.text(last)}, is no exit: the program "
            "would run on past its end.",
            last.number,
        )
    return instructions


def check_operands(i: Instruction) -> None:
    """Errors: UnknownOpcode, BadOperand."""
    try:
        text = asm.text(i)
    except DisasmError as error:
        raise UnknownOpcode(f"Instruction {i.number}: {error}", i.number) from error
    unused = {"dst", "src", "offset", "imm"} - set(i.operands)
    wrong = [
        name for name in ("dst", "src", "offset", "imm") if name in unused and getattr(i, name)
    ]
    if i.is_wide and any(i.raw[8:12]):
        wrong.append("its second half")
    if wrong:
        raise BadOperand(
            f"Instruction {i.number}, {text}, has no use for {' and '.join(wrong)}, which must "
            "be 0 then.",
            i.number,
        )
    if 10 in i.writes:
        raise BadOperand(
            f"Instruction {i.number}, {text}, writes to r10: that is the address of the stack, "
            "and can only be read.",
            i.number,
        )


@dataclass(frozen=True)
class Reference:
    """What a 64-bit immediate stands for: a number, or an address in map number `number`.

    value: the number, the address of the map, or with an `element` the offset in that.
    """

    value: int
    number: int = 0
    element: Element | None = None


def reference(
    i: Instruction, maps: Mapping[str | int, MachineMap], order: Sequence[MachineMap]
) -> Reference:
    """What goes into a register for that 64-bit immediate. Errors: UnknownMap.

    Arguments: maps: by the name that relocations use, or by file descriptor; order: the same
    maps, each once. Source: RFC 9669, section 5.4.
    """
    if not i.symbol and i.src == 0:
        return Reference(i.imm)
    low, high = i.imm & 0xFFFFFFFF, i.imm >> 32
    if i.src in (asm.MAP_BY_INDEX, asm.VALUE_BY_INDEX):
        owner = order[low] if low < len(order) else None
    else:
        owner = maps.get(i.symbol or low)
    if owner is None or i.src in (asm.VARIABLE, asm.CODE):
        raise UnknownMap(
            f"Instruction {i.number}, {asm.text(i)}, refers to {i.symbol or f'number {low}'}, "
            f"and the machine has {', '.join(str(name) for name in maps) or 'no maps'}.",
            i.number,
        )
    number = order.index(owner)
    if i.src not in (asm.VALUE_BY_FD, asm.VALUE_BY_INDEX):
        return Reference(MAPS + number << 32, number)
    element = owner.find(bytes(owner.key_size))
    if element is None or high >= owner.value_size:
        raise UnknownMap(
            f"Instruction {i.number}, {asm.text(i)}, refers to byte {high} of the map "
            f"{owner.name}, whose values have {owner.value_size} bytes.",
            i.number,
        )
    return Reference(high, number, element)


def maps_of(object_file: ObjectFile, cpus: int = 1) -> dict[str | int, MachineMap]:
    """A map for each definition in the object file, and for each section of global variables."""
    declared = {
        each.name: MachineMap(
            each.name, each.type, each.key_size, each.value_size, each.max_entries, cpus
        )
        for each in object_file.maps.values()
    }
    return declared | {name: variables(object_file, name) for name in sections(object_file)}
