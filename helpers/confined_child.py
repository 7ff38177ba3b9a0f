"""The child that helpers.confined starts: it gives up capabilities, tries each step, and says so.

Built in chapter 10, containers, which shows keep_only and one of the steps.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import socket
import struct
import sys
from collections.abc import Callable

from helpers import loader, probes, sockets
from helpers.errors import CourseError

CAPABILITY_VERSION_3 = 0x20080522
PROG_GET_NEXT_ID = 11
CLONE_NEWNS = 0x00020000
SYSLOG_ACTION_SIZE_BUFFER = 10
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
DATAGRAMS, SIZE = 10, 100
libc = ctypes.CDLL(None, use_errno=True)


def check(failed: int) -> str:
    """ "works", or an OSError for what a C function returned."""
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return "works"


def keep_only(mask: int) -> None:
    """Give up every capability of this thread but those in the mask, for good.

    Arguments: mask: bit n stands for the capability with number n; all must be held.
    Errors: OSError (EPERM) for one that is not held. The thread must not start another program
        afterwards: as root it would get everything back.
    Source: capset(2), capabilities(7). Built in chapter 10.
    """
    # chapter 10: begin capset
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    failed = libc.capset(header, struct.pack("6I", low, low, 0, high, high, 0))
    # chapter 10: end capset
    check(failed)


def whole_road(target: str, raw: socket.socket, udp: socket.socket) -> str:
    """sockex1 on a socket that was handed over: what it counts of known datagrams."""
    with loader.load(target) as loaded:
        program = loaded.program("count_bytes")
        raw.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, program.fd)
        raw.bind(("lo", sockets.ETH_P_ALL))
        udp.bind(("127.0.0.1", 0))
        for _ in range(DATAGRAMS):
            udp.sendto(bytes(SIZE), udp.getsockname())
        return f"{loaded.map('bytes_by_protocol').counter(socket.IPPROTO_UDP):,} bytes"


def packet_socket(*_: object) -> str:
    """A packet socket in the network that this process itself lives in."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
        return "works"


def list_programs(*_: object) -> str:
    """The first step of listing the kernel's programs: the id that follows 0."""
    answer = -probes.bpf(PROG_GET_NEXT_ID, bytes(16))
    return "works" if answer in (0, errno.ENOENT) else os.strerror(answer)


def change_mounts(*_: object) -> str:
    """A mount namespace of this process's own; nothing is mounted in it."""
    return check(libc.unshare(CLONE_NEWNS))


def read_memory(*_: object) -> str:
    """Open the memory of the process that started this one; not a byte of it is read."""
    os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY))
    return "works"


def set_interface(*_: object) -> str:
    """Give lo the flags that it has already."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        same = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, same)
    return "works"


def raise_priority(*_: object) -> str:
    """One step ahead of other processes; this child ends in an instant."""
    os.nice(-1)
    return "works"


# What is tried, each given the object file and two sockets of the private network. The road:
ROAD: dict[str, Callable[..., str]] = {
    "make a map": lambda *_: probes.try_map(2),
    "load a socket filter": lambda *_: probes.try_program(1),
    "count in the private network": whole_road,
    "open a packet socket here": packet_socket,
    "load an XDP program": lambda *_: probes.try_program(6),
    "load a tracing program": lambda *_: probes.try_program(17),
    "list the kernel's programs": list_programs,
}
# And what has nothing to do with BPF.
MACHINE: dict[str, Callable[..., str]] = {
    "change what is mounted": change_mounts,
    "read the memory of a mightier process": read_memory,
    "set up a network interface": set_interface,
    "run ahead of other processes": raise_priority,
}


def answer(trial: Callable[..., str], *given: object) -> str:
    """How one step went: its own word, or the kernel's."""
    try:
        return trial(*given)
    except OSError as error:
        return os.strerror(error.errno)
    except CourseError as error:
        return type(error).__name__


def main(mask: str, target: str, *handed: str) -> None:
    given = [socket.socket(fileno=int(fd)) for fd in handed]
    keep_only(int(mask))
    print(
        json.dumps(
            {step: answer(trial, target, *given) for step, trial in (ROAD | MACHINE).items()}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
