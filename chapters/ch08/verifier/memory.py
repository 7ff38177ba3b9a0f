"""Reasons why memory may not be read or written: by what the address is that of.

Laboratory equipment, first used in chapter 08, the_verifier. Each rule begins with what it needs:
what is known of the address, and what the instruction does there, in the order in which the kernel
looks at it, so that no two rules need the same.
"""

from __future__ import annotations

import errno
import re

from chapters.ch08.verifier import known, special
from chapters.ch08.verifier.log import MOVES_PACKET, RELEASES, RELEASES_DYNPTR
from chapters.ch08.verifier.place import Place, Reason, about, called, denied
from helpers import uapi
from helpers.asm import LDX

STACK = 512  # bytes
INDEX = (
    "Only holders of CAP_PERFMON may take a place on the stack by a number that is not known "
    "exactly, even if it is in bounds: a processor that guesses could go beyond. Keep the array in "
    "a map, or have the loop written out: #pragma unroll."
)
REACH = 0xFFFF  # bytes of a packet: MAX_PACKET_OFF in the kernel tree
FAR = (
    f"The verifier lets a program reach {REACH:,} bytes into a packet at most, and this may lie "
    "beyond, whatever was compared with data_end. Keep what is added to the address, or the turns "
    "of the loop that moves it, below that."
)
COMPARED_FAR = (
    f"It was compared with data_end at a place that may lie beyond {REACH:,} bytes, and the "
    "verifier follows a packet only so far: such a comparison tells it nothing. Compare nearer."
)
# Types of programs that read a packet's bytes directly, but write none.
READERS_OF_PACKETS = ("cgroup_skb", "lwt_in", "lwt_out", "lwt_seg6local", "flow_dissector")
READERS_OF_PACKETS += ("sk_reuseport",)
# The struct that is a program's context, by the beginning of its section, the first that fits.
CONTEXTS = dict.fromkeys(("socket", "tc", "classifier", "action", "cgroup_skb"), "__sk_buff")
CONTEXTS |= dict.fromkeys(("lwt_", "flow_dissector", "sk_skb"), "__sk_buff")
CONTEXTS |= {"xdp": "xdp_md", "cgroup/dev": "bpf_cgroup_dev_ctx", "cgroup/sysctl": "bpf_sysctl"}
CONTEXTS |= dict.fromkeys(("cgroup/getsockopt", "cgroup/setsockopt"), "bpf_sockopt")
CONTEXTS |= dict.fromkeys(("cgroup/sock", "cgroup/post_bind"), "bpf_sock")
CONTEXTS |= dict.fromkeys(("cgroup/bind", "cgroup/connect", "cgroup/sendmsg"), "bpf_sock_addr")
CONTEXTS |= {"cgroup/recvmsg": "bpf_sock_addr", "cgroup/get": "bpf_sock_addr"}
CONTEXTS |= {"raw_tp": "bpf_raw_tracepoint_args", "raw_tracepoint": "bpf_raw_tracepoint_args"}
CONTEXTS |= {"sk_lookup": "bpf_sk_lookup", "sk_reuseport": "sk_reuseport_md"}
CONTEXTS |= {"sockops": "bpf_sock_ops", "sk_msg": "sk_msg_md"}
OPTIONS = ("cgroup/getsockopt", "cgroup/setsockopt")  # what is a packet elsewhere is one of these


def _at(at: Place, *kinds: str) -> bool:
    """Whether a load or store goes there, and all that it needs is in its registers."""
    ready = at.instruction.base is not None and not at.unset
    return ready and known.kind(at.base) in kinds and not known.may_be_null(at.base)


def _beyond(at: Place, size: int | None) -> bool:
    """Whether an access may lie outside of so many bytes."""
    low, high = known.moved(at.base)
    offset = at.instruction.offset
    return size is not None and (low + offset < 0 or high + offset + at.instruction.size > size)


def _leaks(at: Place) -> bool:
    """Whether an address would be stored by a program that may not show any."""
    return at.stores_address and not at.trusted


def _base(at: Place) -> tuple[int, ...]:
    return (at.instruction.base,)


