"""Running a program one instruction after the other, and naming what goes wrong.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from helpers import asm
from helpers.asm import Instruction
from helpers.machine import calls
from helpers.machine.faults import BudgetSpent, Fault, UnsetRegister
from helpers.machine.state import Operation, State


def steps(state: State, operations: Mapping[int, Operation], budget: int) -> Iterator[State]:
    """Run a program; after each instruction comes the state, always the same object.

    Arguments: operations: by the place of an instruction, what it does. budget: the number of
    instructions after which a program that has not ended is stopped.
    Errors: BudgetSpent; whatever else goes wrong is raised as it happened (see named).
    """
    # chapter 07: begin steps
    while state.executed < budget:
        state.executed += 1
        state.reading = None
        state.last = state.at
        state.at = operations[state.at](state)
        yield state
        if state.at is None:
            return
    # chapter 07: end steps
    raise BudgetSpent(spent(budget))


def spent(budget: int) -> str:
    return (
        f"{budget:,} instructions are executed and the program has not ended: if it ever does, "
        "give the machine a larger budget."
    )


def named(error: Exception, i: Instruction, state: State) -> Exception:
    """The fault that an error of Python's stands for, with its instruction; or the error itself."""
    text = f"Instruction {i.number}, {asm.text(i)}: "
    if isinstance(error, Fault):
        return type(error)(text + str(error), i.number)
    for number in needed(i):
        if state.registers[number] is None:
            return UnsetRegister(
                f"{text}r{number} has no value here{why_unset(i, number)}.", i.number
            )
    return error


def needed(i: Instruction) -> Sequence[int]:
    """The registers that an instruction reads; of a helper, those that this machine's reads."""
    if i.calls_helper and i.imm in calls.HELPERS:
        return asm.ARGUMENTS[: calls.HELPERS[i.imm][1]]
    return i.reads


def why_unset(i: Instruction, number: int) -> str:
    """What a register without a value may be owed to."""
    if i.loads_packet and number == 6:
        return ": packet loads want the context there (r6 = r1 at the beginning)"
    if number == 0:
        return ": the result of the program, or of a call, belongs there"
    return ", a call has used it up: keep what you need in r6 to r9" if number < 6 else ""
