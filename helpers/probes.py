"""What this kernel lets this process do, found by trying: each thing is made and given up at once.

The first stage of the road. Built in chapter 01, kernel_config.
"""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass
from pathlib import Path

from helpers import libbpf, syscall, uapi
from helpers.errors import CourseError
from helpers.rights import BPF, WHOLE_MACHINE, filtered, here, no_bpf, refusal
from helpers.syscall.forms import MapCreate
from helpers.table import Table

WITH_NET_ADMIN, WITH_PERFMON = "CAP_BPF, CAP_NET_ADMIN", "CAP_BPF, CAP_PERFMON"
# The shortest program there is: r0 = 0, exit.
RETURN_0 = bytes.fromhex("b700000000000000 9500000000000000")


class ProbeError(CourseError):
    """BPF is refused here."""


@dataclass(frozen=True)
class BpfType:
    """A map type or program type that the course uses.

    kind: "map" or "program"; number: as in <linux/bpf.h>; since: kernel version; needs:
    capabilities; sizes: for a map, bytes per key, bytes per value, and entries.
    """

    kind: str
    name: str
    number: int
    since: str
    needs: str = "CAP_BPF"
    sizes: tuple[int, int, int] = (4, 8, 1)

    def attempt(self) -> str:
        """Make one, and say how that went: "works", or the kernel's answer."""
        return try_map(self.number, *self.sizes) if self.kind == "map" else try_program(self.number)


TYPES = (
    BpfType("map", "array", uapi.BPF_MAP_TYPE_ARRAY, "3.19"),
    BpfType("map", "hash", uapi.BPF_MAP_TYPE_HASH, "3.19"),
    BpfType("map", "per-CPU array", uapi.BPF_MAP_TYPE_PERCPU_ARRAY, "4.6"),
    BpfType("map", "LRU hash", uapi.BPF_MAP_TYPE_LRU_HASH, "4.10"),
    BpfType("map", "ring buffer", uapi.BPF_MAP_TYPE_RINGBUF, "5.8", sizes=(0, 0, 65536)),
    BpfType("program", "socket filter", uapi.BPF_PROG_TYPE_SOCKET_FILTER, "3.19"),
    BpfType("program", "sched_cls (tc)", uapi.BPF_PROG_TYPE_SCHED_CLS, "4.1", WITH_NET_ADMIN),
    BpfType("program", "XDP", uapi.BPF_PROG_TYPE_XDP, "4.8", WITH_NET_ADMIN),
    BpfType("program", "raw tracepoint", uapi.BPF_PROG_TYPE_RAW_TRACEPOINT, "4.17", WITH_PERFMON),
)


def try_map(number: int, key_size: int = 4, value_size: int = 8, entries: int = 1) -> str:
    """Make a map of the type with this number, give it up, and say how it went.

    Arguments: sizes in bytes, as the map type wants them.
    Result: "works", or the kernel's answer: "Invalid argument" for a type or a size that it does
        not know, "Operation not permitted" for a process that may not.
    Errors: LibraryError. Source: bpf(2), BPF_MAP_CREATE. Built in chapter 01.
    """
    library = libbpf.library()
    # chapter 01: begin try
    fd = library.bpf_map_create(number, None, key_size, value_size, entries, None)
    if fd < 0:
        return os.strerror(-fd)
    os.close(fd)
    return "works"
    # chapter 01: end try


def try_program(number: int) -> str:
    """Load the shortest program as one of this type, give it up, and say how it went.

    Result: "works", or the kernel's answer, such as "Operation not permitted".
    Errors: LibraryError. Source: bpf(2), BPF_PROG_LOAD. Built in chapter 01.
    """
    count = ctypes.c_size_t(len(RETURN_0) // 8)
    fd = libbpf.library().bpf_prog_load(number, None, b"GPL", RETURN_0, count, None)
    if fd < 0:
        return os.strerror(-fd)
    os.close(fd)
    return "works"


def in_words(type: BpfType) -> str:
    """How an attempt went; of a type that the kernel does not know, which kernel does."""
    answer = type.attempt()
    unknown = answer == os.strerror(errno.EINVAL)
    return f"{answer}: it came with Linux {type.since}" if unknown else answer


def types_table() -> Table:
    """TYPES, each tried now, for a notebook. Errors: LibraryError. Built in chapter 01."""
    rows = [(f"{t.kind}: {t.name}", in_words(t), t.since, t.needs) for t in TYPES]
    head = ("type", "tried now", "since Linux", "needs")
    return Table("What the course uses, and what this kernel says to it", head, rows)


def bpf(command: int, attributes: bytes) -> int:
    """The system call bpf(2) itself, without libbpf; `attributes` as plain bytes.

    Result: a file descriptor or 0, or the negative error number. Errors: SyscallError.
    Source: bpf(2). Used in chapter 01, explained in chapter 06.
    """
    return syscall.bpf(command, ctypes.create_string_buffer(attributes, len(attributes)))


def access(proc: Path = Path("/proc")) -> str:
    """Whether this thread may use BPF, found by making one small array map.

    Result: "works"; "capability" (it lacks CAP_BPF); "user namespace" (it lives in one, where
        no capability counts for BPF); "seccomp" (a filter, such as a container's, refuses the
        call); "no system call"; or the kernel's answer.
    Errors: SyscallError.
    Source: bpf(2), seccomp(2), user_namespaces(7). Built in chapter 01.
    """
    array_of_one = MapCreate(uapi.BPF_MAP_TYPE_ARRAY, key_size=4, value_size=8, max_entries=1)
    fd = syscall.bpf(syscall.Command.MAP_CREATE, array_of_one)
    if fd >= 0:
        os.close(fd)
        return "works"
    if fd == -errno.ENOSYS:
        return "no system call"
    if fd != -errno.EPERM:
        return os.strerror(-fd)
    if (proc / "thread-self/uid_map").read_text().split() != WHOLE_MACHINE:
        return "user namespace"
    return "seccomp" if filtered(proc) else "capability"


def require() -> None:
    """Go on if this thread may use BPF. Errors: ProbeError, which says who refuses."""
    answer = access()
    if answer == "capability":
        raise ProbeError(refusal("using BPF", here((BPF,))))
    if answer == "no system call":
        raise ProbeError(no_bpf())
    if answer != "works":
        raise ProbeError(f"BPF is refused here ({answer}): ./course doctor tells what to do.")