@denied("null", "memory", "value", "record", "socket", "direction", "kernel")
def null(at: Place) -> Reason | None:
    if at.instruction.base is None or at.unset or not known.may_be_null(at.base):
        return None
    described = at.map_of(at.base)
    found = "the kernel may have had none to give"
    if at.alone and at.base in at.path[0].before.values():
        found = (
            "this function is not static, so the verifier checks it by itself, and whoever calls "
            "it may hand over NULL"
        )
    elif described and described.type == uapi.BPF_MAP_TYPE_SK_STORAGE:
        found = "nothing is stored there yet, or there is no memory for it"
    elif known.kind(at.base) == "map_value":
        found = "the lookup finds nothing when the map has no such key"
    return Reason(
        "null",
        f"r{at.instruction.base} may be null here: {found}. Ask if (pointer) before you follow it.",
        _base(at),
    )


def is_gone(at: Place, register: int) -> str:
    """That an address was taken away, and by which call, if there is but one that may have."""
    value, since = at.held(register) or ("", ())
    packet = value.startswith("pkt")
    taking = MOVES_PACKET if packet else RELEASES | RELEASES_DYNPTR
    calls = [at.instructions.get(step.number) for step in since if not step.pruned]
    calls = {i.number: i for i in calls if i is not None and i.helper in taking}
    if not value or len(calls) != 1:
        return (
            f"r{register} holds nothing any more: what it pointed to was given back, or the packet "
            "may lie elsewhere since a function has changed it. Take the address anew."
        )
    by = called(next(iter(calls.values())))
    if packet:
        return (
            f"r{register} holds nothing any more: since the call of {by} the packet may lie "
            f"elsewhere. Take the address anew behind it, and compare it with data_end again."
        )
    return (
        f"r{register} holds nothing any more: {by} has given back what it pointed to. Do what is "
        "to be done with it before that call."
    )


@about(number=errno.EINVAL)
def two_kinds(at: Place) -> Reason | None:
    """The kernel translates an access to a context, to a socket and to its own memory, each in its
    own way, and one instruction in one way only."""
    if not _at(at, "ctx", *known.SOCKETS, "fp", "map_value", "pkt", "pkt_meta", *known.RECORDS):
        return None
    here = known.kind(at.base)
    others = {known.kind(value) for value in at.elsewhere if value} - {here}
    if not {here, *others} & {"ctx", *known.SOCKETS} or len(others) != 1:
        return None
    other = next(value for value in at.elsewhere if known.kind(value) in others)
    return Reason(
        "two_kinds",
        f"On one way r{at.instruction.base} leads here to {known.what(other)}, on this one to "
        f"{known.what(at.base)}, and the kernel takes one kind of address for an instruction. Read "
        "or write before the ways come together, once on each.",
        _base(at),
    )


@denied("memory", "number")
def number_followed(at: Place) -> Reason | None:
    if not _at(at, "number"):
        return None
    if at.gone(at.instruction.base):
        return Reason("unset", is_gone(at, at.instruction.base), _base(at))
    if known.constant(at.base) == 0:
        return Reason(
            "zero_followed",
            f"r{at.instruction.base} is 0 here, a null pointer: on this path there is nothing to "
            "read or write. Do it where the pointer is not null.",
            _base(at),
        )
    return Reason(
        "number_followed",
        f"r{at.instruction.base} is a number here, not an address that the verifier knows, so "
        "nothing can be read or written there. Use a helper that reads for you.",
        _base(at),
    )


@denied("packet", "bounds", "memory")
def packet_end(at: Place) -> Reason | None:
    if not _at(at, "pkt") or at.instruction.is_atomic or _leaks(at):
        return None
    if at.stores and at.type.startswith(READERS_OF_PACKETS):
        return None
    if not _beyond(at, known.attribute(at.base, "r") or 0):
        return None
    if at.type.startswith(OPTIONS):
        return Reason(
            "packet_end",
            "The option may end before this: nothing has shown that all of what is read or written "
            "here lies before optval_end. Compare with it first.",
            _base(at),
        )
    if known.moved(at.base)[1] + at.instruction.offset + at.instruction.size > REACH:
        return Reason("packet_far", FAR, _base(at))
    if compared_beyond(at, at.base):
        return Reason("packet_far", COMPARED_FAR, _base(at))
    if known.moved(at.base)[0] + at.instruction.offset < 0:
        return Reason(
            "packet_end",
            "This lies before the packet's first byte, or may do so: what is read or written must "
            "lie between data and data_end. Add to data, and compare with data_end.",
            _base(at),
        )
    return Reason(
        "packet_end",
        "The packet may end before this: nothing has shown that all of what is read or written "
        "here lies before data_end. Compare with data_end first.",
        _base(at),
    )


