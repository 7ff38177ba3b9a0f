"""Reasons why a function of the kernel's cannot be called, or not like that.

Laboratory equipment, first used in chapter 08, the_verifier. Whether the kernel refuses the
function itself is not guessed but tried: see load.py. Then come its arguments, in their order, by
the table in wants.py.
"""

from __future__ import annotations

import errno

from chapters.ch08.verifier import known, special
from chapters.ch08.verifier.memory import (
    COMPARED_FAR,
    FAR,
    REACH,
    compared_beyond,
    one_way,
    said_of,
    touched,
)
from chapters.ch08.verifier.place import LOCK, TIMER_INIT, UNLOCK, Place, Reason, about
from chapters.ch08.verifier.wants import (
    ANY,
    ANY_SOCKET,
    CONSTANT,
    CONTEXT,
    DATA,
    FILLED,
    FILLED_VALUE,
    FUNCTION,
    KEY,
    MAP,
    NULLABLE,
    RECORD,
    SIZE,
    SIZE_OR_ZERO,
    SOCKET,
    TEXT,
    VALUE,
    WANTS,
    Wants,
    type_name,
)
from helpers import asm
from helpers.objfile import MapDefinition

MOST = 1 << 29  # bytes: what a size must stay below
MEMORY = ("fp", "map_value", "pkt", "pkt_meta", "map_key", "buf", *known.RECORDS)
# What the kernel may speak of when an argument is wrong.
KINDS = ("context", "packet", "metadata", "end", "stack", "value", "map", "memory", "record")
KINDS += ("socket", "number", "argument", "bounds")
CHANGING = (2, 3, 87, 88)  # bpf_map_update_elem, _delete_elem, _push_elem and _pop_elem
OF_ARGUMENTS = ("null", "unset", "leak", "size", "direction", "lock", "constant", "reference")
OF_ARGUMENTS += ("spill", "guess", "kernel")
# Helper functions that take the address of a field for the kernel alone, by number: of which.
SPECIAL = {LOCK: special.LOCK, UNLOCK: special.LOCK}
SPECIAL |= dict.fromkeys(range(169, 173), special.TIMER)
# bpf_copy_from_user, bpf_ima_inode_hash, bpf_copy_from_user_task, bpf_ima_file_hash: by number
SLEEPING = {148, 161, 191, 193}
MOST_FRAMES = 8  # functions within each other


def _name(at: Place) -> str:
    return asm.text(at.instruction).removeprefix("call ")


@about("helper")
def helper(at: Place) -> Reason | None:
    if not at.helper_refused or at.number != errno.EINVAL:
        return None
    if at.instruction.helper not in asm.helper_names():
        return Reason(
            "helper_unknown",
            f"The kernel has no helper function with the number {at.instruction.helper}, or none "
            "that this course's headers know. bpf-helpers(7) lists them.",
        )
    if at.instruction.helper in SLEEPING:
        return Reason(
            "sleeps",
            f"{_name(at)} may have to wait for memory that is not at hand, and this program, of "
            f"type {at.type}, may not wait. Reach the goal another way.",
        )
    if at.with_perfmon is False:
        return Reason(
            "perfmon",
            f"{_name(at)} needs CAP_PERFMON, which this course does without.",
        )
    if at.with_gpl is False:
        return None
    return Reason(
        "helper_type",
        f"{_name(at)} is not for this type of program ({at.type}), or not on this kernel. "
        "bpf-helpers(7) describes it; reach the goal another way.",
    )


@about("licence")
def license(at: Place) -> Reason | None:
    if not at.helper_refused or at.with_gpl is not False or at.number != errno.EINVAL:
        return None
    return Reason(
        "licence",
        f"{_name(at)} serves programs under the GPL only, and this one's licence is "
        f"{at.license or 'missing'}. Do without it, or license the program so.",
    )


def _may_look(at: Place) -> bool:
    """Whether it is a call of a helper that may be called, with arguments that hold something."""
    return at.instruction.calls_helper and at.helper_refused is not True and not at.unset


