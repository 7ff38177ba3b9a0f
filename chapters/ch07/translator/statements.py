"""The Python for one instruction, as chapters.ch07.translator.text puts it together.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chapters.ch07.translator.known import Known
from helpers import asm
from helpers.asm import Instruction
from helpers.machine import arithmetic, calls
from helpers.machine.maps import ARRAY, MachineMap
from helpers.machine.memory import CONTEXT, STACK_SIZE
from helpers.machine.packet import FIELDS
from helpers.machine.program import Reference

# Operations whose result is within the range of their operands.
STAYS = {"|=", "&=", "^=", ">>=", "/=", "%="}
USED_UP = "r1 = r2 = r3 = r4 = r5 = unset"
LOOKUP = 1
# Elements; larger arrays are not prepared for looking up by number.
MAX_PREPARED = 4096
SIZES = {"context": 4 * len(FIELDS), "stack": STACK_SIZE}


@dataclass(frozen=True)
class Statements:
    """What the instructions of one function become.

    references: what 64-bit immediates stand for; known: which addresses are known before each
    instruction; order: the maps by their number.
    """

    references: Mapping[int, Reference]
    known: Mapping[int, Mapping[int, Known]]
    order: Sequence[MachineMap]

    def of(self, i: Instruction) -> list[str]:
        """The lines for one instruction."""
        if i.is_arithmetic:
            return [arithmetical(i)]
        if i.is_exit:
            return ["return r0"]
        if i.is_goto:
            return [f"at = {i.target}"]
        if i.is_call:
            return [self.called(i), USED_UP]
        if i.is_conditional:
            return [f"at = {i.target} if {expression(i)} else {i.end}"]
        if i.is_wide:
            return [self.constant(i)]
        return self.packet_load(i) if i.loads_packet else [self.memory(i)]

    def constant(self, i: Instruction) -> str:
        number, comment = self.references[i.number], f"  # {i.symbol}" if i.symbol else ""
        if number.element:
            return f"r{i.dst} = element(s, {i.number}) + {number.value}{comment}"
        return f"r{i.dst} = {readable(number.value)}{comment}"

    def called(self, i: Instruction) -> str:
        if i.calls_function:
            return f"r0 = call_local(s, function_{i.target}, r1, r2, r3, r4, r5)"
        if not i.calls_helper:
            return f"kernel_function({i.imm})"
        helper, count = calls.HELPERS.get(i.imm, (None, 0))
        if helper is None:
            return f"unknown_helper({i.imm})"
        known = self.known[i.number]
        array, key = known.get(1), known.get(2)
        if i.imm == LOOKUP and array and array.region == "map" and inside(key, 4):
            owner = self.order[array.offset]
            if owner.type == ARRAY and owner.max_entries <= MAX_PREPARED:
                return f"r0 = array_{array.offset}.get(u32({key.region}, {key.offset})[0], 0)"
        arguments = ", ".join(["s", *(f"r{number + 1}" for number in range(count))])
        return f"r0 = {helper.__name__}({arguments}) & M64"

    def memory(self, i: Instruction) -> str:
        if not i.is_atomic:
            address = self.known[i.number].get(i.base)
            place = Known(address.region, address.offset + i.offset) if address else None
            loads = i.opcode_class == asm.LDX
            if inside(place, i.size) and (loads or place.region == "stack"):
                return at_known_place(i, place)
        return at_any_place(i)

    def packet_load(self, i: Instruction) -> list[str]:
        size, indirect = i.size, i.mode == asm.INDIRECT
        certain = self.known[i.number].get(6) == Known("context", 0)
        check = [] if certain else [f"if r6 != {CONTEXT << 32:#x}: no_context()"]
        end = i.imm + size
        if indirect or i.imm < 0:
            offset = f"signed(r{i.src} + {i.imm}, 32)" if indirect else i.imm
            load = [
                f"r0 = packet_load(s.data, {offset}, {size}, s.packet.network)",
                "if r0 is None: return 0",
            ]
        elif size == 1:
            load = [f"if len(s.data) < {end}: return 0", f"r0 = s.data[{i.imm}]"]
        else:
            number = f'int.from_bytes(s.data[{i.imm}:{end}], "big")'
            load = [f"if len(s.data) < {end}: return 0", f"r0 = {number}"]
        return [*check, *load, USED_UP]


def inside(place: Known | None, size: int) -> bool:
    """Whether so many bytes at a known place are inside its region."""
    return place is not None and 0 <= place.offset <= SIZES.get(place.region, -1) - size


def at_known_place(i: Instruction, place: Known) -> str:
    size = 8 * i.size
    where = f"{place.region}, {place.offset}"
    field = place.region == "context" and place.offset % 4 == 0
    comment = f"  # {FIELDS[place.offset // 4]}" if field else ""
    if i.opcode_class != asm.LDX:
        value = f"r{i.src} & {(1 << size) - 1:#x}" if i.opcode_class == asm.STX else value_of(i)
        return f"put_u{size}({where}, {value})"
    if i.mode == asm.MEMORY_SIGNED:
        return f"r{i.dst} = s{size}({where})[0] & M64{comment}"
    return f"r{i.dst} = u{size}({where})[0]{comment}"


def at_any_place(i: Instruction) -> str:
    size, address = 8 * i.size, f"r{i.base}"
    if i.offset:
        address += f" {'-' if i.offset < 0 else '+'} {abs(i.offset)}"
    if i.opcode_class == asm.LDX and i.mode == asm.MEMORY_SIGNED:
        return f"r{i.dst} = load_s{size}({address}) & M64"
    if i.opcode_class == asm.LDX:
        return f"r{i.dst} = load_u{size}({address})"
    if not i.is_atomic:
        value = value_of(i) if i.opcode_class == asm.ST else f"r{i.src}"
        return f"store_u{size}({address}, {value})"
    if i.imm == asm.COMPARE:
        return f"r0 = compare_exchange_u{size}({address}, r0, r{i.src})"
    if i.imm == asm.EXCHANGE:
        return f"r{i.src} = exchange_u{size}({address}, r{i.src})"
    name = asm.ATOMICS[i.imm & ~asm.FETCH][1]
    result = f"r{i.src} = " if i.imm & asm.FETCH else ""
    return f"{result}atomic_{name}_u{size}({address}, r{i.src})"


def value_of(i: Instruction) -> str:
    return readable(i.imm & (1 << 8 * i.size) - 1)


def arithmetical(i: Instruction) -> str:
    sign, number = asm.ARITHMETIC.get(i.operation, ""), not i.takes_register
    value = expression(i)
    if sign == "=" and number:
        return f"r{i.dst} = {value}"
    if sign == "+=" and number and i.imm < 0:
        value = value.rpartition(" + ")[0] + f" - {-i.imm}"  # the same, easier to read
    if not i.offset and (sign in STAYS or sign == "="):
        return f"r{i.dst} = {value}"
    return f"r{i.dst} = ({value}) & M{arithmetic.bits(i)}"


def expression(i: Instruction) -> str:
    """What is worked out, with registers and numbers in the places of a and b."""
    wide = arithmetic.bits(i) == 64
    a, b = (f"r{n}" if wide else f"(r{n} & M32)" for n in (i.dst, i.src))
    if not i.takes_register:
        b = readable(i.imm & (arithmetic.M64 if wide else arithmetic.M32))
    return re.sub(r"\b[ab]\b", lambda name: a if name[0] == "a" else b, arithmetic.expression(i))


def readable(number: int) -> str:
    """Small numbers in decimal, large ones in hex."""
    return str(number) if number < 1 << 16 else f"{number:#x}"
