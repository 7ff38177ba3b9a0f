"""What can go wrong with a program, by name, each with the instruction that it is about.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

from helpers.errors import CourseError


class MachineError(CourseError):
    """Something is wrong with a program. `number`: the place of the instruction, or None."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.number = number


class ProgramError(MachineError):
    """The program cannot even begin: the kernel would refuse to load it."""


class UnknownOpcode(ProgramError):
    """An opcode that does not exist, or not with these operands."""


class BadOperand(ProgramError):
    """A field that this instruction does not have is not zero, or r10 is written to."""


class BadJump(ProgramError):
    """A jump or call out of the program, or into the middle of a 64-bit immediate."""


class TruncatedProgram(ProgramError):
    """The bytes end in the middle of an instruction."""


class NoExit(ProgramError):
    """The last instruction is neither an exit nor a jump: the program would run past its end."""


class UnknownMap(ProgramError):
    """A 64-bit immediate refers to a map, or a symbol, that the machine was not given."""


class Fault(MachineError):
    """The program did, while it ran, what the verifier makes sure that none does."""


class BadAddress(Fault):
    """Memory outside every region, or not to be written to, or a number used as an address."""


class UnsetRegister(Fault):
    """A register is read that has no value: never set, or used up by a call."""


class UnknownHelper(Fault):
    """A call of a helper function that this machine does not have."""


class BadArgument(Fault):
    """A helper was given what it cannot work with, such as a map that is no map."""


class TooManyFrames(Fault):
    """Local calls nested deeper than eight functions."""


class BudgetSpent(Fault):
    """So many instructions were executed that the program may never end."""
