"""A program as the kernel gets it: its functions behind it, numbered through.

Laboratory equipment, first used in chapter 08, the_verifier: the log numbers instructions that way.
"""

from __future__ import annotations

from dataclasses import replace

from chapters.ch08.verifier.shape import calls_function
from helpers.asm import Instruction
from helpers.errors import CourseError
from helpers.objfile import ObjectFile, Program

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
    Source: bpf_object__reloc_code() in libbpf.
    """
    starts = {
        symbol.value // 8: found.programs[symbol.name]
        for symbol in found.symbols
        if symbol.section == FUNCTIONS and symbol.name in found.programs
    }
    joined: list[Instruction] = []
    _join(program, starts, joined, {})
    return joined


def _join(
    program: Program,
    starts: dict[int, Program],
    joined: list[Instruction],
    placed: dict[str, int],
) -> None:
    """Put a program at the end of `joined`, and behind it what it calls and is not there yet."""
    base = sum(each.slots for each in joined)
    placed[program.name] = base
    first = len(joined)
    joined += [replace(each, number=base + each.number) for each in program.instructions]
    for index in range(first, len(joined)):
        callee = _callee(joined[index], program, base, starts)
        if callee is not None:
            if callee.name not in placed:
                _join(callee, starts, joined, placed)
            distance = placed[callee.name] - joined[index].number - 1
            joined[index] = replace(joined[index], imm=distance)


def _callee(
    call: Instruction, caller: Program, base: int, starts: dict[int, Program]
) -> Program | None:
    """The function that an instruction calls, None if it calls none.

    The object names it, or says how far it is: from the start of the functions' section, or from
    the instruction itself if that lies in there, too.
    """
    if not calls_function(call):
        return None
    named = [function for function in starts.values() if function.name == call.symbol]
    if named:
        return named[0]
    own = next((start for start, function in starts.items() if function is caller), None)
    return starts.get(call.imm + 1 if own is None else own + call.number - base + call.imm + 1)
