"""Reasons in what is calculated and compared.

Laboratory equipment, first used in chapter 08, the_verifier. Each rule begins with what it needs.
"""

from __future__ import annotations

from chapters.ch08.verifier import known
from chapters.ch08.verifier.memory import INDEX, OPTIONS, STACK, touched
from chapters.ch08.verifier.place import Place, Reason, about
from helpers.asm import ALU32, ALU64, DIVIDE, JUMP, MODULO, MOVE

ADD, SUBTRACT, OR, SHIFTS = 0x00, 0x10, 0x40, (0x60, 0x70, 0xC0)
EQUAL, NOT_EQUAL = 0x10, 0x50
ORDERED = (0x20, 0x30, 0xA0, 0xB0)  # >, >=, <, <=
# Types of programs whose context has a length of the packet.
WITH_LENGTH = ("tc", "classifier", "action", "cgroup_skb", "lwt_", "sk_skb")
# To these nothing can be added.
FIXED = ("map_ptr", "pkt_end", "flow_keys", *known.SOCKETS)
# To these, no register without CAP_PERFMON.
GUESSED = {"pkt": "a packet", "pkt_meta": "the metadata", "ctx": "the context"}
GUESSED |= dict.fromkeys(known.RECORDS, "memory that a function has given, such as a record")
# These are not asked for null without CAP_PERFMON.
NEVER_NULL = ("ctx", "fp", "pkt", "pkt_meta", "pkt_end")
FARTHEST = 1 << 29  # bytes that an address may be moved by


def _operands(at: Place) -> tuple[str, str]:
    """What is known of the first and of the second operand; "" for one that is not a register."""
    i = at.instruction
    return at.of(i.dst), at.of(i.src) if i.takes_register else ""


def _moves(at: Place) -> tuple[str, str, int] | None:
    """Of an address to which a number is added, or from which one is subtracted, with 64 bits:
    the address, the number, and the register of the address; else None."""
    i = at.instruction
    if i.opcode_class != ALU64 or i.operation not in (ADD, SUBTRACT) or at.unset:
        return None
    first, second = _operands(at)
    number = second if i.takes_register else str(i.imm)
    if known.is_pointer(first) and known.is_number(number):
        return first, number, i.dst
    if i.operation == ADD and known.is_number(first) and known.is_pointer(second):
        return second, first, i.src
    return None


def _shift(at: Place, number: str) -> tuple[int, int]:
    """By how much the address is moved: the least and the most."""
    low, high = known.signed_limits(number)
    return (-high, -low) if at.instruction.operation == SUBTRACT else (low, high)


def _far(shift: tuple[int, int]) -> bool:
    low, high = shift
    return low <= -FARTHEST or low >= FARTHEST or high >= known.S64_MAX


def _cuts(at: Place) -> bool:
    """Whether it is how a compiler makes a number of 32 bits out of an address of 64."""
    i = at.instruction
    if i.opcode_class == ALU32:
        return True
    return i.operation in SHIFTS and not i.takes_register and i.imm == 32


@about("arithmetic", "guess")
def cut(at: Place) -> Reason | None:
    i = at.instruction
    if not i.is_arithmetic or at.unset or i.is_unary or not _cuts(at):
        return None
    moves = i.operation == MOVE
    value = at.of(i.src if moves else i.dst)
    if not known.is_pointer(value) or known.may_be_null(value) or at.trusted:
        return None
    if moves and not i.takes_register:
        return None
    if not moves and known.is_pointer(at.of(i.src)) and i.takes_register:  # see two_pointers
        return None
    return Reason(
        "cut",
        "This takes the lower 32 bits of an address, which are an address no more. In C, make an "
        "address of the field before you calculate or compare: write (void *)(long) in front.",
        (i.src, i.dst) if i.takes_register else (i.dst,),
    )


@about("arithmetic", "null", "value", "record", "socket")
def null_moved(at: Place) -> Reason | None:
    i = at.instruction
    moves = _moves(at)
    if moves is None or not known.may_be_null(moves[0]):
        return None
    return Reason(
        "null_moved",
        f"r{moves[2]} may be null here, and to null nothing can be added. Ask if (pointer) first, "
        "and then take its field or element.",
        (moves[2], i.dst),
    )


