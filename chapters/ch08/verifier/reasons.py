"""Why the verifier refuses: one function for each reason, from the instruction and what was known.

Laboratory equipment, first used in chapter 08, the_verifier. A reason looks at the program, at the
error number and at the registers, never at the wording of the message: that changes from kernel to
kernel. It gives a sentence with the cause and the cure, or None if it is not the one.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass

from chapters.ch08.verifier import known
from helpers import asm
from helpers.asm import ALU32, ALU64, CALL, EXIT, JUMP, JUMP32, LD, LDX, ST, STX, Instruction

KEYED = {1: "lookup", 2: "update", 3: "delete"}  # helpers whose second argument is a key
# Helpers that are for programs under the GPL only, and those for holders of CAP_PERFMON only,
# by number: .gpl_only and bpf_base_func_proto() in the kernel tree.
GPL_ONLY = {4, 6, 25, 27, 45, 55, 67, 111, 112, 113, 114, 115, 169, 170, 171, 172, 177}
PERFMON_ONLY = {4, 6, 35, 45, 112, 113, 114, 115, 177}
GPL = ("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL")


@dataclass(frozen=True)
class Place:
    """Where the verifier stopped.

    before: what was known then. number: the error number. kind: the program's section, such as
    "socket". Of the instruction: operation, its class and in it the register that holds an
    address, or None.
    """

    instruction: Instruction
    before: Mapping[str, str]
    number: int
    kind: str
    licence: str

    @property
    def address(self) -> int | None:
        """The register through which it reads or writes memory."""
        dst, src = self.instruction.dst, self.instruction.src
        return {LDX: src, ST: dst, STX: dst}.get(self.instruction.kind)

    @property
    def width(self) -> int:
        return asm.SIZES[self.instruction.opcode & 0x18]

    def of(self, register: int) -> str:
        """What was known of it; "" if it held nothing."""
        return self.before.get(f"R{register}", "")

    def is_jump(self, operation: int) -> bool:
        return self.instruction.kind == JUMP and self.instruction.opcode & 0xF0 == operation

    @property
    def helper(self) -> int | None:
        """The number of the kernel's function that it calls."""
        called = self.is_jump(CALL) and self.instruction.src == 0
        return self.instruction.imm if called else None


def reads(instruction: Instruction) -> list[int]:
    """The registers that an instruction takes something from; for a call none, that depends."""
    kind, operation = instruction.kind, instruction.opcode & 0xF0
    dst, src = instruction.dst, instruction.src
    other = [src] if instruction.opcode & asm.REGISTER_SOURCE else []
    if kind in (ALU32, ALU64):
        return other if operation == asm.MOVE else [dst, *other]
    if kind in (JUMP, JUMP32):
        return {CALL: [], EXIT: [0], asm.GOTO: []}.get(operation, [dst, *other])
    if kind == LD:
        return {asm.ABSOLUTE: [6], asm.INDIRECT: [6, src]}.get(instruction.opcode & 0xE0, [])
    return {LDX: [src], ST: [dst], STX: [dst, src]}[kind]


def null(at: Place) -> str | None:
    if at.address is None or "_or_null" not in at.of(at.address):
        return None
    return (
        f"r{at.address} may be null here: the lookup finds nothing when the map has no such key. "
        "Ask if (pointer) before you follow it."
    )


def empty(at: Place) -> str | None:
    for register in reads(at.instruction):
        if not at.of(register) and register != 10:
            if at.is_jump(EXIT):
                return "The program ends without a result: r0 holds nothing. End it with a return."
            return (
                f"r{register} holds nothing here. A program starts with r1, which is its one "
                "argument, and r10, the stack; all else must be put into a register first."
            )
    return None


def bounds(at: Place) -> str | None:
    value = at.of(at.address) if at.address is not None else ""
    if not value.startswith("pkt"):
        return None
    return (
        "The packet may end before this: nothing has shown that what is read here lies before "
        "data_end. Compare with data_end first."
    )


def leak(at: Place) -> str | None:
    if at.is_jump(EXIT) and known.is_pointer(at.of(0)):
        return "The result would be an address of the kernel's, which it keeps secret."
    if at.instruction.kind != STX or not known.is_pointer(at.of(at.instruction.src)):
        return None
    if not at.of(at.instruction.dst).startswith(("map_value", "pkt", "ctx")):
        return None
    return (
        f"r{at.instruction.src} is an address of the kernel's, and would get out through a "
        "place that others can read. Store something else."
    )


def argument(at: Place) -> str | None:
    """A key or a value on the stack that is smaller than the map's, or has gaps."""
    if at.helper not in KEYED:
        return None
    sizes = {2: ("key", known.attribute(at.of(1), "ks"))}
    if KEYED[at.helper] == "update":
        sizes[3] = ("value", known.attribute(at.of(1), "vs"))
    held = known.written(at.before)
    for register, (name, size) in sizes.items():
        offset = known.stack_offset(at.of(register))
        if offset is None or not size:
            continue
        unwritten = [byte for byte in range(offset, offset + size) if byte not in held]
        if unwritten:
            return _unwritten(name, size, offset, unwritten)
    return None


