"""One program out of an object file's functions, as libbpf puts it together before it loads it.

The second stage of the road. Chapter 07 runs such programs; in chapter 08 the verifier's log
numbers instructions that way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from helpers.asm.instruction import CODE, KERNEL_FUNCTION, LOCAL, Instruction
from helpers.errors import CourseError

FUNCTIONS = ".text"  # the section of functions that programs call


class LinkError(CourseError):
    """A function is called that cannot be; `number` is the place of that call, in slots."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


@dataclass(frozen=True)
class Function:
    """A function of an object file: a program, or in the section .text one that programs call.

    start: the byte of the section at which it begins.
    """

    name: str
    section: str
    start: int
    instructions: list[Instruction]


def linked(program: Function, functions: Iterable[Function]) -> list[Instruction]:
    """The instructions of a program, and behind them those of each function that it needs.

    Behind a function come those that it calls, before the next one that the program calls.
    Arguments: functions: all of the object file.
    Result: numbered from 0 through all of them. The imm of a call leads to its function, as does
    that of a 64-bit immediate which stands for a function; their symbol is the function's name. A
    call of what the object file does not have at all is one of a function of the kernel's own.
    Errors: LinkError.
    Source: bpf_object__reloc_code() in libbpf; Documentation/bpf/llvm_reloc.rst, R_BPF_64_32.
    """
    functions = list(functions)
    places = {FUNCTIONS, *(each.name for each in functions)}  # to which a symbol may lead
    starts: dict[str, int] = {}  # of those that are in it already
    joined: list[Instruction] = []

    def append(function: Function) -> None:
        starts[function.name] = joined[-1].end if joined else 0
        first = len(joined)
        joined.extend(
            replace(each, number=starts[function.name] + each.number)
            for each in function.instructions
        )
        for index, original in enumerate(function.instructions, first):
            if not (original.calls_function or original.is_wide and original.symbol in places):
                continue
            callee = _callee(original, function, functions)
            if callee is None:
                joined[index] = _filled(joined[index], KERNEL_FUNCTION, original.imm)
                continue
            if callee.name not in starts:
                append(callee)
            distance = starts[callee.name] - joined[index].number - 1
            filled = _filled(joined[index], CODE if original.is_wide else LOCAL, distance)
            joined[index] = replace(filled, symbol=callee.name)

    append(program)
    return joined


def _callee(call: Instruction, caller: Function, functions: list[Function]) -> Function | None:
    """The function that it leads to; None for one of the kernel's own.

    The object file names the function, or its section, from whose beginning imm counts; without
    a name imm counts from the instruction itself.
    """
    named = next((each for each in functions if each.name == call.symbol), None)
    sections = {each.section for each in functions}
    if named is None and call.symbol and call.symbol not in sections:
        return None
    counted = (call.imm & 0xFFFFFFFF) if call.is_wide else 8 * (call.imm + 1)
    if named:
        section, start = named.section, named.start + counted
    elif call.symbol:
        section, start = call.symbol, counted
    else:
        section, start = caller.section, caller.start + 8 * call.number + counted
    there = (each for each in functions if (each.section, each.start) == (section, start))
    callee = next(there, None)
    if callee is None or section != FUNCTIONS:
        what = f"{callee.name}, a program of its own" if callee else "what is no function"
        raise LinkError(
            f"Instruction {call.number} of {caller.name} calls {what}: call functions that have no "
            'SEC("...") in front.',
            call.number,
        )
    return callee


def _filled(instruction: Instruction, src: int, imm: int) -> Instruction:
    """The instruction with these in its fields and in its bytes."""
    low = (imm & 0xFFFFFFFF).to_bytes(4, "little")
    raw = instruction.raw
    raw = raw[:1] + bytes([src << 4 | instruction.dst]) + raw[2:4] + low + raw[8:]
    return replace(
        instruction, raw=raw, src=src, imm=imm & 0xFFFFFFFF if instruction.is_wide else imm
    )
