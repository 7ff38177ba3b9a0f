"""Everything that changes while a program runs.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from helpers.machine.faults import TooManyFrames
from helpers.machine.maps import MachineMap
from helpers.machine.memory import CONTEXT, MAX_FRAMES, Memory
from helpers.machine.packet import Packet

UNSET = [None] * 5  # what a call leaves of r1 to r5, and what r6 to r9 are in a new function


@dataclass
class World:
    """What programs can ask about besides packet and memory: processors, the clock, the trace.

    cpu: the processor that the program runs on. clock: nanoseconds since the machine started.
    trace: the lines that trace_printk has written.
    """

    cpu: int = 0
    clock: Callable[[], int] = time.monotonic_ns
    trace: list[str] = field(default_factory=list)


class State:
    """One run over one packet, at one moment. The same object changes with each step.

    registers: r0 to r10, each None or from 0 up to 2**64. at: the place of the instruction that
    runs next, None at the end. last: that of the one executed last. executed: how many were.
    frames: for each local call under way, where it returns to, and r6 to r10 as they were.
    reading: from where to where the last instruction has read the packet, None if it has not.
    """

    __slots__ = ("registers", "at", "last", "executed", "frames", "reading", "memory", "packet")
    __slots__ += ("data", "world")

    def __init__(self, packet: Packet, maps: Sequence[MachineMap], world: World) -> None:
        self.packet, self.data, self.world = packet, packet.data, world
        self.memory = Memory(packet.context, maps)
        self.registers = [None, CONTEXT << 32, *[None] * 8, self.memory.frame(0)]
        self.frames: list[tuple] = []
        self.at: int | None = 0
        self.last: int | None = None
        self.executed = 0
        self.reading: tuple[int, int] | None = None

    def enter(self, back_to: int) -> None:
        """Begin a local call: registers are put aside, and the function gets its own stack."""
        if len(self.frames) + 1 == MAX_FRAMES:
            raise TooManyFrames(f"calls are nested deeper than {MAX_FRAMES} functions.")
        registers = self.registers
        self.frames.append((back_to, registers[6:]))
        registers[0], registers[6:10] = None, UNSET[:4]
        registers[10] = self.memory.frame(len(self.frames))

    def leave(self) -> int | None:
        """End the function: the place to go on at, None if it was the program itself."""
        if not self.frames:
            return None
        back_to, kept = self.frames.pop()
        self.registers[1:] = [*UNSET, *kept]
        return back_to


# What does an instruction: it changes the state, and returns the place of the next one.
Operation = Callable[[State], "int | None"]
