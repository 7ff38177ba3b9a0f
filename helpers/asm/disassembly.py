"""Instructions as text, the way LLVM and the kernel's verifier write them.

The second stage of the road. Built in chapter 02, compile_the_sample; chapter 07 shows the later
instructions. It knows all of RFC 9669; what is not in there is refused rather than guessed.
"""

from __future__ import annotations

from helpers.asm.instruction import (
    ABSOLUTE,
    ALU32,
    ALU64,
    ARITHMETIC,
    ATOMICS,
    BYTE_ORDER,
    CALL,
    COMPARE,
    CONDITIONS,
    DIVIDE,
    EXCHANGE,
    EXIT,
    FETCH,
    GOTO,
    IMMEDIATE,
    INDIRECT,
    JUMP,
    JUMP32,
    LD,
    LDX,
    MEMORY,
    MEMORY_SIGNED,
    MODULO,
    MOVE,
    NEGATE,
    REGISTER_SOURCE,
    ST,
    VALUE_BY_FD,
    Instruction,
)
from helpers.asm.link import Function
from helpers.asm.prototypes import helper_names
from helpers.errors import CourseError


class DisasmError(CourseError):
    """Bytes that are no instruction, or one that this module does not know."""


def text(instruction: Instruction) -> str:
    """One instruction as a line of text, for example "r0 = *(u8 *)skb[23]".

    rN is a register, wN its lower half; u8 to u64 are sizes in bits; s>, s>>= and the like treat
    numbers as signed; `ll` marks a 64-bit immediate, in which a relocation puts its symbol.
    Arguments: an instruction from objfile.read.
    Errors: DisasmError for an unknown opcode.
    Source: RFC 9669; the assembler syntax of LLVM's BPF target. Built in chapter 02.
    """
    opcode_class = instruction.opcode_class
    if opcode_class in (ALU32, ALU64):
        line = _arithmetic(instruction, "r" if opcode_class == ALU64 else "w")
    elif opcode_class in (JUMP, JUMP32):
        line = _jump(instruction, "r" if opcode_class == JUMP else "w")
    elif opcode_class == LD:
        line = _load(instruction)
    else:
        line = _memory(instruction, opcode_class)
    if line is None or instruction.dst > 10 or instruction.src > 10:
        raise DisasmError(
            f"The bytes {instruction.raw.hex(' ')} are no instruction of BPF: the opcode "
            f"0x{instruction.opcode:02x} does not exist, or not with these operands (RFC 9669)."
        )
    return line


def listing(function: Function) -> str:
    """A whole function: a line of C, and below it each of its instructions: number, bytes, text.

    Errors: DisasmError. Built in chapter 02.
    """
    rows, line = [], 0
    for instruction in function.instructions:
        if instruction.line != line:
            line = instruction.line
            rows.append(f"; line {line}: {instruction.source}")
        raw = instruction.raw[:8].hex(" ")
        rows.append(f"{instruction.number:4}: {raw}  {text(instruction)}")
        if len(instruction.raw) == 16:
            rows.append(f"      {instruction.raw[8:].hex(' ')}")
    return "\n".join(rows)


def _arithmetic(i: Instruction, letter: str) -> str | None:
    operation, dst = i.operation, f"{letter}{i.dst}"
    if operation == BYTE_ORDER:
        return _byte_order(i, letter)
    if operation == NEGATE:
        return None if i.offset or i.opcode & REGISTER_SOURCE else f"{dst} = -{dst}"
    if operation not in ARITHMETIC:
        return None
    sign = ARITHMETIC[operation]
    if operation == MOVE and i.takes_register and i.offset:
        # Sign extension: the offset says how many bits count.
        known = (8, 16, 32) if letter == "r" else (8, 16)
        return f"{dst} = (s{i.offset}){letter}{i.src}" if i.offset in known else None
    if operation in (DIVIDE, MODULO) and i.offset == 1:
        sign = f"s{sign}"
    elif i.offset:
        return None
    return f"{dst} {sign} {_operand(i, letter)}"


