"""Where the verifier stopped, and what a reason is.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chapters.ch08.verifier import known, special
from chapters.ch08.verifier.log import GONE, Step
from helpers import asm, uapi
from helpers.asm import Instruction
from helpers.objfile import MapDefinition

LOCK, UNLOCK = uapi.BPF_FUNC_spin_lock, uapi.BPF_FUNC_spin_unlock
TIMER_INIT, SET_CALLBACK = 169, 170  # bpf_timer_init and bpf_timer_set_callback
# Functions of the kernel that begin what another one must end on every path.
ENDED_BY = {"bpf_rcu_read_lock": "bpf_rcu_read_unlock", "bpf_preempt_disable": "bpf_preempt_enable"}


def as_text(instruction: Instruction) -> str:
    """An instruction as text, or its bytes if they are none that the course decodes."""
    try:
        return asm.text(instruction)
    except asm.DisasmError:
        return f"{instruction.raw.hex(' ')} (not decoded)"


def called(instruction: Instruction) -> str:
    """A call for a sentence: the function's name, and the line of C."""
    name = as_text(instruction).removeprefix("call ")
    return f"{name} (line {instruction.line})" if instruction.line else name


@dataclass(frozen=True)
class Reason:
    """Why a program was refused.

    key: its name, for tests and tables. sentence: cause and cure. registers: those that decide, of
    which the kernel would speak. instruction: where, if not where the verifier stopped.
    """

    key: str
    sentence: str
    registers: tuple[int, ...] = ()
    instruction: Instruction | None = None


