"""Reasons at the end of a path, and in what is no instruction.

Laboratory equipment, first used in chapter 08, the_verifier. Each rule begins with what it needs.
"""

from __future__ import annotations

import errno

from chapters.ch08.verifier import known
from chapters.ch08.verifier.log import GONE
from chapters.ch08.verifier.memory import is_gone
from chapters.ch08.verifier.place import ENDED_BY, Place, Reason, about, called
from helpers import asm
from helpers.asm import Instruction

# The functions that call one of the program's own again and again, by number.
CALLING_BACK = {164: "bpf_for_each_map_elem", 181: "bpf_loop"}
# What programs of a type may return, by their section, where the kernel asks at all.
RESULTS = {"cgroup_skb": (0, 1), "cgroup_skb/ingress": (0, 1), "cgroup_skb/egress": (0, 3)}
RESULTS |= dict.fromkeys(
    ("sock", "sock_create", "sock_release", "post_bind4", "post_bind6", "connect4", "connect6")
    + ("sendmsg4", "sendmsg6", "dev", "sysctl", "getsockopt", "setsockopt", "sk_lookup"),
    (0, 1),
)
# These may only change what is told, and have to say yes, from Linux 5.8 on.
RESULTS |= dict.fromkeys(
    (f"{when}{family}" for when in ("recvmsg", "getpeername", "getsockname") for family in "46"),
    (1, 1),
)
TAIL_CALL = 12
# What holds something at the beginning of the program, and of a function that it calls.
STARTS = ("A program starts with r1, which is its one argument",)
STARTS += ("A function starts with its arguments, from r1 on",)
# The functions that give what must be given back, by number: to which.
GIVEN_BACK = {131: "bpf_ringbuf_submit or bpf_ringbuf_discard"}
GIVEN_BACK |= dict.fromkeys((84, 85, 99), "bpf_sk_release")  # lookups of sockets
SIXTH = (
    "This is about a function's sixth argument, or one behind it: clang from version 23 on hands "
    "them over by a register r11, and this kernel refuses that here. Pass the address of a struct, "
    "or mark the function static __always_inline."
)
PACKET_LOADERS = ("socket", "tc", "classifier", "action", "tcx")  # may use the old instructions


@about("unset")
def unset(at: Place) -> Reason | None:
    if at.number != errno.EACCES or not at.unset or at.helper_refused:
        return None
    if at.instruction.is_exit:
        if at.references or at.locked:
            return None
        return Reason(
            "unset",
            f"The {'function' if at.alone else 'program'} ends without a result: r0 holds nothing. "
            "End it with a return.",
            (0,),
        )
    register = at.unset[0]
    if at.gone(register):
        return Reason("unset", is_gone(at, register), at.unset)
    if _taken_from_the_stack(at, register):
        return Reason(
            "unset",
            f"r{register} holds nothing here: it was read from the stack, and the kernel has taken "
            "away the address that lay there, since what it pointed to was given back, or the "
            "packet may lie elsewhere. Take the address anew.",
            at.unset,
        )
    if call := _emptied(at, register):
        return Reason(
            "unset",
            f"r{register} holds nothing any more: the call of {call} has emptied it, as every call "
            "does with r1 to r5. Keep what is needed later in one of r6 to r9, or put it there "
            "anew.",
            at.unset,
        )
    return Reason(
        "unset",
        f"r{register} holds nothing here. {STARTS[bool(at.frame or at.alone)]}, and r10, the "
        "stack; all else must be put into a register first, and a call empties r1 to r5.",
        at.unset,
    )


def _taken_from_the_stack(at: Place, register: int) -> bool:
    """Whether it was read from a place on the stack that had lost its address."""
    for step in reversed(at.path[:-1]):
        i = at.instructions.get(step.number)
        if i is None or step.pruned or step.frame != at.frame:
            return False
        if register in i.writes:
            offset = known.stack_offset(step.before.get(f"R{i.base}", ""))
            return offset is not None and step.before.get(f"fp{offset + i.offset}") == GONE
    return False


