"""Maps: made, written, read, and asked about, by their file descriptor.

Built in chapter 06.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import uapi
from helpers.syscall.call import ask, bpf, copied, object_name
from helpers.syscall.errors import SyscallError, explain
from helpers.syscall.forms import Command, MapBatch, MapCreate, MapElement, MapFacts, ObjectInfo

# Types of maps, a flag of create_map, and flags of update.
HASH, ARRAY = uapi.BPF_MAP_TYPE_HASH, uapi.BPF_MAP_TYPE_ARRAY
PERCPU_HASH, PERCPU_ARRAY = uapi.BPF_MAP_TYPE_PERCPU_HASH, uapi.BPF_MAP_TYPE_PERCPU_ARRAY
LRU_HASH, RING_BUFFER = uapi.BPF_MAP_TYPE_LRU_HASH, uapi.BPF_MAP_TYPE_RINGBUF
MMAPABLE = uapi.BPF_F_MMAPABLE
NOEXIST, EXIST = uapi.BPF_NOEXIST, uapi.BPF_EXIST
PER_CPU = {PERCPU_HASH, PERCPU_ARRAY}
PER_CPU |= {uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH, uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE}
POSSIBLE = Path("/sys/devices/system/cpu/possible")
Buffer = Any  # what has the buffer protocol and can be written to


@dataclass(frozen=True)
class MapInfo:
    """A map as the kernel describes it. Sizes in bytes; `id` is its number in the whole kernel."""

    type: int
    id: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int
    name: str


@dataclass
class Map:
    """A map in the kernel, held by `fd` until close() or the end of `with`. Sizes in bytes."""

    fd: int
    type: int
    key_size: int
    value_size: int
    max_entries: int
    name: str = ""

    @property
    def slots_size(self) -> int:
        """Bytes of all that lies under one key, see slots_size()."""
        return slots_size(self.type, self.value_size)

    def lookup(self, key: bytes) -> bytes:
        """What lies under `key` (key_size bytes), a copy of slots_size bytes.

        Errors: KeyError if the map has no such key, SyscallError.
        Source: bpf(2), BPF_MAP_LOOKUP_ELEM. Built in chapter 06.
        """
        value = copied(bytes(self.slots_size))
        self._element(Command.MAP_LOOKUP_ELEM, key, value)
        return value.raw[: self.slots_size]

    def update(self, key: bytes, value: bytes, flags: int = 0) -> None:
        """Put `value` (slots_size bytes) under `key`; NOEXIST, EXIST: only a new, only an old one.

        Errors: SyscallError. Source: bpf(2), BPF_MAP_UPDATE_ELEM. Built in chapter 06.
        """
        if len(value) != self.slots_size:
            raise SyscallError(
                f"A value of this map has {self.slots_size} bytes, this one has {len(value)}: "
                "pack it to that size.",
                errno.EINVAL,
            )
        self._element(Command.MAP_UPDATE_ELEM, key, copied(value), flags)

    def delete(self, key: bytes) -> None:
        """Take `key` out. Errors: KeyError if it is not there, SyscallError (an array keeps all).

        Source: bpf(2), BPF_MAP_DELETE_ELEM. Built in chapter 06.
        """
        self._element(Command.MAP_DELETE_ELEM, key, None)

    def keys(self) -> Iterator[bytes]:
        """Each key, one call for each; those that are added or deleted meanwhile may be missed.

        Errors: SyscallError. Source: bpf(2), BPF_MAP_GET_NEXT_KEY. Built in chapter 06.
        """
        key, following = None, copied(bytes(self.key_size))
        for _ in range(self.max_entries):  # deleted keys lead back to the first: no endless loop
            try:
                self._element(Command.MAP_GET_NEXT_KEY, key, following)
            except KeyError:
                return
            key = following.raw
            yield key

    def batch(self) -> dict[bytes, bytes]:
        """All keys and what lies under them, mostly in a single call.

        Errors: SyscallError, also if this kernel cannot do that for this type.
        Source: BPF_MAP_LOOKUP_BATCH in <linux/bpf.h>, Linux 5.6. Built in chapter 06.
        """
        entries: dict[bytes, bytes] = {}
        keys = copied(bytes(self.key_size * self.max_entries))
        values = copied(bytes(self.slots_size * self.max_entries))
        start, end = None, copied(bytes(max(self.key_size, 4)))
        more = True
        while more:
            count, more = self._batch(keys, values, start, end)
            entries |= zip(
                pieces(keys.raw, self.key_size, count),
                pieces(values.raw, self.slots_size, count),
                strict=True,
            )
            start = end
        return entries

    def batch_into(self, keys: Buffer, values: Buffer) -> int:
        """The same in a single call, into memory that is there: how many entries it got.

        Arguments: two writable buffers, such as NumPy arrays, each with room for max_entries.
        Errors: SyscallError, also if this kernel cannot do that for this type.
        Source: BPF_MAP_LOOKUP_BATCH in <linux/bpf.h>, Linux 5.6. Built in chapter 06.
        """
        count, _ = self._batch(keys, values, None, copied(bytes(max(self.key_size, 4))))
        return count

    def _batch(
        self, keys: Buffer, values: Buffer, start: ctypes.Array | None, end: ctypes.Array
    ) -> tuple[int, bool]:
        """Entries from `start` on into the buffers; how many, and whether there may be more.

        The kernel writes to `end` where to go on; what that is, is its own affair.
        """
        form = MapBatch(
            in_batch=address(start),
            out_batch=address(end),
            keys=address(keys),
            values=address(values),
            count=self.max_entries,
            map_fd=self.fd,
        )
        result = bpf(Command.MAP_LOOKUP_BATCH, form)
        if result not in (0, -errno.ENOENT):  # ENOENT: that was all
            raise SyscallError(explain(Command.MAP_LOOKUP_BATCH, -result), -result)
        return form.count, not result

    def mapped(self) -> mmap.mmap:
        """The values of an array map as memory of this process, to read only; close() it.

        A value begins at every multiple of its size, rounded up to 8 bytes.
        Errors: SyscallError if the map was not made with MMAPABLE, or is no array.
        Source: mmap(2); BPF_F_MMAPABLE in <linux/bpf.h>, Linux 5.5. Built in chapter 06.
        """
        length = self.max_entries * (-(-self.value_size // 8) * 8)
        try:
            return mmap.mmap(self.fd, length, mmap.MAP_SHARED, mmap.PROT_READ)
        except OSError as error:
            raise SyscallError(
                "This map cannot be mapped into memory: make it an ARRAY with flags=MMAPABLE, and "
                "keep it open.",
                error.errno,
            ) from error

    def info(self) -> MapInfo:
        """What the kernel says about this map. Errors: SyscallError. Built in chapter 06.

        Source: BPF_OBJ_GET_INFO_BY_FD in <linux/bpf.h>.
        """
        facts = MapFacts()
        ask_about(self.fd, facts)
        sizes = (facts.key_size, facts.value_size, facts.max_entries)
        return MapInfo(facts.type, facts.id, *sizes, facts.map_flags, facts.name.decode())

    def close(self) -> None:
        """Give the map back; the kernel frees it once no program and no memory holds it."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Map:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _element(
        self, command: Command, key: bytes | None, value: ctypes.Array | None, flags: int = 0
    ) -> None:
        if key is not None and len(key) != self.key_size:
            raise SyscallError(  # the kernel would read past it, or leave some of it out
                f"A key of this map has {self.key_size} bytes, this one has {len(key)}: pack it to "
                "that size.",
                errno.EINVAL,
            )
        key_copy = None if key is None else copied(key)
        form = MapElement(map_fd=self.fd, key=address(key_copy), value=address(value), flags=flags)
        try:
            ask(command, form)
        except SyscallError as error:
            if error.number == errno.ENOENT and command != Command.MAP_UPDATE_ELEM:
                raise KeyError(key) from None
            raise


