"""Maps: declared, pinned, and made; the kernel is asked again with one thing changed."""

from __future__ import annotations

import ctypes
import difflib
import errno
import itertools
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from helpers import btf, complaints, libbpf, uapi
from helpers.refusals.case import Case, Map, listed_in

FLAGS = {value: name for name, value in vars(uapi).items() if name.startswith("BPF_F_")}
BPF_FS = 0xCAFE4A11  # BPF_FS_MAGIC of <linux/magic.h>
# What a value belongs to, by map type: SK_, INODE_, TASK_ and CGRP_STORAGE.
STORAGE = {24: "socket", 28: "inode", 29: "task", 32: "cgroup"}
MAPS_OF_MAPS = {12, 13}
MAP_ATTRIBUTES = ("type", "max_entries", "key", "value", "key_size", "value_size", "map_flags")
MAP_ATTRIBUTES += ("pinning", "values", "numa_node", "map_extra")


def map_declaration(case: Case) -> str | None:
    """A declaration in .maps that libbpf cannot read; it names the map."""
    found = re.search(r"map '(\w+)': (.+)", case.log)
    if case.opened or not found:
        return None
    name, words = found[1], found[2]
    if attribute := re.search(r"unknown field '(\w+)'", words):
        close = difflib.get_close_matches(attribute[1], MAP_ATTRIBUTES, 1)
        known = (
            f"write {close[0]}, if that is meant"
            if close
            else f"it knows {', '.join(MAP_ATTRIBUTES)}"
        )
        return (
            f"The map {name} has an attribute {attribute[1]}, which libbpf does not know: {known}."
        )
    if "type isn't specified" in words or "map type" in words:
        return f"The map {name} has no type: add __uint(type, BPF_MAP_TYPE_ARRAY) or another."
    if attribute := re.search(r"attr '(\w+)': expected \w+", words):
        form = (
            "__type({0}, a type)" if attribute[1] in ("key", "value") else "__uint({0}, a number)"
        )
        return (
            f"The map {name} has the attribute {attribute[1]} in a form that libbpf does not read: "
            f"write {form.format(attribute[1])}."
        )
    if "linkage static" in words:
        return f"The map {name} is static, and libbpf does not see it: leave static out."
    return (
        f"libbpf cannot read the declaration of the map {name} (it says: "
        f"{complaints.flat(words)}): declare it as a struct of __uint and __type in "
        'SEC(".maps"), as chapter 02 does.'
    )


def pins(case: Case) -> str | None:
    """A map that wants a name in a BPF file system."""
    if case.verified or not (pinned := [m for m in case.maps if m.pin]):
        return None
    first = pinned[0]
    leave = "leave __uint(pinning, LIBBPF_PIN_BY_NAME) out, chapter 12 pins by hand"
    if not is_bpf_fs(Path(first.pin).parent):
        return (
            f"The map {first.name} asks to be pinned as {first.pin}, and no BPF file system is "
            f"mounted there: {leave}."
        )
    if Path(first.pin).exists():
        return (
            f"The map {first.name} asks to be pinned as {first.pin}, where another map is pinned "
            f"that it cannot take over ({os.strerror(case.code)}): {leave}, or remove that name."
        )
    if not os.access(Path(first.pin).parent, os.W_OK):
        return (
            f"The map {first.name} asks to be pinned as {first.pin}, and this process may not "
            f"write there: {leave}."
        )
    return None


def is_bpf_fs(folder: Path) -> bool:
    """Whether a folder lies in a BPF file system. Source: statfs(2)."""
    answer = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None).statfs(os.fsencode(folder), answer):
        return False
    return struct.unpack_from("l", answer)[0] & 0xFFFFFFFF == BPF_FS