@dataclass(frozen=True)
class Place:
    """Where the verifier stopped, with all that a reason may ask for.

    before: what was known then. number: the error number. type: that of the program, by its
    section, such as "socket"; holding: the capabilities that it was loaded with. path: the steps
    that led here, the last of them is this one. maps: those of the object, by name.
    helper_refused: whether the kernel refuses the helper function that is called here to every
    program of this type, tried; None if that was not tried or no helper is called.
    with_gpl, with_perfmon: the same for a program under the GPL, and for a holder of CAP_PERFMON.
    special: by the map's name, the fields of its values that only the kernel may touch; a map that
    is missing has types of which nothing is known. function_for: if a function of the kernel's that
    is no helper is refused here to every program of this type, the types that may call it, tried.
    fields: those of the structs that the object's BTF has, by the struct's name. elsewhere: what
    the register that leads to memory held when the verifier came by here on other ways.
    """

    instruction: Instruction
    before: Mapping[str, str]
    number: int
    type: str
    license: str
    holding: Sequence[str] = ("CAP_BPF",)
    path: Sequence[Step] = ()
    instructions: Mapping[int, Instruction] = field(default_factory=dict)
    maps: Mapping[str, MapDefinition] = field(default_factory=dict)
    frame: int = 0
    references: tuple[str, ...] = ()
    helper_refused: bool | None = None
    with_gpl: bool | None = None
    with_perfmon: bool | None = None
    special: Mapping[str, Sequence[special.Field]] = field(default_factory=dict)
    function_for: tuple[str, ...] = ()
    fields: Mapping[str, Sequence[special.Field]] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()

    def of(self, register: int) -> str:
        """What was known of it; "" if it held nothing."""
        value = self.before.get(f"R{register}", "")
        # To holders of CAP_PERFMON a number is left where an address was.
        return "" if value == GONE and not self.trusted else value

    @property
    def trusted(self) -> bool:
        """Whether the program may see addresses: its loader holds CAP_PERFMON."""
        return bool({"CAP_PERFMON", "CAP_SYS_ADMIN"} & set(self.holding))

    @property
    def base(self) -> str:
        """What was known of the address that is read or written; "" if it is neither."""
        return "" if self.instruction.base is None else self.of(self.instruction.base)

    @property
    def stores(self) -> bool:
        return self.instruction.opcode_class in (asm.ST, asm.STX)

    @property
    def stores_address(self) -> bool:
        """Whether an address would be written to memory."""
        return self.instruction.opcode_class == asm.STX and known.is_pointer(
            self.of(self.instruction.src)
        )

    @property
    def reader(self) -> str:
        """The helper function that reads a packet's bytes for this type of program."""
        if self.type.startswith("xdp"):
            return "bpf_xdp_load_bytes (from Linux 5.18 on)"
        return "bpf_skb_load_bytes"

    @property
    def unset(self) -> tuple[int, ...]:
        """The registers that it reads and that hold nothing."""
        return tuple(r for r in self.instruction.reads if r != 10 and not self.of(r))

    @property
    def whole(self) -> bool:
        """Whether the path is known from the program's start."""
        return bool(self.path) and self.path[0].number == 0 and not self.path[0].pruned

    @property
    def alone(self) -> bool:
        """Whether the kernel checks this function by itself, for whatever a caller may hand over:
        it is a global one, that is not static."""
        starts = {i.target for i in self.instructions.values() if i.calls_function}
        return bool(self.path) and not self.frame and self.path[0].number in starts - {0, None}

    @property
    def called_later(self) -> bool:
        """Whether this is in a function that a timer calls, or in one that it calls."""
        return any(
            getattr(self.instructions.get(step.number), "helper", None) == SET_CALLBACK
            and following.number != self.instructions[step.number].end
            for step, following in zip(self.path, self.path[1:], strict=False)
        )

    @property
    def locked(self) -> bool:
        """Whether a lock is held, by the calls on the path."""
        return self.locked_at is not None

    @property
    def locked_at(self) -> Step | None:
        """The call on the path that took the lock which is held here."""
        held = None
        for step in self.path[:-1]:
            helper = getattr(self.instructions.get(step.number), "helper", None)
            if not step.pruned and helper in (LOCK, UNLOCK):
                held = step if helper == LOCK else None
        return held

    def begun(self, begins: str) -> int:
        """How often what this function of the kernel's begins is not ended yet, on the path."""
        called = [self.instructions.get(step.number) for step in self.path[:-1] if not step.pruned]
        names = [i.symbol for i in called if i is not None and i.is_call]
        return names.count(begins) - names.count(ENDED_BY[begins])

    def gone(self, register: int) -> bool:
        """Whether the kernel has taken an address away from it: newer ones leave nothing there,
        older ones a number, with no instruction on the path that would have done so."""
        value = self.before.get(f"R{register}", "")
        if value and not known.is_number(value):
            return value == GONE
        held = self.held(register)
        if held is None:
            return False
        was_null = known.may_be_null(held[0]) and known.constant(value) == 0
        return known.is_pointer(held[0]) and not was_null

    def held(self, register: int) -> tuple[str, Sequence[Step]] | None:
        """What it held last, an address or what was put there on the path, and the steps since
        then; None if that is not known."""
        for at in range(len(self.path) - 2, -1, -1):
            step = self.path[at]
            instruction = self.instructions.get(step.number)
            if step.frame > self.frame:  # of a function that has given back since
                continue
            if instruction is None or step.frame < self.frame:
                return None
            written = register in instruction.writes
            held = (step.after if written else step.before).get(f"R{register}", "")
            if written or known.is_pointer(held):
                return held, self.path[at + written : -1]
        return None

    def special_of(self, value: str) -> Sequence[special.Field] | None:
        """The fields of the map's value that only the kernel may touch; None if the log does not
        name the map, or nothing is known of it."""
        return self.special.get(known.map_name(value))

    def map_of(self, value: str) -> MapDefinition | None:
        """The map that an address belongs to, if the log names it and the object has it."""
        name = known.map_name(value)
        return self.maps.get(name) if name else None


@dataclass(frozen=True)
class Rule:
    """A reason's rule: `find` gives it if all that it needs is there.

    about: the subjects, keys of subjects.STEMS, that the kernel may speak of if this is why.
    number: the error number that it gives then, None if that differs.
    """

    find: Callable[[Place], Reason | None]
    about: frozenset[str]
    number: int | None = None


RULES: list[Rule] = []


def about(*subjects: str, number: int | None = None) -> Callable:
    """Register a rule, with the subjects that the kernel's own line may have.

    Arguments: number: the error number that the kernel gives if this is why; None if that differs.
    """

    def register(find: Callable[[Place], Reason | None]) -> Callable[[Place], Reason | None]:
        RULES.append(Rule(find, frozenset(subjects), number))
        return find

    return register


def denied(*subjects: str) -> Callable:
    """The same for what the kernel answers with EACCES."""
    return about(*subjects, number=errno.EACCES)
