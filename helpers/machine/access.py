"""What the instructions do that load from memory and store into it.

Built in chapter 07, inside_the_bytecode; a part of helpers.machine.operations.
"""

from __future__ import annotations

from helpers import asm
from helpers.asm import Instruction
from helpers.machine import arithmetic
from helpers.machine.arithmetic import M64, function
from helpers.machine.state import Operation, State


def load(i: Instruction) -> Operation:
    size, dst, src, offset, following = size_of(i), i.dst, i.src, i.offset, i.number + 1
    signed = i.opcode & 0xE0 == asm.MEMORY_SIGNED

    def run(s: State) -> int:
        found = s.memory.read(s.registers[src] + offset, size)
        s.registers[dst] = int.from_bytes(found, "little", signed=signed) & M64
        return following

    return run


def store(i: Instruction) -> Operation:
    size, dst, src, offset, following = size_of(i), i.dst, i.src, i.offset, i.number + 1
    mask, from_register = (1 << 8 * size_of(i)) - 1, i.kind == asm.STX

    def run(s: State) -> int:
        value = s.registers[src] if from_register else i.imm
        s.memory.write(s.registers[dst] + offset, (value & mask).to_bytes(size, "little"))
        return following

    return run


def atomic(i: Instruction) -> Operation:
    size, dst, src, offset, following = size_of(i), i.dst, i.src, i.offset, i.number + 1
    sign, _ = asm.ATOMICS.get(i.imm & ~asm.FETCH, ("=", ""))  # exchanging: new is src
    work_out, mask = function(arithmetic.OPERATIONS[sign]), (1 << 8 * size_of(i)) - 1
    compares, fetches = i.imm == asm.COMPARE, i.imm & asm.FETCH

    def run(s: State) -> int:
        registers = s.registers
        address = registers[dst] + offset
        old = int.from_bytes(s.memory.read(address, size), "little")
        new = work_out(old, registers[src] & mask) & mask
        if compares and old != registers[0] & mask:
            new = old
        s.memory.write(address, new.to_bytes(size, "little"))
        if fetches:
            registers[0 if compares else src] = old
        return following

    return run


def size_of(i: Instruction) -> int:
    return asm.SIZES[i.opcode & 0x18]