def create_map(
    type: int, key_size: int, value_size: int, max_entries: int, flags: int = 0, name: str = ""
) -> Map:
    """Make a map.

    Arguments:
        type: ARRAY, HASH or another map type. Sizes in bytes; max_entries counts elements.
        flags: such as MMAPABLE. name: up to 15 letters, digits, _ or dots.
    Result: a Map; use it with `with`, or close() it.
    Errors: SyscallError. Source: bpf(2), BPF_MAP_CREATE. Built in chapter 06.
    """
    sizes = (key_size, value_size, max_entries)
    for size in sizes:
        if not 0 <= size < 1 << 32:
            raise SyscallError(f"The size {size} is none: it takes 0 to 4294967295.", errno.EINVAL)
    form = MapCreate(type, *sizes, flags, map_name=object_name(name))
    try:
        return Map(ask(Command.MAP_CREATE, form), type, *sizes, name)
    except SyscallError as error:
        if error.number != errno.EPERM:
            raise
        from helpers import rights  # rarely needed

        what = f"the map {name}" if name else f"a map of type {type}"
        why = rights.refusal(f"making {what}", rights.of_map(type))
        raise SyscallError(why, errno.EPERM) from None


def ask_about(fd: int, facts: ctypes.Structure) -> None:
    """Have the kernel fill in `facts` about the map or program behind `fd`. Errors: SyscallError.

    Source: BPF_OBJ_GET_INFO_BY_FD in <linux/bpf.h>. Built in chapter 06.
    """
    ask(Command.OBJ_GET_INFO_BY_FD, ObjectInfo(fd, ctypes.sizeof(facts), ctypes.addressof(facts)))


def address(buffer: Buffer | None) -> int:
    """Where a writable buffer lies; 0, the address of nothing, for None."""
    return 0 if buffer is None else ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def pieces(data: bytes, size: int, count: int) -> Iterator[bytes]:
    """The first `count` pieces of `data`, each of `size` bytes."""
    return (data[at : at + size] for at in range(0, size * count, size))


def slots_size(type: int, value_size: int) -> int:
    """Bytes of all that lies under one key of such a map: one value, or in a per-CPU map one for
    each possible CPU, each padded to a multiple of 8 bytes."""
    if type in PER_CPU:
        return -(-value_size // 8) * 8 * possible_cpus()
    return value_size


def possible_cpus(path: Path = POSSIBLE) -> int:
    """How many processors this machine can have, plugged in or not: a per-CPU map has a slot for
    each. The file says "0-3", or "0,2-3". Source: Documentation/admin-guide/cputopology.rst.
    """
    ranges = (part.partition("-") for part in path.read_text().strip().split(","))
    return sum(int(last or first) - int(first) + 1 for first, _, last in ranges)