@about("lock")
def lock(at: Place) -> Reason | None:
    if not _may_look(at):
        return None
    if at.instruction.helper == LOCK and at.locked:
        return Reason(
            "lock_twice",
            "A lock is held here already, and a program can hold but one. Give it back first, with "
            "bpf_spin_unlock.",
        )
    if at.instruction.helper == UNLOCK and not at.locked and at.whole:
        return Reason(
            "unlock_free",
            "No lock is held here that could be given back: bpf_spin_lock must come first on every "
            "path.",
        )
    if at.instruction.helper not in (LOCK, UNLOCK) and at.locked:
        return Reason(
            "lock_call",
            "No function can be called while a lock is held. Call it before bpf_spin_lock, or "
            "after bpf_spin_unlock.",
        )
    return None


@about("lock")
def lock_other(at: Place) -> Reason | None:
    if at.instruction.helper != UNLOCK or not _may_look(at) or at.locked_at is None:
        return None
    taken, given = at.locked_at.before.get("R1", ""), at.of(1)
    if known.kind(taken) != "map_value" or known.kind(given) != "map_value":
        return None
    ids = [known.attribute(value, "id") for value in (taken, given)]
    if not all(ids) or ids[0] == ids[1] or known.may_be_null(given):
        return None
    line = getattr(at.instructions.get(at.locked_at.number), "line", 0)
    where = f", on line {line}" if line else ""
    return Reason(
        "lock_other",
        f"The lock that is held here was taken of another value{where}, or of another lookup of "
        "it. Keep the pointer that was handed to bpf_spin_lock.",
        (1,),
    )


@about("lock", *KINDS, "null", "kernel")
def special_place(at: Place) -> Reason | None:
    wanted, value = SPECIAL.get(at.instruction.helper), at.of(1)
    if wanted is None or not _may_look(at) or at.locked != (at.instruction.helper == UNLOCK):
        return None
    place = "lock_place" if wanted == special.LOCK else "timer_place"
    if known.kind(value) in ("number", "ctx", "fp", "pkt", "pkt_end", "map_ptr"):
        return Reason(
            place,
            f"{_name(at)} wants the address of a struct {wanted} within a map's value, and r1 is "
            f"{known.what(value)}.",
            (1,),
        )
    fields, (low, high) = at.special_of(value), known.moved(value)
    if known.kind(value) != "map_value" or fields is None:
        return None
    if known.may_be_null(value):
        return _null(at, 1, "")
    offsets = [field.offset for field in fields if field.type == wanted]
    if not offsets:
        return Reason(
            place,
            f"The values of {known.map_name(value)} have no struct {wanted}: put one into them.",
            (1,),
        )
    if low == high and low not in offsets:
        return Reason(
            place,
            f"{_name(at)} wants the address of the value's struct {wanted}, {offsets[0]} bytes "
            f"after its beginning, and r1 lies {low} after it.",
            (1,),
        )
    return None


@about("map", "value")
def timer_map(at: Place) -> Reason | None:
    if at.instruction.helper != TIMER_INIT or not _may_look(at) or at.number != errno.EINVAL:
        return None
    names = [known.map_name(at.of(register)) for register in (1, 2)]
    kinds = [known.kind(at.of(register)) for register in (1, 2)]
    if kinds != ["map_value", "map_ptr"] or not all(names) or names[0] == names[1]:
        return None
    return Reason(
        "timer_map",
        f"bpf_timer_init wants the map in which the timer lies, that is {names[0]}, and gets "
        f"{names[1]}.",
        (1, 2),
    )


@about("lock")
def lock_call_of_function(at: Place) -> Reason | None:
    if not at.instruction.calls_function or not at.locked or not at.whole:
        return None
    if at.number != errno.EINVAL:
        return None
    return Reason(
        "lock_call",
        "No function can be called while a lock is held, but for a static one on newer kernels. "
        "Call it before bpf_spin_lock, or after bpf_spin_unlock.",
    )


@about("depth", "stack")
def call_depth(at: Place) -> Reason | None:
    if not at.instruction.calls_function or at.frame != MOST_FRAMES - 1:
        return None
    if at.number != errno.E2BIG:
        return None
    entered = {i.target for i in map(at.instructions.get, {s.number for s in at.path}) if i}
    again = at.instruction.target in entered - {None} and any(
        step.number == at.instruction.target for step in at.path
    )
    said = "This function calls itself, directly or by another one" if again else "This goes deeper"
    return Reason(
        "call_depth",
        f"{said}: at most {MOST_FRAMES} functions can be under way within each other, the program "
        "being the first. Write a loop with a fixed number of turns, or put functions together.",
    )