def refused_map(case: Case) -> str | None:
    """A map that the kernel does not make: with which change does it?"""
    if case.verified or not case.opened:
        return None
    codes = {case.code, errno.ENOMEM} if case.code == errno.E2BIG else {case.code}
    bad = next((m for m in case.maps if not is_storage(m) and m.attempt() in codes), None)
    if bad is None:
        return None
    if bad.type in MAPS_OF_MAPS and not bad.of_maps:
        return (
            f"The map {bad} holds maps, and does not say of which form: add __array(values, ...)."
        )
    if bad.type in STORAGE:
        return (
            f"The map {bad} keeps a value with each {STORAGE[bad.type]}: give it keys of the type "
            "int, the flag BPF_F_NO_PREALLOC, and no max_entries."
        )
    changes = list(mends(bad))
    for count in (1, 2, 3):
        for chosen in itertools.combinations(changes, count):
            fields = {name: value for change, _ in chosen for name, value in change.items()}
            if not replace(bad, **fields).attempt():
                return f"The map {bad} {', and '.join(words for _, words in chosen)}."
    return (
        f"The kernel refuses the map {bad} as it is declared ({libbpf.explain(case.code)}), and "
        "the course does not know why: Documentation/bpf/ in the kernel tree says what a map of "
        "this type wants."
    )


def is_storage(m: Map) -> bool:
    """Whether a map of STORAGE is declared as such; an attempt, without types, fails anyway."""
    declared = m.type in STORAGE, m.flags, m.max_entries, m.key_size
    return declared == (True, uapi.BPF_F_NO_PREALLOC, 0, 4)


def mends(m: Map) -> Iterator[tuple[dict[str, int], str]]:
    """Single changes to a map, each with what it says about the map if that was the fault."""
    if not m.max_entries:
        yield {"max_entries": 1}, "has no entries: add __uint(max_entries, N)"
        yield {"max_entries": 1 << 16}, "has no size: add __uint(max_entries, 65536), in bytes"
    for what, size in (("key", m.key_size), ("value", m.value_size)):
        field = f"{what}_size"
        if not size:
            for other in (4, 8):
                yield {field: other}, f"has no {what}: add __type({what}, a type of C)"
            continue
        if size > 8:
            yield (
                {field: 8},
                f"has {what}s of {size:,} bytes, too long for a map of this type: make them "
                "shorter",
            )
        if size != 4:
            yield (
                {field: 4},
                f"has {what}s of {size} bytes, and in a map of this type they have 4: write "
                f"__type({what}, __u32)",
            )
        yield {field: 0}, f"takes no {what}: leave __type({what}, ...) out"
    if m.key_size < 5:
        yield (
            {"key_size": 8},
            "has keys without room for a prefix: begin the key with a __u32 of that many bits",
        )
    for value, name in FLAGS.items():
        if m.flags & value:
            yield {"flags": m.flags & ~value}, f"does not take the flag {name}: leave that out"
    if not m.flags & uapi.BPF_F_NO_PREALLOC:
        yield (
            {"flags": m.flags | uapi.BPF_F_NO_PREALLOC},
            "wants a flag: add __uint(map_flags, BPF_F_NO_PREALLOC)",
        )
    if m.max_entries > 1:
        yield (
            {"max_entries": 1},
            f"asks for {m.max_entries:,} entries of {m.key_size + m.value_size:,} bytes, more than "
            "this kernel gives: ask for fewer",
        )
        yield {"max_entries": 0}, "takes no entries: leave max_entries out"
    if m.value_size % 8:
        yield {"value_size": 8}, "has values whose size is no multiple of 8 bytes: take __u64"


def map_elsewhere(case: Case) -> str | None:
    """A map's declaration without its section."""
    if not case.verified or case.types is None:
        return None
    for name in [n for section in (".bss", ".data") for n in listed_in(case, section)]:
        variable = next(t for t in case.types.types if t.kind == btf.VAR and t.name == name)
        declared = case.types.types[variable.size_or_type]
        if declared.kind != btf.STRUCT:
            continue
        members = {case.types.string(record[0]) for record in declared.records}
        if "type" in members and members <= {*MAP_ATTRIBUTES}:
            return f'{name} is declared as a map, outside of .maps: write SEC(".maps") behind it.'
    return None
