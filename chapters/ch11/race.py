"""Two processors at one map: every order in which their accesses to its memory can come.

Built in chapter 11, measuring. Each processor is a machine of chapter 07 with packets of its own;
both have the same maps. Whatever a program does besides touches nothing that the other has, so it
makes no difference when that happens: only the accesses to the map's memory have an order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from helpers import asm, objfile, toolchain, uapi
from helpers.asm import Instruction
from helpers.machine import Machine
from helpers.machine.maps import MachineMap
from helpers.machine.memory import ELEMENTS
from helpers.machine.program import linked, maps_of
from helpers.machine.state import State, World
from helpers.table import Table

PROCESSORS = (0, 1)
LOCK, UNLOCK = uapi.BPF_FUNC_spin_lock, uapi.BPF_FUNC_spin_unlock
COUNTER = 8  # bytes, the last ones of a value: the counter


@dataclass(frozen=True)
class Access:
    """What one processor did to the map's memory. counter: all bytes counted, after it."""

    cpu: int
    does: str
    counter: int


@dataclass(frozen=True)
class Order:
    """One order of all accesses. lost: bytes that came and were not counted."""

    accesses: tuple[Access, ...]
    lost: int

    def table(self) -> Table:
        """A row for each access: which processor does what, and the counter after it."""
        rows = [
            (*(each.does if each.cpu == cpu else "" for cpu in PROCESSORS), f"{each.counter:,}")
            for each in self.accesses
        ]
        said = f"{self.lost:,} bytes are lost" if self.lost else "Nothing is lost"
        head = (*(f"processor {cpu}" for cpu in PROCESSORS), "counter")
        return Table(f"{said}, after {len(rows)} accesses", head, rows)


def orders(source: str, program: str, frame: bytes, packets: int = 1) -> list[Order]:
    """Every order in which two processors can count packets into one map.

    Arguments: source: a file of bpf/, which is compiled; program: its name there; frame: what each
        packet holds; packets: how many come to each processor. With three of them, and a read and
        a write for each, there are 924 orders.
    Result: an Order for each.
    Errors: CompileError, ObjectFileError, a ProgramError or a Fault. Built in chapter 11.
    """
    object_file = objfile.read(toolchain.compile_bpf(source))
    code, maps = linked(object_file, program), maps_of(object_file, len(PROCESSORS))
    machines = [Machine(code, maps, world=World(cpu)) for cpu in PROCESSORS]
    return list(every(machines, [frame] * packets))


def every(machines: Sequence[Machine], frames: Sequence[bytes]) -> Iterator[Order]:
    """Replay the programs for each order: the first always lets the first processor go on, and
    each other one decides otherwise at the last place where that is possible."""
    decided: list[int] | None = []
    while decided is not None:
        order, able = replay(machines, frames, decided)
        yield order
        decided = following([access.cpu for access in order.accesses], able)


def following(taken: Sequence[int], able: Sequence[Sequence[int]]) -> list[int] | None:
    """How the next order begins, after one with these processors; None after the last one.

    Arguments: able: which processors could have gone on, for each access.
    """
    for at in reversed(range(len(taken))):
        for cpu in able[at]:
            if cpu > taken[at]:
                return [*taken[:at], cpu]
    return None


def replay(
    machines: Sequence[Machine], frames: Sequence[bytes], decided: Sequence[int]
) -> tuple[Order, list[list[int]]]:
    """Run from empty maps on, in an order that begins as decided.

    Result: the order, and which processors could have gone on, for each of its accesses.
    """
    maps = machines[0].maps.values()
    for each in maps:
        empty(each)
    runs = [stops(machine, frames) for machine in machines]
    waiting = [next(run, None) for run in runs]  # each before its first access
    accesses, could = [], []
    while any(waiting):
        able = [cpu for cpu in PROCESSORS if waiting[cpu] and not must_wait(*waiting[cpu])]
        cpu = decided[len(accesses)] if len(accesses) < len(decided) else able[0]
        instruction, state = waiting[cpu]
        does = in_words(instruction, state)
        waiting[cpu] = next(runs[cpu], None)  # the access, and on to the next one
        accesses.append(Access(cpu, does, counted(maps)))
        could.append(able)
    came = len(PROCESSORS) * sum(map(len, frames))
    return Order(tuple(accesses), came - counted(maps)), could


def stops(machine: Machine, frames: Sequence[bytes]) -> Iterator[tuple[Instruction, State]]:
    """Run over the frames, and stop before each access to what processors can share."""
    instructions = {i.number: i for i in machine.instructions}
    for frame in frames:
        for state in machine.step(frame):
            instruction = instructions.get(state.at)
            if instruction and touches_a_map(instruction, state):
                yield instruction, state


def touches_a_map(i: Instruction, state: State) -> bool:
    if i.calls_helper:
        return i.imm in (LOCK, UNLOCK)
    return i.base is not None and state.registers[i.base] >> 32 >= ELEMENTS


def must_wait(i: Instruction, state: State) -> bool:
    """Whether the instruction would take a lock that the other has."""
    return i.calls_helper and i.imm == LOCK and any(state.memory.read(state.registers[1], 4))


def in_words(i: Instruction, state: State) -> str:
    """What the access is going to do."""
    if i.calls_helper:
        return "takes the lock" if i.imm == LOCK else "gives the lock back"
    if i.opcode_class == asm.LDX:
        data = state.memory.read(state.registers[i.base] + i.offset, i.size)
        return f"reads {int.from_bytes(data, 'little'):,}"
    value = state.registers[i.src]
    return f"adds {value:,}" if i.is_atomic else f"writes {value:,}"


def empty(each: MachineMap) -> None:
    """Zero in every element."""
    for element in each.used():
        element.data[:] = bytes(len(element.data))


def counted(maps: Collection[MachineMap]) -> int:
    """The sum of all counters: the last bytes of each value."""
    elements = (element for each in maps for element in each.used())
    return sum(int.from_bytes(element.data[-COUNTER:], "little") for element in elements)
