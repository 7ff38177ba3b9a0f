"""Capabilities: the parts of root's power that a thread holds, and how it gives them up.

The first stage of the road. Built in chapter 01, kernel_config, and chapter 10, containers. A set
of them is a mask, as the kernel has it: bit n stands for the capability with number n.
Source: capabilities(7).
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from helpers import uapi
from helpers.errors import CourseError, check
from helpers.uapi import _LINUX_CAPABILITY_VERSION_3 as CAPABILITY_VERSION_3

Result = TypeVar("Result")
PROC = Path("/proc")
# By name. CAP_BPF, as every kernel since 5.8 knows it, is number 39.
NUMBERS = {name: number for name, number in vars(uapi).items() if name.startswith("CAP_")}
# Those that BPF and packet sockets ask for.
RELEVANT = ("CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_PERFMON", "CAP_BPF")


class CapabilityError(CourseError):
    """There is no such capability, or this thread cannot hold what it is to hold."""


def mask(*names: str) -> int:
    """The set of the capabilities with these names.

    Errors: CapabilityError for a name that is not in NUMBERS. Built in chapter 10.
    """
    if unknown := set(names) - set(NUMBERS):
        raise CapabilityError(
            f"There is no {', '.join(sorted(map(str, unknown)))} among the names that the course "
            "knows: they begin with CAP_, as CAP_BPF does; helpers/uapi.py lists them."
        )
    return sum(1 << NUMBERS[name] for name in set(names))


def numbers(mask: int) -> list[int]:
    """The numbers of the capabilities in a set, the lowest first."""
    return [number for number in range(mask.bit_length()) if mask >> number & 1]


def in_words(mask: int) -> str:
    """A set in names; "none" if it is empty, a number for a capability newer than the course."""
    names = {number: name for name, number in NUMBERS.items()}
    return ", ".join(names.get(n, f"capability {n}") for n in numbers(mask)) or "none"


def permitted(proc: Path = PROC) -> int:
    """The set that this thread may use or hand on. Source: proc(5)."""
    return int(status(proc)["CapPrm"], 16)


def effective(proc: Path = PROC) -> int:
    """The set that the kernel looks at when this thread asks for something. Source: proc(5)."""
    return int(status(proc)["CapEff"], 16)


def ambient(proc: Path = PROC) -> int:
    """The set that this thread hands on to every program it starts. Source: proc(5)."""
    return int(status(proc)["CapAmb"], 16)


def status(proc: Path = PROC, which: str = "thread-self") -> dict[str, str]:
    """What the kernel tells about this thread, or with "self" the process's first, capabilities
    among it. Source: proc(5)."""
    lines = (proc / which / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def held(proc: Path = PROC) -> list[str]:
    """The names of those of RELEVANT that are in effect for this thread. Built in chapter 01."""
    here = effective(proc)
    return [name for name in RELEVANT if here >> NUMBERS[name] & 1]


def without_capabilities(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a thread that has given up every capability, and end that thread.

    Errors: what the function raises. First used in chapter 01.
    """
    return with_only((), function, *arguments)


def with_only(names: Iterable[str], function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a thread that holds no other capability than these, and end that thread.

    The rest of the process keeps its own: capabilities belong to a thread, and the kernel asks
    the thread that makes a call. What the function opens belongs to the process and stays.
    Errors: CapabilityError if this thread does not hold one of them itself, and what the function
        raises. First used in chapter 08.
    """
    # Here, since the process inside a private network, which starts in an instant, needs none.
    from concurrent.futures import ThreadPoolExecutor

    chosen = tuple(names)

    def run() -> Result:
        keep(chosen)
        return function(*arguments)

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def keep(names: Iterable[str]) -> None:
    """Have the calling thread give up every capability but those with these names, for good.

    Errors: CapabilityError if the thread does not hold one of them itself.
    """
    chosen = tuple(names)
    try:
        keep_only(mask(*chosen))
    except PermissionError as error:
        raise CapabilityError(
            f"This process does not hold {' and '.join(chosen)}, so it cannot keep it: "
            "./course doctor tells why, and what to do."
        ) from error


def keep_only(mask: int) -> None:
    """Have the calling thread give up every capability but those in the set, for good.

    It must not start another program afterwards: as root, that would get everything back.
    Errors: OSError (EPERM) if the thread does not hold one of them itself.
    Source: capset(2). Built in chapter 10.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # chapter 10: begin capset
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    failed = libc.capset(header, struct.pack("6I", low, low, 0, high, high, 0))
    # chapter 10: end capset
    check(failed)


def hand_on() -> None:
    """From now on, have every program that this thread starts hold what it holds itself.

    Errors: OSError. Source: capset(2); PR_CAP_AMBIENT in prctl(2).
    """
    libc, mask = ctypes.CDLL(None, use_errno=True), permitted()
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, struct.pack("6I", low, low, low, high, high, high)))
    for number in numbers(mask):
        check(libc.prctl(uapi.PR_CAP_AMBIENT, uapi.PR_CAP_AMBIENT_RAISE, number, 0, 0))
