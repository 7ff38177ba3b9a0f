"""Where values come from: the instructions of a way, gone through with names instead of numbers.

Laboratory equipment, first used in chapter 08, the_verifier. It goes by the instructions alone, not
by what a log prints: each register, and each place on the stack, holds a `Value` that knows the
instruction which made it and the values it was made of. What may have been changed by somebody
else, such as a helper function that was given an address on the stack, is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chapters.ch08.verifier import wants
from chapters.ch08.verifier.place import as_text
from chapters.ch08.verifier.way import Way
from helpers import asm
from helpers.asm import Instruction

STACK = 512  # bytes
MOVE = asm.ALU64 | asm.MOVE | asm.REGISTER_SOURCE
CALLER_SAVED = asm.ARGUMENTS
LOOKUP = 1  # bpf_map_lookup_elem, by number
CONTEXT = "r1 is the program's argument, its context"


@dataclass(frozen=True, eq=False)
class Value:
    """What a register or a place on the stack holds.

    said: how it got that, in words. instruction: the one that did it, None at the beginning. at:
    its place on the way. register: where it then was, None for the stack. made_of: of which values;
    copied: it is the same as the first of them. stack: if it is an address on the stack, the number
    of the function's turn, and how far from the stack's end, None if that is not known exactly.
    number: if it is a constant. sure: False if nothing is known of it.
    """

    said: str
    instruction: Instruction | None = None
    at: int = -1
    register: int | None = None
    made_of: tuple[Value, ...] = ()
    copied: bool = False
    stack: tuple[int, int | None] | None = None
    number: int | None = None
    sure: bool = True

    @property
    def origin(self) -> Value:
        """The value that this is a copy of, or itself."""
        return self.made_of[0].origin if self.copied else self

    def sources(self) -> Iterator[Value]:
        """It, and all that it is made of, each once."""
        seen, waiting = set(), [self]
        while waiting:
            value = waiting.pop()
            if id(value) not in seen:
                seen.add(id(value))
                yield value
                waiting += value.made_of


@dataclass(frozen=True)
class Branch:
    """A jump with a condition on the way. met: whether it was; None if it is the last instruction.
    following: what came next."""

    at: int
    jump: Instruction
    values: tuple[Value, ...]
    met: bool | None
    following: Instruction | None


@dataclass
class Frame:
    """A function's turn: its registers, and to where it gives back."""

    turn: int
    registers: dict[int, Value]
    name: str = ""
    call: Instruction | None = None


@dataclass
class Origins:
    """Every register before the last instruction of a way. frame: that of the function there.
    placed: what lies on the stacks, by turn: where, how many bytes, and what. branches: in order.
    """

    way: Way
    branches: list[Branch] = field(default_factory=list)
    placed: dict[int, list[tuple[int, int, Value]]] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    turns: int = 0

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def of(self, register: int) -> Value:
        return self.frame.registers[register]

    def on_stack(self, turn: int, first: int, size: int) -> list[tuple[int, int, Value]]:
        """What was put into these bytes: where, how many, and what."""
        there = self.placed.get(turn, [])
        return [each for each in there if each[0] < first + size and first < each[0] + each[1]]


def found(way: Way) -> Origins:
    """Go the way up to its last instruction, which is not carried out."""
    origins = Origins(way)
    _begin(origins)
    instructions = way.instructions
    for at, (here, following) in enumerate(zip(instructions, instructions[1:], strict=False)):
        _step(origins, at, here, following)
    return origins


def _begin(origins: Origins) -> None:
    if origins.way.whole:
        registers = {r: Value(f"r{r} has not been set on this path") for r in range(10)}
        registers[1] = Value(CONTEXT, register=1)
    else:
        unknown = f"what r{{}} held before is not known: {origins.way.begins}"
        registers = {r: Value(unknown.format(r), register=r, sure=False) for r in range(10)}
    registers[10] = Value("r10 is the stack's end", register=10, stack=(0, 0))
    origins.frames.append(Frame(0, registers))
    origins.placed[0] = []
    if not origins.way.whole:
        said = f"what was put there before is not known: {origins.way.begins}"
        _blur(origins, 0, Value(said, sure=False))


def _step(origins: Origins, at: int, i: Instruction, following: Instruction) -> None:
    registers = origins.frame.registers
    if i.is_conditional:
        values = (registers[i.dst], *((registers[i.src],) if i.takes_register else ()))
        alike = i.target == i.end
        met = None if alike else following.number == i.target
        origins.branches.append(Branch(at, i, values, met, following))
    elif i.calls_function and following.number == i.target:
        _enter(origins, at, i)
    elif i.is_call:
        _call(origins, at, i)
    elif i.is_exit:
        _leave(origins, at)
    elif i.is_arithmetic:
        registers[i.dst] = _arithmetic(registers, at, i)
    elif i.opcode_class == asm.LDX:
        registers[i.dst] = _load(origins, at, i)
    elif i.opcode_class in (asm.ST, asm.STX):
        _store(origins, at, i)
    elif i.loads_packet:
        many = f"{i.size} byte{'s' if i.size > 1 else ''} of the packet"
        index = (registers[i.src],) if i.mode == asm.INDIRECT else ()
        _lose(registers, at, i, "by the old instruction that reads the packet")
        registers[0] = Value(f"r0 is {many}", i, at, 0, index)
    elif i.is_wide:
        registers[i.dst] = _constant(at, i)


