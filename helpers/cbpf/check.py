"""What the kernel checks before it takes a classic filter, with a reason and a place.

The kernel answers every one of these with the same EINVAL. Built in chapter 09, classic_bpf.
"""

from __future__ import annotations

from collections.abc import Sequence

from helpers.cbpf import instruction as c
from helpers.cbpf.instruction import FilterError, Instruction, InstructionError

MAX_INSTRUCTIONS = 4096  # BPF_MAXINSNS
SCRATCH_WORDS = 16  # BPF_MEMWORDS
SECCOMP_DATA_SIZE = 64  # bytes of struct seccomp_data: number, architecture, address, arguments
PACKET_LOADS = {c.LD | mode | size for mode in (c.ABS, c.IND) for size in c.SIZES}
NOT_IN_SECCOMP = PACKET_LOADS - {c.LD | c.W | c.ABS}
NOT_IN_SECCOMP |= {c.LDX | c.B | c.MSH, c.ALU | c.MOD | c.K, c.ALU | c.MOD | c.X}
RETURNS = {c.RET | c.K, c.RET | c.A}
STORES, RELOADS = {c.ST, c.STX}, {c.LD | c.MEM, c.LDX | c.MEM}


class LengthError(FilterError):
    """No instruction at all, or more than 4,096."""


class JumpError(FilterError):
    """A jump that leads out of the filter."""


class ReturnError(FilterError):
    """A filter whose last instruction does not return."""


class ConstantError(FilterError):
    """A number that its instruction cannot take: a division by 0, a shift by 32, and the like."""


class ScratchError(FilterError):
    """A scratch word that is read before anything was stored in it."""


def check(program: Sequence[Instruction], mode: str = "packet") -> None:
    """Return if the kernel would take this filter, else raise what is wrong, and where.

    Arguments: mode: "packet" for a socket's filter, "seccomp" for one on system calls.
    Errors: LengthError, InstructionError, ConstantError, JumpError, ReturnError, ScratchError, all
        of them FilterError.
    Source: bpf_check_classic() in net/core/filter.c, seccomp_check_filter() in kernel/seccomp.c.
    Built in chapter 09.
    """
    if not 0 < len(program) <= MAX_INSTRUCTIONS:
        raise LengthError(
            f"This filter has {len(program):,} instructions: it takes 1 to {MAX_INSTRUCTIONS:,}.",
            MAX_INSTRUCTIONS if program else None,
        )
    for number, each in enumerate(program):
        if each.code not in c.NOTATION or (mode == "seccomp" and each.code in NOT_IN_SECCOMP):
            place = "a seccomp filter" if each.code in c.NOTATION else "classic BPF"
            raise InstructionError(
                f"Instruction {number} has the opcode {each.code:#04x}, which {place} does not "
                "have.",
                number,
            )
        if complaint := _constant(each, mode):
            raise ConstantError(f"Instruction {number} {complaint}.", number)
        _jump(number, each, len(program))
    if program[-1].code not in RETURNS:
        last = len(program) - 1
        raise ReturnError(
            f"The last instruction, {last}, does not return: end the filter with ret.", last
        )
    _scratch(program)


def _constant(each: Instruction, mode: str) -> str | None:
    """What is wrong with k, or None."""
    if each.code in (c.ALU | c.DIV, c.ALU | c.MOD) and each.k == 0:
        return "divides by 0"
    if each.code in (c.ALU | c.LSH, c.ALU | c.RSH) and each.k > 31:
        return f"shifts by {each.k}: 0 to 31 are possible"
    if each.code in STORES | RELOADS and each.k >= SCRATCH_WORDS:
        return f"uses the scratch word M[{each.k}]: there are M[0] to M[{SCRATCH_WORDS - 1}]"
    if each.code not in PACKET_LOADS or each.mode != c.ABS:
        return None
    if mode == "seccomp":
        if each.k % 4 or each.k >= SECCOMP_DATA_SIZE:
            return f"loads from offset {each.k}: in seccomp it is a multiple of 4 below 64"
    elif each.k >= c.AUXILIARY_OFFSET and c.auxiliary(each) is None:
        return f"asks for {each.k:#x}, which is nothing that the kernel knows of a packet"
    return None


def _jump(number: int, each: Instruction, length: int) -> None:
    """Raise JumpError if one of an instruction's jumps leads out of the filter."""
    skips = {"": each.k} if each.code == c.JMP | c.JA else {}
    if skips and c.signed(each.k) < 0:
        raise JumpError(
            f"Instruction {number} jumps back, to {number + 1 + c.signed(each.k)}: classic BPF "
            "jumps forward only, so that every filter comes to an end.",
            number,
        )
    if each.is_conditional:
        skips = {", if its condition is true,": each.jt, ", if it is false,": each.jf}
    for condition, skip in skips.items():
        if number + 1 + skip >= length:
            raise JumpError(
                f"Instruction {number} jumps{condition} to {number + 1 + skip}, out of the filter: "
                f"its last instruction is {length - 1}.",
                number,
            )


def _scratch(program: Sequence[Instruction]) -> None:
    """Raise ScratchError if a word may be read before it is written, on any way through.

    stored: the words that are written on every way to an instruction, a bit each. A return does not
    end a way here, nor does it in the kernel.
    """
    every = (1 << SCRATCH_WORDS) - 1
    stored, at = 0, [every] * len(program)
    for number, each in enumerate(program):
        stored &= at[number]
        if each.code in STORES:
            stored |= 1 << each.k
        elif each.code in RELOADS and not stored >> each.k & 1:
            raise ScratchError(
                f"Instruction {number} reads M[{each.k}], and not every way there stores it first.",
                number,
            )
        elif each.opcode_class == c.JMP:
            for skip in each.skips:
                at[number + 1 + skip] &= stored
            stored = every
