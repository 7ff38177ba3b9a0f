"""Why an object file was not loaded: what libbpf and the kernel refuse around the verifier.

Laboratory equipment, used from chapter 03 on. The kernel has few error numbers, and libbpf's words
change from version to version. So a cause is tried out where that can be done: a map that is
refused is made again with one thing changed, and what makes the kernel take it is the reason. What
remains is said to be unknown, with libbpf's last words.
"""

from __future__ import annotations

import ctypes
import difflib
import errno
import itertools
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from helpers import btf, complaints, features, kernel, libbpf, objfile, rights, syscall, uapi
from helpers.syscall.forms import MapCreate, ProgLoad

# What libbpf answers to a file that is none of its kind: errno's, and its own from 4000 on
# (LIBELF, FORMAT, ENDIAN, in bpf/libbpf.h).
NOT_AN_OBJECT = {errno.ENOEXEC, 4000, 4001, 4003}
FLAGS = {value: name for name, value in vars(uapi).items() if name.startswith("BPF_F_")}
BPF_FS, PINS = 0xCAFE4A11, Path("/sys/fs/bpf")  # BPF_FS_MAGIC of <linux/magic.h>
KERNEL_TYPES = Path("/sys/kernel/btf")
GPL = {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}
# Sections that newer versions of libbpf know.
NEWER_SECTIONS = {"tcx": "1.3", "netkit": "1.3", "netfilter": "1.3", "uprobe.multi": "1.3"}
NEWER_SECTIONS |= {"kprobe.session": "1.5", "uprobe.session": "1.6"}
# Where libbpf looks for what a program is to be attached to: a name in the kernel's BTF.
TARGETS = {"fentry": "", "fexit": "", "fmod_ret": "", "tp_btf": "btf_trace_", "lsm": "bpf_lsm_"}
TARGETS |= {"iter": "bpf_iter_"}
MOST_MEMORY = 1 << 26  # bytes, for a map that is made to find out
CALL_THROUGH_REGISTER = 0x8D
FIELD_RELOCATIONS = {0, 1, 3, 4, 5}  # enum bpf_core_relo_kind: those that fail without the field


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


def explain(code: int, path: Path, log: str, held: int | None = None) -> str:
    """One sentence for an object that was not loaded: the cause, and what helps.

    Arguments: code: the error number, errno's or libbpf's own; log: libbpf's messages; held: the
    capabilities with which it was tried, as a mask, where that was not this thread.
    """
    case = Case(abs(code), path, log, held, *asked(path))
    for cause in CAUSES:
        if said := cause(case):
            return said
    if case.verified:
        return (
            f"The kernel refused {path.name} ({libbpf.explain(code)}): the verifier's reason is "
            "near the end of the log, which this error keeps in .log (chapter 08 reads such logs)."
        )
    lines = [line.removeprefix("libbpf: ").strip() for line in log.strip().splitlines()]
    words = "; ".join(lines[-3:-1] or lines) or "it wrote nothing"
    return (
        f"{path.name} was not loaded ({libbpf.explain(code)}), and the course does not know why: "
        f"libbpf's last words are: {complaints.flat(words)}."
    )


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


# --- the file itself


def damaged(case: Case) -> str | None:
    if b"\0maps\0" in case.path.read_bytes():
        return (
            f"{case.file} defines its map the old way, in a section named maps, which libbpf 1.0 "
            "and later refuse: define it in .maps with __uint and __type (chapter 02)."
        )
    if case.object is None or case.code in NOT_AN_OBJECT:
        return (
            f"{case.file} is not a whole BPF object file: compile it again with "
            "toolchain.compile_bpf."
        )
    if ".maps" in case.object.sections and ".BTF" not in case.object.sections:
        return f"{case.file} has no BTF, which describes its map: compile it with clang -g."
    return None


def undefined(case: Case) -> str | None:
    """A function or variable that is in no file, which libbpf calls an extern."""
    outside = {
        symbol.name
        for symbol in case.object.symbols
        if symbol.name and not symbol.section and symbol.type != "STT_FILE"
    }
    declared = {name for section in (".ksyms", ".kconfig") for name in listed_in(case, section)}
    if case.opened or not outside - declared:
        return None
    name = min(outside - declared)
    if name in complaints.OF_THE_C_LIBRARY or name in complaints.BROUGHT_BY or "load_" in name:
        return f"{case.file} {complaints.undeclared_function(name)}."
    if name.startswith("__"):
        return f"{case.file} {complaints.built_in(name)}."
    return (
        f"{case.file} uses {name}, which is in no file: write it into this one, or check its name, "
        "since each object file for BPF is loaded alone."
    )


