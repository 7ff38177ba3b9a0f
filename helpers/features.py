"""What the course takes from the kernel: since which version, and whether this kernel has it.

Laboratory equipment, first used in chapter 01. Each feature is tried, as in helpers/probes.py: a
version number says little about a kernel that a distributor has changed.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from helpers import capabilities, probes, rights, uapi
from helpers.syscall import (
    ARRAY,
    MMAPABLE,
    SyscallError,
    create_map,
    load_program,
    test_run,
)

WORKS, UNKNOWN = "works", "Invalid argument"
KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")
# r0 = (s8)r0, a sign extension, before the end: clang writes it with -mcpu=v4.
SIGN_EXTENSION = bytes.fromhex("b700000000000000 bf00080000000000 9500000000000000")
# if w0 == 0 goto +0: a jump that looks at the lower half of a register, -mcpu=v3.
HALF_REGISTER_JUMP = bytes.fromhex("b700000000000000 1600000000000000 9500000000000000")


@dataclass(frozen=True)
class Feature:
    """Something that a kernel has or has not.

    name: as in a sentence; since: the version of Linux that brought it; attempt: tries it, and
    returns "works" or the kernel's answer; kind and number: of what the object file names.
    """

    name: str
    since: str
    attempt: Callable[[], str]
    kind: str = ""
    number: int = -1


def tried(use: Callable[[], object]) -> str:
    """What the kernel says to something: "works", or the text of its error number."""
    try:
        use()
    except SyscallError as error:
        return os.strerror(error.number)
    return WORKS


def try_mmapable() -> str:
    """Make an array of one that can be read as memory."""
    return tried(lambda: create_map(ARRAY, 4, 8, 1, MMAPABLE).close())


def try_instructions(code: bytes) -> str:
    """Load a program of these instructions as a socket filter."""
    return tried(lambda: load_program(code).close())


def try_batch() -> str:
    """Look up in one call every value of an array of one."""

    def read() -> None:
        with create_map(ARRAY, 4, 8, 1) as array:
            array.batch()

    return tried(read)


def try_test_run() -> str:
    """Run the shortest program on a frame of 64 zeros, without a network."""

    def run() -> None:
        with load_program(probes.RETURN_0) as program:
            test_run(program, bytes(64))

    return tried(run)


def try_capability() -> str:
    """Whether the kernel knows CAP_BPF."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return WORKS if last >= uapi.CAP_BPF else UNKNOWN


def try_without_memlock() -> str:
    """Make a map while this process may lock no memory at all."""
    allowed = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, allowed[1]))
    try:
        return tried(lambda: create_map(ARRAY, 4, 8, 1).close())
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, allowed)


def try_unknown_command() -> str:
    """Whether the kernel tells a process without any capability that there is no such command."""
    unknown = rights.NO_SUCH_COMMAND, bytes(16)
    answer = capabilities.without_capabilities(probes.bpf, *unknown)
    return WORKS if os.strerror(-answer) == UNKNOWN else os.strerror(-answer)


def try_btf() -> str:
    return WORKS if KERNEL_TYPES.exists() else "no such file"


def try_reasons() -> str:
    """Whether the kernel's own types have the reasons why a packet is dropped."""
    if not KERNEL_TYPES.exists():
        return "no such file"
    return WORKS if b"\0skb_drop_reason\0" in KERNEL_TYPES.read_bytes() else "no such type"


FEATURES = (
    *(Feature(f"{t.name} {t.kind}s", t.since, t.attempt, t.kind, t.number) for t in probes.TYPES),
    Feature("arrays read as memory (BPF_F_MMAPABLE)", "5.5", try_mmapable, "flag", MMAPABLE),
    Feature("maps read in one call (batch lookup)", "5.6", try_batch),
    Feature("programs run on a packet of ours (TEST_RUN)", "4.12", try_test_run),
    Feature("instructions of -mcpu=v3", "5.1", lambda: try_instructions(HALF_REGISTER_JUMP)),
    Feature("instructions of -mcpu=v4", "6.6", lambda: try_instructions(SIGN_EXTENSION)),
    Feature("CAP_BPF", "5.8", try_capability),
    Feature("memory for BPF beyond RLIMIT_MEMLOCK", "5.11", try_without_memlock),
    Feature("an answer to unknown bpf(2) commands, for anybody", "5.19", try_unknown_command),
    Feature("the kernel's own BTF", "5.2", try_btf),
    Feature("reasons why a packet was dropped", "5.17", try_reasons),
)


def lacking(uses: Iterable[tuple[str, int]]) -> str | None:
    """Why this kernel refuses an object as invalid, if it is too old for it; else None.

    Arguments: what the object uses, ("map", 27), ("program", 1) or ("flag", 1024).
    Result: one sentence that names what is lacking and the kernel that has it.
    """
    wanted = set(uses)
    for feature in FEATURES:
        if (feature.kind, feature.number) in wanted and feature.attempt() == UNKNOWN:
            return sentence(feature)
    return None


def sentence(feature: Feature) -> str:
    """What a kernel without the feature is missing, and which has it."""
    return (
        f"This kernel ({os.uname().release}) does not know {feature.name}: that came with Linux "
        f"{feature.since}, so start a kernel of that version or later."
    )
