"""Fields of structs: of a map's values those that only the kernel may touch, and a context's.

Laboratory equipment, first used in chapter 08, the_verifier. The object's BTF has them.
Source: Documentation/bpf/map_array.rst; btf_parse_fields() in the kernel tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from helpers import btf
from helpers.objfile import ObjectFile

LOCK, TIMER = "bpf_spin_lock", "bpf_timer"


@dataclass(frozen=True)
class Field:
    """type: the name of its struct. offset, size: in bytes, from the value's beginning."""

    type: str
    offset: int
    size: int


def fields(object_file: ObjectFile) -> Mapping[str, tuple[Field, ...]]:
    """Those of each map whose value is a struct, by the map's name. Others are not in it."""
    if ".BTF" not in object_file.sections:
        return {}
    types = btf.Types(object_file.sections[".BTF"].data)
    found = {}
    for section in types.types:
        if section.kind != btf.DATASEC or section.name != ".maps":
            continue
        for number, _, _ in section.records:
            variable = types.types[number]
            for name, member, _ in types.plain(variable.size_or_type).records:
                pointer = types.plain(member)
                if types.string(name) == "value" and pointer.kind == btf.PTR:
                    found[variable.name] = tuple(_of(types, pointer.size_or_type, 0))
    return found


def members(object_file: ObjectFile) -> Mapping[str, tuple[Field, ...]]:
    """The fields of each struct in the object's BTF, by the struct's name; `type` is then the name
    of the field."""
    if ".BTF" not in object_file.sections:
        return {}
    types = btf.Types(object_file.sections[".BTF"].data)
    structs = (each for each in types.types if each.kind == btf.STRUCT and each.name)
    return {each.name: tuple(_members(types, each, 0)) for each in structs}


def _members(types: btf.Types, struct: btf.Type, offset: int) -> Iterator[Field]:
    """Those of a struct or a union that begins there, and of those without a name in it."""
    for name, member, bits in struct.records:
        at, inner = offset + (bits & 0xFFFFFF) // 8, types.plain(member)
        if types.string(name):
            yield Field(types.string(name), at, types.size(member))
        elif inner.kind in (btf.STRUCT, btf.UNION):
            yield from _members(types, inner, at)


def _of(types: btf.Types, number: int, offset: int) -> Iterator[Field]:
    """Those of a type that begins at this offset, also within its structs."""
    value = types.plain(number)
    if value.kind != btf.STRUCT:
        return
    if value.name in (LOCK, TIMER):
        yield Field(value.name, offset, value.size_or_type)
        return
    for _, member, bits in value.records:
        yield from _of(types, member, offset + bits // 8)