def listed_in(case: Case, section: str) -> list[str]:
    """The names that the object's BTF lists for a section."""
    types = case.types.types if case.types else []
    ids = [r[0] for t in types if t.kind == btf.DATASEC and t.name == section for r in t.records]
    return [types[number].name for number in ids]


def odd_sections(case: Case) -> str | None:
    """Data where libbpf does not look for it."""
    if case.opened:
        return None
    names = [n for n in case.object.sections if re.match(r"\.rodata\.cst\d+$", n)]
    if names and ".rodata" not in case.object.sections:
        return (
            f"clang has put a constant of {case.file} into {names[0]}, a section that this "
            "version of libbpf does not look into: declare the constant volatile as well."
        )
    fit = (".maps", ".data", ".rodata", ".bss", ".text", ".ksyms", ".kconfig", ".struct_ops")
    where = {symbol.name: symbol.section for symbol in case.object.symbols}
    for relocation in case.object.relocations:
        section = where.get(relocation.symbol) or relocation.symbol
        held = case.object.sections.get(section)
        if held and not held.executable and not section.startswith(fit):
            return (
                f"{case.file} keeps {relocation.symbol} in the section {section}, of which libbpf "
                f'makes no map: leave SEC("{section}") out, or write SEC(".data.{section}").'
            )
    return None


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


# What a value belongs to, by map type: SK_, INODE_, TASK_ and CGRP_STORAGE.
STORAGE = {24: "socket", 28: "inode", 29: "task", 32: "cgroup"}
MAPS_OF_MAPS = {12, 13}
MAP_ATTRIBUTES = ("type", "max_entries", "key", "value", "key_size", "value_size", "map_flags")
MAP_ATTRIBUTES += ("pinning", "values", "numa_node", "map_extra")

# --- what the kernel wants of this process


def permission(case: Case) -> str | None:
    if case.code != errno.EPERM or case.verified:
        return None
    tried = [(f"making the map {m}", rights.of_map(m.type)) for m in case.maps]
    tried += [
        (
            f"loading {rights.PROGRAMS.get(type, (f'a program of type {type}',))[0]}",
            rights.of_program(type),
        )
        for _, _, type in case.programs
    ]
    for doing, wanted in tried:
        if rights.lacking(wanted, case.held):
            return rights.refusal(doing, wanted, case.held)
    if refused := [m for m in case.maps if m.attempt() == errno.EPERM]:
        return rights.refusal(f"making the map {refused[0]}", rights.of_map(refused[0].type))
    doing, wanted = tried[-1] if case.programs else ("using BPF", (rights.BPF,))
    return rights.refusal(doing, wanted)


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


def too_new(case: Case) -> str | None:
    """What this kernel is too old for."""
    if case.code != errno.EINVAL or case.verified:
        return None
    uses = [("map", m.type) for m in case.maps] + [("flag", m.flags) for m in case.maps]
    return features.lacking(uses + [("program", type) for _, _, type in case.programs])


def refused_map(case: Case) -> str | None:
    """A map that the kernel does not make: with which change does it?"""
    if case.verified or not case.opened:
        return None
    codes = {case.code, errno.ENOMEM} if case.code == errno.E2BIG else {case.code}
    bad = next((m for m in case.maps if m.attempt() in codes), None)
    if bad is None:
        return None
    if bad.type in MAPS_OF_MAPS and not bad.of_maps:
        return (
            f"The map {bad} holds maps, and does not say of which form: add __array(values, ...)."
        )
    if bad.type in STORAGE and (
        bad.flags != uapi.BPF_F_NO_PREALLOC or bad.max_entries or bad.key_size != 4
    ):
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


# --- what the object wants of libbpf and of the kernel


