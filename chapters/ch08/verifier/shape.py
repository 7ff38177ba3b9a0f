"""Reasons that lie in the shape of a whole program: its paths, its loops, its stack.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence

from chapters.ch08.verifier import known
from chapters.ch08.verifier.log import Step, last_path
from chapters.ch08.verifier.place import Reason
from chapters.ch08.verifier.special import LOCK, Field
from helpers.asm import ALU64, EXIT, JUMP, MOVE, REGISTER_SOURCE, ST, STX, Instruction

STACK_SIZE = 512  # bytes, for all functions on a path together
ENDLESS = {errno.E2BIG, errno.EFAULT, errno.EINVAL, errno.ENOSPC}  # the last: of room for the log
CALLING = {164, 181, 209}  # helper functions that call one of the program's own, again and again
WITHOUT_LOCKS = ("socket", "raw_tp", "raw_tracepoint")
GUESSED = (
    "The verifier goes round and round in this loop, on a way that only a processor that guesses "
    "would take, past the loop's end: for a process without CAP_PERFMON it looks at that, too. "
    "Have the compiler write a fixed number of turns out, #pragma unroll, or call bpf_loop (from "
    "Linux 5.17 on)."
)
UNKNOWN = (
    "The verifier goes round and round in this loop and sees no end. How often it turns at most "
    "must be known from the program alone, not from the packet; a counter that is volatile, or "
    "whose address is handed on, it may lose. Give it a fixed number of turns, and have the "
    "compiler write them out: #pragma unroll."
)
MANY = (
    "The verifier follows this loop turn by turn, with all that is in it, and has given up: it "
    "goes through a million instructions at most, and puts 8,192 branches aside. What counts the "
    "turns is known exactly in each, so there are too many, or they never end. Take so few that "
    "the compiler can write them out, #pragma unroll, or call bpf_loop (from Linux 5.17 on)."
)
AROUND = (
    " It lies in another loop, so it is gone through anew in each turn of that one; the log does "
    "not reach far enough to say how that one counts."
)
MANY_BRANCHES = (
    "The verifier puts the other way of a condition aside, and has given up: it keeps 8,192 of "
    "them, and {count:,} conditions follow upon each other on this path, none of them of a loop. "
    "Have fewer turns of a loop written out, or move parts into functions that are not static, "
    "which are checked by themselves."
)
MANY_PATHS = (
    "The verifier has given up: it goes through a million instructions at most. The program has no "
    "loop, but {count:,} conditions, and where what is known differs behind each, it goes through "
    "the rest once more: the ways multiply. Have fewer conditions whose results are still used "
    "later, or move parts into functions that are not static, which are checked by themselves."
)
MOST_BRANCHES = 8192
CONDITION = re.compile(r"^(\d+): \([0-9a-f]{2}\) if ", re.MULTILINE)
PROCESSED = re.compile(r"^processed (\d+) insns \(limit (\d+)\)", re.MULTILINE)
MOSTLY = 0.9  # of the instructions on a path
MAY_GOTO = JUMP | 0xE0  # of Linux 6.9 on: goes on behind itself, or to its target


def lock_type(
    instructions: Sequence[Instruction],
    type: str,
    special: Mapping[str, Sequence[Field]],
    number: int,
) -> Reason | None:
    """A map whose values have a lock, used by a type of program that may have none."""
    if number != errno.EINVAL or type.split("/")[0] not in WITHOUT_LOCKS:
        return None
    for instruction in instructions:
        if any(each.type == LOCK for each in special.get(instruction.symbol, ())):
            return Reason(
                "lock_type",
                f"The values of {instruction.symbol} have a struct bpf_spin_lock, and this type of "
                f"program ({type}) may not even use such a map. Programs at tc, at XDP and of a "
                "cgroup may.",
                instruction=instruction,
            )
    return None


def broken(instructions: Sequence[Instruction]) -> Reason | None:
    """A path that leads out of the program, or instructions that no path leads to."""
    by_number = {each.number: each for each in instructions}
    seen, ahead = set(), [0]
    while ahead:
        number = ahead.pop()
        if number in seen:
            continue
        seen.add(number)
        instruction = by_number[number]
        following = {*instruction.successors, instruction.target} - {None}
        if instruction.opcode == MAY_GOTO:
            following.add(instruction.end + instruction.offset)
        for place in following:
            if place not in by_number:
                return Reason(
                    "outside",
                    "After this the program would go on where it has no instruction. Every path "
                    "must end with exit.",
                    instruction=instruction,
                )
        ahead += following
    for instruction in instructions:
        if instruction.number not in seen:
            return Reason(
                "unreachable",
                "No path leads to this instruction. Take it out, or jump to it.",
                instruction=instruction,
            )
    return None


def endless(
    instructions: Sequence[Instruction], steps: list[Step], number: int, guess: bool | None
) -> Reason | None:
    """A loop whose end the verifier did not see, or did not reach.

    Arguments: guess: whether only a processor that guesses would take this path, None if that is
    not known.
    """
    path = last_path(steps)
    if number not in ENDLESS or not path:
        return None
    if number == errno.EINVAL and path[-1].opcode == JUMP | EXIT:
        return _taken_up(instructions, steps)
    if not (loops := _loops(instructions, path)):
        return None
    if guess:
        return _loop("endless", GUESSED, loops[-1])
    if number == errno.EINVAL:  # nothing was new in a turn
        return _loop("endless", UNKNOWN, loops[-1])
    each = [_is_counted(loop, path) for loop in loops]
    counted = set(each)
    if counted == {True}:
        return _loop("many_turns", MANY, loops[0])
    if number == errno.E2BIG and each[-1] and counted == {True, None}:
        return _loop("many_turns", MANY + AROUND, loops[-1])
    said = (
        UNKNOWN
        if guess is False
        else f"{UNKNOWN} Or a processor that guesses may run past its end."
    )
    return _loop("endless", said, loops[-1]) if counted == {False} else None


def branching(instructions: Sequence[Instruction], number: int, text: str) -> Reason | None:
    """Too many conditions in a program that has no loop at all.

    Arguments: text: the whole log, which counts at its end what was gone through.
    """
    counted = PROCESSED.search(text, max(text.rfind("\nprocessed "), 0))
    if number not in (errno.E2BIG, errno.EFAULT) or counted is None or not instructions:
        return None
    if any(
        i.is_call and not i.calls_helper or i.helper in CALLING or i.opcode == MAY_GOTO
        for i in instructions
    ):
        return None
    jumps = [i for i in instructions if i.is_conditional or i.is_goto]
    if any(following <= i.number for i in jumps for following in i.successors):
        return None
    conditions = {i.number: i for i in jumps if i.is_conditional}
    if number == errno.E2BIG and int(counted[1]) > int(counted[2]) and conditions:
        said = MANY_PATHS.format(count=len(conditions))
        return Reason("many_paths", said, instruction=conditions[max(conditions)])
    if "\nfrom " in text or re.search(r"^\d+: \(95\)", text, re.MULTILINE):
        return None  # it has been on several paths
    passed = conditions.keys() & {int(line[1]) for line in CONDITION.finditer(text)}
    if len(passed) < MOST_BRANCHES:
        return None
    said = MANY_BRANCHES.format(count=len(passed))
    return Reason("many_branches", said, instruction=conditions[max(passed)])


def _taken_up(instructions: Sequence[Instruction], steps: Sequence[Step]) -> Reason | None:
    """A loop that the verifier has gone back to twice, with nothing new, and a third time without
    a word, where another path had come to its end."""
    begun = [b for a, b in zip(steps, steps[1:], strict=False) if a.path != b.path][-2:]
    if len(begun) < 2 or any(step.pruned or step.speculative or not step.told for step in begun):
        return None
    first, last = begun
    same = (first.origin, first.number, first.before) == (last.origin, last.number, last.before)
    if not same or last.origin is None or last.number > last.origin:
        return None
    body = [i for i in instructions if last.number <= i.number <= last.origin]
    return _loop("endless", UNKNOWN, body)


def _loops(
    instructions: Sequence[Instruction], path: Sequence[Step]
) -> list[Sequence[Instruction]]:
    """The loops that were gone through on a path and in which it ends, the outermost first; or the
    one that has just been left, if nearly all of the path was in it."""
    jumps = {i.number for i in instructions if i.is_conditional or i.is_goto}
    ends: dict[int, int] = {}  # by their beginnings
    for earlier, later in zip(path, path[1:], strict=False):
        if later.number <= earlier.number and earlier.number in jumps:
            ends[later.number] = max(earlier.number, ends.get(later.number, 0))
    loops, here = sorted(ends.items()), path[-1].number
    within = [(first, last) for first, last in loops if first <= here <= last]
    if not within:
        within = [
            (first, last)
            for first, last in loops
            if sum(first <= step.number <= last for step in path) > MOSTLY * len(path)
        ][:1]
    return [[i for i in instructions if first <= i.number <= last] for first, last in within]


def _loop(key: str, sentence: str, body: Sequence[Instruction]) -> Reason:
    heads = [i for i in body if re.search(r"\b(for|while)\b", i.source)]
    tests = [i for i in heads if i.is_conditional]
    return Reason(key, sentence, instruction=(tests or heads or body)[-1])


def _is_counted(body: Sequence[Instruction], path: Sequence[Step]) -> bool | None:
    """Whether the verifier counts a loop's turns: what one of its ends compares is a number that is
    known exactly, and another one in each turn; None if the log does not tell."""
    inside = {i.number for i in body}
    told = True
    for i in body:
        if not i.is_conditional or inside.issuperset(i.successors):
            continue
        turns = [step.before for step in path if step.number == i.number][-4:]
        pairs = [
            (
                turn.get(f"R{i.dst}", ""),
                turn.get(f"R{i.src}", "") if i.takes_register else str(i.imm),
            )
            for turn in turns
        ]
        told = told and len(pairs) > 1 and all(all(pair) for pair in pairs)
        for pair in (pairs, [(second, first) for first, second in pairs]):
            if _counts(pair):
                return True
    return False if told else None


def _counts(turns: Sequence[tuple[str, str]]) -> bool:
    """Whether the first of two numbers is known exactly, and another one in each turn, and the
    second has a limit."""
    if len(turns) < 2 or not all(known.is_number(limit) for _, limit in turns):
        return False
    numbers = [known.constant(counter) for counter, _ in turns]
    limited = all(known.limits(limit)[1] < known.U32_MAX for _, limit in turns)
    return None not in numbers and len(set(numbers)) == len(numbers) and limited


def too_deep(instructions: Sequence[Instruction]) -> Reason | None:
    """Functions that need more stack than there is, together."""
    starts = sorted({0, *(i.target for i in instructions if i.calls_function)})
    functions = {
        start: [i for i in instructions if start <= i.number < end]
        for start, end in zip(starts, [*starts[1:], instructions[-1].end], strict=True)
    }
    total, calls = _deepest(0, functions, ())
    if total <= STACK_SIZE or not calls:
        return None
    return Reason(
        "stack_depth",
        f"The functions on this path need {total} bytes of stack together, and there are "
        f"{STACK_SIZE}. Use smaller variables, or keep the data in a map.",
        instruction=calls[-1],
    )


def _depth(body: Sequence[Instruction]) -> int:
    """The bytes of stack that a function uses, as newer kernels round it; older ones take more."""
    lowest, copies = 0, set()
    for i in body:
        if i.opcode == ALU64 | MOVE | REGISTER_SOURCE and i.src == 10:
            copies.add(i.dst)
        elif i.opcode == ALU64 and i.dst in copies:  # an addition of a number
            lowest = min(lowest, i.imm)
            copies.discard(i.dst)
        elif i.opcode_class in (ST, STX) and i.dst == 10:
            lowest = min(lowest, i.offset)
    return -(-max(-lowest, 1) // 16) * 16


def _deepest(
    start: int, functions: Mapping[int, Sequence[Instruction]], calls: tuple[Instruction, ...]
) -> tuple[int, tuple[Instruction, ...]]:
    """Of all ways down from a function the one that takes the most stack: bytes, and its calls.

    Arguments: start: where the function begins; functions: the instructions of each, by its
    beginning; calls: those that have led here, none of which is followed again.
    """
    own = _depth(functions[start])
    deepest = own, calls
    for i in functions[start]:
        if i.calls_function and i not in calls:
            below, way = _deepest(i.target, functions, (*calls, i))
            deepest = max(deepest, (own + below, way), key=lambda pair: pair[0])
    return deepest