def _emptied(at: Place, register: int) -> str:
    """The call on the path that has emptied one of r1 to r5, "" if none has."""
    if register not in asm.ARGUMENTS:
        return ""
    for step in reversed(at.path[:-1]):
        i = at.instructions.get(step.number)
        if i is None or step.pruned or step.frame != at.frame:
            return ""
        if i.calls_helper:
            return called(i) if step.before.get(f"R{register}") else ""
        if i.is_call or i.loads_packet or register in i.writes:
            return ""
    return ""


@about("reference", "load")
def reference(at: Place) -> Reason | None:
    if not at.references or at.frame or at.number != errno.EINVAL:
        return None
    i = at.instruction
    if not i.is_exit and not i.loads_packet and (i.helper != TAIL_CALL or at.unset):
        return None
    taken = _taken(at)
    by = called(taken) if taken else ""
    if taken and taken.helper in GIVEN_BACK:
        return Reason(
            "reference",
            f"What {by} has given is not given back before this on every path. Hand it to "
            f"{GIVEN_BACK[taken.helper]} on each, also where the result is not used.",
        )
    return Reason(
        "reference",
        f"Something was taken{by and f' by {by}'} and is not given back before this on every path: "
        "a record of a ring buffer must be submitted or discarded, a socket released, other things "
        "given back by their own function, also where the result is not used.",
    )


def _taken(at: Place) -> Instruction | None:
    """The call on the path after which the first of what is held stands in the kernel's list."""
    held = at.references[0]
    for earlier, later in zip(at.path, at.path[1:], strict=False):
        if held in later.references and held not in earlier.references:
            return at.instructions.get(earlier.number)
    return None


@about("lock", "load")
def lock_kept(at: Place) -> Reason | None:
    if not (at.instruction.is_exit or at.instruction.loads_packet) or at.frame or not at.locked:
        return None
    by = called(at.instructions[at.locked_at.number])
    return Reason(
        "lock_kept",
        f"A lock is still held here, taken by {by}. Call bpf_spin_unlock on every path before it.",
    )


@about("lock", "kernel")
def region_kept(at: Place) -> Reason | None:
    if not at.instruction.is_exit or at.frame or at.references or at.locked or not at.whole:
        return None
    kept = [begins for begins in ENDED_BY if at.begun(begins) > 0]
    if len(kept) != 1:
        return None
    return Reason(
        "region_kept",
        f"What {kept[0]} has begun is not ended here. Call {ENDED_BY[kept[0]]} on every path.",
    )


@about("leak", "result")
def leak_result(at: Place) -> Reason | None:
    if not at.instruction.is_exit or at.frame or at.references or at.locked or at.trusted:
        return None
    if not known.is_pointer(at.of(0)):
        return None
    return Reason(
        "leak_result",
        "The result would be an address of the kernel's, which it keeps secret. Return a number.",
        (0,),
    )


@about("returned", "stack")
def stack_returned(at: Place) -> Reason | None:
    if not at.instruction.is_exit or not at.frame or known.kind(at.of(0)) != "fp":
        return None
    return Reason(
        "stack_returned",
        "A function cannot return the address of its own variable, which is gone when it ends. "
        "Hand it the address of one of the caller's.",
        (0,),
    )


@about("result", "number")
def result(at: Place) -> Reason | None:
    if not at.instruction.is_exit or at.frame or at.references or at.locked:
        return None
    if at.alone or at.called_later:
        return None
    limits, allowed = known.limits(at.of(0)), RESULTS.get(at.type.removeprefix("cgroup/"))
    if limits is None or allowed is None:
        return None
    if allowed[0] <= limits[0] and limits[1] <= allowed[1]:
        return None
    low, high = map(known.short, limits)
    between = f"{allowed[0]} to {allowed[1]}" if allowed[0] < allowed[1] else f"{allowed[0]}"
    return Reason(
        "result",
        f"The result, {low if low == high else f'{low} to {high}'}, is not one that this type of "
        f"program ({at.type}) may return: that is {between}.",
        (0,),
    )


