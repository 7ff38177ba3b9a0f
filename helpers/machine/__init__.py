"""A BPF machine in Python, to look inside: it runs the programs that the kernel runs.

Built in chapter 07, inside_the_bytecode. Read it in this order: `packet` (what goes in), `program`
(what is put together and checked beforehand), `state`, `memory` and `maps` (what a program works
on), `arithmetic`, `calls` and `operations` (what each instruction does), `step` (one after the
other). `faults` names what can go wrong. Chapter 07 alone translates programs to
Python, to run them all at once: `chapters/ch07/translator`.

It knows all of RFC 9669, and stops with a named fault where the kernel's verifier would have
refused the program. The verifier is stricter: it refuses what might go wrong, the machine stops
when it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NoReturn

from helpers.asm import Instruction
from helpers.machine.arithmetic import M32
from helpers.machine.faults import BudgetSpent, MachineError
from helpers.machine.maps import MachineMap
from helpers.machine.operations import operation
from helpers.machine.packet import Packet
from helpers.machine.program import checked, decode, linked, maps_of, reference
from helpers.machine.state import State, World
from helpers.machine.step import named, spent, steps

if TYPE_CHECKING:
    from helpers.objfile import ObjectFile

INSTRUCTION_BUDGET = 1_000_000  # the verifier, too, gives up after so many


class Machine:
    """One program, ready to run on packets.

    Arguments:
        program: its bytes, or its instructions as objfile.read gives them.
        maps: what its 64-bit immediates refer to: by name where relocations name them, by file
            descriptor where the bytes hold one.
        budget: the number of instructions after which a run is stopped.
        world: the processor that it runs on, its clock, and the trace.
    Errors: a ProgramError, with the instruction that it is about.
    Source: RFC 9669. Built in chapter 07.
    """

    def __init__(
        self,
        program: bytes | list[Instruction],
        maps: Mapping[str | int, MachineMap] | None = None,
        budget: int = INSTRUCTION_BUDGET,
        world: World | None = None,
    ) -> None:
        self.instructions = checked(decode(program) if isinstance(program, bytes) else program)
        self.maps = dict(maps or {})
        self.budget = budget
        self.world = world or World()
        self.order = list({id(each): each for each in self.maps.values()}.values())
        self.references = {
            i.number: reference(i, self.maps, self.order) for i in self.instructions if i.is_wide
        }
        self._operations = {i.number: operation(i, self.references) for i in self.instructions}

    def step(self, packet: Packet | bytes) -> Iterator[State]:
        """Run over a packet, instruction by instruction; after each comes the state.

        It is the same object every time: copy what you want to keep. Errors: a Fault.
        Built in chapter 07.
        """
        state = self.begin(packet)
        try:
            yield from steps(state, self._operations, self.budget)
        except (MachineError, TypeError) as error:
            self._raise(error, state)

    def begin(self, packet: Packet | bytes) -> State:
        """The state before the first instruction."""
        packet = packet if isinstance(packet, Packet) else Packet(packet)
        return State(packet, self.order, self.world)

    def run(self, packet: Packet | bytes) -> int:
        """Go to the end; the program's result, 32 bits. Errors: a Fault. Built in chapter 07."""
        state, operations, at = self.begin(packet), self._operations, 0
        try:
            for _ in range(self.budget):
                state.last = at
                if (at := operations[at](state)) is None:
                    return state.registers[0] & M32
            raise BudgetSpent(spent(self.budget))
        except (MachineError, TypeError) as error:
            self._raise(error, state)

    def _raise(self, error: Exception, state: State) -> NoReturn:
        fault = named(error, self.instruction(state.last), state)
        raise fault from (None if fault is error else error)

    def instruction(self, place: int) -> Instruction:
        """The instruction at that place, counted in slots."""
        return next(i for i in self.instructions if i.number == place)


def load(object_file: ObjectFile, name: str, cpus: int = 1) -> Machine:
    """A machine with a program of an object file, and with maps as the file describes them.

    Arguments: object_file: from objfile.read. name: the program. cpus: how many processors to have.
    Errors: a ProgramError; ObjectFileError if there is no such program. Built in chapter 07.
    """
    return Machine(linked(object_file, name), maps_of(object_file, cpus))
