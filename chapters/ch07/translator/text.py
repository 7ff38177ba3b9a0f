"""A whole program as Python functions: what a JIT compiler does, with Python as the processor.

Built in chapter 07, inside_the_bytecode. Registers become local variables, every instruction one
line, every jump a choice of the block that runs next. What an instruction means is looked at
once, here, and not every time it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chapters.ch07.translator.known import known_addresses
from chapters.ch07.translator.statements import Statements
from helpers.asm import Instruction
from helpers.machine.maps import MachineMap
from helpers.machine.program import Reference


@dataclass
class Text:
    """Lines of Python, with the place of the instruction that each comes from (None: none)."""

    lines: list[str] = field(default_factory=list)
    places: list[int | None] = field(default_factory=list)

    def add(self, indent: int, line: str, place: int | None = None) -> None:
        self.lines.append("    " * indent + line)
        self.places.append(place)


def translated(
    instructions: list[Instruction],
    references: Mapping[int, Reference],
    order: Sequence[MachineMap],
    name: str,
) -> Text:
    """The program as Python: a function for itself, and one for each that it calls.

    Arguments: references, order: as the machine has them. name: for the program's function.
    """
    text = Text()
    by_place = {i.number: i for i in instructions}
    loops = any((i.target is not None and i.target <= i.number) for i in instructions)
    functions = {i.target for i in instructions if i.calls_function}
    for entry in sorted({0, *functions}):
        title = f"function_{entry}" if entry else name
        text.add(0, f"def {title}(s, r1, r2, r3, r4, r5, r10):")
        text.add(1, "r0 = r6 = r7 = r8 = r9 = unset")
        blocks = list(blocks_of(by_place, entry))
        begins = entry == 0 and 0 not in functions
        if begins:
            text.add(1, "context, stack = s.context, s.stack")
        known = known_addresses(blocks, references, begins)
        _function(text, blocks, Statements(references, known, order), loops)
    if 0 in functions:
        text.add(0, f"function_0 = {name}")
    return text


def blocks_of(by_place: Mapping[int, Instruction], entry: int) -> Iterator[list[Instruction]]:
    """The function that begins at `entry`, cut wherever a jump leads to or leaves from.

    Errors: none; what no way leads to is left out, as a JIT's input never has it.
    """
    reached, waiting, leaders = set(), [entry], {entry}
    while waiting:
        place = waiting.pop()
        if place in reached:
            continue
        reached.add(place)
        successors = by_place[place].successors
        waiting += successors
        if successors != (by_place[place].end,):
            leaders.update(successors)
    block: list[Instruction] = []
    for place in sorted(reached):
        if block and place in leaders:
            yield block
            block = []
        block.append(by_place[place])
    yield block


def _function(text: Text, blocks: list, statements: Statements, loops: bool) -> None:
    """The blocks one after the other; each but the first asks whether it is its turn."""
    returns = any(to <= i.number for block in blocks for i in block for to in i.successors)
    if returns:
        text.add(1, f"at = {blocks[0][0].number}")
        text.add(1, "while True:")
    line = 0
    for number, block in enumerate(blocks):
        indent = 1 + returns
        if number or returns:
            text.add(indent, f"if at == {block[0].number}:")
            indent += 1
        if loops:
            text.add(indent, f"s.spend({len(block)})", block[0].number)
        for i in block:
            if i.line and i.line != line:
                text.add(indent, f"# line {i.line}: {i.source}")
                line = i.line
            for statement in statements.of(i):
                text.add(indent, statement, i.number)
        after = block[-1].successors
        single = len(blocks) == 1
        if len(after) == 1 and not single and not block[-1].is_goto:
            text.add(indent, f"at = {after[0]}")
