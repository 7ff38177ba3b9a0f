"""Instructions as text, the way LLVM and the kernel's verifier write them.

The second stage of the road. Built in chapter 02, compile_the_sample; chapter 07 shows the later
instructions. It knows all of RFC 9669; what is not in there is refused rather than guessed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.asm.instruction import (
    ABSOLUTE,
    ALU32,
    ALU64,
    ARITHMETIC,
    ATOMIC,
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
    HELPER,
    IMMEDIATE,
    INDIRECT,
    JUMP,
    JUMP32,
    LD,
    LDX,
    LOCAL,
    MEMORY,
    MEMORY_SIGNED,
    MODULO,
    MOVE,
    NEGATE,
    REGISTER_SOURCE,
    SIZES,
    ST,
    STX,
    Instruction,
)
from helpers.errors import CourseError

if TYPE_CHECKING:
    from helpers.objfile import Program

HELPER_NAMES = Path("/usr/include/bpf/bpf_helper_defs.h")


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
    kind = instruction.kind
    if kind in (ALU32, ALU64):
        found = _arithmetic(instruction, "r" if kind == ALU64 else "w")
    elif kind in (JUMP, JUMP32):
        found = _jump(instruction, "r" if kind == JUMP else "w")
    elif kind == LD:
        found = _load(instruction)
    else:
        found = _memory(instruction, kind)
    if found is None or instruction.dst > 10 or instruction.src > 10:
        raise DisasmError(
            f"The bytes {instruction.raw.hex(' ')} are no instruction of BPF: the opcode "
            f"0x{instruction.opcode:02x} does not exist, or not with these operands (RFC 9669)."
        )
    return found


def listing(program: Program) -> str:
    """A whole program: a line of C, and below it each of its instructions: number, bytes, text.

    Errors: DisasmError. Built in chapter 02.
    """
    rows, line = [], 0
    for instruction in program.instructions:
        if instruction.line != line:
            line = instruction.line
            rows.append(f"; line {line}: {instruction.source}")
        raw = instruction.raw[:8].hex(" ")
        rows.append(f"{instruction.number:4}: {raw}  {text(instruction)}")
        if len(instruction.raw) == 16:
            rows.append(f"      {instruction.raw[8:].hex(' ')}")
    return "\n".join(rows)


def _arithmetic(i: Instruction, letter: str) -> str | None:
    operation, dst = i.opcode & 0xF0, f"{letter}{i.dst}"
    if operation == BYTE_ORDER:
        return _byte_order(i, letter)
    if operation == NEGATE:
        return None if i.offset or i.opcode & REGISTER_SOURCE else f"{dst} = -{dst}"
    if operation not in ARITHMETIC:
        return None
    sign = ARITHMETIC[operation]
    if operation == MOVE and i.opcode & REGISTER_SOURCE and i.offset:
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
    to_big = i.opcode & REGISTER_SOURCE
    if letter == "r":
        return None if to_big else f"r{i.dst} = bswap{i.imm} r{i.dst}"
    return f"r{i.dst} = {'be' if to_big else 'le'}{i.imm} r{i.dst}"


def _jump(i: Instruction, letter: str) -> str | None:
    operation = i.opcode & 0xF0
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
    mode, size = i.opcode & 0xE0, _size(i)
    if mode == IMMEDIATE and size == 64:
        return f"r{i.dst} = {i.symbol or i.imm} ll"
    if mode == ABSOLUTE and size != 64:
        return f"r0 = *(u{size} *)skb[{i.imm}]"
    if mode == INDIRECT and size != 64:
        return f"r0 = *(u{size} *)skb[r{i.src}{f' + {i.imm}' if i.imm else ''}]"
    return None


def _memory(i: Instruction, kind: int) -> str | None:
    mode, size = i.opcode & 0xE0, _size(i)
    base = i.src if kind == LDX else i.dst
    address = f"r{base} {'-' if i.offset < 0 else '+'} {abs(i.offset)}"
    if kind == LDX and mode == MEMORY:
        return f"r{i.dst} = *(u{size} *)({address})"
    if kind == LDX and mode == MEMORY_SIGNED and size != 64:
        return f"r{i.dst} = *(s{size} *)({address})"
    if kind != LDX and mode == MEMORY:
        return f"*(u{size} *)({address}) = {i.imm if kind == ST else f'r{i.src}'}"
    if mode == ATOMIC and kind == STX and size in (32, 64):
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


def _size(i: Instruction) -> int:
    return 8 * SIZES[i.opcode & 0x18]


def _operand(i: Instruction, letter: str) -> str:
    return f"{letter}{i.src}" if i.opcode & REGISTER_SOURCE else str(i.imm)


def _callee(i: Instruction) -> str:
    # A function of this object is so many slots away, a helper of the kernel has a number.
    if i.src == LOCAL:
        return i.symbol or f"pc{i.imm:+}"
    return helper_names().get(i.imm, str(i.imm)) if i.src == HELPER else str(i.imm)


@cache
def helper_names() -> dict[int, str]:
    """The kernel's helper functions by number, {1: "bpf_map_lookup_elem", ...}.

    Read from the header that the compiler includes; without libbpf-dev it is empty, and calls
    show as numbers. Source: bpf-helpers(7). Built in chapter 02.
    """
    if not HELPER_NAMES.is_file():
        return {}
    pattern = r"\(\* ?(?:const )?(bpf_\w+)\)\(.*= \(void \*\) ?(\d+);"
    return {int(number): name for name, number in re.findall(pattern, HELPER_NAMES.read_text())}
