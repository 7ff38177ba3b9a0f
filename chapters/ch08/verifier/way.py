"""The way that led to a refusal, as far as the log leaves no doubt of it.

Laboratory equipment, first used in chapter 08, the_verifier. The verifier follows one path, and
goes back to the jump that it put aside last. Older kernels do not say which one that was, and in a
loop one jump is there several times. Where more than one may be meant, and where the instructions
do not follow upon each other, the way that is known begins after that.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chapters.ch08.verifier.ending import is_newer
from chapters.ch08.verifier.log import Step
from helpers.asm import Instruction

BEGINNING = "the program's beginning"
CUT = "the log is cut before this"
ROUND = "the log does not tell by which jump it came here"
CALLED = "a helper function calls this function, from where nobody can say"
NEWER = "an instruction before this is one that the course does not decode"


@dataclass(frozen=True)
class Way:
    """Instructions in the order in which they were gone through, the last one the refused.

    begins: what comes before the first: BEGINNING, or why that is not known.
    """

    instructions: Sequence[Instruction]
    begins: str

    @property
    def whole(self) -> bool:
        return self.begins == BEGINNING


def walked(steps: Sequence[Step], instructions: Mapping[int, Instruction]) -> Way:
    """The way to the last step. Arguments: instructions: those of the program, by number."""
    taken, doubt = _last_path(steps, instructions)
    start, begins = 0, BEGINNING
    if not taken or taken[0].number != 0:
        begins = CUT
    if doubt is not None:
        start, begins = doubt, ROUND
    returns: list[int] = []
    for at in range(start, len(taken) - 1):
        here, following = instructions.get(taken[at].number), taken[at + 1].number
        why = _gap(here, following, returns)
        if why:
            start, begins, returns = at + 1, why, []
    way = [instructions.get(step.number) for step in taken[start:]]
    return Way(way if None not in way else [], begins)


def _gap(here: Instruction | None, following: int, returns: list[int]) -> str:
    """Why it is not known how the second place follows on the first, "" if it is.

    returns: to where the functions that were entered give back; it is kept here.
    """
    if here is None:
        return CUT
    if is_newer(here):
        return NEWER
    if here.calls_function:
        if following == here.target:
            returns.append(here.end)
            return ""
        return "" if following == here.end else CUT
    if here.is_exit:
        if returns and returns[-1] == following:
            returns.pop()
            return ""
        return CALLED
    if following in here.successors:
        return ""
    return CALLED if here.is_call else CUT


def _last_path(
    steps: Sequence[Step], instructions: Mapping[int, Instruction]
) -> tuple[list[Step], int | None]:
    """The steps of the last path, and how many of them at its beginning are in doubt, if any."""
    jumps: dict[int, list[int]] = {}  # by where they lead
    for i in instructions.values():
        for number in i.successors if i.is_conditional else ():
            jumps.setdefault(number, []).append(i.number)
    taken: list[Step] = []
    waiting: list[bool] = []  # whether the verifier may still come back to this step
    where: dict[int, list[int]] = {}  # by number, the places in `taken`
    doubts: list[int] = []
    for step in steps:
        if taken and step.path != taken[-1].path:
            wanted = [step.origin] if step.told else jumps.get(step.number, [])
            left = []
            for number in wanted:  # two of each are enough to be in doubt
                may = (
                    at
                    for at in reversed(where.get(number, []))
                    if waiting[at] and _leads(at, taken, step, instructions)
                )
                left += itertools.islice(may, 2)
            left.sort()
            keep = left[-1] + 1 if left else 0
            for gone in reversed(taken[keep:]):
                where[gone.number].pop()
            del taken[keep:], waiting[keep:]
            doubts = [doubt for doubt in doubts if doubt < keep]
            if len(left) == 1:
                waiting[left[0]] = False
            else:
                doubts.append(keep)
        where.setdefault(step.number, []).append(len(taken))
        taken.append(step)
        waiting.append(True)
    return taken, max(doubts, default=None)


def _leads(
    at: int, taken: Sequence[Step], step: Step, instructions: Mapping[int, Instruction]
) -> bool:
    """Whether the verifier may have put this path aside when it was there."""
    instruction = instructions.get(taken[at].number)
    if instruction is None or not instruction.is_conditional:
        return step.told  # of a sum, at which a processor may guess
    if step.number not in instruction.successors:
        return False
    other = instruction.end != instruction.target
    return not (other and at + 1 < len(taken) and taken[at + 1].number == step.number)
