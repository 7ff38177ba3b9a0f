"""The child that `confined` starts: it gives up capabilities, tries each step, and says so.

Built in chapter 10, containers.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

from helpers import capabilities, loader, probes, uapi
from helpers.errors import CourseError, check
from helpers.syscall import Command

DATAGRAMS, SIZE = 10, 100
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Handed:
    """What the child is given: an object file, and descriptors of things that others have made.

    raw, udp: sockets of the private network; program, counters: sockex1's, loaded already.
    """

    target: str
    raw: socket.socket
    udp: socket.socket
    program: int
    counters: int


def whole_road(given: Handed) -> str:
    """sockex1 loaded by this process, on a socket that it was handed: what is counted."""
    with loader.load(given.target) as loaded:
        program = loaded.program("count_bytes")
        given.raw.setsockopt(socket.SOL_SOCKET, uapi.SO_ATTACH_BPF, program.fd)
        given.raw.bind(("lo", uapi.ETH_P_ALL))
        given.udp.bind(("127.0.0.1", 0))
        for _ in range(DATAGRAMS):
            given.udp.sendto(bytes(SIZE), given.udp.getsockname())
        return f"{loaded.map('bytes_by_protocol').counter(socket.IPPROTO_UDP):,} bytes"


def attach_program(given: Handed) -> str:
    """A program that somebody else has loaded, on a socket of this process's own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setsockopt(socket.SOL_SOCKET, uapi.SO_ATTACH_BPF, given.program)
    return "works"


def read_counters(given: Handed) -> str:
    """A map that somebody else has made, read as memory."""
    with mmap.mmap(given.counters, 256 * 8, mmap.MAP_SHARED, mmap.PROT_READ):
        return "works"


def packet_socket(_: Handed) -> str:
    """A packet socket in the network that this process itself lives in."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
        return "works"


def list_programs(_: Handed) -> str:
    """The first step of listing the kernel's programs: the id that follows 0."""
    answer = -probes.bpf(Command.PROG_GET_NEXT_ID, bytes(16))
    return "works" if answer in (0, errno.ENOENT) else os.strerror(answer)


def change_mounts(_: Handed) -> str:
    """A mount namespace of this process's own; nothing is mounted in it."""
    check(libc.unshare(uapi.CLONE_NEWNS))
    return "works"


def read_memory(_: Handed) -> str:
    """Open the memory of the process that started this one; not a byte of it is read."""
    os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY))
    return "works"


def set_interface(_: Handed) -> str:
    """Give lo the flags that it has already."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        same = fcntl.ioctl(any_socket, uapi.SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        fcntl.ioctl(any_socket, uapi.SIOCSIFFLAGS, same)
    return "works"


def raise_priority(_: Handed) -> str:
    """One step ahead of other processes; this child ends in an instant."""
    os.nice(-1)
    return "works"


# What is tried. The road, and what comes after it:
ROAD: dict[str, Callable[[Handed], str]] = {
    "make a map": lambda _: probes.try_map(uapi.BPF_MAP_TYPE_ARRAY),
    "load a socket filter": lambda _: probes.try_program(uapi.BPF_PROG_TYPE_SOCKET_FILTER),
    "count in the private network": whole_road,
    "attach a program it was handed": attach_program,
    "read a map it was handed": read_counters,
    "open a packet socket here": packet_socket,
    "load an XDP program": lambda _: probes.try_program(uapi.BPF_PROG_TYPE_XDP),
    "load a tracing program": lambda _: probes.try_program(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT),
    "list the kernel's programs": list_programs,
}
# And what has nothing to do with BPF.
MACHINE: dict[str, Callable[[Handed], str]] = {
    "change what is mounted": change_mounts,
    "read the memory of its parent": read_memory,
    "set up a network interface": set_interface,
    "run ahead of other processes": raise_priority,
}


def answer(trial: Callable[[Handed], str], given: Handed) -> str:
    """How one step went: its own word, or the kernel's."""
    try:
        return trial(given)
    except OSError as error:
        return os.strerror(error.errno)
    except CourseError as error:
        return type(error).__name__


def main(mask: str, target: str, *descriptors: str) -> None:
    raw, udp, program, counters = map(int, descriptors)
    given = Handed(target, socket.socket(fileno=raw), socket.socket(fileno=udp), program, counters)
    capabilities.keep_only(int(mask))
    tried = {step: answer(trial, given) for step, trial in (ROAD | MACHINE).items()}
    print(json.dumps(tried))


if __name__ == "__main__":
    main(*sys.argv[1:])