def compared_beyond(at: Place, base: str) -> bool:
    """Whether what was compared with data_end last, on this path, lies out of reach, so that the
    comparison counts for nothing. base: what the register holds that leads into the packet."""
    for step in reversed(at.path[:-1]):
        i = at.instructions.get(step.number)
        if i is None or not i.is_conditional or not i.takes_register or step.pruned:
            continue
        values = [step.before.get(f"R{register}", "") for register in (i.dst, i.src)]
        if sorted(map(known.kind, values)) == ["pkt", "pkt_end"]:
            compared = next(value for value in values if known.kind(value) == "pkt")
            same = known.attribute(compared, "id") == known.attribute(base, "id")
            return same and known.moved(compared)[1] > REACH
    return False


@denied("packet", "direction")
def packet_write(at: Place) -> Reason | None:
    if not _at(at, "pkt") or at.instruction.is_atomic:
        return None
    if not at.stores or not at.type.startswith(READERS_OF_PACKETS):
        return None
    return Reason(
        "packet_write",
        f"This type of program ({at.type}) may read the packet, and not write to it. Programs at "
        "tc and XDP may.",
        _base(at),
    )


@denied("packet", "metadata", "bounds", "memory")
def metadata(at: Place) -> Reason | None:
    if not _at(at, "pkt_meta") or at.instruction.is_atomic or _leaks(at):
        return None
    if not _beyond(at, known.attribute(at.base, "r") or 0):
        return None
    return Reason(
        "metadata",
        "The metadata may end before this: nothing has shown that what is read here lies before "
        "the packet's first byte. Compare with data first; data_end says nothing about it.",
        _base(at),
    )


@denied("memory", "end")
def end_followed(at: Place) -> Reason | None:
    if not _at(at, "pkt_end"):
        return None
    return Reason(
        "end_followed",
        f"r{at.instruction.base} is data_end, to compare with: from there nothing can be read or "
        "written. Start from data.",
        _base(at),
    )


@denied("leak", "context", "value", "map", "packet", "memory", "stack")
def leak_stored(at: Place) -> Reason | None:
    if at.unset or not _leaks(at):
        return None
    kind = known.kind(at.base)
    open_to_others = kind in ("ctx", "map_value", "pkt") and not known.may_be_null(at.base)
    if kind == "pkt" and at.type.startswith(READERS_OF_PACKETS):
        return None
    if not open_to_others and not at.instruction.is_atomic:
        return None
    if at.instruction.is_atomic and not known.is_pointer(at.base):
        return None
    out = "would get out through a place that others can read. Store something else."
    if at.instruction.is_atomic:
        out = "atomic operations take numbers only, which do not tell where the kernel lies."
    return Reason(
        "leak_stored",
        f"r{at.instruction.src} is an address of the kernel's, and {out}",
        (at.instruction.src,),
    )


@denied("atomic", "context", "packet", "metadata", "socket")
def atomic_place(at: Place) -> Reason | None:
    if not at.instruction.is_atomic or _leaks(at):
        return None
    if not _at(at, "ctx", "pkt", "pkt_meta", *known.SOCKETS):
        return None
    return Reason(
        "atomic_place",
        "Atomic operations, such as __sync_fetch_and_add, work on maps and on the stack, and not "
        f"on {known.what(at.base)}. Read, calculate and write instead.",
        _base(at),
    )


@denied("aligned", "value", "memory", "record")
def aligned(at: Place) -> Reason | None:
    if not at.instruction.is_atomic or _leaks(at):
        return None
    if not _at(at, "map_value", *known.RECORDS):
        return None
    low, high = known.moved(at.base)
    size = at.instruction.size
    if low != high or (low + at.instruction.offset) % size == 0:
        return None
    return Reason(
        "aligned",
        f"An atomic operation on {size} bytes must begin at a multiple of {size}, and this one "
        f"begins {low + at.instruction.offset} bytes after the start. Lay the fields out so that "
        "it does.",
        _base(at),
    )


