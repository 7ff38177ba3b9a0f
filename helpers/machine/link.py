"""From an object file to one program: functions put together, maps made, references resolved.

Built in chapter 07, inside_the_bytecode. It does what libbpf does before it loads a program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from helpers import asm
from helpers.asm import Instruction
from helpers.machine.faults import BadJump, UnknownMap
from helpers.machine.maps import Element, Map
from helpers.machine.memory import MAPS

if TYPE_CHECKING:
    from helpers.objfile import ObjectFile


@dataclass(frozen=True)
class Reference:
    """What a 64-bit immediate stands for: a number, or an address in map number `number`.

    value: the number, the address of the map, or with an `element` the offset in that.
    """

    value: int
    number: int = 0
    element: Element | None = None


def reference(i: Instruction, maps: Mapping[str | int, Map], order: Sequence[Map]) -> Reference:
    """What goes into a register for that 64-bit immediate. Errors: UnknownMap.

    Arguments: maps: by the name that relocations use, or by file descriptor; order: the same
    maps, each once. Source: RFC 9669, section 5.4.
    """
    if not i.symbol and i.src == 0:
        return Reference(i.imm)
    low, high = i.imm & 0xFFFFFFFF, i.imm >> 32
    if i.src in (asm.MAP_BY_INDEX, asm.VALUE_BY_INDEX):
        found = order[low] if low < len(order) else None
    else:
        found = maps.get(i.symbol or low)
    if found is None or i.src in (asm.VARIABLE, asm.CODE):
        raise UnknownMap(
            f"Instruction {i.number}, {asm.text(i)}, refers to {i.symbol or f'number {low}'}, "
            f"and the machine has {', '.join(str(name) for name in maps) or 'no maps'}.",
            i.number,
        )
    number = order.index(found)
    if i.src not in (asm.VALUE_BY_FD, asm.VALUE_BY_INDEX):
        return Reference(MAPS + number << 32, number)
    element = found.find(bytes(found.key_size))
    if element is None or high >= found.value_size:
        raise UnknownMap(
            f"Instruction {i.number}, {asm.text(i)}, refers to byte {high} of the map "
            f"{found.name}, whose values have {found.value_size} bytes.",
            i.number,
        )
    return Reference(high, number, element)


def linked(found: ObjectFile, name: str) -> list[Instruction]:
    """The instructions of a program with those of all functions that it calls behind it.

    Errors: ObjectFileError if there is no such program, BadJump for a call of what is not there.
    Source: Documentation/bpf/llvm_reloc.rst, R_BPF_64_32.
    """
    places, program, end, waiting = {}, [], 0, [name]
    for function in waiting:  # which grows with every call that is found
        places[function] = end
        for each in found.program(function).instructions:
            callee = _callee(found, function, each)
            if callee and callee not in waiting:
                waiting.append(callee)
            moved = replace(each, number=places[function] + each.number)
            program.append(replace(moved, symbol=callee) if callee else moved)
            end = moved.number + moved.slots
    return [
        replace(each, imm=places[each.symbol] - each.number - 1) if is_local_call(each) else each
        for each in program
    ]


def is_local_call(i: Instruction) -> bool:
    return i.opcode == asm.JUMP | asm.CALL and i.src == asm.LOCAL


def _callee(found: ObjectFile, caller: str, i: Instruction) -> str | None:
    """The name of the function that a local call leads to, None for other instructions."""
    if not is_local_call(i):
        return None
    if i.symbol in found.programs:
        return i.symbol
    functions = {(s.section, s.value): s.name for s in found.symbols if s.type == "STT_FUNC"}
    if i.symbol:  # a section: imm counts from its beginning to the function
        place = (i.symbol, (i.imm + 1) * 8)
    else:  # within one section: imm counts from here
        section, start = next(place for place, name in functions.items() if name == caller)
        place = (section, start + (i.number + 1 + i.imm) * 8)
    if place not in functions:
        raise BadJump(
            f"Instruction {i.number} of {caller} calls a function that is not in the object file.",
            i.number,
        )
    return functions[place]


def maps_of(found: ObjectFile, cpus: int = 1) -> dict[str | int, Map]:
    """A map for each definition in the object file."""
    return {
        each.name: Map(each.name, each.type, each.key_size, each.value_size, each.max_entries, cpus)
        for each in found.maps.values()
    }
