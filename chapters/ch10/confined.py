"""What a process may do that holds exactly the capabilities it is given, found by trying.

Built in chapter 10, containers. The process is a child (confined_child.py): it gives up
everything else for good, tries each step, and says how that went.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys

from chapters.ch10.confined_child import MACHINE, ROAD
from helpers import loader, netlab, probes, toolchain
from helpers.errors import CourseError
from helpers.table import Table

# By number, from <linux/capability.h>: those of this chapter, and the others that Docker gives to
# every container.
NUMBERS = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_FSETID": 4, "CAP_KILL": 5,
    "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SETPCAP": 8, "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_CHROOT": 18, "CAP_SYS_ADMIN": 21,
    "CAP_MKNOD": 27, "CAP_AUDIT_WRITE": 29, "CAP_SETFCAP": 31, "CAP_PERFMON": 38, "CAP_BPF": 39,
}  # fmt: skip
BEYOND_DOCKER = {"CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_PERFMON", "CAP_BPF"}


class ConfinedError(CourseError):
    """The child could not be given what it was to hold, or did not answer."""


def mask(*names: str) -> int:
    """A set of capabilities as the kernel writes it: bit n for the one with number n.

    Errors: ConfinedError for a name that is not in NUMBERS.
    Source: capabilities(7). Built in chapter 10.
    """
    if unknown := set(names) - set(NUMBERS):
        raise ConfinedError(
            f"There is no {', '.join(sorted(map(str, unknown)))} among the names that the course "
            "knows: they begin with CAP_, as CAP_BPF does; chapters/ch10/confined.py lists them."
        )
    return sum(1 << NUMBERS[name] for name in set(names))


def held() -> int:
    """The capabilities of this process, which a child can be given. Source: proc(5)."""
    return probes.permitted()


def docker() -> int:
    """What Docker gives to a container started with --cap-add BPF."""
    return mask(*(set(NUMBERS) - BEYOND_DOCKER), "CAP_BPF")


def attempt(capabilities: int, net: netlab.Network) -> dict[str, str]:
    """Try each step of ROAD and MACHINE in a child with exactly these capabilities.

    Arguments: capabilities: a mask; net: a network; the child is handed two sockets of it, and
        a loaded sockex1.
    Result: how each step went: "works", a number of bytes, or the kernel's answer.
    Errors: ConfinedError for a capability that this process does not hold itself; CompileError,
        LoadError.
    Built in chapter 10.
    """
    if missing := capabilities & ~held():
        raise ConfinedError(
            f"This process does not hold {described(missing)} and cannot hand it on: "
            "try that as root."
        )
    target = toolchain.compile_bpf("sockex1_kern.c")
    with (
        loader.load(target) as loaded,
        net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw,
        net.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        program, counters = loaded.program("count_bytes"), loaded.map("bytes_by_protocol")
        handed = [raw.fileno(), udp.fileno(), program.fd, counters.fd]
        arguments = [str(capabilities), target, *map(str, handed)]
        child = subprocess.run(
            [sys.executable, "-m", "chapters.ch10.confined_child", *arguments],
            pass_fds=handed,
            capture_output=True,
            text=True,
        )
    if child.returncode:
        reason = (child.stderr.strip().splitlines() or ["it was killed"])[-1]
        raise ConfinedError(f"The confined child ended early ({reason}): run the cell again.")
    return json.loads(child.stdout)


def described(capabilities: int) -> str:
    """A mask in names, numbers for those without."""
    names = {number: name for name, number in NUMBERS.items()}
    numbers = [n for n in range(capabilities.bit_length()) if capabilities >> n & 1]
    return ", ".join(names.get(n, f"capability {n}") for n in numbers) or "none"


def road_table(sets: dict[str, int], net: netlab.Network) -> Table:
    """The road's steps tried with several sets of capabilities, one column each.

    Arguments: sets: masks by the column's head; net: as for attempt.
    Result: a Table for a notebook; a set that this process cannot hand on is marked, not guessed.
    Built in chapter 10.
    """
    return _table(
        "Which step of the road works with which capabilities, tried now", ROAD, sets, net
    )


def machine_table(sets: dict[str, int], net: netlab.Network) -> Table:
    """The same for steps that have nothing to do with BPF. Built in chapter 10."""
    return _table("What else they allow", MACHINE, sets, net)


def _table(caption: str, steps: dict, sets: dict[str, int], net: netlab.Network) -> Table:
    columns = [
        dict.fromkeys(steps, "not held here") if held_not(wanted) else attempt(wanted, net)
        for wanted in sets.values()
    ]
    rows = [(step, *(column[step] for column in columns)) for step in steps]
    return Table(caption, ("step", *sets), rows)


def held_not(capabilities: int) -> bool:
    """Whether this process lacks one of them."""
    return bool(capabilities & ~held())
