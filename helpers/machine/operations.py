"""What each instruction does: one small function for each, made before the program runs.

Built in chapter 07, inside_the_bytecode. Such a function gets the state, changes it, and returns
the place of the instruction that comes next. Whether registers have values and addresses lead
somewhere shows when Python works with them; helpers.machine.step makes named faults of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from helpers import bytecode
from helpers.bytecode import Instruction
from helpers.machine import arithmetic, calls, packet
from helpers.machine.arithmetic import M32, M64
from helpers.machine.decode import is_call, is_exit, is_goto, target
from helpers.machine.faults import BadArgument
from helpers.machine.link import Reference
from helpers.machine.memory import CONTEXT, PACK, UNPACK, UNPACK_SIGNED
from helpers.machine.state import UNSET, State

Operation = Callable[[State], "int | None"]


def operation(i: Instruction, references: Mapping[int, Reference]) -> Operation:
    """The function that does what the instruction says.

    Arguments: references: what each 64-bit immediate stands for, by its place.
    """
    if i.kind in (bytecode.ALU32, bytecode.ALU64):
        return arithmetical(i)
    if is_exit(i):
        return leaving
    if is_goto(i):
        place = target(i)
        return lambda s: place
    if is_call(i):
        return calling(i)
    if i.kind in (bytecode.JUMP, bytecode.JUMP32):
        return conditional(i)
    if i.kind == bytecode.LD:
        if i.opcode == bytecode.LOAD_64_BIT_IMMEDIATE:
            return constant(i, references[i.number])
        return packet_load(i)
    if i.kind == bytecode.LDX:
        return load(i)
    return atomic(i) if i.opcode & 0xE0 == bytecode.ATOMIC else store(i)


@cache
def function(expression: str) -> Callable[[int, int], int]:
    """A Python function of a and b that works out an expression of helpers.machine.arithmetic."""
    return eval(f"lambda a, b: {expression}", arithmetic.NAMES)


def arithmetical(i: Instruction) -> Operation:
    work_out, mask = function(arithmetic.expression(i)), (1 << arithmetic.result_bits(i)) - 1
    dst, src, following = i.dst, i.src, i.number + 1
    if i.opcode & 0xF0 in (bytecode.NEGATE, bytecode.BYTE_ORDER):
        src = dst
    elif not i.opcode & bytecode.REGISTER_SOURCE:
        return arithmetical_with_number(i, work_out, mask)
    if i.opcode == bytecode.ALU64 | bytecode.REGISTER_SOURCE | bytecode.MOVE and not i.offset:

        def run(s: State) -> int:
            registers = s.registers
            registers[dst] = registers[src]  # even if that has no value
            return following

    elif i.opcode & 0xF0 == bytecode.MOVE:

        def run(s: State) -> int:
            registers = s.registers
            registers[dst] = work_out(None, registers[src] & mask) & mask
            return following

    else:

        def run(s: State) -> int:
            registers = s.registers
            registers[dst] = work_out(registers[dst] & mask, registers[src] & mask) & mask
            return following

    return run


def arithmetical_with_number(i: Instruction, work_out: Callable, mask: int) -> Operation:
    dst, b, following = i.dst, arithmetic.immediate(i), i.number + 1
    if i.opcode & 0xF0 == bytecode.MOVE:

        def run(s: State) -> int:
            s.registers[dst] = b
            return following

    else:

        def run(s: State) -> int:
            registers = s.registers
            registers[dst] = work_out(registers[dst] & mask, b) & mask
            return following

    return run


def conditional(i: Instruction) -> Operation:
    holds, mask = function(arithmetic.expression(i)), (1 << arithmetic.width(i)) - 1
    dst, src, b = i.dst, i.src, arithmetic.immediate(i)
    there, following = target(i), i.number + 1
    if i.opcode & bytecode.REGISTER_SOURCE:

        def run(s: State) -> int:
            registers = s.registers
            return there if holds(registers[dst] & mask, registers[src] & mask) else following

    else:

        def run(s: State) -> int:
            return there if holds(s.registers[dst] & mask, b) else following

    return run


def load(i: Instruction) -> Operation:
    size, dst, src, offset, following = size_of(i), i.dst, i.src, i.offset, i.number + 1
    unpack = (UNPACK_SIGNED if i.opcode & 0xE0 == bytecode.MEMORY_SIGNED else UNPACK)[size]

    def run(s: State) -> int:
        address = s.registers[src] + offset
        s.registers[dst] = unpack(s.readable[address >> 32], address & M32)[0] & M64
        return following

    return run


def store(i: Instruction) -> Operation:
    size, dst, src, offset, following = size_of(i), i.dst, i.src, i.offset, i.number + 1
    pack, mask, number = PACK[size], (1 << 8 * size_of(i)) - 1, i.imm

    def run(s: State) -> int:
        address = s.registers[dst] + offset
        pack(s.writable[address >> 32], address & M32, s.registers[src] & mask)
        return following

    def run_with_number(s: State) -> int:
        address = s.registers[dst] + offset
        pack(s.writable[address >> 32], address & M32, number & mask)
        return following

    return run_with_number if i.kind == bytecode.ST else run


def atomic(i: Instruction) -> Operation:
    size, dst, src, offset, following = size_of(i), i.dst, i.src, i.offset, i.number + 1
    unpack, pack, mask = UNPACK[size], PACK[size], (1 << 8 * size_of(i)) - 1
    sign, _ = bytecode.ATOMICS.get(i.imm & ~bytecode.FETCH, ("=", ""))
    work_out = function(arithmetic.OPERATIONS[sign])
    compares, fetches = i.imm == bytecode.COMPARE, i.imm & bytecode.FETCH

    def run(s: State) -> int:
        registers = s.registers
        address = registers[dst] + offset
        memory, start = s.writable[address >> 32], address & M32
        old = unpack(memory, start)[0]
        new = work_out(old, registers[src] & mask) & mask
        if not compares or old == registers[0] & mask:
            pack(memory, start, new)
        if fetches:
            registers[0 if compares else src] = old
        return following

    return run


def constant(i: Instruction, found: Reference) -> Operation:
    dst, value, following = i.dst, found.value, i.number + 2

    def run(s: State) -> int:
        s.registers[dst] = value
        return following

    def run_with_element(s: State) -> int:
        s.registers[dst] = s.memory.share(found.number, found.element) + value
        return following

    return run_with_element if found.element else run


def packet_load(i: Instruction) -> Operation:
    size, src, number, following = size_of(i), i.src, i.imm, i.number + 1
    indirect = i.opcode & 0xE0 == bytecode.INDIRECT

    def run(s: State) -> int | None:
        registers = s.registers
        if registers[6] & M64 != CONTEXT << 32:
            raise BadArgument("packet loads want the context in r6 (r6 = r1 at the beginning).")
        offset = arithmetic.signed(registers[src] + number, 32) if indirect else number
        found = packet.load(s.data, offset, size)
        registers[1:6] = UNSET
        if found is None:  # outside: this ends the function, with 0
            registers[0] = 0
            return s.leave()
        registers[0] = found
        s.reading = (packet.place(offset), packet.place(offset) + size)
        return following

    return run


def calling(i: Instruction) -> Operation:
    number, place, following = i.imm, target(i), i.number + 1

    def run(s: State) -> int:
        calls.call(s, number)
        s.registers[1:6] = UNSET
        return following

    def run_local(s: State) -> int:
        s.enter(following)
        return place

    def run_kernel_function(s: State) -> int:
        raise calls.UnknownHelper("this machine has no functions of the kernel but its helpers.")

    kinds = {bytecode.HELPER: run, bytecode.LOCAL: run_local}
    return kinds.get(i.src, run_kernel_function)


def leaving(s: State) -> int | None:
    if not s.frames:
        s.registers[0] & M64  # the program itself needs a result
    return s.leave()


def size_of(i: Instruction) -> int:
    return bytecode.SIZES[i.opcode & 0x18]
