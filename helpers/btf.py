"""BTF, the types that `clang -g` puts into an object: read just far enough for maps and C lines.

The second stage of the road. Built in chapter 02, compile_the_sample; used by helpers.objfile.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = 0xEB9F
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST = range(1, 11)
RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(11, 20)

# How many 32-bit words one record after the type has; those of `ONE` have one record,
# the others as many as the type has members.
WORDS = {INT: 1, ARRAY: 3, STRUCT: 3, UNION: 3, ENUM: 2, FUNC_PROTO: 2, VAR: 1, DATASEC: 3}
WORDS |= {DECL_TAG: 1, ENUM64: 3}
ONE = {INT, ARRAY, VAR, DECL_TAG}
ALIASES = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, VAR}


@dataclass(frozen=True)
class Type:
    """One type. `size_or_type` is its size in bytes or the number of another type, by kind."""

    kind: int
    name: str
    size_or_type: int
    records: list[tuple[int, ...]]


class Types:
    """All types of one object; type 0 is void.

    Arguments: the content of the section .BTF.
    Errors: ValueError or struct.error if it is not BTF.
    Source: Documentation/bpf/btf.rst in the kernel tree. Built in chapter 02.
    """

    def __init__(self, data: bytes) -> None:
        magic, _, _, header, start, length, strings, _ = struct.unpack_from("<HBBIIIII", data)
        if magic != MAGIC:
            raise ValueError("no BTF magic number")
        self._strings = data[header + strings :]
        self.types = [Type(0, "void", 0, [])]
        position, end = header + start, header + start + length
        while position < end:
            name, info, size_or_type = struct.unpack_from("<III", data, position)
            kind, members = info >> 24 & 0x1F, info & 0xFFFF
            record = struct.Struct(f"<{WORDS.get(kind, 0)}I")
            count = 1 if kind in ONE else members if record.size else 0
            position += 12
            records = [record.unpack_from(data, position + i * record.size) for i in range(count)]
            position += count * record.size
            self.types.append(Type(kind, self.string(name), size_or_type, records))

    def string(self, offset: int) -> str:
        """The string that begins there in the string table."""
        return self._strings[offset : self._strings.index(b"\0", offset)].decode()

    def plain(self, number: int) -> Type:
        """The type behind a name given by typedef, const, volatile and their like."""
        type = self.types[number]
        while type.kind in ALIASES:
            type = self.types[type.size_or_type]
        return type

    def size(self, number: int) -> int:
        """The size in bytes of a value of this type."""
        type = self.plain(number)
        if type.kind == ARRAY:
            element, _, count = type.records[0]
            return count * self.size(element)
        return 8 if type.kind == PTR else type.size_or_type

    def maps(self) -> dict[str, dict[str, int]]:
        """What the section .maps declares: for each map its attributes.

        Result: for example {"counts": {"type": 2, "max_entries": 256, "key_size": 4, ...}}.
        """
        variables = [
            self.types[number]
            for section in self.types
            if section.kind == DATASEC and section.name == ".maps"
            for number, _, _ in section.records
        ]
        return {variable.name: self._attributes(variable) for variable in variables}

    def _attributes(self, variable: Type) -> dict[str, int]:
        # __uint(name, 5) is C for a pointer to an array of five ints, __type(key, T) for a
        # pointer to a T: a declaration is all that BTF can carry, so numbers travel as lengths.
        attributes = {}
        whole = self.plain(variable.size_or_type)
        for name, member, _ in whole.records if whole.kind == STRUCT else ():
            key, declared = self.string(name), self.plain(member)
            if key == "values":  # an array of maps or of programs: a value is one's descriptor
                attributes["value_size"] = 4
            elif declared.kind != PTR:
                continue
            elif key in ("key", "value"):
                attributes[f"{key}_size"] = self.size(declared.size_or_type)
            elif (numbers := self.plain(declared.size_or_type)).kind == ARRAY:
                attributes[key] = numbers.records[0][2]
        return attributes


def lines(data: bytes, types: Types) -> dict[str, dict[int, tuple[int, str]]]:
    """Which line of C each instruction comes from.

    Arguments: the content of the section .BTF.ext, and the object's types.
    Result: for each section, the byte offset of an instruction -> (line number, the C line);
    instructions between two entries belong to the first.
    Source: Documentation/bpf/btf.rst, line_info. Built in chapter 02.
    """
    magic, _, _, header, _, _, start, length = struct.unpack_from("<HBBIIIII", data)
    if magic != MAGIC:
        raise ValueError("no BTF magic number")
    by_section: dict[str, dict[int, tuple[int, str]]] = {}
    position, end = header + start + 4, header + start + length
    size = struct.unpack_from("<I", data, header + start)[0]
    while position < end:
        section, count = struct.unpack_from("<II", data, position)
        rows = by_section.setdefault(types.string(section), {})
        first, position = position + 8, position + 8 + count * size
        for at in range(first, position, size):
            offset, _, text, line_and_column = struct.unpack_from("<IIII", data, at)
            if line := line_and_column >> 10:  # 0: of no line in particular
                rows[offset] = (line, types.string(text).strip())
    return by_section