@about("arithmetic", "map", "end", "socket")
def fixed_pointer(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or known.may_be_null(moves[0]) or known.kind(moves[0]) not in FIXED:
        return None
    if known.kind(moves[0]) == "map_ptr" and known.constant(moves[1]) == 0:
        return None
    cure = ""
    if known.kind(moves[0]) == "pkt_end":
        data, end = ends(at)
        cure = (
            f" Add to the other side of the comparison instead: not {data} <= {end} - 99, but "
            f"{data} + 99 <= {end}."
        )
    return Reason(
        "fixed_pointer",
        f"r{moves[2]} is an address that cannot be moved, that of {known.what(moves[0])}: nothing "
        f"can be added to it or subtracted from it.{cure}",
        (moves[2], at.instruction.dst),
    )


@about("arithmetic")
def operation(at: Place) -> Reason | None:
    i = at.instruction
    if not i.is_arithmetic or i.operation == MOVE or at.unset or (_cuts(at) and not i.is_unary):
        return None
    first, second = _operands(at)
    if i.is_unary:
        if not known.is_pointer(first) or at.trusted:
            return None
    elif i.operation in (ADD, SUBTRACT) or known.is_pointer(first) == known.is_pointer(second):
        return None
    # As clang does where the address is a multiple of the array's size.
    written = " In C a + or [ ] may have become this |." if i.operation == OR else ""
    return Reason(
        "operation",
        "To an address numbers can be added, or subtracted from it; nothing else can be "
        f"calculated with it. Calculate with the number first, and add it then.{written}",
        (i.dst, i.src),
    )


@about("arithmetic")
def two_pointers(at: Place) -> Reason | None:
    i = at.instruction
    calculates = i.opcode_class in (ALU64, ALU32) and i.operation != MOVE
    if not calculates or not i.takes_register or at.unset:
        return None
    first, second = _operands(at)
    if not known.is_pointer(first) or not known.is_pointer(second):
        return None
    if i.operation == SUBTRACT and at.trusted:
        return None
    said = (
        "Two addresses cannot be added, and only holders of CAP_PERFMON may subtract them, since "
        "the result tells where they lie."
    )
    if i.operation == SUBTRACT and {known.kind(first), known.kind(second)} == {"pkt", "pkt_end"}:
        data, end = ends(at)
        length = " Or take the context's len." if at.type.startswith(WITH_LENGTH) else ""
        said += (
            f" Ask in the other form: not if ({end} - {data} >= 99), but if ({data} + 99 <= "
            f"{end}), which kernels from 6.1 on accept.{length}"
        )
    elif i.operation == SUBTRACT:
        said += " Keep numbers, such as an index, instead of addresses."
    return Reason("two_pointers", said, (i.dst, i.src))


def ends(at: Place) -> tuple[str, str]:
    """What the context calls the beginning and the end of what a program reads."""
    return ("optval", "optval_end") if at.type.startswith(OPTIONS) else ("data", "data_end")


@about("arithmetic", "guess")
def number_less_pointer(at: Place) -> Reason | None:
    i = at.instruction
    if i.opcode_class != ALU64 or i.operation != SUBTRACT or at.unset:
        return None
    first, second = _operands(at)
    if not known.is_number(first) or not known.is_pointer(second):
        return None
    return Reason(
        "number_less_pointer",
        "An address cannot be subtracted from a number: what comes out is no address. Subtract the "
        "number from the address.",
        (i.dst, i.src),
    )


@about("arithmetic", "stack")
def from_stack(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or at.instruction.operation != SUBTRACT or known.kind(moves[0]) != "fp":
        return None
    return Reason(
        "from_stack",
        "From an address on the stack nothing can be subtracted. Add a negative number instead.",
        (moves[2],),
    )


@about("arithmetic", "bounds", "value", "stack", "packet", "context", "size")
def unbounded(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or known.kind(moves[0]) in FIXED or known.may_be_null(moves[0]):
        return None
    low, high = known.signed_limits(moves[1])
    if not _far((low, high)):
        return None
    said = (
        "The number that moves this address is too large: an address can only be moved within "
        "bounds. Take a smaller one."
        if low == high
        else "For all that the verifier knows, the number that moves this address may be negative, "
        "or as large as you like. Compare it with both limits first, or make it unsigned; that it "
        "is a remainder, of %, tells many kernels nothing."
    )
    return Reason(
        "unbounded",
        said,
        (at.instruction.dst, at.instruction.src),
    )


@about("arithmetic", "guess")
def guess(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or not at.instruction.takes_register or at.trusted:
        return None
    kind = known.kind(moves[0])
    if kind not in GUESSED or known.may_be_null(moves[0]):
        return None
    instead = "" if kind in known.RECORDS else f", or read with {at.reader}"
    return Reason(
        "guess",
        f"Only holders of CAP_PERFMON may add a register to the address of {GUESSED[kind]}: a "
        "processor that guesses could run ahead with a number that no comparison has let "
        f"through. Without it, add constants only{instead}.",
        (at.instruction.dst, at.instruction.src),
    )


@about("arithmetic", "guess", "value", "bounds", "memory", "size", "map")
def value_moved(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or known.kind(moves[0]) != "map_value" or known.may_be_null(moves[0]):
        return None
    if at.trusted or _far(known.signed_limits(moves[1])):
        return None
    size = known.attribute(moves[0], "vs")
    low, high = known.moved(moves[0])
    least, most = _shift(at, moves[1])
    if size is None or (low + least >= 0 and high + most < size):
        return None
    return Reason(
        "value_bounds",
        f"This address leaves the map's value, which has {size} bytes, or may do so. Compare the "
        "index with its size first, or choose a smaller one.",
        (at.instruction.dst, at.instruction.src),
    )


@about("arithmetic", "guess", "value", "lock", "bounds")
def special_moved(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or known.kind(moves[0]) != "map_value" or known.may_be_null(moves[0]):
        return None
    (low, high), (least, most) = known.moved(moves[0]), _shift(at, moves[1])
    field = touched(at, moves[0], low + least, low + least + 1)
    if at.trusted or field is None or low + least != high + most:
        return None
    return Reason(
        "special_moved",
        "For a process without CAP_PERFMON no address can be moved to the "
        f"struct {field.type} at byte {field.offset} of the value. Make it the first field: "
        "its address is the value's own.",
        (moves[2], at.instruction.dst),
    )


@about("arithmetic", "guess", "stack", "bounds")
def stack_moved(at: Place) -> Reason | None:
    moves = _moves(at)
    if moves is None or at.instruction.operation == SUBTRACT or at.trusted:
        return None
    if known.kind(moves[0]) != "fp" or _far(known.signed_limits(moves[1])):
        return None
    low, high = known.signed_limits(moves[1])
    if low != high:
        return Reason(
            "stack_index",
            INDEX,
            (at.instruction.dst, at.instruction.src),
        )
    offset = known.stack_offset(moves[0])
    if offset is None or -STACK <= offset + low < 0:
        return None
    return Reason(
        "stack_bounds",
        f"The stack has {STACK} bytes, and this lies outside. Use fewer, or a map.",
        (at.instruction.dst,),
    )


@about("comparison")
def comparison(at: Place) -> Reason | None:
    i = at.instruction
    if not i.is_conditional or at.trusted or at.unset:
        return None
    first, second = _operands(at)
    if not known.is_pointer(first) and not known.is_pointer(second):
        return None
    equality = i.opcode_class == JUMP and i.operation in (EQUAL, NOT_EQUAL)
    if equality and not i.takes_register and i.imm == 0 and known.kind(first) not in NEVER_NULL:
        return None
    pair = {known.kind(first), known.kind(second)}
    if (
        i.opcode_class == JUMP
        and i.operation in ORDERED
        and pair
        in (
            {"pkt", "pkt_end"},
            {"pkt", "pkt_meta"},
        )
    ):
        return Reason(
            "comparison",
            "This kernel lets only holders of CAP_PERFMON compare such addresses. Newer ones let "
            "holders of CAP_BPF compare those of a packet, too: 5.10 does not, 6.1 does.",
            (i.dst, i.src),
        )
    if _may_have_been_an_address(at, first, second):
        return None
    return Reason(
        "comparison",
        "Only holders of CAP_PERFMON may compare addresses in this way. Without it, compare a "
        "packet's with data_end, the metadata's with data, by > >= < or <=, and any that may be "
        "null with null.",
        (i.dst, i.src),
    )


def _may_have_been_an_address(at: Place, first: str, second: str) -> bool:
    """Whether a number is compared with data_end that was perhaps an address, kept on the stack:
    Linux 6.1 makes it a number when the packet may lie elsewhere."""
    if "pkt_end" not in (known.kind(first), known.kind(second)):
        return False
    passed = filter(None, (at.instructions.get(step.number) for step in at.path))
    number = known.is_number(first) or known.is_number(second)
    return number and any(i.base == 10 and i.writes and not i.is_call for i in passed)


@about("divisor")
def divisor(at: Place) -> Reason | None:
    i = at.instruction
    if not i.is_arithmetic or i.operation not in (DIVIDE, MODULO) or i.takes_register or i.imm:
        return None
    return Reason("divisor", "This divides by the number zero. Divide by something else.")


@about("shift")
def shift(at: Place) -> Reason | None:
    i = at.instruction
    if not i.is_arithmetic or i.operation not in SHIFTS or i.takes_register:
        return None
    bits = 64 if i.opcode_class == ALU64 else 32
    if 0 <= i.imm < bits:
        return None
    return Reason(
        "shift",
        f"This shifts {bits} bits by {i.imm}: a shift must be by 0 to {bits - 1} bits.",
    )


@about("frame")
def frame(at: Place) -> Reason | None:
    if at.instruction.is_call or 10 not in at.instruction.writes or at.unset:
        return None
    return Reason(
        "frame",
        "r10 marks the end of the stack and can only be read. Copy it to another register.",
        (10,),
    )