def _byte_order(i: Instruction, letter: str) -> str | None:
    if i.imm not in (16, 32, 64) or i.offset:
        return None
    if letter == "r":
        return None if i.to_big_endian else f"r{i.dst} = bswap{i.imm} r{i.dst}"
    return f"r{i.dst} = {'be' if i.to_big_endian else 'le'}{i.imm} r{i.dst}"


def _jump(i: Instruction, letter: str) -> str | None:
    operation = i.operation
    if operation in CONDITIONS:
        condition = f"{letter}{i.dst} {CONDITIONS[operation]} {_operand(i, letter)}"
        return f"if {condition} goto {i.offset:+}"
    if i.opcode & REGISTER_SOURCE:
        return None
    if operation == GOTO:
        return f"goto {i.offset:+}" if letter == "r" else f"gotol {i.imm:+}"
    if letter == "w":
        return None
    if operation == CALL:
        return f"call {_callee(i)}"
    return "exit" if operation == EXIT else None


def _load(i: Instruction) -> str | None:
    mode, size = i.mode, 8 * i.size
    if mode == IMMEDIATE and size == 64:
        if i.symbol and i.src == VALUE_BY_FD and i.imm >> 32:  # a variable, in its section
            return f"r{i.dst} = {i.symbol} + {i.imm >> 32} ll"
        return f"r{i.dst} = {i.symbol or i.imm} ll"
    if mode == ABSOLUTE and size != 64:
        return f"r0 = *(u{size} *)skb[{i.imm}]"
    if mode == INDIRECT and size != 64:
        return f"r0 = *(u{size} *)skb[r{i.src}{f' + {i.imm}' if i.imm else ''}]"
    return None


def _memory(i: Instruction, opcode_class: int) -> str | None:
    mode, size = i.mode, 8 * i.size  # in bits
    address = f"r{i.base} {'-' if i.offset < 0 else '+'} {abs(i.offset)}"
    if opcode_class == LDX and mode == MEMORY:
        return f"r{i.dst} = *(u{size} *)({address})"
    if opcode_class == LDX and mode == MEMORY_SIGNED and size != 64:
        return f"r{i.dst} = *(s{size} *)({address})"
    if opcode_class != LDX and mode == MEMORY:
        return f"*(u{size} *)({address}) = {i.imm if opcode_class == ST else f'r{i.src}'}"
    if i.is_atomic and size in (32, 64):
        return _atomic(i, size, address)
    return None


def _atomic(i: Instruction, size: int, address: str) -> str | None:
    letter, suffix = ("r", "_64") if size == 64 else ("w", "32_32")
    if i.imm in ATOMICS:
        return f"lock *(u{size} *)({address}) {ATOMICS[i.imm][0]} {letter}{i.src}"
    if i.imm & ~FETCH in ATOMICS:
        name = ATOMICS[i.imm & ~FETCH][1]
        register = f"{letter}{i.src}"
        return f"{register} = atomic_fetch_{name}((u{size} *)({address}), {register})"
    if i.imm == EXCHANGE:
        return f"{letter}{i.src} = xchg{suffix}({address}, {letter}{i.src})"
    if i.imm == COMPARE:
        return f"{letter}0 = cmpxchg{suffix}({address}, {letter}0, {letter}{i.src})"
    return None


def _operand(i: Instruction, letter: str) -> str:
    return f"{letter}{i.src}" if i.takes_register else str(i.imm)


def _callee(i: Instruction) -> str:
    # A function of this object is so many slots away, a helper of the kernel has a number.
    if i.calls_function:
        return i.symbol or f"pc{i.imm:+}"
    if i.calls_helper:
        return helper_names().get(i.imm, str(i.imm))
    return i.symbol or str(i.imm)
