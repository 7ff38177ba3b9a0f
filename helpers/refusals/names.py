"""Names: what an object asks libbpf and the kernel for, and there is none of."""

from __future__ import annotations

import ctypes
import difflib
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from helpers import btf, complaints, kernel, libbpf
from helpers.refusals.case import Case, listed_in

KERNEL_TYPES = Path("/sys/kernel/btf")
# Sections that newer versions of libbpf know.
NEWER_SECTIONS = {"tcx": "1.3", "netkit": "1.3", "netfilter": "1.3", "uprobe.multi": "1.3"}
NEWER_SECTIONS |= {"kprobe.session": "1.5", "uprobe.session": "1.6"}
# Where libbpf looks for what a program is to be attached to: a name in the kernel's BTF.
TARGETS = {"fentry": "", "fexit": "", "fmod_ret": "", "tp_btf": "btf_trace_", "lsm": "bpf_lsm_"}
TARGETS |= {"iter": "bpf_iter_"}
FIELD_RELOCATIONS = {0, 1, 3, 4, 5}  # enum bpf_core_relo_kind: those that fail without the field
# What a misspelt section is compared with.
SECTIONS = ("socket", "tc", "classifier", "action", "xdp", "cgroup_skb/ingress", "kprobe/")
SECTIONS += ("kretprobe/", "tracepoint/", "raw_tp/", "tp_btf/", "fentry/", "fexit/", "perf_event")
SECTIONS += ("sockops", "sk_msg", "sk_lookup", "sk_skb", "lsm/", "syscall", "iter/")


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
    lines = "\n".join(i.source for p in case.object.programs.values() for i in p.instructions)
    if re.fullmatch("mem(cpy|move|set)", name) and not re.search(rf"\b{name}\s*\(", lines):
        return f"{case.file} {complaints.built_in(name)}."  # clang made it of something else
    if name in complaints.OF_THE_C_LIBRARY or name in complaints.BROUGHT_BY or "load_" in name:
        return f"{case.file} {complaints.undeclared_function(name)}."
    if name.startswith("__"):
        return f"{case.file} {complaints.built_in(name)}."
    return (
        f"{case.file} uses {name}, which is in no file: write it into this one, or check its name, "
        "since each object file for BPF is loaded alone."
    )


def odd_sections(case: Case) -> str | None:
    """Data where libbpf does not look for it."""
    if case.opened:
        return None
    names = [n for n in case.object.sections if re.match(r"\.rodata\.cst\d+$", n)]
    if names and not listed_in(case, names[0]) and ".rodata" not in case.object.sections:
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
