"""What is in an object file: sections, programs, instructions, maps, relocations, licence.

The second stage of the road. Built in chapter 02, compile_the_sample.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, fields, replace
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from helpers import btf, places
from helpers.asm import BytecodeError, Function, Instruction, decode, linked
from helpers.errors import CourseError

# The relocations that a program has, from Documentation/bpf/llvm_reloc.rst.
RELOCATION_TYPES = {1: "R_BPF_64_64", 10: "R_BPF_64_32"}
# What pyelftools and we stumble over in a file whose content is not what its headers say.
DAMAGE = (ELFError, struct.error, LookupError, ValueError, AttributeError, TypeError)
DAMAGE += (AssertionError, RecursionError, MemoryError, OverflowError, BytecodeError)
BIG_ENDIAN = (
    "{name} is an object file for big-endian BPF, and this machine is little-endian: compile it "
    "with clang -target bpf on this machine, or with -target bpfel."
)


class ObjectFileError(CourseError):
    """The file is no BPF object, or a damaged one, or does not have what was asked for."""


@dataclass(frozen=True)
class Section:
    """A named part of the file. `data` is its content; `executable`: it holds instructions."""

    name: str
    type: str
    executable: bool
    data: bytes


@dataclass(frozen=True)
class Symbol:
    """A name for a place: `value` and `size` in bytes, from the start of `section`."""

    name: str
    type: str
    section: str
    value: int
    size: int


@dataclass(frozen=True)
class Relocation:
    """A gap for the loader to fill: at byte `offset` of `section` goes the address of `symbol`."""

    section: str
    offset: int
    type: str
    symbol: str


@dataclass(frozen=True)
class MapDefinition:
    """A map as the object describes it. Sizes are in bytes, `max_entries` counts elements."""

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    map_flags: int


@dataclass(frozen=True)
class ObjectFile:
    """All of one object file, by name where things have names."""

    path: Path
    sections: dict[str, Section]
    symbols: list[Symbol]
    relocations: list[Relocation]
    programs: dict[str, Function]
    maps: dict[str, MapDefinition]
    license: str

    def program(self, name: str) -> Function:
        """The program of that name. Errors: ObjectFileError, which names those that there are."""
        return self._named(self.programs, name, "program")

    def linked(self, name: str) -> list[Instruction]:
        """That program with the functions that it calls: see asm.linked.

        Errors: ObjectFileError, asm.LinkError.
        """
        return linked(self.program(name), self.programs.values())

    def map(self, name: str) -> MapDefinition:
        """The map of that name. Errors: ObjectFileError, which names those that there are."""
        if ".maps" in self.sections and ".BTF" not in self.sections:
            raise ObjectFileError(
                f"{self.path.name} has no BTF, which describes its maps: compile it with clang -g."
            )
        return self._named(self.maps, name, "map")

    def _named(self, things: dict, name: str, kind: str):
        if name in things:
            return things[name]
        known = f"has: {', '.join(things)}" if things else "has none"
        raise ObjectFileError(f"There is no {kind} {name!r} in {self.path.name}, which {known}.")


def read(path: str | Path) -> ObjectFile:
    """Read an object file.

    Arguments:
        path: an object file for BPF, made by toolchain.compile_bpf or any clang.
    Result: an ObjectFile; nothing of it depends on the file any more.
    Errors: ObjectFileError if it is not there, not ELF, not for BPF, truncated or damaged, or
        defines its maps in the old section maps.
    Source: elf(5); Documentation/bpf/btf.rst and llvm_reloc.rst in the kernel tree.
    Built in chapter 02.
    """
    path = Path(path)
    if said := places.unfit(path):
        raise ObjectFileError(said)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ObjectFileError(
            f"There is no object file to read at {path} ({error.strerror}): "
            "compile one with toolchain.compile_bpf."
        ) from error
    _check(path.name, data)
    try:
        return _read(path, data)
    except DAMAGE as error:
        raise ObjectFileError(
            f"{path.name} is truncated or damaged: compile it again with toolchain.compile_bpf."
        ) from error


def _check(name: str, data: bytes) -> None:
    if not data.startswith(b"\x7fELF"):
        raise ObjectFileError(
            f"{name} is not an ELF file: pass what the compiler wrote (the .o), not the C file."
        )
    # Class 2 has 64 bits, data 1 is little-endian and 2 big-endian, machine 247 is EM_BPF.
    if data[4:6] == b"\x02\x02" and int.from_bytes(data[18:20], "big") == 247:
        raise ObjectFileError(BIG_ENDIAN.format(name=name))
    machine = int.from_bytes(data[18:20], "little")
    if len(data) >= 64 and (data[4:6] != b"\x02\x01" or machine != 247):
        raise ObjectFileError(
            f"{name} is an ELF file for another machine than (64-bit, little-endian) BPF: "
            "compile it with clang -target bpf."
        )


def _read(path: Path, data: bytes) -> ObjectFile:
    elf = ELFFile(io.BytesIO(data))
    parts = list(elf.iter_sections())
    for part in parts:
        if part["sh_type"] != "SHT_NOBITS" and part["sh_offset"] + part["sh_size"] > len(data):
            raise ELFError("a section lies beyond the end")
    if any(section.name == "maps" for section in parts):
        raise ObjectFileError(
            f"{path.name} defines its maps the old way, in a section named maps, which libbpf 1.0 "
            "and later refuse: define them in .maps with __uint and __type."
        )
    sections = {section.name: _section(section) for section in parts if section.name}
    symbols = _symbols(elf, [section.name for section in parts])
    relocations = _relocations(elf, sections)
    types = btf.Types(sections[".BTF"].data) if ".BTF" in sections else None
    lines = btf.lines(sections[".BTF.ext"].data, types) if ".BTF.ext" in sections else {}
    functions = _functions(elf, symbols, sections)
    return ObjectFile(
        path,
        sections,
        symbols,
        relocations,
        programs={s.name: _program(s, sections, relocations, lines) for s in functions},
        maps={name: _map(name, each) for name, each in (types.maps() if types else {}).items()},
        license=sections["license"].data.rstrip(b"\0").decode() if "license" in sections else "",
    )


def _functions(elf: ELFFile, symbols: list[Symbol], sections: dict[str, Section]) -> list[Symbol]:
    """The symbols of programs and functions.

    Older LLVM gave them neither type nor size: then each goes on up to the next one, and libbpf
    finds none. Labels have no type to this day, and are local.
    """
    inside = [s for s in symbols if s.section in sections and sections[s.section].executable]
    typed = {s.section for s in inside if s.type == "STT_FUNC"}
    table = elf.get_section_by_name(".symtab")
    exported = {s.name for s in (table.iter_symbols() if table else ()) if _is_global(s)}
    found = [s for s in inside if s.type == "STT_FUNC"]
    for section in {s.section: None for s in inside if s.section not in typed}:
        untyped = [s for s in inside if s.section == section and s.name in exported]
        untyped.sort(key=lambda s: s.value)
        ends = [s.value for s in untyped[1:]] + [len(sections[section].data)]
        found += [replace(s, size=end - s.value) for s, end in zip(untyped, ends, strict=True)]
    return found


def _is_global(symbol) -> bool:
    info = symbol["st_info"]
    return info["type"] == "STT_NOTYPE" and info["bind"] in ("STB_GLOBAL", "STB_WEAK")


def _section(part) -> Section:
    executable = bool(part["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)
    return Section(part.name, str(part["sh_type"]), executable, part.data())


def _map(name: str, attributes: dict[str, int]) -> MapDefinition:
    names = [field.name for field in fields(MapDefinition)][1:]
    return MapDefinition(name, *(attributes.get(each, 0) for each in names))


def _symbols(elf: ELFFile, names: list[str]) -> list[Symbol]:
    table = elf.get_section_by_name(".symtab")
    return [
        Symbol(
            symbol.name,
            symbol["st_info"]["type"],
            # Symbols of no section have a word there, such as SHN_ABS, instead of a number.
            names[symbol["st_shndx"]] if isinstance(symbol["st_shndx"], int) else "",
            symbol["st_value"],
            symbol["st_size"],
        )
        for symbol in (table.iter_symbols() if table else ())
    ]


def _relocations(elf: ELFFile, sections: dict[str, Section]) -> list[Relocation]:
    return [
        Relocation(
            target,
            entry["r_offset"],
            RELOCATION_TYPES.get(entry["r_info_type"], str(entry["r_info_type"])),
            _target(elf, elf.get_section(table["sh_link"]).get_symbol(entry["r_info_sym"])),
        )
        for table in elf.iter_sections("SHT_REL")
        if sections[target := table.name.removeprefix(".rel")].executable
        for entry in table.iter_relocations()
    ]


def _target(elf: ELFFile, symbol) -> str:
    # Static functions and data have no symbol of their own in relocations, but their section's.
    if symbol["st_info"]["type"] == "STT_SECTION":
        return elf.get_section(symbol["st_shndx"]).name
    return symbol.name


def _program(
    symbol: Symbol,
    sections: dict[str, Section],
    relocations: list[Relocation],
    lines: dict[str, dict[int, tuple[int, str]]],
) -> Function:
    start, name = symbol.value, symbol.section
    code = sections[name].data[start : start + symbol.size]
    targets = {r.offset - start: r.symbol for r in relocations if r.section == name}
    places = {offset - start: place for offset, place in lines.get(name, {}).items()}
    return Function(symbol.name, name, start, list(decode(code, targets, places)))
