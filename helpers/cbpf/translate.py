"""From classic BPF to eBPF, as the kernel does it inside whenever a classic filter is attached.

Built in chapter 09, classic_bpf. The kernel's translation is bpf_convert_filter() in
net/core/filter.c. This one differs where the verifier, which the kernel spares its own work, wants
it: registers are cleared by loading 0, and instructions that nothing leads to are left out.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from helpers import disasm, objfile
from helpers.cbpf import instruction as c
from helpers.cbpf.check import SCRATCH_WORDS, check
from helpers.cbpf.instruction import FilterError, Instruction

# The registers of eBPF in which the machine of classic BPF lives. r0 is also what a program
# returns and what a load from the packet fills; loads find the packet through r6.
A, SPARE, CONTEXT, X, STACK = 0, 2, 6, 7, 10
# Opcodes of eBPF, as in helpers/disasm.py.
MOVE, MOVE32, CLEAR32, EXIT = 0xBF, 0xBC, 0xB4, 0x95
SET32, LOAD_WORD, STORE_WORD, GOTO, CALL, FROM_BIG_ENDIAN = 0xB4, 0x61, 0x63, 0x05, 0x85, 0xDC
JUMP_IF_NOT_EQUAL, AND32, SHIFT_LEFT32, XOR32 = 0x55, 0x54, 0x64, 0xAF
OPPOSITE = {c.JEQ: 0x50, c.JGT: 0xB0, c.JGE: 0xA0}  # !=, <=, <: eBPF has these, too
# Where struct __sk_buff has what is known of a packet beside its bytes, from <linux/bpf.h>.
FIELDS = {"type": 4, "mark": 8, "queue": 12, "proto": 16, "vlanp": 20, "vlan_tci": 24}
FIELDS |= {"vlan_tpid": 28, "ifidx": 40, "rxhash": 68}
HELPERS = {"random": 7, "cpu": 8}


class TranslationError(FilterError):
    """An instruction that has no counterpart in eBPF, or a jump too far for one."""


@dataclass(frozen=True)
class Extended:
    """One instruction of eBPF; `target`: the number of the classic one that a jump leads to."""

    opcode: int
    dst: int = 0
    src: int = 0
    offset: int = 0
    imm: int = 0
    target: int | None = None


def translate(program: Sequence[Instruction]) -> bytes:
    """An eBPF socket filter that returns what the classic one does.

    Result: its instructions, 8 bytes each, for syscall.load_program.
    Errors: FilterError as check(); TranslationError.
    Source: RFC 9669; bpf_convert_filter() in net/core/filter.c. Built in chapter 09.
    """
    return b"".join(raw for _, rows in translated(program) for raw in rows)


def translated(program: Sequence[Instruction]) -> list[tuple[int | None, list[bytes]]]:
    """The same by pieces: the number of the classic instruction (None: what stands in front of
    the first), and the instructions of eBPF that it has become."""
    check(program)
    pieces = [(None, prologue())]
    pieces += [(number, one(program[number], number)) for number in reachable(program)]
    starts, length = {}, 0
    for number, rows in pieces:
        starts[number] = length
        length += len(rows)
    at, done = 0, []
    for number, rows in pieces:
        encoded = []
        for row in rows:
            at += 1
            offset = row.offset if row.target is None else starts[row.target] - at
            encoded.append(encoded_row(row, offset, number))
        done.append((number, encoded))
    return done


def prologue() -> list[Extended]:
    """A and X begin as 0, and the loads want the packet's description in r6."""
    return [Extended(CLEAR32, A), Extended(CLEAR32, X), Extended(MOVE, CONTEXT, 1)]


def one(i: Instruction, number: int) -> list[Extended]:
    """What one classic instruction becomes."""
    group, source = i.code & 0x07, i.code & c.X
    imm = c.signed(i.k)
    if group == c.RET:
        rows = [] if i.code & 0x18 == c.A else [Extended(SET32, A, imm=imm)]
        return [*rows, Extended(EXIT)]
    if group == c.JMP:
        return jump(i, number)
    if group == c.MISC:
        to, of = (A, X) if i.code == c.MISC | c.TXA else (X, A)
        return [Extended(MOVE, to, of)]
    if group in (c.ST, c.STX):
        word = A if group == c.ST else X
        return [Extended(STORE_WORD, STACK, word, offset=slot(i.k))]
    if group == c.ALU:
        # The opcodes are the same: eBPF took them over, as arithmetic of 32 bits.
        alone = source or i.code == c.ALU | c.NEG
        same = Extended(i.code, A, X if source else 0, imm=0 if alone else imm)
        divides = source and i.code & 0xF0 in (c.DIV, c.MOD)
        return [*(return_0_if_zero(X) if divides else []), same]
    return load(i, number)