@about("kernel", "function")
def function_type(at: Place) -> Reason | None:
    if not at.function_for or at.unset:
        return None
    listed = ", ".join(at.function_for)
    return Reason(
        "function_type",
        f"{_name(at)} is a function of the kernel's that programs of this type ({at.type}) may not "
        f"call. It was tried which may, with the same rights: {listed}.",
    )


@about(*KINDS, *OF_ARGUMENTS)
def argument(at: Place) -> Reason | None:
    wants = WANTS.get(at.instruction.helper)
    if wants is None or not _may_look(at) or (at.locked and at.path):
        return None
    if _other_map(at, wants):
        return None
    for number, want in enumerate(wants.arguments, 1):
        judged = _judge(at, number, want, wants.arguments)
        if judged is not OK:
            return judged
    return None


def _other_map(at: Place, wants: Wants) -> MapDefinition | None:
    """The map that is handed to a function which takes none of its type, if it is one."""
    if MAP not in wants.arguments:
        return None
    register = wants.arguments.index(MAP) + 1
    described = at.map_of(at.of(register)) or _loaded_map(at, register)
    return None if described is None or wants.takes(described.type) else described


@about("map", "size", "stack", "value", "bounds", "direction")
def map_type(at: Place) -> Reason | None:
    wants = WANTS.get(at.instruction.helper)
    if wants is None or not _may_look(at) or MAP not in wants.arguments:
        return None
    described = _other_map(at, wants)
    if described is None:
        return None
    return Reason(
        "map_type",
        f"{_name(at)} works on {wants.maps_in_words()}, and {described.name} is of type "
        f"{type_name(described.type)}.",
    )


def _loaded_map(at: Place, register: int):
    """The map whose address was put into the register, by the instruction on the path that did."""
    for step in reversed(at.path[:-1]):
        instruction = at.instructions.get(step.number)
        if instruction is not None and not step.pruned and register in instruction.writes:
            return at.maps.get(instruction.symbol)
    return None


OK = Reason("", "")  # what is known fits


def _judge(at: Place, register: int, want: str, wants: tuple[str, ...]) -> Reason | None:
    """OK, or why this argument is refused; None if that cannot be told."""
    value = at.of(register)
    if want in (ANY,):
        if known.is_pointer(value) and not at.trusted:
            return Reason(
                "leak_argument",
                f"r{register} is an address of the kernel's, and {_name(at)} takes a number there, "
                "which would get out. Hand it a number.",
                (register,),
            )
        return OK
    if want in (SIZE, SIZE_OR_ZERO):
        return _size(at, register, want)
    if want == NULLABLE and known.may_be_null(value):
        return None
    if known.may_be_null(value):
        return _null(at, register, want)
    if want == ANY_SOCKET:
        if known.kind(value) in known.SOCKETS:
            return OK
        return _other(at, register, "a socket")
    if want == FUNCTION:
        return OK if known.kind(value) == "func" else _other(at, register, "a function")
    if want == DATA:
        if known.constant(value) == 0 or known.kind(value) == "fp":
            return OK
        return _other(at, register, "an address on the stack, or NULL,")
    if want == TEXT:
        if known.kind(value) == "map_value":
            return OK if one_way(at, value) == "read" else None
        return _other(at, register, "a text that cannot change, a static const char[],")
    if want == CONTEXT:
        return _context(at, register, value)
    if want == MAP:
        return OK if known.kind(value) == "map_ptr" else _other(at, register, "a map")
    if want == CONSTANT:
        return _constant(at, register, value)
    if want in (RECORD, SOCKET):
        return _given_back(at, register, value, want)
    if want in (KEY, VALUE, FILLED_VALUE):
        name = "ks" if want == KEY else "vs"
        size = known.attribute(at.of(1), name)
        read = want != FILLED_VALUE
        return _memory(at, register, (size, size), read, want) if size else None
    size = known.signed_limits(at.of(register + 1))
    if not known.is_number(at.of(register + 1)):
        return None
    zero = wants[register] == SIZE_OR_ZERO
    if want == NULLABLE and known.constant(value) == 0 and size == (0, 0):
        return OK
    if known.kind(value) == "number":
        # With no bytes at all there need be no memory, for some functions.
        return None if zero else _other(at, register, "memory")
    if size[0] < 0 or size[1] >= MOST or (size[0] == 0 and not zero):
        return OK if known.kind(value) in MEMORY else _other(at, register, "memory")
    return _memory(at, register, size, want != FILLED, want)


