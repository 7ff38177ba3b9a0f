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
from helpers import capabilities, loader, netlab, toolchain
from helpers.errors import CourseError
from helpers.table import Table

# What Docker gives to every container, by its documentation ("Runtime privilege").
DOCKERS = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT",
    "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
)  # fmt: skip


class ConfinedError(CourseError):
    """The child could not be given what it was to hold, or did not answer."""


def docker() -> int:
    """What Docker gives to a container started with --cap-add BPF."""
    return capabilities.mask(*DOCKERS, "CAP_BPF")


def attempt(mask: int, net: netlab.Network) -> dict[str, str]:
    """Try each step of ROAD and MACHINE in a child that holds a set of capabilities, no other.

    Arguments: mask: the set, as capabilities.mask makes it; net: a network; the child is handed
        two sockets of it, and a loaded sockex1.
    Result: how each step went: "works", a number of bytes, or the kernel's answer.
    Errors: ConfinedError for a capability that this process does not hold itself; CompileError,
        LoadError.
    Built in chapter 10.
    """
    if missing := mask & ~capabilities.permitted():
        raise ConfinedError(
            f"This process does not hold {capabilities.in_words(missing)} and cannot hand it on: "
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
        arguments = [str(mask), target, *map(str, handed)]
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


def road_table(sets: dict[str, int], net: netlab.Network) -> Table:
    """The road's steps tried with several sets of capabilities, one column each.

    Arguments: sets: masks by the column's head; net: a network, two sockets of which each child
        is handed.
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
        dict.fromkeys(steps, "not held here")
        if mask & ~capabilities.permitted()
        else attempt(mask, net)
        for mask in sets.values()
    ]
    rows = [(step, *(column[step] for column in columns)) for step in steps]
    return Table(caption, ("step", *sets), rows)