def _constant(at: int, i: Instruction) -> Value:
    if i.src in (asm.MAP_BY_FD, asm.MAP_BY_INDEX) or i.symbol and not i.refers_to_function:
        return Value(f"r{i.dst} is the address of {i.symbol or 'a map'}", i, at, i.dst)
    if i.refers_to_function:
        return Value(f"r{i.dst} is the address of the function {i.symbol}", i, at, i.dst)
    return Value(f"r{i.dst} is {i.imm}", i, at, i.dst, number=i.imm)


def _arithmetic(registers: dict[int, Value], at: int, i: Instruction) -> Value:
    dst, name = registers[i.dst], f"r{i.dst}"
    if i.operation == asm.MOVE and not i.takes_register:
        number = i.imm if i.opcode_class == asm.ALU64 else i.imm & 0xFFFFFFFF
        return Value(f"{name} is {number}", i, at, i.dst, number=number)
    if i.operation == asm.MOVE:
        src = registers[i.src]
        if i.opcode == MOVE and not i.offset:
            said = f"{name} is a copy of r{i.src}"
            return Value(said, i, at, i.dst, (src,), True, src.stack, src.number, src.sure)
        part = "with its sign" if i.offset else "the lower half"
        return Value(f"{name} is made from r{i.src}, {part}", i, at, i.dst, (src,), sure=src.sure)
    made_of = (dst, registers[i.src]) if i.takes_register else (dst,)
    stack = next((value.stack for value in made_of if value.stack), None)
    if stack:
        exact = i.opcode == asm.ALU64 and stack[1] is not None  # an addition of a number
        stack = (stack[0], stack[1] + i.imm if exact else None)
    sure = all(value.sure for value in made_of)
    return Value(f"{name} is changed: {as_text(i)}", i, at, i.dst, made_of, stack=stack, sure=sure)


def _load(origins: Origins, at: int, i: Instruction) -> Value:
    base, name = origins.of(i.src), f"r{i.dst}"
    if base.stack is None:
        bytes_ = f"{i.size} byte{'s' * (i.size > 1)}"
        if base.origin.said == CONTEXT:
            said = f"{name} is read from the context, {bytes_} at {i.offset}"
            return Value(said, i, at, i.dst)
        from_where = f"r{i.src} {'-' if i.offset < 0 else '+'} {abs(i.offset)}"
        said = f"{name} is read from memory, {bytes_} at {from_where}"
        # What memory holds is no address of the stack: the verifier lets none of those out.
        return Value(said, i, at, i.dst, (base,), sure=base.sure)
    turn, offset = base.stack
    if offset is None:
        there = tuple(value for *_, value in origins.on_stack(turn, -STACK, STACK))
        said = f"{name} is read from the stack, from a place that is not known exactly"
        return Value(said, i, at, i.dst, there, sure=False)
    first = offset + i.offset
    there = origins.on_stack(turn, first, i.size)
    said = f"{name} is read from the stack, {-first} below its end"
    if [each[:2] for each in there] == [(first, i.size)]:
        value = there[0][2]
        if i.size == 8:
            return Value(said, i, at, i.dst, (value,), True, value.stack, value.number, value.sure)
        return Value(said, i, at, i.dst, (value,), sure=value.sure)
    if not there:
        return Value(f"{said}, where nothing was put on this path", i, at, i.dst)
    sure = all(value.sure for *_, value in there)
    return Value(said, i, at, i.dst, tuple(value for *_, value in there), sure=sure)


def _store(origins: Origins, at: int, i: Instruction) -> None:
    registers = origins.frame.registers
    base, src = registers[i.dst], registers[i.src] if i.opcode_class == asm.STX else None
    made_of = (src,) if src is not None else ()
    if i.is_atomic:
        fetched = 0 if i.imm == asm.COMPARE else i.src
        if i.imm & asm.FETCH:
            said = f"r{fetched} is what was in memory before {as_text(i)}"
            registers[fetched] = Value(said, i, at, fetched, (base,), sure=base.sure)
    if not base.sure and base.stack is None:
        for frame in origins.frames:
            _blur(origins, frame.turn, _perhaps(at, i, "a store to an address that is not known"))
        return
    if base.stack is None:
        return
    turn, offset = base.stack
    if offset is None:
        _blur(origins, turn, _perhaps(at, i, "a store to a place that is not known exactly"))
        return
    first = offset + i.offset
    if i.is_atomic:
        made_of += tuple(value for *_, value in origins.on_stack(turn, first, i.size))
    what = f"r{i.src}" if src is not None else str(i.imm)
    bytes_ = f"{i.size} byte{'s' * (i.size > 1)}"
    said = f"{what} is put on the stack, {-first} below its end, {bytes_}"
    whole = src is not None and i.size == 8 and not i.is_atomic
    value = Value(
        said,
        i,
        at,
        None,
        made_of,
        whole,
        src.stack if whole else None,
        src.number if whole else None,
        all(each.sure for each in made_of),
    )
    _put(origins, turn, first, i.size, value)


