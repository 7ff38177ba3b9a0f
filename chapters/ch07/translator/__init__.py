"""A program as Python, to read and to run: what a JIT compiler does, with Python as the processor.

Built in chapter 07, inside_the_bytecode. Read it in this order: `text` (a whole program),
`known` (addresses that never change), `statements` (one instruction), `environment` (what they
call), `translation` (running it).
"""

from __future__ import annotations

from chapters.ch07.translator.text import translated
from chapters.ch07.translator.translation import Translation
from helpers.machine import Machine

__all__ = ["Translation", "translate"]


def translate(machine: Machine, name: str = "program") -> Translation:
    """A machine's program as Python, to read (.source) and to run, faster than in steps.

    Arguments: machine: from machine.load or Machine(). name: for the function in Python.
    Built in chapter 07.
    """
    text = translated(machine.instructions, machine.references, machine.order, name)
    return Translation(machine, text, name)