@about("result", "number", "function")
def callback_result(at: Place) -> Reason | None:
    if not at.instruction.is_exit or at.references or at.locked:
        return None
    if not at.frame:
        return _timer_result(at)
    callers = [step for step in at.path if step.frame < at.frame]
    caller = at.instructions.get(callers[-1].number) if callers else None
    limits = known.limits(at.of(0))
    if caller is None or caller.helper not in CALLING_BACK or limits is None or limits[1] <= 1:
        return None
    return Reason(
        "callback_result",
        f"The function that {CALLING_BACK[caller.helper]} calls may return 0, to go on, or 1, to "
        "stop, and this may return something else.",
        (0,),
    )


def _timer_result(at: Place) -> Reason | None:
    limits = known.limits(at.of(0))
    if not at.called_later or limits is None or limits == (0, 0):
        return None
    return Reason(
        "callback_result",
        "The function that a timer calls must return 0, and this may return something else.",
        (0,),
    )


@about("load")
def load_type(at: Place) -> Reason | None:
    if not at.instruction.loads_packet or at.type.split("/")[0] in PACKET_LOADERS:
        return None
    if at.number != errno.EINVAL:
        return None
    if at.type.startswith("cgroup/"):
        return Reason("load_type", f"This type of program ({at.type}) has no packet to read.")
    return Reason(
        "load_type",
        f"This type of program ({at.type}) cannot read the packet with the old instructions, that "
        f"is load_byte, load_half and load_word. Read from data, or call {at.reader}.",
    )


@about("load", "context")
def load_context(at: Place) -> Reason | None:
    if not at.instruction.loads_packet or at.unset or at.references or at.locked:
        return None
    if at.type.split("/")[0] not in PACKET_LOADERS:
        return None
    if known.kind(at.of(6)) == "ctx" and known.moved(at.of(6)) == (0, 0):
        return None
    return Reason(
        "load_context",
        "The old instructions that read the packet find the context in r6, and there is something "
        "else. Move r1 to r6 at the program's beginning.",
        (6,),
    )


@about("encoding", "atomic")
def encoding(at: Place) -> Reason | None:
    said = SIXTH if is_sixth(at.instruction) else wrong_bytes(at.instruction)
    if said is None or at.number != errno.EINVAL:
        return None
    return Reason("encoding", said)


def is_sixth(i: Instruction) -> bool:
    """Whether it is how clang from version 23 on hands over more than five arguments, or takes
    them: 8 bytes at r11."""
    return i.base == 11 and i.size == 8 and not i.is_atomic


def wrong_bytes(i: Instruction) -> str | None:
    """Why these bytes are no instruction that any kernel knows; None if they may be one."""
    bytes_ = i.raw[:8].hex(" ")
    if i.dst > 10 or i.src > 10:
        return f"The bytes {bytes_} name a register above r10, and there is none."
    if is_newer(i):
        return None
    try:
        asm.text(i)
    except asm.DisasmError:
        return (
            f"The bytes {bytes_} are no instruction: there is no such opcode, or not with these "
            "operands (RFC 9669)."
        )
    unused = {"dst", "src", "offset", "imm"} - set(i.operands)
    if i.is_arithmetic or i.is_wide:
        unused -= {"offset"}  # has a meaning for some, from Linux 6.6 on: text() knows which
    if any(getattr(i, name) for name in unused):
        return f"The bytes {bytes_} have something in a field that this instruction does not use."
    return None


def is_newer(i: Instruction) -> bool:
    """Whether it is an instruction of newer kernels that this course does not decode: may_goto, an
    address of another space, or a load or store in order."""
    may_goto = i.opcode == asm.JUMP | 0xE0
    space = i.opcode == asm.ALU64 | asm.MOVE | asm.REGISTER_SOURCE and i.offset == 1
    ordered = i.is_atomic and i.imm in (0x100, 0x110)
    return may_goto or space or ordered