def _perhaps(at: int, i: Instruction, who: str) -> Value:
    return Value(f"{who} may have changed what is on the stack", i, at, sure=False)


def _put(origins: Origins, turn: int, first: int, size: int, value: Value) -> None:
    """Into these bytes of the stack; what they hide altogether is gone."""
    left = [
        each
        for each in origins.placed.setdefault(turn, [])
        if not (first <= each[0] and each[0] + each[1] <= first + size)
    ]
    origins.placed[turn] = [*left, (first, size, value)]


def _blur(origins: Origins, turn: int, value: Value, first: int = -STACK) -> None:
    """Somebody may have written there, from `first` up to the stack's end: who, beside what was."""
    origins.placed.setdefault(turn, []).append((first, -first, value))


def _lose(registers: dict[int, Value], at: int, i: Instruction, why: str) -> None:
    for r in CALLER_SAVED:
        registers[r] = Value(f"r{r} is used up {why}", i, at, r)


def _call(origins: Origins, at: int, i: Instruction) -> None:
    registers = origins.frame.registers
    name = as_text(i).removeprefix("call ")
    name = f"helper function {name}" if name.isdigit() else name
    row = wants.WANTS.get(i.helper) if i.helper is not None else None
    for number, register in enumerate(CALLER_SAVED):
        value = registers[register]
        if row and number < len(row.arguments):
            kind = row.arguments[number]
            if kind not in (wants.FILLED, wants.FILLED_VALUE, wants.DATA):
                continue
        elif row or (i.reads and register not in i.reads):  # of some it is not known what they take
            continue
        _given(origins, at, i, name, value, registers.get(register + 1) if row else None)
    map = registers[1].origin.instruction if i.helper == LOOKUP else None
    where = f" in {map.symbol}" if map is not None and map.is_wide and map.symbol else ""
    _lose(registers, at, i, f"by the call of {name}")
    said = f"r0 is the result of {name}{where}"
    registers[0] = Value(said, i, at, 0)


def _given(
    origins: Origins, at: int, i: Instruction, name: str, value: Value, size: Value | None
) -> None:
    """A function was given a value, and may write to where it leads."""
    if value.stack is None:
        if not value.sure:
            for frame in origins.frames:
                _blur(origins, frame.turn, _perhaps(at, i, f"{name} was given an address and"))
        return
    turn, offset = value.stack
    if offset is not None and size is not None and (size.number or 0) > 0:
        said = f"{name} fills {size.number} bytes of the stack, from {-offset} below its end on"
        _put(origins, turn, offset, size.number, Value(said, i, at))
        return
    said = f"{name} was given this place on the stack, and may have changed what is there"
    _blur(origins, turn, Value(said, i, at, sure=False), -STACK if offset is None else offset)


def _enter(origins: Origins, at: int, i: Instruction) -> None:
    outside = origins.frame.registers
    origins.turns += 1
    turn, name = origins.turns, i.symbol or "the function"
    registers = {r: Value(f"r{r} has not been set in {name}", i, at, r) for r in range(10)}
    for r in CALLER_SAVED:
        value = outside[r]
        said = f"r{r} is handed to {name}"
        registers[r] = Value(said, i, at, r, (value,), True, value.stack, value.number, value.sure)
    registers[10] = Value(f"r10 is the stack's end in {name}", i, at, 10, stack=(turn, 0))
    origins.placed[turn] = []
    origins.frames.append(Frame(turn, registers, name, i))


def _leave(origins: Origins, at: int) -> None:
    inside = origins.frames.pop()
    registers, value = origins.frame.registers, inside.registers[0]
    _lose(registers, at, inside.call, f"by the call of {inside.name}")
    said = f"r0 is the result of {inside.name}"
    registers[0] = Value(
        said, inside.call, at, 0, (value,), True, value.stack, value.number, value.sure
    )


def tests(origins: Origins, value: Value) -> tuple[list[Branch], list[Branch]]:
    """The branches that looked at this value or a copy of it, and those at what was made of it."""
    own, made = [], []
    for branch in origins.branches:
        if any(each.origin is value.origin for each in branch.values):
            own.append(branch)
        elif any(value.origin in each.sources() for each in branch.values):
            made.append(branch)
    return own, made
