"""Running a translated program: what its lines call, and what goes wrong in them by name.

Built in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

from collections.abc import Callable

from helpers import bytecode
from helpers.machine import arithmetic, calls, packet
from helpers.machine.arithmetic import M32, M64
from helpers.machine.faults import (
    BadArgument,
    BudgetSpent,
    MachineError,
    TooManyFrames,
    UnknownHelper,
)
from helpers.machine.memory import CONTEXT, FRAMES, PACK, UNPACK, UNPACK_SIGNED, Memory
from helpers.machine.operations import function
from helpers.machine.packet import Packet
from helpers.machine.state import State
from helpers.machine.step import PYTHON_SAYS, named, spent
from helpers.machine.translate import Text

ELEMENTS_KEPT = 10_000  # addresses of map elements; beyond, they are handed out anew


class Unset:
    """What a register without a value holds: it can be copied, and any use of it fails."""

    def _fail(self, *other: object) -> int:
        raise TypeError("a register without a value is used")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __bool__ = _fail
    __add__ = __sub__ = __mul__ = __and__ = __or__ = __xor__ = __floordiv__ = __mod__ = _fail
    __lshift__ = __rshift__ = __radd__ = __rand__ = __index__ = _fail
    __hash__ = None


class Run:
    """What the lines of a translated program share while they run; for helpers, a state."""

    __slots__ = ("memory", "data", "world", "depth", "executed", "budget", "reading")

    def __init__(self, memory: Memory, world: object, budget: int) -> None:
        self.memory, self.world, self.budget = memory, world, budget
        self.depth = self.executed = 0
        self.data, self.reading = b"", None

    def spend(self, instructions: int) -> None:
        """Count a block that is about to run. Errors: BudgetSpent."""
        if self.executed > self.budget:
            raise BudgetSpent(spent(self.budget))
        self.executed += instructions


class Translation:
    """A program as Python. `source`: the text. Make it with Machine.translate().

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
        memory, unset = self._memory, self._unset
        run = Run(memory, self._machine.world, self._machine.budget)
        run.data = given.data
        memory.readable[CONTEXT] = given.context
        try:
            end = memory.frame(0)
            result = self._function(run, CONTEXT << 32, unset, unset, unset, unset, end) & M32
            run.spend(0)
        except (MachineError, *PYTHON_SAYS) as error:
            fault = self._named(error, given)
            raise fault from (None if fault is error else error)
        if len(memory.elements) > ELEMENTS_KEPT:
            memory.forget()
        return result

    def _named(self, error: Exception, given: Packet) -> Exception:
        """The fault with its instruction: the line of our Python tells which that is."""
        trace, place, found = error.__traceback__, None, {}
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.endswith(" in Python>"):
                place, found = self._places[trace.tb_lineno - 1], trace.tb_frame.f_locals
            trace = trace.tb_next
        if place is None:
            # The result itself had no value: some exit has returned it.
            place = next(i.number for i in self._machine.instructions if i.opcode == 0x95)
        state = State(given, self._machine.order, self._machine.world)
        state.memory = self._memory
        values = (found.get(f"r{number}", self._unset) for number in range(11))
        state.registers = [None if value is self._unset else value for value in values]
        return named(error, self._machine.instruction(place), state)


def environment(memory: Memory, references: dict) -> dict[str, object]:
    """The names that the lines of a translated program use."""
    names: dict[str, object] = {"M32": M32, "M64": M64, "unset": Unset(), **arithmetic.NAMES}
    names |= {helper.__name__: helper for helper, _ in calls.HELPERS.values()}
    names |= {"packet_load": packet.load, "no_context": no_context, "call_local": call_local}
    names["unknown_helper"] = unknown_helper
    names["element"] = lambda s, place: s.memory.share(
        references[place].number, references[place].element
    )
    for size in UNPACK:
        names[f"load_u{8 * size}"] = loader(memory, UNPACK[size])
        names[f"store_u{8 * size}"] = storer(memory, size)
        if size in UNPACK_SIGNED:
            names[f"load_s{8 * size}"] = loader(memory, UNPACK_SIGNED[size])
        for sign, name in [*bytecode.ATOMICS.values(), ("=", "exchange")]:
            title = f"exchange_u{8 * size}" if sign == "=" else f"atomic_{name}_u{8 * size}"
            names[title] = atomic(memory, size, function(arithmetic.OPERATIONS[sign]))
        names[f"compare_exchange_u{8 * size}"] = compare_exchange(memory, size)
    return names


def loader(memory: Memory, unpack: Callable) -> Callable[[int], int]:
    regions = memory.readable

    def load(address: int) -> int:
        return unpack(regions[address >> 32], address & M32)[0]

    return load


def storer(memory: Memory, size: int) -> Callable[[int, int], None]:
    regions, pack, mask = memory.writable, PACK[size], (1 << 8 * size) - 1

    def store(address: int, value: int) -> None:
        pack(regions[address >> 32], address & M32, value & mask)

    return store


def atomic(memory: Memory, size: int, work_out: Callable) -> Callable[[int, int], int]:
    regions, unpack, pack, mask = memory.writable, UNPACK[size], PACK[size], (1 << 8 * size) - 1

    def update(address: int, value: int) -> int:
        region, start = regions[address >> 32], address & M32
        old = unpack(region, start)[0]
        pack(region, start, work_out(old, value & mask) & mask)
        return old

    return update


def compare_exchange(memory: Memory, size: int) -> Callable[[int, int, int], int]:
    regions, unpack, pack, mask = memory.writable, UNPACK[size], PACK[size], (1 << 8 * size) - 1

    def update(address: int, expected: int, value: int) -> int:
        region, start = regions[address >> 32], address & M32
        old = unpack(region, start)[0]
        if old == expected & mask:
            pack(region, start, value & mask)
        return old

    return update


def call_local(s: Run, called: Callable[..., int], *registers: int) -> int:
    """Call a function of the program: it gets r1 to r5 and a stack of its own."""
    s.depth += 1
    if s.depth == FRAMES:
        raise TooManyFrames(f"calls are nested deeper than {FRAMES} functions.")
    result = called(s, *registers, s.memory.frame(s.depth))
    s.depth -= 1
    return result


def no_context() -> None:
    raise BadArgument("packet loads want the context in r6 (r6 = r1 at the beginning).")


def unknown_helper(number: int) -> None:
    raise UnknownHelper(calls.unknown(number))