def _null(at: Place, register: int, want: str) -> Reason:
    if want in (RECORD, SOCKET):
        return Reason(
            "release_null",
            f"r{register} may be null here: the kernel may have had none to give. Ask if (pointer) "
            f"before {_name(at)} gives it back.",
            (register,),
        )
    return Reason(
        "argument_null",
        f"r{register} may be null here, and {_name(at)} follows it. Ask if (pointer) first.",
        (register,),
    )


def _other(at: Place, register: int, wanted: str) -> Reason | None:
    kind = known.kind(at.of(register))
    if not kind or kind not in ("number", "ctx", "fp", "map_ptr", "map_value", "pkt", "pkt_end"):
        return None
    return Reason(
        "argument_kind",
        f"{_name(at)} wants {wanted} in r{register}, and gets {known.what(at.of(register))}.",
        (register,),
    )


def _context(at: Place, register: int, value: str) -> Reason | None:
    if known.kind(value) != "ctx":
        return _other(at, register, "the context")
    if known.moved(value) == (0, 0):
        return OK
    return Reason(
        "context_moved",
        f"{_name(at)} wants the context as it was given: something was added to its address.",
        (register,),
    )


def _size(at: Place, register: int, want: str) -> Reason | None:
    value = at.of(register)
    if not known.is_number(value):
        return None
    low, high = known.signed_limits(value)
    zero = want == SIZE_OR_ZERO
    if low >= (0 if zero else 1) and high < MOST:
        return OK
    least = 0 if zero else 1
    return Reason(
        "size",
        f"The size in r{register} may be too small or too large: it must be {least} at least, and "
        "at most what there is room for. Compare it with both first.",
        (register, register - 1),
    )


def _constant(at: Place, register: int, value: str) -> Reason | None:
    if known.constant(value) is not None:
        return OK
    if not known.is_number(value):
        return None
    return Reason(
        "constant_size",
        f"{_name(at)} wants a size that is the same on each run, and r{register} is not: write a "
        "number, or sizeof.",
        (register,),
    )


def _given_back(at: Place, register: int, value: str, want: str) -> Reason | None:
    kind = known.kind(value)
    # Which of them it is stands in its id from Linux 7.3 on.
    numbers = [known.attribute(value, "ref_obj_id"), known.attribute(value, "id")]
    taken = any(str(number) in at.references for number in numbers if number)
    fits = kind in (known.RECORDS if want == RECORD else known.SOCKETS)
    if fits and taken and known.moved(value) == (0, 0):
        return OK
    giver = "bpf_ringbuf_reserve" if want == RECORD else "a lookup of sockets"
    if fits and not taken and want == RECORD:
        return None
    return Reason(
        "release",
        f"{_name(at)} gives back what {giver} has given, and exactly that: r{register} is "
        "something else, or has been moved. Keep the pointer as you got it.",
        (register,),
    )


