"""One system call, and what is needed around it.

Built in chapter 06.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import re
import sys

from helpers.syscall.errors import SyscallError, explain
from helpers.syscall.forms import Command

# The number of the system call bpf(2), from <asm/unistd.h>.
NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361, "i686": 357}


def call_number() -> int:
    """The number of bpf(2) on this kind of processor.

    Errors: SyscallError on one that the course does not know. Built in chapter 06.
    """
    machine = platform.machine()
    if re.fullmatch("i[3-6]86", machine) or (machine == "x86_64" and sys.maxsize < 1 << 32):
        machine = "i686"  # a program of 32 bits has the numbers of such a kernel, on any
    if machine not in NUMBERS:
        raise SyscallError(
            f"The course does not know the number of bpf(2) on {machine}: add it to NUMBERS in "
            "helpers/syscall/call.py, from <asm/unistd.h>.",
            errno.ENOSYS,
        )
    return NUMBERS[machine]


def bpf(command: int, attributes: ctypes.Structure | ctypes.Array) -> int:
    """The system call bpf(2) itself, by the C library's syscall(2).

    Arguments:
        command: a member of Command, or any number.
        attributes: the form for that command; the kernel may write into it.
    Result: a file descriptor or 0, or the negative error number.
    Errors: SyscallError on a processor whose number of bpf(2) the course does not know.
    Source: bpf(2), syscall(2). Built in chapter 06.
    """
    number = call_number()
    # chapter 06: begin bpf
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.sizeof(attributes)
    result = libc.syscall(number, command, ctypes.byref(attributes), size)
    # chapter 06: end bpf
    return -ctypes.get_errno() if result < 0 else result


def ask(command: Command, attributes: ctypes.Structure) -> int:
    """The same, but a refusal becomes an exception. Errors: SyscallError with its number."""
    result = bpf(command, attributes)
    if result < 0:
        raise SyscallError(explain(command, -result), -result)
    return result


def copied(data: bytes) -> ctypes.Array:
    """Bytes in memory of their own, whose address can be handed to the kernel.

    Keep the result in a variable until the call is over: an address does not keep it alive.
    """
    return ctypes.create_string_buffer(data, max(len(data), 1))


def object_name(name: str) -> bytes:
    """The name of a map or program as the kernel takes it.

    Errors: SyscallError if it has over 15 characters, or others than A-Z, a-z, 0-9, _ and dot.
    """
    letters = name.replace("_", "").replace(".", "")
    if len(name) > 15 or not (letters.isascii() and (letters.isalnum() or not letters)):
        raise SyscallError(
            f"The kernel does not take the name {name!r}: use up to 15 letters, digits, _ or dots.",
            errno.EINVAL,
        )
    return name.encode()