def _unwritten(name: str, size: int, offset: int, unwritten: list[int]) -> str:
    whole = f"The map's {name} has {size} bytes, and"
    if offset + size > 0:
        return (
            f"{whole} the variable, and with it the stack, ends after {-offset}: it is smaller "
            f"than the {name}. Give it the map's type."
        )
    there = f"{whole} {len(unwritten)} of them hold nothing"
    if len(unwritten) < size and unwritten[-1] == offset + size - 1:
        return (
            f"{there}, the last ones: the variable is smaller than the {name}, or the compiler "
            "left a gap at its end. Give it the map's type, and clear the whole of it first."
        )
    if len(unwritten) < size:
        return (
            f"{there}, although its fields are set: the compiler left a gap between them. "
            "Clear the whole variable first."
        )
    return f"{there}: the variable was never set. Give it a value first."


def licence(at: Place) -> str | None:
    if at.helper not in GPL_ONLY or at.licence in GPL:
        return None
    return (
        f"{_name(at)} serves programs under the GPL only, and this one's licence is "
        f"{at.licence or 'missing'}. Do without it, or license the program so."
    )


def helper(at: Place) -> str | None:
    if at.helper is None or at.number != errno.EINVAL:
        return None
    if at.helper in PERFMON_ONLY:
        return f"{_name(at)} needs CAP_PERFMON, which this course does without."
    return (
        f"{_name(at)} is not for this type of program ({at.kind}), or not on this kernel. "
        "bpf-helpers(7) describes it; reach the goal another way."
    )


def _name(at: Place) -> str:
    return asm.text(at.instruction).removeprefix("call ")


def result(at: Place) -> str | None:
    limits = known.limits(at.of(0))
    if not at.is_jump(EXIT) or limits is None:
        return None
    low, high = map(known.short, limits)
    return (
        f"The result, {low if low == high else f'{low} to {high}'}, is not one that this type of "
        f"program ({at.kind}) may return. See what its results mean."
    )


def context(at: Place) -> str | None:
    if at.address is None or not at.of(at.address).startswith("ctx"):
        return None
    return (
        f"This type of program ({at.kind}) may not use that field of skb, or not in that way. "
        "Which fields it may use depends on the type."
    )


def stack(at: Place) -> str | None:
    offset = known.stack_offset(at.of(at.address)) if at.address is not None else None
    if offset is None:
        return None
    first = offset + at.instruction.offset
    if first < -512 or first + at.width > 0:
        return "The stack has 512 bytes, and this lies outside. Use fewer, or a map."
    if at.instruction.kind == LDX and not set(range(first, first + at.width)) <= known.written(
        at.before
    ):
        return "Nothing was put into this variable before it is read. Give it a value first."
    return None


def beyond(at: Place) -> str | None:
    value = at.of(at.address) if at.address is not None else ""
    if not value.startswith("map_value"):
        return None
    size = known.attribute(value, "vs")
    return (
        f"This may lie outside the map's value, which has {size} bytes. Compare the index with "
        "its size first."
    )


def arithmetic(at: Place) -> str | None:
    if at.instruction.kind not in (ALU32, ALU64) or at.number != errno.EACCES:
        return None
    operands = [at.of(r) for r in reads(at.instruction)]
    if not any(map(known.is_pointer, operands)):
        return None
    if _cuts(at.instruction) and any(value.startswith("pkt") for value in operands):
        return (
            "C takes this for a number of 32 bits and cuts the address to that. Make an address of "
            "it before you calculate or compare: write (void *)(long) in front of the field."
        )
    if not any(map(known.is_number, operands)):
        return "Of an address only sums and differences can be taken. Calculate with numbers."
    return (
        "An address can only be moved by a number that is known to stay within bounds. Compare "
        "the number with its limit first."
    )


def _cuts(instruction: Instruction) -> bool:
    """Whether it is how a compiler makes a number of 32 bits out of one of 64."""
    shift = instruction.opcode & 0xF0 in (0x60, 0x70)  # to the left, to the right
    return instruction.kind == ALU32 or (shift and instruction.imm == 32)


def comparison(at: Place) -> str | None:
    if at.instruction.kind != JUMP or at.number != errno.EACCES:
        return None
    if not any(known.is_pointer(at.of(register)) for register in reads(at.instruction)):
        return None
    return (
        "This kernel lets only holders of CAP_PERFMON compare such addresses. Newer ones let "
        "holders of CAP_BPF compare those of a packet, too: 5.10 does not, 6.1 does."
    )


def address(at: Place) -> str | None:
    if at.address is None or not known.is_number(at.of(at.address)):
        return None
    return (
        f"r{at.address} is a number here, not an address that the verifier knows, so nothing can "
        "be read or written there. Use a helper that reads for you."
    )


def frame(at: Place) -> str | None:
    if at.instruction.kind in (ALU32, ALU64, LDX) and at.instruction.dst == 10:
        return "r10 marks the end of the stack and can only be read. Copy it to another register."
    return None


# In this order: the first one that fits is given.
REASONS = (frame, null, empty, bounds, leak, argument, licence, helper)
REASONS += (result, context, stack, beyond, arithmetic, comparison, address)
