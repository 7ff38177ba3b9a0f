"""The verifier's steps as a table: an instruction, and what is known of each register after it.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

from chapters.ch08.verifier import known
from chapters.ch08.verifier.log import Step
from chapters.ch08.verifier.place import as_text
from chapters.ch08.verifier.verdict import KernelVerdict
from helpers.asm import Instruction
from helpers.table import Table

MAX_ROWS = 60
STACK_END = "R10"  # the stack's end, in every row the same


def steps(verdict: KernelVerdict, about: str = "") -> Table:
    """A row for each step that the verifier took, in its order.

    Arguments: about: only registers of which that is known at some time, such as "packet".
    Result: a Table; a path is numbered where it begins. `-` stands for a register that holds
    nothing, or nothing that will be used. Long logs are cut, and the caption says so.
    """
    by_number = {each.number: each for each in verdict.instructions}
    shown = verdict.steps[:MAX_ROWS]
    names = {
        name
        for step in shown
        for name, value in step.after.items()
        if name[0] == "R" and name != STACK_END and known.in_words(value).startswith(about)
    }
    registers = sorted(names, key=lambda name: int(name[1:]))
    functions = {i.target: i.symbol for i in verdict.instructions if i.symbol and i.target}
    rows, path = [], 0
    for step in shown:
        new, path = step.path != path, step.path
        begins = f"{step.path}, from {step.origin}" if step.origin is not None else "1"
        if name := _function(step.number, functions):
            begins += f", in {name}"
        text = f"{step.number}: {_instruction(step, by_number)}"
        if step.pruned:
            text += " (nothing new here: done)"
        values = [known.in_words(step.after[r]) if r in step.after else "-" for r in registers]
        rows.append((begins if new else "", text, *values))
    caption = f"{len(verdict.steps)} steps through {len(verdict.instructions)} instructions"
    if len(shown) < len(verdict.steps):
        caption += f", of which these are the first {MAX_ROWS}"
    head = ("path", "instruction", *(f"{r.lower()} after it" for r in registers))
    return Table(caption, head, rows)


def _instruction(step: Step, by_number: dict[int, Instruction]) -> str:
    """It as text; its bytes if it cannot be decoded, nothing if the program does not have it."""
    instruction = by_number.get(step.number)
    return as_text(instruction) if instruction else "(not in this object)"


def _function(number: int, functions: dict[int, str]) -> str:
    """The name of the function that has this instruction, "" for the program itself."""
    return functions.get(max((start for start in functions if start <= number), default=0), "")
