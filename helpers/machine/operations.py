"""What each instruction does: one small function for each, made before the program runs.

Built in chapter 07, inside_the_bytecode. Such a function gets the state, changes it, and returns
the place of the instruction that comes next. Whether registers have values and addresses lead
somewhere shows when Python works with them; helpers.machine.step makes named faults of that.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers import asm
from helpers.asm import Instruction
from helpers.machine import arithmetic, calls, packet
from helpers.machine.arithmetic import M64, function
from helpers.machine.faults import BadArgument
from helpers.machine.memory import CONTEXT
from helpers.machine.program import Reference
from helpers.machine.state import UNSET, Operation, State

value_of = int.from_bytes
NO_CONTEXT = "packet loads want the context in r6 (r6 = r1 at the beginning)."


def operation(i: Instruction, references: Mapping[int, Reference]) -> Operation:
    """The function that does what the instruction says.

    Arguments: references: what each 64-bit immediate stands for, by its place.
    """
    if i.is_arithmetic:
        return arithmetical(i)
    if i.is_exit:
        return leaving
    if i.is_goto:
        place = i.target
        return lambda s: place
    if i.is_call:
        return calling(i)
    if i.is_conditional:
        return conditional(i)
    if i.is_wide:
        return constant(i, references[i.number])
    if i.loads_packet:
        return packet_load(i)
    if i.opcode_class == asm.LDX:
        return load(i)
    return atomic(i) if i.is_atomic else store(i)


def arithmetical(i: Instruction) -> Operation:
    work_out, mask = function(arithmetic.expression(i)), (1 << arithmetic.bits(i)) - 1
    dst, src, following = i.dst, i.src, i.end
    # The second operand: what is in src, or the number imm.
    from_register, number = i.takes_register, 0 if i.is_unary else i.imm & mask

    def run(s: State) -> int:
        registers = s.registers
        b = registers[src] & mask if from_register else number
        registers[dst] = work_out(registers[dst] & mask, b) & mask
        return following

    def move(s: State) -> int:
        registers = s.registers
        b = registers[src] & mask if from_register else number
        registers[dst] = work_out(0, b) & mask
        return following

    def move_whole(s: State) -> int:
        registers = s.registers
        registers[dst] = registers[src]  # as it is, even if that is no value
        return following

    if i.operation != asm.MOVE:
        return run
    return move_whole if i.opcode_class == asm.ALU64 and from_register and not i.offset else move


def conditional(i: Instruction) -> Operation:
    holds, mask = function(arithmetic.expression(i)), (1 << arithmetic.bits(i)) - 1
    dst, src, there, following = i.dst, i.src, i.target, i.end
    from_register, number = i.takes_register, i.imm & mask

    def run(s: State) -> int:
        registers = s.registers
        b = registers[src] & mask if from_register else number
        return there if holds(registers[dst] & mask, b) else following

    return run


def constant(i: Instruction, stands_for: Reference) -> Operation:
    dst, value, following = i.dst, stands_for.value, i.end

    def run(s: State) -> int:
        s.registers[dst] = value
        return following

    def run_with_element(s: State) -> int:
        s.registers[dst] = s.memory.share(stands_for.number, stands_for.element) + value
        return following

    return run_with_element if stands_for.element else run


def load(i: Instruction) -> Operation:
    size, dst, src, offset, following = i.size, i.dst, i.src, i.offset, i.end

    def run(s: State) -> int:
        s.registers[dst] = value_of(s.memory.part(s.registers[src] + offset, size), "little")
        return following

    def run_signed(s: State) -> int:
        run(s)
        s.registers[dst] = arithmetic.signed(s.registers[dst], 8 * size) & M64
        return following

    return run_signed if i.mode == asm.MEMORY_SIGNED else run


def store(i: Instruction) -> Operation:
    size, dst, src, offset, following = i.size, i.dst, i.src, i.offset, i.end
    mask, from_register, number = (1 << 8 * size) - 1, i.opcode_class == asm.STX, i.imm

    def run(s: State) -> int:
        value = s.registers[src] if from_register else number
        s.memory.write(s.registers[dst] + offset, (value & mask).to_bytes(size, "little"))
        return following

    return run


def atomic(i: Instruction) -> Operation:
    size, dst, src, offset, following = i.size, i.dst, i.src, i.offset, i.end
    sign, _ = asm.ATOMICS.get(i.imm & ~asm.FETCH, ("=", ""))  # exchanging: new is src
    work_out, mask = function(arithmetic.OPERATIONS[sign]), (1 << 8 * i.size) - 1
    compares, fetches = i.imm == asm.COMPARE, i.imm & asm.FETCH

    def run(s: State) -> int:
        registers = s.registers
        address = registers[dst] + offset
        old = value_of(s.memory.part(address, size), "little")
        new = work_out(old, registers[src] & mask) & mask
        if compares and old != registers[0] & mask:
            new = old
        s.memory.write(address, new.to_bytes(size, "little"))
        if fetches:
            registers[0 if compares else src] = old
        return following

    return run


def packet_load(i: Instruction) -> Operation:
    size, src, imm, following = i.size, i.src, i.imm, i.end
    indirect = i.mode == asm.INDIRECT

    def run(s: State) -> int | None:
        registers = s.registers
        if registers[6] & M64 != CONTEXT << 32:
            raise BadArgument(NO_CONTEXT)
        offset = arithmetic.signed(registers[src] + imm, 32) if indirect else imm
        start = packet.place(offset, s.packet.network)
        end = start + size
        registers[1:6] = UNSET
        if start < 0 or end > len(s.data):  # outside: this ends the function, with 0
            registers[0] = 0
            return s.leave()
        registers[0] = value_of(s.data[start:end], "big")
        s.reading = (start, end)
        return following

    return run


def calling(i: Instruction) -> Operation:
    number, place, following = i.imm, i.target, i.end
    helper = calls.made(number)

    def run(s: State) -> int:
        registers = s.registers
        registers[0] = helper(s, registers) & M64
        registers[1:6] = UNSET
        return following

    def run_local(s: State) -> int:
        s.enter(following)
        return place

    def run_kernel_function(s: State) -> int:
        raise calls.UnknownHelper(calls.NO_KERNEL_FUNCTIONS)

    if i.calls_function:
        return run_local
    return run if i.calls_helper else run_kernel_function


def leaving(s: State) -> int | None:
    if not s.frames:
        s.registers[0] & M64  # the program itself needs a result
    return s.leave()
