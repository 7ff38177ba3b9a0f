"""Running a translated program: what its lines call, and what goes wrong in them by name.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

import struct

from chapters.ch07.translator.environment import environment
from chapters.ch07.translator.text import Text
from helpers import asm
from helpers.asm import Instruction
from helpers.machine.arithmetic import M32
from helpers.machine.faults import BadAddress, BudgetSpent, MachineError
from helpers.machine.memory import CONTEXT, STACK, STACK_SIZE, Memory
from helpers.machine.packet import Packet
from helpers.machine.state import State, World
from helpers.machine.step import named, spent

# What Python says where a register has no value or an address leads nowhere.
PYTHON_SAYS = (TypeError, LookupError, struct.error)
R1, R10 = CONTEXT << 32, (STACK << 32) + STACK_SIZE
MAX_ELEMENTS = 10_000  # of maps, whose addresses are kept; beyond, they are handed out anew


class TranslatedRun:
    """What the lines of a translated program share while they run; for helpers, a state."""

    __slots__ = ("memory", "context", "stack", "data", "world", "budget", "depth", "executed")
    __slots__ += ("reading", "packet")

    def __init__(self, memory: Memory, packet: Packet, world: World, budget: int) -> None:
        self.memory, self.world, self.budget = memory, world, budget
        self.packet = packet
        self.data, self.context, self.stack = packet.data, packet.context, bytearray(STACK_SIZE)
        self.depth = self.executed = 0
        memory.readable[CONTEXT] = packet.context
        memory.readable[STACK] = memory.writable[STACK] = self.stack

    def spend(self, instructions: int) -> None:
        """Count a block that is about to run. Errors: BudgetSpent."""
        if self.executed > self.budget:
            raise BudgetSpent(spent(self.budget))
        self.executed += instructions


class Translation:
    """A program as Python. `source`: the text. Make it with translate().

    Built in chapter 07.
    """

    def __init__(self, machine, text: Text, name: str) -> None:
        self._machine, self._places = machine, text.places
        self.source = "\n".join(text.lines)
        self._memory = Memory(b"", machine.order)
        names = environment(self._memory, machine.references)
        exec(compile(self.source, f"<{name} in Python>", "exec"), names)
        self._function, self._unset = names[name], names["unset"]

    def run(self, given: Packet | bytes) -> int:
        """The program's result for a packet, 32 bits, the same as Machine.run's.

        Errors: a Fault. The budget is looked at only in programs with loops.
        """
        given = given if isinstance(given, Packet) else Packet(given)
        unset = self._unset
        run = TranslatedRun(self._memory, given, self._machine.world, self._machine.budget)
        try:
            result = self._function(run, R1, unset, unset, unset, unset, R10) & M32
            run.spend(0)
        except (MachineError, *PYTHON_SAYS) as error:
            fault = self._named(error, given)
            raise fault from (None if fault is error else error)
        if len(self._memory.elements) > MAX_ELEMENTS:
            self._memory.forget()
        return result

    def _named(self, error: Exception, given: Packet) -> Exception:
        """The fault with its instruction: the line of our Python tells which that is."""
        trace, place, names = error.__traceback__, None, {}
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.endswith(" in Python>"):
                place, names = self._places[trace.tb_lineno - 1], trace.tb_frame.f_locals
            trace = trace.tb_next
        if place is None:
            # The result itself had no value: some exit has returned it.
            place = next(i.number for i in self._machine.instructions if i.is_exit)
        state = State(given, self._machine.order, self._machine.world)
        values = (names.get(f"r{number}", self._unset) for number in range(11))
        state.registers = [None if value is self._unset else value for value in values]
        state.memory = self._memory
        i = self._machine.instruction(place)
        if not isinstance(error, MachineError) and (reason := misled(i, state)):
            error = BadAddress(reason)
        return named(error, i, state)


def misled(i: Instruction, state: State) -> str | None:
    """Why the address that an instruction uses is wrong, in a sentence, if that is so."""
    base = None if i.base is None else state.registers[i.base]
    if base is None:
        return None
    return state.memory.explain(base + i.offset, i.size, i.opcode_class != asm.LDX)
