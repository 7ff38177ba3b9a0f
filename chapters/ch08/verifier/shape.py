"""Reasons that lie in the shape of a whole program: its paths, its loops, its stack.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence

from chapters.ch08.verifier.log import Step
from helpers.asm import (
    ALU64,
    CALL,
    EXIT,
    GOTO,
    JUMP,
    JUMP32,
    LOCAL,
    MOVE,
    REGISTER_SOURCE,
    ST,
    STX,
    Instruction,
)

STACK = 512  # bytes, for all functions on a path together
ENDLESS = {errno.E2BIG, errno.EFAULT, errno.EINVAL, errno.ENOSPC}  # the last: of room for the log
Found = tuple[Instruction, str]


def is_jump(instruction: Instruction, operation: int) -> bool:
    return instruction.kind == JUMP and instruction.opcode & 0xF0 == operation


def calls_function(instruction: Instruction) -> bool:
    """Whether it calls another function of the same object."""
    return is_jump(instruction, CALL) and instruction.src == LOCAL


def next_numbers(instruction: Instruction) -> list[int]:
    """Where it may go on: the following instruction, the target of its jump, or both."""
    following = instruction.number + instruction.slots
    if instruction.kind not in (JUMP, JUMP32) or is_jump(instruction, CALL):
        return [following]
    if is_jump(instruction, EXIT):
        return []
    if instruction.opcode & 0xF0 == GOTO:  # of 32 bits: with a long way in imm
        far = instruction.imm if instruction.kind == JUMP32 else instruction.offset
        return [following + far]
    return [following, following + instruction.offset]


def broken(instructions: Sequence[Instruction]) -> Found | None:
    """A path that leads out of the program, or instructions that no path leads to."""
    by_number = {each.number: each for each in instructions}
    seen, ahead = set(), [0]
    while ahead:
        number = ahead.pop()
        if number in seen:
            continue
        seen.add(number)
        instruction = by_number[number]
        following = next_numbers(instruction)
        if calls_function(instruction):
            following.append(number + 1 + instruction.imm)
        for target in following:
            if target not in by_number:
                return instruction, (
                    "After this the program would go on where it has no instruction. Every path "
                    "must end with exit."
                )
        ahead += following
    for instruction in instructions:
        if instruction.number not in seen:
            return instruction, "No path leads to this instruction. Take it out, or jump to it."
    return None


def endless(instructions: Sequence[Instruction], path: Sequence[Step], number: int) -> Found | None:
    """A loop whose end the verifier did not see."""
    if number not in ENDLESS or not path:
        return None
    turns = [
        (earlier.number, later.number)
        for earlier, later in zip(path, path[1:], strict=False)
        if later.number <= earlier.number and earlier.opcode & 7 in (JUMP, JUMP32)
    ]
    if not turns or not turns[-1][1] <= path[-1].number <= turns[-1][0]:
        return None
    body = [i for i in instructions if turns[-1][1] <= i.number <= turns[-1][0]]
    heads = [i for i in body if re.search(r"\b(for|while)\b", i.source)]
    tests = [i for i in heads if len(next_numbers(i)) == 2]
    guess = (
        "It has one, but a processor that guesses may run past it, and for a process without "
        "CAP_PERFMON the verifier looks at that, too."
        if any(step.speculative for step in path)
        else "How often it turns at most must be known from the program alone, not from the packet."
    )
    return (tests or heads or body)[-1], (
        f"The verifier goes round and round in this loop and sees no end. {guess} Give it a fixed "
        "number of turns, and have the compiler write them out: #pragma unroll."
    )


def too_deep(instructions: Sequence[Instruction]) -> Found | None:
    """Functions that need more stack than there is, together."""
    starts = [0]
    starts += sorted({i.number + 1 + i.imm for i in instructions if calls_function(i)})
    depths = {}
    for start, end in zip(starts, [*starts[1:], 1 << 32], strict=True):
        body = [i for i in instructions if start <= i.number < end]
        depths[start] = _depth(body)
    total, calls = _deepest(0, starts, depths, instructions, ())
    if total <= STACK or not calls:
        return None
    return calls[-1], (
        f"The functions on this path need {total} bytes of stack together, and there are {STACK}. "
        "Use smaller variables, or keep the data in a map."
    )


def _depth(body: Sequence[Instruction]) -> int:
    lowest, copies = 0, set()
    for i in body:
        if i.opcode == ALU64 | MOVE | REGISTER_SOURCE and i.src == 10:
            copies.add(i.dst)
        elif i.opcode == ALU64 and i.dst in copies:  # an addition of a number
            lowest = min(lowest, i.imm)
            copies.discard(i.dst)
        elif i.kind in (ST, STX) and i.dst == 10:
            lowest = min(lowest, i.offset)
    return (
        -(-max(-lowest, 1) // 16) * 16
    )  # as newer kernels round it; older ones take a little more


def _deepest(start, starts, depths, instructions, calls):
    end = min((s for s in starts if s > start), default=1 << 32)
    best = depths[start], calls
    for i in instructions:
        if start <= i.number < end and calls_function(i) and i not in calls:
            below, found = _deepest(i.number + 1 + i.imm, starts, depths, instructions, (*calls, i))
            best = max(best, (depths[start] + below, found), key=lambda pair: pair[0])
    return best
