"""The Python for one instruction, as chapters.ch07.translator.text puts it together.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chapters.ch07.known import Known
from helpers import asm
from helpers.asm import Instruction
from helpers.machine import arithmetic, calls
from helpers.machine.access import size_of
from helpers.machine.decode import is_call, is_exit, is_goto, target
from helpers.machine.link import Reference
from helpers.machine.maps import ARRAY, Map
from helpers.machine.memory import CONTEXT, STACK_SIZE
from helpers.machine.packet import FIELDS

# Operations whose result is within the range of their operands.
STAYS = {"|=", "&=", "^=", ">>=", "/=", "%="}
USED_UP = "r1 = r2 = r3 = r4 = r5 = unset"
LOOKUP = 1
# Larger arrays are not prepared for looking up by number.
PREPARED = 4096
SIZES = {"context": 4 * len(FIELDS), "stack": STACK_SIZE}


@dataclass(frozen=True)
class Statements:
    """What the instructions of one function become.

    references: what 64-bit immediates stand for; known: which addresses are known before each
    instruction; order: the maps by their number.
    """

    references: Mapping[int, Reference]
    known: Mapping[int, Mapping[int, Known]]
    order: Sequence[Map]

    def of(self, i: Instruction) -> list[str]:
        """The lines for one instruction."""
        if i.kind in (asm.ALU32, asm.ALU64):
            return [arithmetical(i)]
        if is_exit(i):
            return ["return r0"]
        if is_goto(i):
            return [f"at = {target(i)}"]
        if is_call(i):
            return [self.called(i), USED_UP]
        if i.kind in (asm.JUMP, asm.JUMP32):
            return [f"at = {target(i)} if {expression(i)} else {i.number + 1}"]
        if i.opcode == asm.LOAD_64_BIT_IMMEDIATE:
            return [self.constant(i)]
        return self.packet_load(i) if i.kind == asm.LD else [self.memory(i)]

    def constant(self, i: Instruction) -> str:
        found, comment = self.references[i.number], f"  # {i.symbol}" if i.symbol else ""
        if found.element:
            return f"r{i.dst} = element(s, {i.number}) + {found.value}{comment}"
        return f"r{i.dst} = {readable(found.value)}{comment}"

    def called(self, i: Instruction) -> str:
        if i.src == asm.LOCAL:
            return f"r0 = call_local(s, function_{target(i)}, r1, r2, r3, r4, r5)"
        if i.src != asm.HELPER:
            return f"kernel_function({i.imm})"
        helper, count = calls.HELPERS.get(i.imm, (None, 0))
        if helper is None:
            return f"unknown_helper({i.imm})"
        known = self.known[i.number]
        array, key = known.get(1), known.get(2)
        if i.imm == LOOKUP and array and array.region == "map" and inside(key, 4):
            found = self.order[array.offset]
            if found.kind == ARRAY and found.max_entries <= PREPARED:
                return f"r0 = array_{array.offset}.get(u32({key.region}, {key.offset})[0], 0)"
        arguments = ", ".join(["s", *(f"r{number + 1}" for number in range(count))])
        return f"r0 = {helper.__name__}({arguments}) & M64"

    def memory(self, i: Instruction) -> str:
        size, mode = 8 * size_of(i), i.opcode & 0xE0
        base = i.src if i.kind == asm.LDX else i.dst
        if mode in (asm.MEMORY, asm.MEMORY_SIGNED):
            address = self.known[i.number].get(base)
            place = Known(address.region, address.offset + i.offset) if address else None
            if inside(place, size_of(i)) and (i.kind == asm.LDX or place.region == "stack"):
                return at_known_place(i, place)
        return at_any_place(i, base, size, mode)

    def packet_load(self, i: Instruction) -> list[str]:
        size, indirect = size_of(i), i.opcode & 0xE0 == asm.INDIRECT
        certain = self.known[i.number].get(6) == Known("context", 0)
        check = [] if certain else [f"if r6 != {CONTEXT << 32:#x}: no_context()"]
        end = i.imm + size
        if indirect or i.imm < 0:
            offset = f"signed(r{i.src} + {i.imm}, 32)" if indirect else i.imm
            load = [f"r0 = packet_load(s.data, {offset}, {size})", "if r0 is None: return 0"]
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
    size = 8 * size_of(i)
    where = f"{place.region}, {place.offset}"
    field = place.region == "context" and place.offset % 4 == 0
    comment = f"  # {FIELDS[place.offset // 4]}" if field else ""
    if i.kind != asm.LDX:
        value = f"r{i.src} & {(1 << size) - 1:#x}" if i.kind == asm.STX else value_of(i)
        return f"put_u{size}({where}, {value})"
    if i.opcode & 0xE0 == asm.MEMORY_SIGNED:
        return f"r{i.dst} = s{size}({where})[0] & M64{comment}"
    return f"r{i.dst} = u{size}({where})[0]{comment}"


def at_any_place(i: Instruction, base: int, size: int, mode: int) -> str:
    address = f"r{base} {'-' if i.offset < 0 else '+'} {abs(i.offset)}" if i.offset else f"r{base}"
    if i.kind == asm.LDX and mode == asm.MEMORY_SIGNED:
        return f"r{i.dst} = load_s{size}({address}) & M64"
    if i.kind == asm.LDX:
        return f"r{i.dst} = load_u{size}({address})"
    if mode != asm.ATOMIC:
        return f"store_u{size}({address}, {value_of(i) if i.kind == asm.ST else f'r{i.src}'})"
    if i.imm == asm.COMPARE:
        return f"r0 = compare_exchange_u{size}({address}, r0, r{i.src})"
    if i.imm == asm.EXCHANGE:
        return f"r{i.src} = exchange_u{size}({address}, r{i.src})"
    name = asm.ATOMICS[i.imm & ~asm.FETCH][1]
    result = f"r{i.src} = " if i.imm & asm.FETCH else ""
    return f"{result}atomic_{name}_u{size}({address}, r{i.src})"


def value_of(i: Instruction) -> str:
    return readable(i.imm & (1 << 8 * size_of(i)) - 1)


def arithmetical(i: Instruction) -> str:
    sign, number = asm.ARITHMETIC.get(i.opcode & 0xF0, ""), not i.opcode & 8
    found = expression(i)
    if sign == "=" and number:
        return f"r{i.dst} = {found}"
    if sign == "+=" and number and i.imm < 0:
        found = found.rpartition(" + ")[0] + f" - {-i.imm}"  # the same, easier to read
    if not i.offset and (sign in STAYS or sign == "="):
        return f"r{i.dst} = {found}"
    return f"r{i.dst} = ({found}) & M{arithmetic.bits(i)}"


def expression(i: Instruction) -> str:
    """What is worked out, with registers and numbers in the places of a and b."""
    wide = arithmetic.bits(i) == 64
    a, b = (f"r{n}" if wide else f"(r{n} & M32)" for n in (i.dst, i.src))
    if not i.opcode & asm.REGISTER_SOURCE:
        b = readable(i.imm & (arithmetic.M64 if wide else arithmetic.M32))
    return re.sub(r"\b[ab]\b", lambda found: a if found[0] == "a" else b, arithmetic.expression(i))


def readable(number: int) -> str:
    """Small numbers in decimal, large ones in hex."""
    return str(number) if number < 1 << 16 else f"{number:#x}"
