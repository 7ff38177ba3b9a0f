"""A program as the kernel gets it: its functions behind it, numbered through.

Built in chapter 08, the_verifier: the log numbers instructions that way.
"""

from __future__ import annotations

from dataclasses import replace

from helpers.bytecode import Instruction
from helpers.errors import CourseError
from helpers.objfile import ObjectFile, Program
from helpers.verifier.shape import calls_function

FUNCTIONS = ".text"  # the section in which clang puts functions that programs call


class LinkError(CourseError):
    """The object does not hold exactly one program."""


def only_program(found: ObjectFile) -> Program:
    """The one program of an object. Errors: LinkError if there is none, or several."""
    programs = [p for p in found.programs.values() if p.section != FUNCTIONS]
    if len(programs) != 1:
        raise LinkError(
            f"{found.path.name} holds {len(programs)} programs, and one at a time can be read: "
            'give it one function with a SEC("...").'
        )
    return programs[0]


def linked(found: ObjectFile, program: Program) -> list[Instruction]:
    """The instructions of a program and of the functions that it calls, as libbpf joins them.

    Result: numbered from 0 through all of them; the imm of a call leads to its function.
    Source: bpf_object__reloc_code() in libbpf. Built in chapter 08.
    """
    starts = {
        symbol.value // 8: found.programs[symbol.name]
        for symbol in found.symbols
        if symbol.section == FUNCTIONS and symbol.name in found.programs
    }
    joined: list[Instruction] = []
    placed: dict[str, int] = {}
    _join(program, 0, starts, joined, placed)
    return joined


def _join(
    program: Program,
    section_start: int,
    starts: dict[int, Program],
    joined: list[Instruction],
    placed: dict[str, int],
) -> None:
    base = sum(each.slots for each in joined)
    placed[program.name] = base
    joined += [replace(each, number=base + each.number) for each in program.instructions]
    for index in range(len(joined) - len(program.instructions), len(joined)):
        call = joined[index]
        if not calls_function(call):
            continue
        own = call.number - base + section_start if program.section == FUNCTIONS else 0
        by_name = next((s for s, p in starts.items() if p.name == call.symbol), None)
        start = call.imm + 1 + (own if by_name is None and not _relocated(call, program) else 0)
        start = start if by_name is None else by_name
        callee = starts.get(start)
        if callee is None:
            continue
        if callee.name not in placed:
            _join(callee, start, starts, joined, placed)
        joined[index] = replace(call, imm=placed[callee.name] - call.number - 1)


def _relocated(call: Instruction, program: Program) -> bool:
    # A relocation against the section itself has no name; within one section there is none.
    return program.section != FUNCTIONS