@denied("context")
def context(at: Place) -> Reason | None:
    if not _at(at, "ctx") or at.instruction.is_atomic or _leaks(at):
        return None
    low, high = known.moved(at.base)
    if (low, high) != (0, 0):
        meant = _context_field(at, low + at.instruction.offset) if low == high else ""
        return Reason(
            "context_moved",
            "The context can only be read from its beginning: something was added to its address. "
            f"Name the field{meant and f', which is {meant}'}, and leave the address as it was "
            "given.",
            _base(at),
        )
    size, offset = at.instruction.size, at.instruction.offset
    what = f"{size} byte{'s' * (size > 1)} at byte {offset}"
    field = _context_field(at, offset)
    instead = ""
    if field in ("data", "data_end", "data_meta") and at.type.startswith("socket"):
        instead = f" Read the packet with {at.reader}."
    return Reason(
        "context",
        f"This type of program ({at.type}) may not {'write' if at.stores else 'read'} that field "
        f"of its context{field and f', {field}'} ({what}), or not in that way: each has its "
        f"size and its direction. Which fields there are depends on the type.{instead}",
        _base(at),
    )


def _context_field(at: Place, offset: int) -> str:
    """The name of the context's field that has this byte, "" if the object's BTF has none."""
    starting = (struct for start, struct in CONTEXTS.items() if at.type.startswith(start))
    for field in at.fields.get(next(starting, ""), ()):
        if field.offset <= offset < field.offset + field.size:
            return field.type
    return ""


@denied("value", "map", "memory", "bounds")
def value_bounds(at: Place) -> Reason | None:
    if not _at(at, "map_value") or _leaks(at) or one_way(at, at.base):
        return None
    size = known.attribute(at.base, "vs")
    if not _beyond(at, size):
        return None
    return Reason(
        "value_bounds",
        f"This lies outside the map's value, which has {size} bytes, or may do so. Compare the "
        "index with its size first, or choose a smaller one.",
        _base(at),
    )


@denied("lock", "value")
def lock_touched(at: Place) -> Reason | None:
    if not _at(at, "map_value") or _leaks(at) or one_way(at, at.base):
        return None
    if _beyond(at, known.attribute(at.base, "vs")):
        return None
    low, high = known.moved(at.base)
    first, last = low + at.instruction.offset, high + at.instruction.offset + at.instruction.size
    field = touched(at, at.base, first, last)
    return field and Reason("lock_touched", said_of(field), _base(at))


def touched(at: Place, value: str, first: int, last: int) -> special.Field | None:
    """The field for the kernel alone that an access to these bytes of a value touches."""
    for field in at.special_of(value) or ():
        if first < field.offset + field.size and field.offset < last:
            return field
    return None


def said_of(field: special.Field) -> str:
    return (
        f"This touches the struct {field.type} at byte {field.offset} of the value, which only the "
        "kernel's own functions may read or write. Name the other fields one by one."
    )


def one_way(at: Place, value: str) -> str:
    """What alone programs may do with the values of the map, "read" or "written"; "" if both."""
    name, described = known.map_name(value), at.map_of(value)
    flags = described.map_flags if described else 0
    if ".rodata" in name or flags & uapi.BPF_F_RDONLY_PROG:
        return "read"
    return "written" if flags & uapi.BPF_F_WRONLY_PROG else ""


@denied("value", "map", "direction")
def read_only(at: Place) -> Reason | None:
    if not _at(at, "map_value") or _leaks(at):
        return None
    only = one_way(at, at.base)
    if only == "read" and at.stores:
        return Reason(
            "read_only",
            "Programs can only read this: it is a constant, or its map was made with "
            "BPF_F_RDONLY_PROG. Keep what changes in another map.",
            _base(at),
        )
    if only == "written" and (not at.stores or at.instruction.is_atomic):
        return Reason(
            "write_only",
            "Programs can only write to this map, which was made with BPF_F_WRONLY_PROG. Keep what "
            "they must read in another one.",
            _base(at),
        )
    return None


@denied("direction", "memory", "value")
def key_written(at: Place) -> Reason | None:
    if not _at(at, "map_key") or not at.stores or _leaks(at):
        return None
    return Reason(
        "read_only",
        "A key that the kernel hands to a function can only be read. Copy it to change it.",
        _base(at),
    )


