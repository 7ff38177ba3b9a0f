"""Maps as the kernel has them: array, hash, and an array for each processor.

Built in chapter 07, inside_the_bytecode. A program finds an element and works on its memory; the
methods lookup, update, delete and keys are those that helpers.syscall.Map has for Python.
Source: bpf(2); Documentation/bpf/map_array.rst and map_hash.rst in the kernel tree.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from helpers.machine.faults import BadArgument
from helpers.uapi import BPF_ANY as ANY
from helpers.uapi import BPF_EXIST as EXIST
from helpers.uapi import BPF_MAP_TYPE_ARRAY as ARRAY
from helpers.uapi import BPF_MAP_TYPE_HASH as HASH
from helpers.uapi import BPF_MAP_TYPE_PERCPU_ARRAY as PERCPU_ARRAY
from helpers.uapi import BPF_NOEXIST as NOEXIST


@dataclass(eq=False)
class Element:
    """One value of a map. `data` is its memory; `index` tells it from the map's other elements."""

    key: bytes
    data: bytearray
    index: int


@dataclass(eq=False)
class MachineMap:
    """A map of this machine. Sizes in bytes; `cpus`: how many processors a per-CPU map serves;
    `read_only`: nobody writes to it, as to a program's constants.

    Errors of its methods: BadArgument for a key, a value or a type that does not fit.
    Built in chapter 07.
    """

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    cpus: int = 1
    read_only: bool = False
    _elements: dict[tuple[int, bytes], Element] = field(default_factory=dict, repr=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def __post_init__(self) -> None:
        if self.type not in (HASH, ARRAY, PERCPU_ARRAY):
            raise BadArgument(
                f"The map {self.name} has type {self.type}; this machine has arrays "
                f"({ARRAY}), hashes ({HASH}) and per-CPU arrays ({PERCPU_ARRAY})."
            )
        if self.type != HASH and self.key_size != 4:
            raise BadArgument(f"The map {self.name} is an array: its keys have 4 bytes.")
        if self.type != PERCPU_ARRAY:
            self.cpus = 1

    def find(self, key: bytes, cpu: int = 0) -> Element | None:
        """The element under `key` as a program on that processor sees it, or None."""
        place = (cpu if self.type == PERCPU_ARRAY else 0, key)
        element = self._elements.get(place)
        if element is None and self.type != HASH and self._index(key) < self.max_entries:
            # An array has all of its elements from the beginning; here, from the first look.
            index = place[0] * self.max_entries + self._index(key)
            element = self._elements[place] = Element(key, bytearray(self.value_size), index)
        return element

    def store(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """Put a value under `key`; 0, or an errno made negative as helpers return it."""
        if flags > EXIST:
            return -errno.EINVAL
        if self.read_only:
            return -errno.EPERM
        element = self.find(key, cpu)
        if element is None and self.type != HASH:
            return -errno.E2BIG
        if element is not None and flags == NOEXIST:
            return -errno.EEXIST
        if self.type != HASH:
            element.data[:] = value
            return 0
        if element is None and flags == EXIST:
            return -errno.ENOENT
        if element is None and len(self._elements) >= self.max_entries:
            return -errno.E2BIG
        # A hash gets a new element, so who holds the old one's address goes on seeing that.
        self._elements[0, key] = Element(key, bytearray(value), next(self._numbers))
        return 0

    def remove(self, key: bytes) -> int:
        """Take `key` out; 0, or an errno made negative: an array keeps all it has."""
        if self.type != HASH:
            return -errno.EINVAL
        return 0 if self._elements.pop((0, key), None) else -errno.ENOENT

    def lookup(self, key: bytes) -> bytes:
        """The value under `key`, a copy; in a per-CPU map those of all processors one after the
        other, each padded to a multiple of 8 bytes. Errors: KeyError."""
        self._fits("key", key, self.key_size)
        elements = [self.find(key, cpu) for cpu in range(self.cpus)]
        if None in elements:
            raise KeyError(key)
        if self.type != PERCPU_ARRAY:
            return bytes(elements[0].data)
        return b"".join(bytes(each.data).ljust(self._padded, b"\0") for each in elements)

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> None:
        """Put a value under `key`, as long as lookup gives it."""
        self._fits("key", key, self.key_size)
        per_cpu = self.type == PERCPU_ARRAY
        self._fits("value", value, self._padded * self.cpus if per_cpu else self.value_size)
        for cpu in range(self.cpus):
            piece = value[cpu * self._padded :][: self.value_size] if per_cpu else value
            if refused := self.store(key, piece, flags, cpu):
                raise BadArgument(
                    f"The map {self.name} does not take this key "
                    f"({errno.errorcode[-refused]}): it has no room, or flags forbid it."
                )

    def delete(self, key: bytes) -> None:
        """Take `key` out. Errors: KeyError if it is not there."""
        self._fits("key", key, self.key_size)
        refused = self.remove(key)
        if refused == -errno.ENOENT:
            raise KeyError(key)
        if refused:
            raise BadArgument(f"The map {self.name} is an array, which keeps all its elements.")

    def keys(self) -> Iterator[bytes]:
        """Every key; of an array all that there can be."""
        if self.type == HASH:
            return (key for _, key in list(self._elements))
        return (number.to_bytes(4, "little") for number in range(self.max_entries))

    def used(self) -> list[Element]:
        """The elements that anybody has looked up or written."""
        return list(self._elements.values())

    @property
    def _padded(self) -> int:
        return -(-self.value_size // 8) * 8

    def _index(self, key: bytes) -> int:
        return int.from_bytes(key, "little")

    def _fits(self, what: str, data: bytes, size: int) -> None:
        if len(data) != size:
            raise BadArgument(
                f"A {what} of the map {self.name} has {size} bytes, this one has {len(data)}: "
                "pack it to that size."
            )
