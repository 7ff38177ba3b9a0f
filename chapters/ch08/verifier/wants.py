"""What helper functions want of their arguments.

Laboratory equipment, first used in chapter 08, the_verifier. No header and no BTF says which
argument is the size of which, or which types of maps a function takes. A row stands here only if
tests/refused/wants.c has a program that the kernel accepts and one that it refuses for it; of a
function without a row the reader says nothing.
Source: bpf-helpers(7); the kernel tree, struct bpf_func_proto, check_map_func_compatibility().
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers import uapi

# Kinds of arguments. Memory that is read must hold something, memory that is filled need not; the
# size of both is in the next argument, which may be zero with SIZE_OR_ZERO only.
CONTEXT, MAP, KEY, VALUE, ANY = "context", "map", "key", "value", "number"
READ, FILLED, SIZE, SIZE_OR_ZERO = "memory to read", "memory to fill", "size", "size or zero"
CONSTANT, RECORD, SOCKET = "constant", "record", "socket"
# Memory to read, or null with a size of zero; what is filled like a value; any socket; a function
# to call back; an address on the stack or null; a text that cannot change.
NULLABLE, FILLED_VALUE, ANY_SOCKET = "memory or null", "value to fill", "any socket"
FUNCTION, DATA, TEXT = "function", "stack or null", "constant text"


@dataclass(frozen=True)
class Wants:
    """arguments: a kind for each. maps: the types of map that it takes, or with `other_maps` those
    that it does not take; empty if that is not known."""

    arguments: tuple[str, ...]
    maps: frozenset[int] = frozenset()
    other_maps: bool = False

    def takes(self, type: int) -> bool:
        """Whether it takes a map of this type, as far as that is known."""
        return not self.maps or (type in self.maps) != self.other_maps

    def maps_in_words(self) -> str:
        """The types of map that it takes, as a part of a sentence."""
        names = " or ".join(sorted(map(type_name, self.maps)))
        return "most types of map, but not on this one" if self.other_maps else f"a map of {names}"


def type_name(type: int) -> str:
    """As <linux/bpf.h> calls a type of map; its number if that is newer than the course's list."""
    named = (name for name, number in vars(uapi).items() if number == type)
    return next((name for name in named if name.startswith("BPF_MAP_TYPE_")), str(type))


def _types(*names: str) -> frozenset[int]:
    return frozenset(getattr(uapi, f"BPF_MAP_TYPE_{name}") for name in names)


_NO_ELEMENTS = _types("RINGBUF", "PERF_EVENT_ARRAY", "PROG_ARRAY", "CPUMAP", "CGROUP_STORAGE")
_NO_ELEMENTS |= _types("PERCPU_CGROUP_STORAGE", "STACK_TRACE", "CGROUP_ARRAY", "QUEUE", "STACK")
_NO_ELEMENTS |= _types("BLOOM_FILTER", "SK_STORAGE")
_NOT_CHANGED = _NO_ELEMENTS | _types("ARRAY_OF_MAPS", "HASH_OF_MAPS", "DEVMAP", "DEVMAP_HASH")
_RINGS, _EVENTS, _GROUPS = _types("RINGBUF"), _types("PERF_EVENT_ARRAY"), _types("CGROUP_ARRAY")
_QUEUES = _types("QUEUE", "STACK")
_TUPLE = Wants((CONTEXT, READ, SIZE, ANY, ANY))
_OF_A_SOCKET = Wants((ANY_SOCKET,))
WANTS = {
    1: Wants((MAP, KEY), _NO_ELEMENTS, True),
    2: Wants((MAP, KEY, VALUE, ANY), _NOT_CHANGED, True),
    3: Wants((MAP, KEY), _NOT_CHANGED, True),
    6: Wants((READ, SIZE)),
    9: Wants((CONTEXT, ANY, READ, SIZE, ANY)),
    10: Wants((CONTEXT, ANY, ANY, ANY, ANY)),
    11: Wants((CONTEXT, ANY, ANY, ANY, ANY)),
    12: Wants((CONTEXT, MAP, ANY), _types("PROG_ARRAY")),
    16: Wants((FILLED, SIZE)),
    18: Wants((CONTEXT, ANY, ANY)),
    20: Wants((CONTEXT, FILLED, SIZE, ANY)),
    21: Wants((CONTEXT, READ, SIZE, ANY)),
    23: Wants((ANY, ANY)),
    25: Wants((CONTEXT, MAP, ANY, READ, SIZE_OR_ZERO), _EVENTS),
    26: Wants((CONTEXT, ANY, FILLED, SIZE)),
    27: Wants((CONTEXT, MAP, ANY), _types("STACK_TRACE")),
    28: Wants((NULLABLE, SIZE_OR_ZERO, NULLABLE, SIZE_OR_ZERO, ANY)),
    33: Wants((CONTEXT, MAP, ANY), _GROUPS),
    34: Wants((CONTEXT,)),
    37: Wants((MAP, ANY), _GROUPS),
    44: Wants((CONTEXT, ANY)),
    49: Wants((CONTEXT, ANY, ANY, READ, SIZE)),
    51: Wants((MAP, ANY, ANY), _types("DEVMAP", "DEVMAP_HASH", "CPUMAP", "XSKMAP")),
    53: Wants((CONTEXT, MAP, KEY, ANY), _types("SOCKMAP")),
    56: Wants((CONTEXT, FILLED, SIZE)),
    60: Wants((CONTEXT, MAP, ANY, ANY), _types("SOCKMAP")),
    67: Wants((CONTEXT, FILLED, SIZE_OR_ZERO, ANY)),
    68: Wants((CONTEXT, ANY, FILLED, SIZE, ANY)),
    69: Wants((CONTEXT, READ, SIZE, ANY)),
    81: Wants((MAP, ANY), _types("CGROUP_STORAGE", "PERCPU_CGROUP_STORAGE")),
    84: _TUPLE,
    85: _TUPLE,
    86: Wants((SOCKET,)),
    87: Wants((MAP, VALUE, ANY), _QUEUES | _types("BLOOM_FILTER")),
    88: Wants((MAP, FILLED_VALUE), _QUEUES),
    95: _OF_A_SOCKET,
    96: _OF_A_SOCKET,
    101: Wants((CONTEXT, READ, SIZE, ANY)),  # wants it set, though it writes there
    104: Wants((CONTEXT, READ, SIZE)),
    113: Wants((FILLED, SIZE_OR_ZERO, ANY)),
    114: Wants((FILLED, SIZE_OR_ZERO, ANY)),
    115: Wants((FILLED, SIZE_OR_ZERO, ANY)),
    130: Wants((MAP, READ, SIZE_OR_ZERO, ANY), _RINGS),
    131: Wants((MAP, CONSTANT, ANY), _RINGS),
    132: Wants((RECORD, ANY)),
    133: Wants((RECORD, ANY)),
    134: Wants((MAP, ANY), _RINGS),
    164: Wants((MAP, FUNCTION, DATA, ANY)),
    165: Wants((FILLED, SIZE_OR_ZERO, TEXT, NULLABLE, SIZE_OR_ZERO)),
    181: Wants((ANY, FUNCTION, DATA, ANY)),
    182: Wants((READ, SIZE, TEXT)),
    195: Wants((MAP, KEY, ANY), _types("PERCPU_ARRAY", "PERCPU_HASH", "LRU_PERCPU_HASH")),
}