def _memory(
    at: Place, register: int, size: tuple[int, int], read: bool, want: str
) -> Reason | None:
    """Whether there are so many bytes, at most size[1], where an argument points to."""
    value, kind = at.of(register), known.kind(at.of(register))
    most = size[1]
    if kind in ("number", "ctx", "map_ptr", "pkt_end"):
        return _other(
            at, register, f"the address of a {want}" if want in (KEY, VALUE) else "memory"
        )
    low, high = known.moved(value) if kind != "fp" else (0, 0)
    if kind == "map_value" and (only := one_way(at, value)) and (only == "read") != read:
        return _direction(register, only)
    if kind == "fp":
        offset = known.stack_offset(value)
        if offset is None:
            return None
        if offset < -512 or offset + most > 0:
            return _short(at, register, -offset, most, want)
        held = {byte // 8 * 8 for byte in range(offset, offset + most)}
        if any(known.is_pointer(at.before.get(f"fp{slot}", "")) for slot in held):
            return None if at.trusted else _holds_address(register, read)
        unwritten = [
            byte for byte in range(offset, offset + most) if byte not in known.written(at.before)
        ]
        if read and unwritten and not at.trusted:
            return _unwritten(register, most, offset, unwritten, want)
        return OK
    room = {"map_value": "vs", "pkt": "r", "pkt_meta": "r"}.get(kind, "sz")
    there = known.attribute(value, room)
    if kind not in MEMORY or there is None:
        return None
    if low >= 0 and high + most <= there:
        field = touched(at, value, low, high + most) if kind == "map_value" else None
        return Reason("lock_touched", said_of(field), (register,)) if field else OK
    if kind == "pkt" and high + most > REACH:
        return Reason("packet_far", FAR, (register,))
    if kind == "pkt" and compared_beyond(at, value):
        return Reason("packet_far", COMPARED_FAR, (register,))
    if kind == "pkt":
        return Reason(
            "packet_end",
            f"{_name(at)} takes {most} bytes of the packet from r{register} on, and it may end "
            "before. Compare with data_end first.",
            (register,),
        )
    return _short(at, register, there - high, most, want)


def _holds_address(register: int, read: bool) -> Reason:
    if read:
        return Reason(
            "leak_key",
            f"What r{register} points to holds an address of the kernel's, which would get out. "
            "Put a number there.",
            (register,),
        )
    return Reason(
        "spilled",
        f"What r{register} points to holds an address of the kernel's, which would be written "
        "over. Give the function a variable of its own.",
        (register,),
    )


def _direction(register: int, only: str) -> Reason:
    if only == "read":
        return Reason(
            "read_only",
            f"What r{register} points to would be written, and programs can only read it: its map "
            "was made with BPF_F_RDONLY_PROG, or it is a constant. Give another place.",
            (register,),
        )
    return Reason(
        "write_only",
        f"What r{register} points to would be read, and programs can only write it: its map was "
        "made with BPF_F_WRONLY_PROG. Give another place.",
        (register,),
    )


def _short(at: Place, register: int, there: int, most: int, want: str) -> Reason:
    if want in (KEY, VALUE, FILLED_VALUE):
        want = KEY if want == KEY else VALUE
        return Reason(
            "key_bounds" if want == KEY else "value_short",
            f"The map's {want} has {most} bytes, and what r{register} points to ends after "
            f"{max(there, 0)}: it is smaller than the {want}. Give it the map's type.",
            (register,),
        )
    return Reason(
        "buffer_bounds",
        f"{_name(at)} takes up to {most} bytes from r{register} on, and what is there ends after "
        f"{max(there, 0)}. Make the variable larger, or the size smaller.",
        (register,),
    )


def _unwritten(register: int, size: int, offset: int, unwritten: list[int], want: str) -> Reason:
    what = {KEY: "The map's key", VALUE: "The map's value"}.get(want, "What is read")
    key = {KEY: "key_unset", VALUE: "value_unset"}.get(want, "buffer_unset")
    there = f"{what} has {size} bytes, and {len(unwritten)} of them hold nothing"
    if len(unwritten) == size:
        said = f"{there}: the variable was never set. Give it a value first."
    elif unwritten[-1] == offset + size - 1:
        said = (
            f"{there}, the last ones: the variable is smaller, or the compiler left a gap at its "
            "end. Give it the right type, and clear the whole of it first."
        )
    else:
        said = (
            f"{there}, although others are set: the compiler left a gap between the fields, or one "
            "was forgotten. Clear the whole variable first."
        )
    return Reason(key, said, (register,))


@about("map", "direction", "value")
def map_closed(at: Place) -> Reason | None:
    if at.instruction.helper not in CHANGING or at.number != errno.EACCES or at.unset:
        return None
    if known.kind(at.of(1)) != "map_ptr" or one_way(at, at.of(1)) != "read":
        return None
    return Reason(
        "read_only",
        f"Programs can only read {known.map_name(at.of(1))}, which was made with "
        "BPF_F_RDONLY_PROG. Keep what changes in another map.",
        (1,),
    )
