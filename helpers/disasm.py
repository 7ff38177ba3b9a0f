"""Instructions as text, the way LLVM and the kernel's verifier write them.

The second stage of the road. Built in chapter 02, compile_the_sample. It knows every instruction
that clang 14 makes of the course's programs; later ones are refused rather than guessed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from helpers.errors import CourseError
from helpers.objfile import Instruction, Program

HELPER_NAMES = Path("/usr/include/bpf/bpf_helper_defs.h")

# An opcode is a class (its low three bits) and, in the upper ones, an operation or a size.
LD, LDX, ST, STX, ALU32, JUMP, JUMP32, ALU64 = range(8)
SIZES = {0x00: "u32", 0x08: "u16", 0x10: "u8", 0x18: "u64"}
IMMEDIATE, ABSOLUTE, INDIRECT, MEMORY, ATOMIC = 0x00, 0x20, 0x40, 0x60, 0xC0
REGISTER_SOURCE = 0x08
ARITHMETIC = {0x00: "+=", 0x10: "-=", 0x20: "*=", 0x30: "/=", 0x40: "|=", 0x50: "&="}
ARITHMETIC |= {0x60: "<<=", 0x70: ">>=", 0x90: "%=", 0xA0: "^=", 0xB0: "=", 0xC0: "s>>="}
NEGATE, BYTE_ORDER = 0x80, 0xD0
CONDITIONS = {0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "&", 0x50: "!=", 0x60: "s>"}
CONDITIONS |= {0x70: "s>=", 0xA0: "<", 0xB0: "<=", 0xC0: "s<", 0xD0: "s<="}
GOTO, CALL, EXIT = 0x00, 0x80, 0x90
ATOMICS = {0x00: ("+=", "add"), 0x40: ("|=", "or"), 0x50: ("&=", "and"), 0xA0: ("^=", "xor")}
FETCH, EXCHANGE, COMPARE = 0x01, 0xE1, 0xF1


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
    kind = instruction.opcode & 7
    if kind in (ALU32, ALU64):
        found = _arithmetic(instruction, "r" if kind == ALU64 else "w")
    elif kind in (JUMP, JUMP32):
        found = _jump(instruction, "r" if kind == JUMP else "w")
    elif kind == LD:
        found = _load(instruction)
    else:
        found = _memory(instruction, kind)
    if found is None:
        raise DisasmError(
            f"The opcode 0x{instruction.opcode:02x} (bytes {instruction.raw.hex(' ')}) is not one "
            "that this disassembler knows: compile with -mcpu=v3 or lower."
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
    if i.offset:  # signed division and sign extension, newer than clang 14
        return None
    if operation == NEGATE and not i.opcode & REGISTER_SOURCE:
        return f"{dst} = -{dst}"
    if operation == BYTE_ORDER and letter == "w" and i.imm in (16, 32, 64):
        order = "be" if i.opcode & REGISTER_SOURCE else "le"
        return f"r{i.dst} = {order}{i.imm} r{i.dst}"
    if operation not in ARITHMETIC:
        return None
    return f"{dst} {ARITHMETIC[operation]} {_operand(i, letter)}"


def _jump(i: Instruction, letter: str) -> str | None:
    operation = i.opcode & 0xF0
    if operation in CONDITIONS:
        condition = f"{letter}{i.dst} {CONDITIONS[operation]} {_operand(i, letter)}"
        return f"if {condition} goto {i.offset:+}"
    if letter == "w" or i.opcode & REGISTER_SOURCE:
        return None
    if operation == GOTO:
        return f"goto {i.offset:+}"
    if operation == CALL:
        return f"call {_callee(i)}"
    return "exit" if operation == EXIT else None


def _load(i: Instruction) -> str | None:
    mode, size = i.opcode & 0xE0, SIZES[i.opcode & 0x18]
    if mode == IMMEDIATE and size == "u64":
        return f"r{i.dst} = {i.symbol or i.imm} ll"
    if mode in (ABSOLUTE, INDIRECT) and size != "u64":
        return f"r0 = *({size} *)skb[{i.imm if mode == ABSOLUTE else f'r{i.src}'}]"
    return None


def _memory(i: Instruction, kind: int) -> str | None:
    mode, size = i.opcode & 0xE0, SIZES[i.opcode & 0x18]
    base = i.src if kind == LDX else i.dst
    address = f"r{base} {'-' if i.offset < 0 else '+'} {abs(i.offset)}"
    if mode == MEMORY and kind == LDX:
        return f"r{i.dst} = *({size} *)({address})"
    if mode == MEMORY:
        return f"*({size} *)({address}) = {i.imm if kind == ST else f'r{i.src}'}"
    if mode == ATOMIC and kind == STX and size in ("u32", "u64"):
        return _atomic(i, size, address)
    return None


def _atomic(i: Instruction, size: str, address: str) -> str | None:
    if i.imm in ATOMICS:
        return f"lock *({size} *)({address}) {ATOMICS[i.imm][0]} r{i.src}"
    if i.imm & ~FETCH in ATOMICS:
        name = ATOMICS[i.imm & ~FETCH][1]
        return f"r{i.src} = atomic_fetch_{name}(({size} *)({address}), r{i.src})"
    letter, suffix = ("r", "_64") if size == "u64" else ("w", "32_32")
    if i.imm == EXCHANGE:
        return f"{letter}{i.src} = xchg{suffix}({address}, {letter}{i.src})"
    if i.imm == COMPARE:
        return f"{letter}0 = cmpxchg{suffix}({address}, {letter}0, {letter}{i.src})"
    return None


def _operand(i: Instruction, letter: str) -> str:
    return f"{letter}{i.src}" if i.opcode & REGISTER_SOURCE else str(i.imm)


def _callee(i: Instruction) -> str:
    # A function of this object is so many slots away, a helper of the kernel has a number.
    if i.src == 1:
        return i.symbol or f"pc{i.imm:+}"
    return helper_names().get(i.imm, str(i.imm))


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
