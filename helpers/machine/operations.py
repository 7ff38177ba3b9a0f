"""What each instruction does: one small function for each, made before the program runs.

Built in chapter 07, inside_the_bytecode. Such a function gets the state, changes it, and returns
the place of the instruction that comes next. Whether registers have values and addresses lead
somewhere shows when Python works with them; helpers.machine.step makes named faults of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from helpers import asm
from helpers.asm import Instruction
from helpers.machine import arithmetic, calls, packet
from helpers.machine.access import atomic, load, size_of, store
from helpers.machine.arithmetic import M64, function
from helpers.machine.decode import is_call, is_exit, is_goto, target
from helpers.machine.faults import BadArgument
from helpers.machine.link import Reference
from helpers.machine.memory import CONTEXT
from helpers.machine.state import UNSET, Operation, State

NO_CONTEXT = "packet loads want the context in r6 (r6 = r1 at the beginning)."


def operation(i: Instruction, references: Mapping[int, Reference]) -> Operation:
    """The function that does what the instruction says.

    Arguments: references: what each 64-bit immediate stands for, by its place.
    """
    if i.kind in (asm.ALU32, asm.ALU64):
        return arithmetical(i)
    if is_exit(i):
        return leaving
    if is_goto(i):
        place = target(i)
        return lambda s: place
    if is_call(i):
        return calling(i)
    if i.kind in (asm.JUMP, asm.JUMP32):
        return conditional(i)
    if i.kind == asm.LD:
        if i.opcode == asm.LOAD_64_BIT_IMMEDIATE:
            return constant(i, references[i.number])
        return packet_load(i)
    if i.kind == asm.LDX:
        return load(i)
    return atomic(i) if i.opcode & 0xE0 == asm.ATOMIC else store(i)


def second(i: Instruction, mask: int) -> Callable[[list], int]:
    """How to get the second operand from the registers: it is the number imm, or in src."""
    src, number = i.src, i.imm & mask
    if i.opcode & asm.REGISTER_SOURCE:
        return lambda registers: registers[src] & mask
    return lambda registers: number


def arithmetical(i: Instruction) -> Operation:
    work_out, mask = function(arithmetic.expression(i)), (1 << arithmetic.bits(i)) - 1
    dst, src, following = i.dst, i.src, i.number + 1
    if i.opcode & 0xF0 == asm.MOVE:
        operand = second(i, mask)
        whole = i.kind == asm.ALU64 and i.opcode & asm.REGISTER_SOURCE and not i.offset

        def run(s: State) -> int:
            registers = s.registers
            # All 64 bits are copied as they are, even if that is no value.
            registers[dst] = registers[src] if whole else work_out(0, operand(registers)) & mask
            return following

    else:
        unary = i.opcode & 0xF0 in (asm.NEGATE, asm.BYTE_ORDER)
        operand = (lambda registers: 0) if unary else second(i, mask)

        def run(s: State) -> int:
            registers = s.registers
            registers[dst] = work_out(registers[dst] & mask, operand(registers)) & mask
            return following

    return run


def conditional(i: Instruction) -> Operation:
    holds, mask = function(arithmetic.expression(i)), (1 << arithmetic.bits(i)) - 1
    dst, operand, there, following = i.dst, second(i, mask), target(i), i.number + 1

    def run(s: State) -> int:
        registers = s.registers
        return there if holds(registers[dst] & mask, operand(registers)) else following

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
    indirect = i.opcode & 0xE0 == asm.INDIRECT

    def run(s: State) -> int | None:
        registers = s.registers
        if registers[6] & M64 != CONTEXT << 32:
            raise BadArgument(NO_CONTEXT)
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
        raise calls.UnknownHelper(calls.NO_KERNEL_FUNCTIONS)

    kinds = {asm.HELPER: run, asm.LOCAL: run_local}
    return kinds.get(i.src, run_kernel_function)


def leaving(s: State) -> int | None:
    if not s.frames:
        s.registers[0] & M64  # the program itself needs a result
    return s.leave()
