"""What the stepper shows of an eBPF program: its walk over one packet, from chapter 07's machine.

Laboratory equipment, first used in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from helpers import asm
from helpers.asm import Instruction
from helpers.machine import Machine
from helpers.machine.faults import Fault
from helpers.machine.maps import HASH, PERCPU_ARRAY, MachineMap
from helpers.machine.memory import CONTEXT, ELEMENTS, MAPS, MAX_FRAMES, STACK, STACK_SIZE
from helpers.machine.packet import FIELDS, Packet
from helpers.machine.state import State
from helpers.stepper.view import Cell, Group, Line, View, Walk

CELL_BYTES = 8  # of the stack


def walk(machine: Machine, packet: Packet | bytes) -> Walk:
    """One run of the machine's program over one packet, for the stepper; faults end it."""
    packet = packet if isinstance(packet, Packet) else Packet(packet)
    lines = tuple(
        Line(i.number, asm.text(i), f"{i.line}: {i.source}" if i.line else "")
        for i in machine.instructions
    )
    return Walk(lines, packet.data, moments(machine, packet))


def moments(machine: Machine, packet: Packet) -> Iterator[View]:
    """The view before the first instruction, and after each."""
    state = machine.begin(packet)
    maker = ViewMaker(machine, state.registers[:])
    yield View(None, 0, maker.registers(state), maker.memory(state))
    maker.running = True
    places = {i.number: i for i in machine.instructions}
    steps = machine.step(packet)
    while True:
        try:
            state = next(steps)
        except Fault as fault:
            registers, memory = maker.registers(state), maker.memory(state)
            yield View(fault.number, None, registers, memory, ending=str(fault))
            return
        except StopIteration:
            return
        i = places[state.last]
        maker.written(state, i)
        view = View(
            executed=state.last,
            following=state.at,
            registers=maker.registers(state, i.writes),
            memory=maker.memory(state),
            reading=state.reading,
            note=note(i, state, maker.before),
            ending=ending(i, state) if state.at is None else "",
        )
        maker.before = state.registers[:]
        yield view


@dataclass
class ViewMaker:
    """What has to be remembered from one view to the next: registers, and what was shown."""

    machine: Machine
    before: list[int | None]
    words: dict[tuple[int, int], bytes] = field(default_factory=dict)  # of the stacks, by place
    stored: set[tuple[int, int]] = field(default_factory=set)  # by the last instruction
    values: dict[tuple[str, str], str] = field(default_factory=dict)  # of maps, by map and key
    running: bool = False  # what the maps hold before the first instruction has not changed

    def registers(self, state: State, written: Sequence[int] = ()) -> tuple[Cell, ...]:
        return tuple(
            Cell(
                f"r{n}",
                "" if new is None else shown(new),
                meaning(state, new),
                changed=new != old or (n in written and new is not None),
            )
            for n, (new, old) in enumerate(zip(state.registers, self.before, strict=True))
        )

    def written(self, state: State, i: Instruction) -> None:
        """Remember the word of the stack that a store writes, even if it is zeros."""
        self.stored = set()
        if i.opcode_class in (asm.ST, asm.STX):
            address = self.before[i.base] + i.offset
            region, start = address >> 32, address & 0xFFFFFFFF
            if STACK <= region < STACK + MAX_FRAMES:
                self.stored = {(region - STACK, start // CELL_BYTES)}

    def memory(self, state: State) -> tuple[Group, ...]:
        """The stack of the function that runs, and the maps."""
        depth = len(state.frames)
        stack = state.memory.writable[STACK + depth]
        cells = []
        for word in range(STACK_SIZE // CELL_BYTES):
            now = bytes(stack[word * CELL_BYTES : (word + 1) * CELL_BYTES])
            place = (depth, word)
            if not any(now) and place not in self.words and place not in self.stored:
                continue
            changed = place in self.stored or self.words.get(place) != now
            self.words[place] = now
            name = f"r10 - {STACK_SIZE - word * CELL_BYTES}"
            cells.append(Cell(name, now.hex(" "), changed=changed))
        title = f"stack of call {depth}" if depth else "stack"
        maps = (self.elements(each) for each in self.machine.order)
        return (Group(title, tuple(cells)), *maps)

    def elements(self, each: MachineMap) -> Group:
        """Those elements of a map that are not zero, or that somebody has put there."""
        cells = []
        for element in each.used():
            if each.type != HASH and not any(element.data):
                continue
            value = number_or_bytes(bytes(element.data))
            name = f"[{number_or_bytes(element.key)}]"
            if each.type == PERCPU_ARRAY:
                name += f" on CPU {element.index // each.max_entries}"
            place = (each.name, name)
            changed = self.running and self.values.get(place) != value
            self.values[place] = value
            cells.append(Cell(name, value, changed=changed))
        return Group(f"map {each.name}", tuple(cells))


def number_or_bytes(data: bytes) -> str:
    """Up to 8 bytes as the number that they are here, more as bytes."""
    return str(int.from_bytes(data, "little")) if len(data) <= 8 else data.hex(" ")


def shown(number: int) -> str:
    return str(number) if number < 1 << 16 else f"{number:#x}"


def meaning(state: State, number: int | None) -> str:
    """What the address in a register leads to, in words; "" for what is no address."""
    if number is None:
        return ""
    region, start = number >> 32, number & 0xFFFFFFFF
    known = STACK <= region < STACK + MAX_FRAMES or region in state.memory.elements
    known = known or MAPS <= region < MAPS + len(state.memory.maps) or region == CONTEXT
    if not known or start > STACK_SIZE and region < ELEMENTS:
        return ""
    return state.memory.name(number)


def note(i: Instruction, state: State, before: list[int | None]) -> str:
    """A few words about what happened that no register shows."""
    if state.reading:
        return f"from the packet: {state.data[slice(*state.reading)].hex(' ')}"
    if i.is_goto:
        return f"goes on at {state.at}"
    if i.is_conditional:
        return f"{'yes' if state.at == i.target else 'no'}: goes on at {state.at}"
    if i.calls_function:
        return f"goes to {state.at}, with a stack of its own"
    if i.is_exit and state.at is not None:
        return f"back to {state.at}"
    if i.opcode_class == asm.LDX and before[i.src] is not None and before[i.src] >> 32 == CONTEXT:
        place = (before[i.src] & 0xFFFFFFFF) + i.offset
        return f"{FIELDS[place // 4]} of the context"
    return ""


def ending(i: Instruction, state: State) -> str:
    result = state.registers[0] & 0xFFFFFFFF
    if i.is_exit:
        return f"The program returns {result}."
    return "The program returns 0: what it wants to read is not in this packet."
