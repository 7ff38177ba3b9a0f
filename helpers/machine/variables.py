"""Global variables: the sections that hold them, as maps of one value each.

Built in chapter 07, inside_the_bytecode. Source: bpf_object__init_global_data_maps() in libbpf.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from helpers import asm
from helpers.asm import Instruction
from helpers.machine.maps import ARRAY, MachineMap

if TYPE_CHECKING:
    from helpers.objfile import ObjectFile

DATA = re.compile(r"\.(bss|data|rodata)(\.|$)")


def sections(object_file: ObjectFile) -> list[str]:
    """Their names: of each, libbpf makes a map with one value."""
    return [n for n, s in object_file.sections.items() if DATA.match(n) and s.data]


def variables(object_file: ObjectFile, section: str) -> MachineMap:
    """That map, with the values that the variables begin with; constants can only be read."""
    data = object_file.sections[section].data
    made = MachineMap(section, ARRAY, 4, len(data), 1, read_only=section.startswith(".rodata"))
    made.find(bytes(4)).data[:] = data
    return made


def with_variables(
    instructions: Sequence[Instruction], object_file: ObjectFile
) -> list[Instruction]:
    """The same instructions; each 64-bit immediate that stands for a global variable leads into
    the map of its section, as libbpf does it.

    Clang writes the name of the variable, or of its section and counts from the beginning there.
    """
    places = {name: (name, 0) for name in sections(object_file)}
    places |= {
        each.name: (each.section, each.value)
        for each in object_file.symbols
        if each.name and each.section in places
    }
    return [
        _in_section(i, *places[i.symbol]) if i.is_wide and i.symbol in places else i
        for i in instructions
    ]


def _in_section(i: Instruction, section: str, start: int) -> Instruction:
    offset = start + i.imm
    raw = i.raw[:1] + bytes([asm.VALUE_BY_FD << 4 | i.dst]) + i.raw[2:4] + bytes(4)
    raw += bytes(4) + offset.to_bytes(4, "little")
    return replace(i, raw=raw, src=asm.VALUE_BY_FD, imm=offset << 32, symbol=section)