def section(case: Case) -> str | None:
    """A section name that stands for no type of program."""
    for name, section, type in case.programs:
        if type:
            continue
        if section == ".text":
            return (
                f'{name} in {case.file} has no section: write SEC("socket") or another before it.'
            )
        library = libbpf.library()
        number = ctypes.c_int()
        known = [
            each
            for each in SECTIONS
            if not library.libbpf_prog_type_by_name(
                each.encode(), ctypes.byref(number), ctypes.byref(ctypes.c_int())
            )
        ]
        since = NEWER_SECTIONS.get(section.split("/")[0])
        if since:
            have = library.libbpf_version_string().decode().removeprefix("v")
            return (
                f'SEC("{section}") before {name} is known to libbpf from {since} on, and here is '
                f'{have}: take a section that it knows, such as SEC("tc"), or a newer libbpf.'
            )
        close = difflib.get_close_matches(section, known, 1, 0.75)
        return (
            f'SEC("{section}") before {name} in {case.file} stands for no program type that libbpf '
            f'knows: write SEC("{close[0] if close else "socket"}")'
            f"{', if that is meant' if close else ' for a socket filter'}."
        )
    return None


SECTIONS = (
    "socket",
    "tc",
    "classifier",
    "action",
    "xdp",
    "cgroup_skb/ingress",
    "cgroup_skb/egress",
)
SECTIONS += (
    "kprobe/",
    "kretprobe/",
    "tracepoint/",
    "tp/",
    "raw_tp/",
    "tp_btf/",
    "fentry/",
    "fexit/",
)
SECTIONS += ("perf_event", "sockops", "sk_msg", "sk_lookup", "sk_skb", "lsm/", "syscall", "iter/")


def attach_target(case: Case) -> str | None:
    """A function or tracepoint of the kernel that there is none of."""
    if case.verified or not case.opened:
        return None
    for name, section, _ in case.programs:
        type, _, target = section.partition("/")
        type = type.removesuffix(".s")
        if type == "freplace":
            return (
                f"{name} is to replace a function of another program, and nobody says of which: "
                "the course has no use for freplace, take another section."
            )
        if type in TARGETS and target and in_kernel(TARGETS[type] + target) is False:
            return (
                f'This kernel has nothing of the name {target} that SEC("{section}") before {name} '
                "could be attached to: check the name, it differs from kernel to kernel."
            )
    return None


def in_kernel(name: str) -> bool | None:
    """Whether the kernel or a module has a type or function of that name; None if it does not tell.

    Source: /sys/kernel/btf, Documentation/bpf/btf.rst: a name stands there between zeros.
    """
    if not (KERNEL_TYPES / "vmlinux").is_file():
        return None
    return any(f"\0{name}\0".encode() in path.read_bytes() for path in KERNEL_TYPES.iterdir())


def of_the_kernel(case: Case) -> str | None:
    """Externs that the kernel is to provide: functions, addresses, configuration."""
    if case.verified or not case.opened:
        return None
    if listed_in(case, ".ksyms") and not (KERNEL_TYPES / "vmlinux").is_file():
        return "This kernel has no BTF, in which libbpf looks for its functions: start another one."
    for name in listed_in(case, ".ksyms"):
        function = any(t.kind == btf.FUNC and t.name == name for t in case.types.types)
        if function and in_kernel(name) is False:
            return (
                f"This kernel has no function {name} for programs to call: check its name, or "
                "start a kernel that has it."
            )
        if not function and not in_symbols(name):
            return f"This kernel has no symbol {name}: check its name, or add __weak and ask for 0."
    config = {}
    if wanted := [n for n in listed_in(case, ".kconfig") if n.startswith("CONFIG_")]:
        try:
            config = kernel.config()
        except kernel.KernelError:
            return None
    for name in wanted:
        if config.value(name) in ("absent", "n"):
            return (
                f"This kernel's configuration does not set {name}: check its name, or add __weak, "
                "and it is 0."
            )
    return None


def in_symbols(name: str) -> bool:
    """Whether /proc/kallsyms has it. Source: proc(5)."""
    with Path("/proc/kallsyms").open() as lines:
        return any(line.split()[2] == name for line in lines)


