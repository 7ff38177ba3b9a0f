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


def _types(*names: str) -> frozenset[int]:
    return frozenset(getattr(uapi, f"BPF_MAP_TYPE_{name}") for name in names)


_NO_ELEMENTS = _types("RINGBUF", "PERF_EVENT_ARRAY")
_RINGS, _EVENTS = _types("RINGBUF"), _types("PERF_EVENT_ARRAY")
WANTS = {
    1: Wants((MAP, KEY), _NO_ELEMENTS, True),
    2: Wants((MAP, KEY, VALUE, ANY), _NO_ELEMENTS | _types("PROG_ARRAY"), True),
    3: Wants((MAP, KEY), _NO_ELEMENTS | _types("PROG_ARRAY"), True),
    9: Wants((CONTEXT, ANY, READ, SIZE, ANY)),
    12: Wants((CONTEXT, MAP, ANY), _types("PROG_ARRAY")),
    16: Wants((FILLED, SIZE)),
    23: Wants((ANY, ANY)),
    25: Wants((CONTEXT, MAP, ANY, READ, SIZE_OR_ZERO), _EVENTS),
    26: Wants((CONTEXT, ANY, FILLED, SIZE)),
    27: Wants((CONTEXT, MAP, ANY), _types("STACK_TRACE")),
    44: Wants((CONTEXT, ANY)),
    86: Wants((SOCKET,)),
    113: Wants((FILLED, SIZE_OR_ZERO, ANY)),
    130: Wants((MAP, READ, SIZE_OR_ZERO, ANY), _RINGS),
    131: Wants((MAP, CONSTANT, ANY), _RINGS),
    132: Wants((RECORD, ANY)),
    133: Wants((RECORD, ANY)),
}
