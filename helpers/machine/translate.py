"""A whole program as Python functions: what a JIT compiler does, with Python as the processor.

Built in chapter 07, inside_the_bytecode. Registers become local variables, every instruction one
line, every jump a choice of the block that runs next. What an instruction means is looked at
once, here, and not every time it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from helpers import bytecode
from helpers.bytecode import Instruction
from helpers.machine import arithmetic, calls
from helpers.machine.decode import is_call, is_exit, is_goto, target
from helpers.machine.link import Reference
from helpers.machine.memory import CONTEXT
from helpers.machine.operations import size_of

# Operations whose result is within the range of their operands.
STAYS = {"|=", "&=", "^=", ">>=", "/=", "%="}
USED_UP = "r1 = r2 = r3 = r4 = r5 = unset"


@dataclass
class Text:
    """Lines of Python, with the place of the instruction that each comes from (None: none)."""

    lines: list[str] = field(default_factory=list)
    places: list[int | None] = field(default_factory=list)

    def add(self, indent: int, line: str, place: int | None = None) -> None:
        self.lines.append("    " * indent + line)
        self.places.append(place)


def translated(
    instructions: list[Instruction], references: Mapping[int, Reference], name: str
) -> Text:
    """The program as Python: a function for itself, and one for each that it calls."""
    text = Text()
    by_place = {i.number: i for i in instructions}
    loops = any((target(i) is not None and target(i) <= i.number) for i in instructions)
    functions = {target(i) for i in instructions if is_call(i) and i.src == bytecode.LOCAL}
    for entry in sorted({0, *functions}):
        title = f"function_{entry}" if entry else name
        text.add(0, f"def {title}(s, r1, r2, r3, r4, r5, r10):")
        text.add(1, "r0 = r6 = r7 = r8 = r9 = unset")
        blocks = list(blocks_of(by_place, entry))
        _function(text, blocks, references, loops)
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
        found = following(by_place[place])
        waiting += found
        if len(found) != 1 or found[0] != place + by_place[place].slots:
            leaders.update(found)
    block: list[Instruction] = []
    for place in sorted(reached):
        if block and place in leaders:
            yield block
            block = []
        block.append(by_place[place])
    yield block


def following(i: Instruction) -> list[int]:
    """The places that may come after an instruction within its function."""
    if is_exit(i):
        return []
    if is_goto(i):
        return [target(i)]
    after = i.number + i.slots
    return [after] if target(i) is None or is_call(i) else [after, target(i)]


def _function(text: Text, blocks: list, references: Mapping[int, Reference], loops: bool) -> None:
    """The blocks one after the other; each but the first asks whether it is its turn."""
    returns = any(to <= i.number for block in blocks for i in block for to in following(i))
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
            for statement in statements(i, references):
                text.add(indent, statement, i.number)
        after = following(block[-1])
        single = len(blocks) == 1
        if len(after) == 1 and not single and not is_goto(block[-1]):
            text.add(indent, f"at = {after[0]}")


def statements(i: Instruction, references: Mapping[int, Reference]) -> list[str]:
    """The Python for one instruction."""
    if i.kind in (bytecode.ALU32, bytecode.ALU64):
        return [arithmetical(i)]
    if is_exit(i):
        return ["return r0"]
    if is_goto(i):
        return [f"at = {target(i)}"]
    if is_call(i):
        return [called(i), USED_UP]
    if i.kind in (bytecode.JUMP, bytecode.JUMP32):
        condition = expression(i)
        return [f"at = {target(i)} if {condition} else {i.number + 1}"]
    if i.opcode == bytecode.LOAD_64_BIT_IMMEDIATE:
        found = references[i.number]
        comment = f"  # {i.symbol}" if i.symbol else ""
        if found.element:
            return [f"r{i.dst} = element(s, {i.number}) + {found.value}{comment}"]
        return [f"r{i.dst} = {found.value:#x}{comment}"]
    return packet_load(i) if i.kind == bytecode.LD else [memory(i)]


def arithmetical(i: Instruction) -> str:
    bits, sign = arithmetic.result_bits(i), bytecode.ARITHMETIC.get(i.opcode & 0xF0, "")
    found = expression(i)
    number = not i.opcode & bytecode.REGISTER_SOURCE
    if sign == "=" and not i.offset:
        return f"r{i.dst} = {found}"
    if sign == "+=" and number and i.imm < 0:
        found = found.rpartition(" + ")[0] + f" - {-i.imm}"  # the same, easier to read
    if (sign in STAYS and not i.offset) or found.startswith("swapped"):
        return f"r{i.dst} = {found}"
    return f"r{i.dst} = ({found}) & M{bits}"


def expression(i: Instruction) -> str:
    """What is worked out, with registers and numbers in the places of a and b."""
    bits = arithmetic.result_bits(i)
    a, b = (f"r{n}" if bits == 64 else f"(r{n} & M32)" for n in (i.dst, i.src))
    if not i.opcode & bytecode.REGISTER_SOURCE:
        b = readable(arithmetic.immediate(i))
    return re.sub(r"\b[ab]\b", lambda found: a if found[0] == "a" else b, arithmetic.expression(i))


def readable(number: int) -> str:
    """Small numbers in decimal, large ones in hex."""
    return str(number) if number < 1 << 16 else f"{number:#x}"


def called(i: Instruction) -> str:
    if i.src == bytecode.LOCAL:
        return f"r0 = call_local(s, function_{target(i)}, r1, r2, r3, r4, r5)"
    helper, count = calls.HELPERS.get(i.imm, (None, 0))
    if helper is None or i.src != bytecode.HELPER:
        return f"unknown_helper({i.imm})"
    arguments = ", ".join(["s", *(f"r{number + 1}" for number in range(count))])
    return f"r0 = {helper.__name__}({arguments}) & M64"


def packet_load(i: Instruction) -> list[str]:
    size, indirect = size_of(i), i.opcode & 0xE0 == bytecode.INDIRECT
    check = f"if r6 != {CONTEXT << 32:#x}: no_context()"
    if indirect or i.imm < 0:
        offset = f"signed(r{i.src} + {i.imm}, 32)" if indirect else i.imm
        load = f"r0 = packet_load(s.data, {offset}, {size})"
        return [check, load, "if r0 is None: return 0", USED_UP]
    end, numbers = i.imm + size, "s.data[{}]"
    load = numbers.format(i.imm) if size == 1 else (f'int.from_bytes(s.data[{i.imm}:{end}], "big")')
    return [check, f"if len(s.data) < {end}: return 0", f"r0 = {load}", USED_UP]


def memory(i: Instruction) -> str:
    size, mode = 8 * size_of(i), i.opcode & 0xE0
    base = i.src if i.kind == bytecode.LDX else i.dst
    address = f"r{base} {'-' if i.offset < 0 else '+'} {abs(i.offset)}" if i.offset else f"r{base}"
    if i.kind == bytecode.LDX and mode == bytecode.MEMORY_SIGNED:
        return f"r{i.dst} = load_s{size}({address}) & M64"
    if i.kind == bytecode.LDX:
        return f"r{i.dst} = load_u{size}({address})"
    if i.kind == bytecode.ST:
        return f"store_u{size}({address}, {i.imm & (1 << size) - 1})"
    if mode != bytecode.ATOMIC:
        return f"store_u{size}({address}, r{i.src})"
    if i.imm == bytecode.COMPARE:
        return f"r0 = compare_exchange_u{size}({address}, r0, r{i.src})"
    if i.imm == bytecode.EXCHANGE:
        return f"r{i.src} = exchange_u{size}({address}, r{i.src})"
    name = bytecode.ATOMICS[i.imm & ~bytecode.FETCH][1]
    result = f"r{i.src} = " if i.imm & bytecode.FETCH else ""
    return f"{result}atomic_{name}_u{size}({address}, r{i.src})"