def load(i: Instruction, number: int) -> list[Extended]:
    """What a load becomes; those from the packet keep their opcode."""
    where, to = i.code & 0xE0, X if i.code & 0x07 == c.LDX else A
    if where == c.IMM:
        return [Extended(SET32, to, imm=c.signed(i.k))]
    if where == c.MEM:
        return [Extended(LOAD_WORD, to, STACK, offset=slot(i.k))]
    if where == c.LEN:
        return [Extended(LOAD_WORD, to, CONTEXT, offset=0)]
    if where == c.MSH:  # through A, whose value waits in X, and changes places with it
        byte = Extended(c.LD | c.ABS | c.B, imm=c.signed(i.k))
        quarter = [Extended(AND32, A, imm=0x0F), Extended(SHIFT_LEFT32, A, imm=2)]
        swap = [Extended(MOVE, SPARE, X), Extended(MOVE, X, A), Extended(MOVE, A, SPARE)]
        return [Extended(MOVE, X, A), byte, *quarter, *swap]
    if name := c.auxiliary(i):
        return known(name, number)
    return [Extended(i.code, src=X if where == c.IND else 0, imm=c.signed(i.k))]


def known(name: str, number: int) -> list[Extended]:
    """What is known of a packet beside its bytes: a field, or a function of the kernel's."""
    if name == "xor_x":
        return [Extended(XOR32 & 0xF8 | c.ALU, A, X)]
    if name in HELPERS:
        return [Extended(CALL, imm=HELPERS[name])]
    if name not in FIELDS:
        raise TranslationError(
            f"Instruction {number} asks for [{name}], which eBPF's struct __sk_buff does not have.",
            number,
        )
    field = [Extended(LOAD_WORD, A, CONTEXT, offset=FIELDS[name])]
    if name in ("proto", "vlan_tpid"):  # the field is as on the network
        return [*field, Extended(FROM_BIG_ENDIAN, A, imm=16)]
    return field + (return_0_if_zero(A) if name == "ifidx" else [])


def jump(i: Instruction, number: int) -> list[Extended]:
    """A jump: eBPF's has one target and else goes on, so a second one may follow."""
    if i.code == c.JMP | c.JA:
        return [Extended(GOTO, target=number + 1 + i.k)]
    yes, no = number + 1 + i.jt, number + 1 + i.jf
    operation, before = i.code & 0xF0, []
    source, operand, imm = i.code & c.X, X, 0
    if not source and i.k >> 31:  # as an immediate it would count as negative, in 64 bits
        before, source, operand = [Extended(SET32, SPARE, imm=c.signed(i.k))], c.X, SPARE
    elif not source:
        operand, imm = 0, i.k
    code = c.JMP | source
    if i.jt == 0 and i.jf and operation in OPPOSITE:
        return [*before, Extended(code | OPPOSITE[operation], A, operand, imm=imm, target=no)]
    first = Extended(code | operation, A, operand, imm=imm, target=yes)
    return [*before, first, *([Extended(GOTO, target=no)] if i.jf else [])]


def return_0_if_zero(register: int) -> list[Extended]:
    """A classic filter that divides by 0, or asks for what is not there, returns 0."""
    test = Extended(JUMP_IF_NOT_EQUAL, register, offset=2)
    return [test, Extended(CLEAR32, A), Extended(EXIT)]


def slot(word: int) -> int:
    """Where a scratch word lies, from the end of the stack."""
    return 4 * (word - SCRATCH_WORDS)


def reachable(program: Sequence[Instruction]) -> list[int]:
    """The instructions that something leads to. The verifier refuses a program with others."""
    found, length = {0}, len(program)
    for number in range(length):  # jumps only ever lead forwards
        i = program[number]
        if number not in found or i.code & 0x07 == c.RET:
            continue
        skips = (i.jt, i.jf) if i.code in c.CONDITIONAL else (0,)
        found |= {number + 1 + skip for skip in ((i.k,) if i.code == c.JMP | c.JA else skips)}
    return sorted(found)


def encoded_row(row: Extended, offset: int, number: int | None) -> bytes:
    """8 bytes, in this machine's byte order."""
    if not -(1 << 15) <= offset < 1 << 15:
        raise TranslationError(
            f"Instruction {number} jumps further than 16 bits can say in eBPF.", number
        )
    high, low = (row.src, row.dst) if sys.byteorder == "little" else (row.dst, row.src)
    return struct.pack("=BBhi", row.opcode, high << 4 | low, offset, row.imm)


def side_by_side(program: Sequence[Instruction]) -> str:
    """The classic filter on the left, what each instruction became on the right, as text.

    Errors: as translate(). Built in chapter 09.
    """
    lines = []
    for number, rows in translated(program):
        left = "" if number is None else c.text(program[number], number).expandtabs(4)
        for raw in rows:
            lines.append(f"{left:44} {disasm.text(as_object(raw))}")
            left = ""
    return "\n".join(lines)


def as_object(raw: bytes) -> objfile.Instruction:
    """Eight bytes of eBPF, as the disassembler of chapter 02 wants them."""
    opcode, registers, offset, imm = struct.unpack("=BBhi", raw)
    high, low = registers >> 4, registers & 0x0F
    dst, src = (low, high) if sys.byteorder == "little" else (high, low)
    return objfile.Instruction(0, raw, opcode, dst, src, offset, imm)
