"""Why an object file was not loaded: what libbpf and the kernel refuse around the verifier.

Laboratory equipment, used from chapter 03 on. The kernel has few error numbers, and libbpf's words
change from version to version. So a cause is tried out where that can be done: a map that is
refused is made again with one thing changed, and what makes the kernel take it is the reason. What
remains is said to be unknown, with libbpf's last words.
"""

from __future__ import annotations

import errno
from pathlib import Path

from helpers import complaints, features, libbpf, objfile, probes, rights
from helpers.refusals.case import Case, asked
from helpers.refusals.code import addresses, called_through_a_pointer, licence
from helpers.refusals.maps import map_declaration, map_elsewhere, pins, refused_map
from helpers.refusals.names import (
    attach_target,
    odd_sections,
    of_the_kernel,
    relocation,
    section,
    undefined,
)

# What libbpf answers to a file that is none of its kind: errno's, and its own from 4000 on
# (LIBELF, FORMAT, ENDIAN, in bpf/libbpf.h).
NOT_AN_OBJECT = {errno.ENOEXEC, 4000, 4001, 4003}


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


def damaged(case: Case) -> str | None:
    if b"\0maps\0" in case.path.read_bytes():
        return (
            f"{case.file} defines its map the old way, in a section named maps, which libbpf 1.0 "
            "and later refuse: define it in .maps with __uint and __type (chapter 02)."
        )
    if case.object is None or case.code in NOT_AN_OBJECT:
        if case.path.read_bytes()[4:6] == b"\x02\x02":  # 64 bits, the most significant byte first
            return objfile.BIG_ENDIAN.format(name=case.file)
        return (
            f"{case.file} is not a whole BPF object file: compile it again with "
            "toolchain.compile_bpf."
        )
    if ".maps" in case.object.sections and ".BTF" not in case.object.sections:
        return f"{case.file} has no BTF, which describes its map: compile it with clang -g."
    return None


def no_call(case: Case) -> str | None:
    absent = case.code == errno.ENOSYS and not case.verified
    return rights.no_bpf() if absent and probes.access() == "no system call" else None


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


def too_new(case: Case) -> str | None:
    """What this kernel is too old for."""
    if case.code != errno.EINVAL or case.verified:
        return None
    uses = [("map", m.type) for m in case.maps] + [("flag", m.flags) for m in case.maps]
    return features.lacking(uses + [("program", type) for _, _, type in case.programs])


CAUSES = (
    damaged, no_call, permission, undefined, odd_sections, map_declaration, pins, section, too_new,
    refused_map, attach_target, of_the_kernel, relocation, licence, called_through_a_pointer,
    map_elsewhere, addresses,
)  # fmt: skip
