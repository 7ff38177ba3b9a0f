"""How often the reader of chapter 08 is right: the programs of tests/refused/, tried on a kernel.

Laboratory equipment; `inside` runs it in a virtual machine, tests/test_refusals.py on this one.
Above each program stands its true reason, by the key of a reason of the reader, as its author has
judged it from the program and the kernel's source:

    //= packet_end; 5.10 comparison; off guess

that is packet_end, on Linux 5.10 comparison, and on a kernel that was started with mitigations=off
guess. `from 6.4` says since when a kernel has what the program needs to be shown to the verifier.
"""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from chapters.ch08 import verifier
from helpers import kernel, objfile, toolchain
from helpers.toolchain import BUILD, COURSE
from tools import marked, privileges

SOURCES, OBJECTS = COURSE / "tests" / "refused", BUILD / "refused"
FILE, PAGE = SOURCES / "by_kernel.json", COURSE / "docs" / "refusals.md"
PROGRAM = re.compile(r'^//= (.+)\n(?:ASM\(|SEC\()"([^"]+)"(?:, |\) int )(\w+)', re.MULTILINE)
OPTIONS = ["-mcpu=v3", "-Wno-array-bounds"]
# Where the reader and the kernel's own report differ, and both are true: the address of a context's
# field is one that was moved, and one of the context, which this helper takes in no form.
BOTH_TRUE = {"habits.field_for_a_key", "first_sight.own_field_as_a_buffer"}
# What the loader holds, by the beginning of a program's section.
HOLDING = {"socket": ("CAP_BPF",), "cgroup_skb": ("CAP_BPF",)}
HOLDING |= dict.fromkeys(("tc", "xdp", "cgroup"), ("CAP_BPF", "CAP_NET_ADMIN"))
HOLDING |= {"raw_tp": ("CAP_BPF", "CAP_PERFMON")}
# The same for types of which there are but a few programs.
OTHERS = ("sk_skb", "sk_msg", "sk_lookup", "sk_reuseport", "sockops", "flow_dissector")
RARELY = dict.fromkeys((*OTHERS, "lwt_in", "lwt_out", "lwt_xmit"), HOLDING["tc"])
RARELY |= dict.fromkeys(("perf_event", "tp"), HOLDING["raw_tp"])


@dataclass(frozen=True)
class Program:
    """A program to be refused. family: its file's name, without .c. reasons: what follows //=."""

    family: str
    section: str
    name: str
    reasons: str

    @property
    def key(self) -> str:
        """Its true reason on the running kernel."""
        first, *others = self.reasons.split("; ")
        only = dict(other.split(" ", 1) for other in others)
        # Which the verifier heeds from Linux 6.6 on.
        off = kernel.version() >= (6, 6) and "mitigations=off" in Path("/proc/cmdline").read_text()
        version = ".".join(map(str, kernel.version()[:2]))
        return only.get(version) or (only.get("off") if off else None) or first

    @property
    def since(self) -> tuple[int, int]:
        """The oldest kernel that it can be shown to."""
        found = re.search(r"; from (\d+)\.(\d+)", self.reasons)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @property
    def holding(self) -> tuple[str, ...]:
        return holding(self.section)


def holding(section: str) -> tuple[str, ...]:
    """The capabilities to load a program of this section with."""
    return (HOLDING | RARELY)[section.split("/")[0]]


def programs(family: str = "*") -> Iterator[Program]:
    """Those of a family, or all."""
    for path in sorted(SOURCES.glob(f"{family}.c")):
        for reasons, section, name in PROGRAM.findall(path.read_text()):
            yield Program(path.stem, section, name, reasons)


def compile() -> None:
    """One object file for each family. Errors: CompileError."""
    for path in sorted(SOURCES.glob("*.c")):
        toolchain.compile_bpf(path, OBJECTS / f"{path.stem}.o", OPTIONS)


def judged(family: str = "*", step: int = 1) -> dict[str, list]:
    """What the reader makes of each program on the running kernel, or of each step-th of them.

    Result: lists of names under right, none (no reason is given), wrong (with the true key and the
    one that was read) and accepted (this kernel takes the program); report: those with a report of
    the kernel's own, same: where the reader says the same, other: where it says something else.
    Errors: CapabilityError if the process does not hold what the programs need.
    """
    found: dict[str, list] = {"right": [], "none": [], "wrong": [], "accepted": []}
    found |= {"report": [], "same": [], "other": []}
    objects: dict[str, objfile.ObjectFile] = {}
    for program in islice(programs(family), 0, None, step):
        if kernel.version()[:2] < program.since:
            continue
        name = f"{program.family}.{program.name}"
        if program.family not in objects:
            objects[program.family] = objfile.read(OBJECTS / f"{program.family}.o")
        with verifier.show(objects[program.family], program.holding, program.name) as verdict:
            refusal = verdict.refusal
            if refusal is None:
                found["accepted"].append(name)
                continue
            if not refusal.key:
                found["none"].append(name)
            elif refusal.key in program.key.split("|"):
                found["right"].append(name)
            else:
                found["wrong"].append([name, program.key, refusal.key])
            if refusal.report:
                found["report"].append(name)
                if refusal.key:
                    found["same" if verdict.agrees else "other"].append(name)
    return found


def keep(suite: str, found: dict, file: Path = FILE, page: Path = PAGE) -> None:
    """Put one kernel's findings in place of the older ones of its suite, and on the page.

    Errors: MarkError if the page has no place for them.
    """
    kernels = json.loads(file.read_text()) if file.exists() else []
    new = {"suite": suite, "release": found["release"], "version": found["version"]}
    new |= {"date": datetime.date.today().isoformat()}
    new |= {name: found[name] for name in ("none", "wrong", "accepted", "other")}
    new |= {name: len(found[name]) for name in ("right", "report", "same")}
    kernels = [each for each in kernels if each["suite"] != suite] + [new]
    kernels.sort(key=lambda kernel: kernel["version"])
    file.write_text(json.dumps(kernels, indent=1) + "\n")
    marked.put(page, "refusals", markdown(kernels))


def markdown(kernels: list[dict]) -> str:
    """The table by kernel."""
    head = ["kernel", "refused", "right", "no reason", "wrong", "accepted", "own report", "same"]
    rows = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    for each in kernels:
        none, wrong, accepted = (len(each[name]) for name in ("none", "wrong", "accepted"))
        refused = each["right"] + none + wrong
        right = f"{each['right']} ({each['right'] / refused:.0%})"
        name = ".".join(map(str, each["version"])) + ("" if each["suite"] else " (running)")
        cells = [name, refused, right, none, wrong, accepted, each["report"], each["same"]]
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    tried = ", ".join(f"{each['release']} on {each['date']}" for each in kernels)
    return "\n".join([*rows, "", f"Tried: {tried}."])


def report(step: int = 1) -> dict:
    """`judged` on the running kernel, for `inside`, as root."""
    privileges.raise_memory_limit()  # which counts before Linux 5.11
    about = {"release": os.uname().release, "version": kernel.version(), "step": step}
    return judged(step=step) | about
