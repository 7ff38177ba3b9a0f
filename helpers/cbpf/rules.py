"""What each instruction of classic BPF becomes in eBPF, and where the old machine lives in the new.

Built in chapter 09, classic_bpf; helpers/cbpf/translate.py puts whole programs together. The rules
are those of bpf_convert_filter() in net/core/filter.c of the kernel.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from helpers import asm, uapi
from helpers.cbpf import instruction as c
from helpers.cbpf.check import SCRATCH_WORDS
from helpers.cbpf.instruction import FilterError, Instruction

# The registers of eBPF in which the machine of classic BPF lives. r0 is also what a program
# returns and what a load from the packet fills; loads find the packet through r6.
A, SPARE, CONTEXT, X, STACK = 0, 2, 6, 7, 10
# Opcodes of eBPF. Those that end on 32 work on the lower half of a register.
MOVE, SET32 = asm.ALU64 | asm.MOVE | asm.REGISTER_SOURCE, asm.ALU32 | asm.MOVE
AND32, SHIFT_LEFT32, XOR32 = c.ALU | c.AND, c.ALU | c.LSH, c.ALU | c.XOR | c.X  # as they were
LOAD_WORD, STORE_WORD = asm.LDX | asm.MEMORY, asm.STX | asm.MEMORY
FROM_BIG_ENDIAN = asm.ALU32 | asm.BYTE_ORDER | asm.REGISTER_SOURCE
GOTO, CALL, EXIT = asm.JUMP | asm.GOTO, asm.JUMP | asm.CALL, asm.JUMP | asm.EXIT
CONDITIONS = {sign: operation for operation, sign in asm.CONDITIONS.items()}
JUMP_IF_NOT_EQUAL = asm.JUMP | CONDITIONS["!="]
# eBPF has these conditions, too.
OPPOSITE = {c.JEQ: CONDITIONS["!="], c.JGT: CONDITIONS["<="], c.JGE: CONDITIONS["<"]}
# What is known of a packet beside its bytes, and how eBPF calls that: a field of struct __sk_buff,
# or a helper function.
FIELDS = {"type": "pkt_type", "mark": "mark", "queue": "queue_mapping", "proto": "protocol"}
FIELDS |= {"vlanp": "vlan_present", "vlan_tci": "vlan_tci", "vlan_tpid": "vlan_proto"}
FIELDS |= {"ifidx": "ifindex", "rxhash": "hash"}
HELPERS = {"random": uapi.BPF_FUNC_get_prandom_u32, "cpu": uapi.BPF_FUNC_get_smp_processor_id}


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


def ebpf(opcode: int, dst: int = 0, src: int = 0, offset: int = 0, imm: int = 0) -> bytes:
    """One instruction of eBPF as bytes. Source: RFC 9669. Built in chapter 09."""
    # chapter 09: begin ebpf
    return struct.pack("<BBhi", opcode, src << 4 | dst, offset, imm)
    # chapter 09: end ebpf


def prologue() -> list[Extended]:
    """A and X begin as 0, and the loads want the packet's description in r6.

    The kernel clears A and X by exclusive or, to the same effect.
    """
    return [Extended(SET32, A), Extended(SET32, X), Extended(MOVE, CONTEXT, 1)]


def one(i: Instruction, number: int) -> list[Extended]:
    """What one classic instruction becomes."""
    opcode_class, source = i.opcode_class, i.takes_x
    imm = c.signed(i.k)
    if opcode_class == c.RET:
        rows = [] if i.code == c.RET | c.A else [Extended(SET32, A, imm=imm)]
        return [*rows, Extended(EXIT)]
    if opcode_class == c.JMP:
        return jump(i, number)
    if opcode_class == c.MISC:
        to, of = (A, X) if i.code == c.MISC | c.TXA else (X, A)
        return [Extended(MOVE, to, of)]
    if opcode_class in (c.ST, c.STX):
        word = A if opcode_class == c.ST else X
        return [Extended(STORE_WORD, STACK, word, offset=slot(i.k))]
    if opcode_class == c.ALU:
        # The opcodes are the same: eBPF took them over, as arithmetic of 32 bits.
        alone = source or i.code == c.ALU | c.NEG
        same = Extended(i.code, A, X if source else 0, imm=0 if alone else imm)
        divides = source and i.operation in (c.DIV, c.MOD)
        return [*(return_0_if_zero(X) if divides else []), same]
    return load(i, number)


def load(i: Instruction, number: int) -> list[Extended]:
    """What a load becomes; those from the packet keep their opcode."""
    where, to = i.mode, X if i.opcode_class == c.LDX else A
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
        return [Extended(XOR32, A, X)]
    if name in HELPERS:
        return [Extended(CALL, imm=HELPERS[name])]
    if name not in FIELDS:
        raise TranslationError(
            f"Instruction {number} asks for [{name}], which struct __sk_buff does not have: the "
            "kernel finds it by functions and fields of its own, which it lends to no program. "
            "Attach the classic filter instead.",
            number,
        )
    field = [Extended(LOAD_WORD, A, CONTEXT, offset=uapi.SK_BUFF[FIELDS[name]])]
    if name in ("proto", "vlan_tpid"):  # the field is as on the network
        return [*field, Extended(FROM_BIG_ENDIAN, A, imm=16)]
    return field + (return_0_if_zero(A) if name == "ifidx" else [])


def jump(i: Instruction, number: int) -> list[Extended]:
    """A jump: eBPF's has one target and else goes on, so a second one may follow."""
    if i.code == c.JMP | c.JA:
        return [Extended(GOTO, target=number + 1 + i.k)]
    yes, no = number + 1 + i.jt, number + 1 + i.jf
    operation, before = i.operation, []
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
    return [test, Extended(SET32, A), Extended(EXIT)]


def slot(word: int) -> int:
    """Where a scratch word lies, from the end of the stack."""
    return 4 * (word - SCRATCH_WORDS)
