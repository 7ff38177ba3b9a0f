"""What was refused: the object file, what it asks for, and the error number."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from helpers import btf, libbpf, objfile, syscall
from helpers.syscall.forms import MapCreate

MOST_MEMORY = 1 << 26  # bytes, for a map that is made to find out


@dataclass(frozen=True)
class Map:
    """A map as the object asks for it. Sizes in bytes; pin: where it wants to be pinned,
    or ""; of_maps: whether it says which maps it holds."""

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int
    pin: str = ""
    of_maps: bool = False

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes."""
        return self.max_entries * (self.key_size + self.value_size)

    def attempt(self) -> int:
        """Make such a map and give it up. Result: 0, or the error number; a large one is not made,
        and the answer is ENOMEM."""
        if self.size > MOST_MEMORY:
            return errno.ENOMEM
        sizes = self.type, self.key_size, self.value_size, self.max_entries, self.flags
        fd = syscall.bpf(syscall.Command.MAP_CREATE, MapCreate(*sizes))
        if fd >= 0:
            os.close(fd)
        return max(0, -fd)

    def __str__(self) -> str:
        words = libbpf.library().libbpf_bpf_map_type_str(self.type)
        return f"{self.name} ({words.decode() if words else f'type {self.type}'})"


@dataclass(frozen=True)
class Case:
    """A refusal: code, the error number; log, what libbpf wrote; held: the capabilities with which
    it was tried, where that was not this thread. programs: (name, section, type) of each."""

    code: int
    path: Path
    log: str
    held: int | None
    opened: bool
    maps: tuple[Map, ...]
    programs: tuple[tuple[str, str, int], ...]

    @property
    def verified(self) -> bool:
        """Whether the verifier has spoken: its last word, whatever its verdict."""
        return "processed" in self.log

    @property
    def file(self) -> str:
        return self.path.name

    @cached_property
    def object(self) -> objfile.ObjectFile | None:
        try:
            return objfile.read(self.path)
        except objfile.ObjectFileError:
            return None

    @cached_property
    def types(self) -> btf.Types | None:
        """The object's own types."""
        found = self.object and self.object.sections.get(".BTF")
        return btf.Types(found.data) if found else None


def asked(path: Path) -> tuple[bool, tuple[Map, ...], tuple[tuple[str, str, int], ...]]:
    """What an object asks of the kernel: whether libbpf opens it at all, its maps, its programs."""
    each = libbpf.each
    library = libbpf.library()
    handle = library.bpf_object__open(os.fsencode(path))
    if not handle:
        return False, (), ()
    maps = tuple(
        Map(
            library.bpf_map__name(at).decode(),
            library.bpf_map__type(at),
            library.bpf_map__key_size(at),
            library.bpf_map__value_size(at),
            library.bpf_map__max_entries(at),
            library.bpf_map__map_flags(at),
            (library.bpf_map__pin_path(at) or b"").decode(),
            bool(library.bpf_map__inner_map(at)),
        )
        for at in each(library.bpf_object__next_map, handle)
    )
    programs = tuple(
        (
            library.bpf_program__name(at).decode(),
            library.bpf_program__section_name(at).decode(),
            library.bpf_program__type(at),
        )
        for at in each(library.bpf_object__next_program, handle)
    )
    library.bpf_object__close(handle)
    return True, maps, programs


def listed_in(case: Case, section: str) -> list[str]:
    """The names that the object's BTF lists for a section."""
    types = case.types.types if case.types else []
    ids = [r[0] for t in types if t.kind == btf.DATASEC and t.name == section for r in t.records]
    return [types[number].name for number in ids]