def relocation(case: Case) -> str | None:
    """A field of one of the kernel's structs that this kernel's does not have (CO-RE)."""
    if "CO-RE" not in case.log or case.types is None or ".BTF.ext" not in case.object.sections:
        return None
    if not (KERNEL_TYPES / "vmlinux").is_file():
        return (
            "This kernel has no BTF, which tells where the fields of its structs lie: compile for "
            "it alone, or start another one."
        )
    for owner, field in fields(case.types, case.object.sections[".BTF.ext"].data):
        for name, what in ((owner, f"struct {owner}"), (field, f"field {field} in struct {owner}")):
            if in_kernel(name) is False:
                return (
                    f"This kernel has no {what}, which {case.file} reads: check its name, or ask "
                    "with bpf_core_field_exists() first."
                )
    return None


def fields(types: btf.Types, extension: bytes) -> Iterator[tuple[str, str]]:
    """The struct and the field of each CO-RE relocation. Source: linux/bpf.h, bpf_core_relo."""
    header = struct.unpack_from("<I", extension, 4)[0]
    if header < 32:  # no relocations
        return
    start, length = struct.unpack_from("<II", extension, 24)
    position, end = header + start + 4, header + start + length
    while position < end:
        count = struct.unpack_from("<I", extension, position + 4)[0]
        for at in range(position + 8, position + 8 + 16 * count, 16):
            _, number, access, kind = struct.unpack_from("<IIII", extension, at)
            places = types.string(access).split(":")
            if kind in FIELD_RELOCATIONS and len(places) > 1:
                owner = types.types[number]
                yield owner.name, types.string(owner.records[int(places[1])][0])
        position += 8 + 16 * count


# --- what shows in the instructions


def licence(case: Case) -> str | None:
    """A helper that the kernel lends to GPL programs only."""
    if not (case.verified and case.code == errno.EINVAL) or case.object.license in GPL:
        return None
    for name, _, type in case.programs:
        for i in case.object.linked(name):
            if i.calls_helper and for_gpl_only(i.imm, type):
                from helpers import asm

                has = (
                    f"its license is {case.object.license!r}"
                    if case.object.license
                    else "it has none"
                )
                return (
                    f"{name} calls {asm.helper_names().get(i.imm, i.imm)}, which the kernel "
                    f"lends to programs under the GPL only, and {has}: write "
                    'char LICENSE[] SEC("license") = "GPL"; below it.'
                )
    return None


def for_gpl_only(helper: int, type: int) -> bool:
    """Whether a call of that helper alone is another mistake to the kernel without the GPL."""
    code = struct.pack("<BBhi", 0x85, 0, 0, helper) + bytes.fromhex(
        "b700000000000000 9500000000000000"
    )
    insns, answers = ctypes.create_string_buffer(code, len(code)), []
    for text in (b"GPL", b"none"):
        licence = ctypes.create_string_buffer(text)
        form = ProgLoad(type, 3, ctypes.addressof(insns), ctypes.addressof(licence))
        fd = syscall.bpf(syscall.Command.PROG_LOAD, form)
        if fd >= 0:
            os.close(fd)
        answers.append(min(fd, 0))
    return answers[1] == -errno.EINVAL and answers[0] != -errno.EINVAL


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


def addresses(case: Case) -> str | None:
    """Data that holds addresses, which libbpf leaves 0."""
    if not case.verified or case.code != errno.EACCES:
        return None
    for name in case.object.sections:
        if re.match(r"\.rel\.(rodata|data)", name):
            return (
                f"{case.file} keeps addresses in {name[4:]}, such as those of strings, and libbpf "
                "fills none in, so the program finds numbers there: make them arrays of char (the "
                "verifier's reason is in .log)."
            )
    return None


def called_through_a_pointer(case: Case) -> str | None:
    if not case.verified or case.code != errno.EINVAL:
        return None
    for name, _, _ in case.programs:
        for i in case.object.program(name).instructions:
            if i.opcode == CALL_THROUGH_REGISTER:
                line = f", on line {i.line}" if i.line else ""
                return (
                    f"{name} calls a function by its address{line}, "
                    "for which BPF has no instruction: call one by its name, or inline it."
                )
    return None


CAUSES = (
    damaged, permission, undefined, odd_sections, map_declaration, pins, section, too_new,
    refused_map, attach_target, of_the_kernel, relocation, licence, called_through_a_pointer,
    map_elsewhere, addresses,
)  # fmt: skip
