"""From an object file to a program and maps in the kernel, through libbpf.

The third stage of the road. Built in chapter 03, load_attach_count.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from helpers import libbpf, places, syscall
from helpers.errors import CourseError
from helpers.libbpf import each


class LoadError(CourseError):
    """The object file could not be opened or the kernel refused it; `log` has libbpf's words."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Program(syscall.Program):
    """A program in the kernel, which its object gives back; `fd` is what to attach it by."""

    def close(self) -> None:
        """Nothing: the object that it belongs to holds it, and gives it back."""


class Map(syscall.Map):
    """A map in the kernel, which its object gives back. Sizes in bytes.

    Whatever chapter 06 does to maps by bpf(2) it does, too; to read one value goes through libbpf.
    """

    def lookup(self, key: bytes) -> bytes:
        """What lies under `key` (key_size bytes in, slots_size bytes out).

        Errors: LoadError if the key has another size, or the object is closed; KeyError if the map
        has no such key.
        Source: bpf(2), BPF_MAP_LOOKUP_ELEM. Built in chapter 03.
        """
        if len(key) != self.key_size:
            raise LoadError(
                f"The key of {self.name} has {self.key_size} bytes, this one has {len(key)}: "
                "pack it to that size."
            )
        library, map_fd, value_size = libbpf.library(), self.fd, self.slots_size
        # chapter 03: begin lookup
        value = ctypes.create_string_buffer(value_size)
        failed = library.bpf_map_lookup_elem(map_fd, key, value)
        # chapter 03: end lookup
        if failed and ctypes.get_errno() != errno.ENOENT:
            reason = os.strerror(ctypes.get_errno())
            raise LoadError(f"{self.name} cannot be read ({reason}): load its object again.")
        if failed:
            raise KeyError(key)
        return value.raw

    def counter(self, number: int) -> int:
        """The value under a number, itself a number; both are in this machine's byte order.

        Errors: LoadError if its keys have not 4 bytes, or the object is closed; KeyError if the map
        has no such key. Built in chapter 03.
        """
        return int.from_bytes(self.lookup(number.to_bytes(4, sys.byteorder)), sys.byteorder)

    def close(self) -> None:
        """Nothing: the object that it belongs to holds it, and gives it back."""


@dataclass
class LoadedObject:
    """Programs and maps of one object file, in the kernel until close() or the end of `with`."""

    handle: int
    programs: dict[str, Program] = field(default_factory=dict)
    maps: dict[str, Map] = field(default_factory=dict)

    def program(self, name: str) -> Program:
        """The program of that name. Errors: LoadError, which names those that there are."""
        return _named(self.programs, name, "program")

    def map(self, name: str) -> Map:
        """The map of that name. Errors: LoadError, which names those that there are."""
        return _named(self.maps, name, "map")

    def close(self) -> None:
        """Give everything back; the kernel frees what no socket holds any more."""
        if self.handle:
            libbpf.library().bpf_object__close(self.handle)
        self.handle = 0
        self.programs.clear()
        self.maps.clear()

    def __enter__(self) -> LoadedObject:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _named(things: dict, name: str, kind: str):
    if name in things:
        return things[name]
    known = f"it has: {', '.join(things)}" if things else "it has none, or it is closed"
    raise LoadError(f"There is no {kind} {name!r} in this object; {known}.")


def load(path: str | Path) -> LoadedObject:
    """Open an object file, create its maps, and load its programs into the kernel.

    Arguments:
        path: an object file made by toolchain.compile_bpf.
    Result: a LoadedObject; use it with `with`, or close() it.
    Errors: LoadError, with libbpf's messages and the verifier log in `.log`.
    Source: libbpf's own documentation (libbpf.readthedocs.io); bpf(2).
    Built in chapter 03.
    """
    library = libbpf.library()
    libbpf.listen()
    if not Path(path).is_file():
        raise LoadError(f"There is no object file {path}: compile it first (chapter 02).")
    if said := places.unfit(Path(path)):
        raise LoadError(said)
    # chapter 03: begin load
    handle = library.bpf_object__open(os.fsencode(path))
    failed = not handle or library.bpf_object__load(handle)
    # chapter 03: end load
    if failed:
        code, log = ctypes.get_errno(), "".join(libbpf.messages)
        if handle:
            library.bpf_object__close(handle)
        raise LoadError(explain(code, Path(path), log), log)
    loaded = collect(handle)
    if not loaded.programs and _has_untyped(path):
        loaded.close()
        raise LoadError(
            f"libbpf finds no program in {Path(path).name}, whose functions are symbols without a "
            "type, as older LLVM made them: compile its source again."
        )
    return loaded


def _has_untyped(path: str | Path) -> bool:
    """Whether there are programs all the same."""
    from helpers import objfile  # few objects have none

    programs = objfile.read(path).programs.values()
    return any(program.section != ".text" for program in programs)


def collect(handle: int) -> LoadedObject:
    """The programs and maps of an object that libbpf has loaded. Built in chapter 03."""
    library = libbpf.library()
    loaded = LoadedObject(handle)
    for pointer in each(library.bpf_object__next_program, handle):
        name = library.bpf_program__name(pointer).decode()
        fd, type = library.bpf_program__fd(pointer), library.bpf_program__type(pointer)
        loaded.programs[name] = Program(fd, type, name)
    for pointer in each(library.bpf_object__next_map, handle):
        name = library.bpf_map__name(pointer).decode()
        loaded.maps[name] = Map(
            fd=library.bpf_map__fd(pointer),
            type=library.bpf_map__type(pointer),
            key_size=library.bpf_map__key_size(pointer),
            value_size=library.bpf_map__value_size(pointer),
            max_entries=library.bpf_map__max_entries(pointer),
            name=name,
        )
    return loaded


def explain(code: int, path: Path, log: str, held: int | None = None) -> str:
    """One sentence for a refusal, what it was and what helps: see helpers/refusals/."""
    from helpers import refusals  # rarely needed

    return refusals.explain(code, path, log, held)
