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
from helpers.asm import ALU32, LDX, STX, Instruction

KEYED = {1: "lookup", 2: "update", 3: "delete"}  # helpers whose second argument is a key
# Helpers that are for programs under the GPL only, and those for holders of CAP_PERFMON only,
# by number: .gpl_only and bpf_base_func_proto() in the kernel tree.
GPL_ONLY = {4, 6, 25, 27, 45, 55, 67, 111, 112, 113, 114, 115, 169, 170, 171, 172, 177}
PERFMON_ONLY = {4, 6, 35, 45, 112, 113, 114, 115, 177}
GPL = ("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL")


@dataclass(frozen=True)
class Place:
    """Where the verifier stopped.

    before: what was known then. number: the error number. type: that of the program, by its
    section, such as "socket".
    """

    instruction: Instruction
    before: Mapping[str, str]
    number: int
    type: str
    license: str

    def of(self, register: int) -> str:
        """What was known of it; "" if it held nothing."""
        return self.before.get(f"R{register}", "")

    @property
    def address(self) -> str:
        """What was known of the address that is read or written; "" if it is neither."""
        return "" if self.instruction.base is None else self.of(self.instruction.base)


def null(at: Place) -> str | None:
    if "_or_null" not in at.address:
        return None
    return (
        f"r{at.instruction.base} may be null here: the lookup finds nothing when the map has no "
        "such key. Ask if (pointer) before you follow it."
    )


def empty(at: Place) -> str | None:
    if at.number != errno.EACCES:
        return None
    for register in at.instruction.reads:
        if not at.of(register) and register != 10:
            if at.instruction.is_exit:
                return "The program ends without a result: r0 holds nothing. End it with a return."
            return (
                f"r{register} holds nothing here. A program starts with r1, which is its one "
                "argument, and r10, the stack; all else must be put into a register first."
            )
    return None


def bounds(at: Place) -> str | None:
    if not at.address.startswith("pkt"):
        return None
    return (
        "The packet may end before this: nothing has shown that what is read here lies before "
        "data_end. Compare with data_end first."
    )


def leak(at: Place) -> str | None:
    if at.instruction.is_exit and known.is_pointer(at.of(0)):
        return "The result would be an address of the kernel's, which it keeps secret."
    if at.instruction.opcode_class != STX or not known.is_pointer(at.of(at.instruction.src)):
        return None
    if not at.of(at.instruction.dst).startswith(("map_value", "pkt", "ctx")):
        return None
    return (
        f"r{at.instruction.src} is an address of the kernel's, and would get out through a "
        "place that others can read. Store something else."
    )


def argument(at: Place) -> str | None:
    """A key or a value on the stack that is smaller than the map's, or has gaps."""
    if at.instruction.helper not in KEYED:
        return None
    sizes = {2: ("key", known.attribute(at.of(1), "ks"))}
    if KEYED[at.instruction.helper] == "update":
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


def license(at: Place) -> str | None:
    if at.instruction.helper not in GPL_ONLY or at.license in GPL:
        return None
    return (
        f"{_name(at)} serves programs under the GPL only, and this one's licence is "
        f"{at.license or 'missing'}. Do without it, or license the program so."
    )


def helper(at: Place) -> str | None:
    if at.instruction.helper is None or at.number != errno.EINVAL:
        return None
    if at.instruction.helper in PERFMON_ONLY:
        return f"{_name(at)} needs CAP_PERFMON, which this course does without."
    return (
        f"{_name(at)} is not for this type of program ({at.type}), or not on this kernel. "
        "bpf-helpers(7) describes it; reach the goal another way."
    )


def _name(at: Place) -> str:
    return asm.text(at.instruction).removeprefix("call ")


def result(at: Place) -> str | None:
    limits = known.limits(at.of(0))
    if not at.instruction.is_exit or limits is None:
        return None
    low, high = map(known.short, limits)
    return (
        f"The result, {low if low == high else f'{low} to {high}'}, is not one that this type of "
        f"program ({at.type}) may return. See what its results mean."
    )


def context(at: Place) -> str | None:
    if not at.address.startswith("ctx"):
        return None
    return (
        f"This type of program ({at.type}) may not use that field of skb, or not in that way. "
        "Which fields it may use depends on the type."
    )


def stack(at: Place) -> str | None:
    offset = known.stack_offset(at.address)
    if offset is None:
        return None
    first = offset + at.instruction.offset
    size = at.instruction.size
    if first < -512 or first + size > 0:
        return "The stack has 512 bytes, and this lies outside. Use fewer, or a map."
    read = range(first, first + size) if at.instruction.opcode_class == LDX else range(0)
    if not known.written(at.before).issuperset(read):
        return "Nothing was put into this variable before it is read. Give it a value first."
    return None


def beyond(at: Place) -> str | None:
    if not at.address.startswith("map_value"):
        return None
    size = known.attribute(at.address, "vs")
    return (
        f"This may lie outside the map's value, which has {size} bytes. Compare the index with "
        "its size first."
    )


def arithmetic(at: Place) -> str | None:
    if not at.instruction.is_arithmetic or at.number != errno.EACCES:
        return None
    operands = [at.of(r) for r in at.instruction.reads]
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
    shifts = asm.ARITHMETIC.get(instruction.operation) in ("<<=", ">>=")
    return instruction.opcode_class == ALU32 or (shifts and instruction.imm == 32)


def comparison(at: Place) -> str | None:
    if not at.instruction.is_conditional or at.number != errno.EACCES:
        return None
    if not any(known.is_pointer(at.of(register)) for register in at.instruction.reads):
        return None
    return (
        "This kernel lets only holders of CAP_PERFMON compare such addresses. Newer ones let "
        "holders of CAP_BPF compare those of a packet, too: 5.10 does not, 6.1 does."
    )


def address(at: Place) -> str | None:
    if not known.is_number(at.address):
        return None
    return (
        f"r{at.instruction.base} is a number here, not an address that the verifier knows, so "
        "nothing can be read or written there. Use a helper that reads for you."
    )


def frame(at: Place) -> str | None:
    if 10 in at.instruction.writes:
        return "r10 marks the end of the stack and can only be read. Copy it to another register."
    return None


# In this order: the first one that fits is given.
REASONS = (frame, null, empty, bounds, leak, argument, license, helper)
REASONS += (result, context, stack, beyond, arithmetic, comparison, address)
