"""What this kernel lets this process do, found by trying: each thing is made and given up at once.

The first stage of the road. Built in chapter 01, kernel_config.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from helpers import libbpf, syscall
from helpers.errors import CourseError
from helpers.table import Table

Result = TypeVar("Result")
NO_SUCH_COMMAND = 9999
CAPABILITY_VERSION_3 = 0x20080522  # <linux/capability.h>
# The bits that matter here, from <linux/capability.h>.
CAPABILITIES = {
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_ADMIN": 21,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}
# The shortest program there is: r0 = 0, exit.
RETURN_0 = bytes.fromhex("b700000000000000 9500000000000000")
WHOLE_MACHINE = ["0", "0", "4294967295"]


class ProbeError(CourseError):
    """BPF is refused here, or a thread cannot hold what it is to hold."""


@dataclass(frozen=True)
class Type:
    """A map type or program type that the course uses.

    number: as in <linux/bpf.h>; since: kernel version; needs: capabilities;
    sizes: for a map, bytes per key, bytes per value, and entries.
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
    Type("map", "array", 2, "3.19"),
    Type("map", "hash", 1, "3.19"),
    Type("map", "per-CPU array", 6, "4.6"),
    Type("map", "LRU hash", 9, "4.10"),
    Type("map", "ring buffer", 27, "5.8", sizes=(0, 0, 65536)),
    Type("program", "socket filter", 1, "3.19"),
    Type("program", "sched_cls (tc)", 3, "4.1", "CAP_BPF, CAP_NET_ADMIN"),
    Type("program", "XDP", 6, "4.8", "CAP_BPF, CAP_NET_ADMIN"),
    Type("program", "raw tracepoint", 17, "4.17", "CAP_BPF, CAP_PERFMON"),
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

    Result: as try_map. Errors: LibraryError. Source: bpf(2), BPF_PROG_LOAD. Built in chapter 01.
    """
    count = ctypes.c_size_t(len(RETURN_0) // 8)
    fd = libbpf.library().bpf_prog_load(number, None, b"GPL", RETURN_0, count, None)
    if fd < 0:
        return os.strerror(-fd)
    os.close(fd)
    return "works"


def in_words(type: Type) -> str:
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
    array_of_one = struct.pack("4I", 2, 4, 8, 1)
    fd = bpf(0, array_of_one)
    if fd >= 0:
        os.close(fd)
        return "works"
    if fd == -errno.ENOSYS:
        return "no system call"
    if fd != -errno.EPERM:
        return os.strerror(-fd)
    if (proc / "thread-self/uid_map").read_text().split() != WHOLE_MACHINE:
        return "user namespace"
    # A kernel of 5.19 or later tells anybody that there is no such command; a seccomp filter
    # does not look that far. An older kernel refuses both alike: then the filter is suspected.
    refused = bpf(NO_SUCH_COMMAND, bytes(16)) == -errno.EPERM
    return "seccomp" if refused and _status(proc)["Seccomp"] == "2" else "capability"


def require() -> None:
    """Go on if this thread may use BPF. Errors: ProbeError, which says who refuses."""
    answer = access()
    if answer != "works":
        raise ProbeError(f"BPF is refused here ({answer}): ./course doctor tells what to do.")


def capabilities(proc: Path = Path("/proc")) -> list[str]:
    """Those of CAPABILITIES that this thread has in effect.

    Source: capabilities(7), proc(5). Built in chapter 01.
    """
    effective = int(_status(proc)["CapEff"], 16)
    return [name for name, bit in CAPABILITIES.items() if effective >> bit & 1]


def permitted(proc: Path = Path("/proc")) -> int:
    """The capabilities that this thread may use or hand on: bit n for the one with number n.

    Source: capabilities(7), proc(5).
    """
    return int(_status(proc)["CapPrm"], 16)


def _status(proc: Path) -> dict[str, str]:
    lines = (proc / "thread-self/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def without_capabilities(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a thread that has given up every capability, and end that thread.

    Errors and source: as with_only. Laboratory equipment, first used in chapter 01.
    """
    return with_only((), function, *arguments)


def with_only(names: Iterable[str], function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a thread that holds no other capability than these, and end that thread.

    The rest of the process keeps its own: capabilities belong to a thread, and the kernel asks
    the thread that makes a call. What the function opens belongs to the process and stays.
    Arguments: names: keys of CAPABILITIES.
    Errors: as keep, and what the function raises.
    Source: capabilities(7). Laboratory equipment, first used in chapter 08.
    """
    kept = tuple(names)

    def run() -> Result:
        keep(kept)
        return function(*arguments)

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def keep(names: Sequence[str]) -> None:
    """As keep_only, by names: keys of CAPABILITIES.

    Errors: ProbeError if the thread does not hold one of them itself.
    """
    try:
        keep_only(sum(1 << CAPABILITIES[name] for name in names))
    except PermissionError as error:
        raise ProbeError(
            f"This process does not hold {' and '.join(names)}, so it cannot keep it: "
            "./course doctor tells why, and what to do."
        ) from error


def keep_only(mask: int) -> None:
    """Have the calling thread give up every capability but those in the mask, for good.

    It must not start another program afterwards: as root, that would get everything back.
    Arguments: mask: bit n stands for the capability with number n.
    Errors: OSError (EPERM) if the thread does not hold one of them itself.
    Source: capset(2), capabilities(7). Built in chapter 10.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # chapter 10: begin capset
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    failed = libc.capset(header, struct.pack("6I", low, low, 0, high, high, 0))
    # chapter 10: end capset
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
