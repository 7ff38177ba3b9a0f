"""From classic BPF to eBPF, as the kernel does it inside whenever a classic filter is attached.

Built in chapter 09, classic_bpf. The kernel's translation is bpf_convert_filter() in
net/core/filter.c. This one differs where the verifier, which the kernel spares its own work, wants
it: registers are cleared by loading 0, and instructions that nothing leads to are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from helpers import asm
from helpers.cbpf import instruction as c
from helpers.cbpf.check import check
from helpers.cbpf.instruction import Instruction
from helpers.cbpf.rules import Extended, TranslationError, ebpf, one, prologue

# What an instruction becomes; it is given the instruction and its number.
Rule = Callable[[Instruction, int], list[Extended]]

COMPARED = re.compile(r"(?<= )\d+(?= goto )")


def translate(program: Sequence[Instruction], rule: Rule = one) -> bytes:
    """An eBPF socket filter that returns what the classic one does.

    Arguments: rule: what one instruction becomes, if not what it does in the kernel.
    Result: its instructions, 8 bytes each, for syscall.load_program.
    Errors: FilterError as check(); TranslationError.
    Source: RFC 9669; bpf_convert_filter() in net/core/filter.c. Built in chapter 09.
    """
    return b"".join(raw for _, rows in translated(program, rule) for raw in rows)


def translated(
    program: Sequence[Instruction], rule: Rule = one
) -> list[tuple[int | None, list[bytes]]]:
    """The same by pieces: the number of the classic instruction (None: what stands in front of
    the first), and the instructions of eBPF that it has become."""
    check(program)
    pieces = [(None, prologue())]
    pieces += [(number, rule(program[number], number)) for number in reachable(program)]
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
            if not -(1 << 15) <= offset < 1 << 15:
                raise TranslationError(
                    f"Instruction {number} jumps further than 16 bits can say in eBPF.", number
                )
            encoded.append(ebpf(row.opcode, row.dst, row.src, offset, row.imm))
        done.append((number, encoded))
    return done


def reachable(program: Sequence[Instruction]) -> list[int]:
    """The instructions that something leads to. The verifier refuses a program with others."""
    reached = {0}
    for number, i in enumerate(program):  # jumps only ever lead forwards
        if number in reached:
            reached |= {number + 1 + skip for skip in i.skips}
    return sorted(reached)


def side_by_side(program: Sequence[Instruction]) -> str:
    """The classic filter on the left, what each instruction became on the right, as text.

    What a jump compares with is written in hexadecimal on both sides.
    Errors: as translate(). Built in chapter 09.
    """
    lines = []
    for number, rows in translated(program):
        left = "" if number is None else c.text(program[number], number).expandtabs()
        for raw in rows:
            right = asm.text(next(asm.decode(raw)))
            right = COMPARED.sub(lambda number: f"{int(number[0]):#x}", right)
            lines.append(f"{left:46} {right}")
            left = ""
    return "\n".join(lines)