@denied("map", "memory", "bounds")
def key_bounds(at: Place) -> Reason | None:
    if not _at(at, "map_key") or at.stores:
        return None
    size = known.attribute(at.base, "ks")
    if not _beyond(at, size):
        return None
    return Reason(
        "key_bounds",
        f"This lies outside the map's key, which has {size} bytes, or may do so. Give the "
        "function the type of the map's key.",
        _base(at),
    )


@about("map", "memory", "guess", "kernel", "direction")
def map_followed(at: Place) -> Reason | None:
    if not _at(at, "map_ptr"):
        return None
    return Reason(
        "map_followed",
        f"r{at.instruction.base} is the map itself, not one of its values. A lookup gives the "
        "address of a value.",
        _base(at),
    )


@denied("memory", "record", "bounds")
def record_bounds(at: Place) -> Reason | None:
    if not _at(at, *known.RECORDS) or _leaks(at):
        return None
    size = known.attribute(at.base, "sz", "mem_size")
    if not _beyond(at, size):
        return None
    return Reason(
        "record_bounds",
        f"This lies outside what was given here, which has {size} bytes, or may do so. Reserve "
        "more, or use less.",
        _base(at),
    )


@denied("socket", "memory", "direction")
def socket_field(at: Place) -> Reason | None:
    if not _at(at, *known.SOCKETS) or at.instruction.is_atomic or _leaks(at):
        return None
    struct = {"tcp_sock": "bpf_tcp_sock", "xdp_sock": "bpf_xdp_sock"}.get(known.kind(at.base))
    return Reason(
        "socket_field",
        "Of a socket only some fields can be read, each with its size, and none written. "
        f"struct {struct or 'bpf_sock'} in <linux/bpf.h> has them.",
        _base(at),
    )


@about("stack", "aligned", "bounds", "unset", "spill", "guess", "memory")
def stack(at: Place) -> Reason | None:
    if not _at(at, "fp"):
        return None
    offset = known.stack_offset(at.base)
    if offset is None:
        return _elsewhere_on_the_stack(at)
    first, size = offset + at.instruction.offset, at.instruction.size
    if first % size:
        return Reason(
            "stack_aligned",
            f"On the stack {size} bytes must begin at a multiple of {size} below its end, and this "
            f"would begin {-first} below it. Copy byte by byte, or move the variable.",
            _base(at),
        )
    if first < -STACK or first + size > 0:
        return Reason(
            "stack_bounds",
            f"The stack has {STACK} bytes, and this lies outside. Use fewer, or a map.",
            _base(at),
        )
    return None if at.trusted else _kept(at, first)


def _elsewhere_on_the_stack(at: Place) -> Reason | None:
    """On a caller's stack, or at a place that is not known exactly."""
    if "var_off" in at.base and not at.trusted:
        return Reason("stack_index", INDEX, _base(at))
    caller = re.fullmatch(r"fp\[\d+\](-?\d+)", at.base)
    if "var_off" not in at.base and not caller:
        return None
    low, high = (int(caller[1]),) * 2 if caller else known.moved(at.base)
    if low + at.instruction.offset >= -STACK and (
        high + at.instruction.offset + at.instruction.size <= 0
    ):
        return None
    said = f"The stack has {STACK} bytes, and this may lie outside. Compare the index first."
    if caller:
        said = f"The caller's stack has {STACK} bytes, and this lies outside. Use fewer, or a map."
    return Reason("stack_bounds", said, _base(at))


def _kept(at: Place, first: int) -> Reason | None:
    """What may be wrong with a place on the stack that is in bounds: what it holds."""
    size = at.instruction.size
    there = range(first, first + size)
    reads = at.instruction.opcode_class == LDX or at.instruction.is_atomic
    if reads and not known.written(at.before).issuperset(there):
        return Reason(
            "stack_unset",
            "Nothing was put into this variable, or into a part of it, before it is read. Give it "
            "a value first.",
            _base(at),
        )
    slots = {byte // 8 * 8 for byte in there}
    if size < 8 and any(known.is_pointer(at.before.get(f"fp{slot}", "")) for slot in slots):
        return Reason(
            "spilled",
            "This place on the stack holds an address, which can only be read or written whole, "
            "8 bytes at a time.",
            _base(at),
        )
    return None
