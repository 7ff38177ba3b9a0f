"""A seccomp filter in front of one command: which system calls it may make.

Built in chapter 10, containers. `python -m chapters.ch10.seccomp FILTER COMMAND ...` is the child:
it puts the filter in front of itself and becomes the command; FILTER is its bytes in hex.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import subprocess
import sys
from collections.abc import Sequence

from helpers import uapi
from helpers.cbpf.instruction import ABS, JEQ, JMP, LD, RET, Instruction, K, W, encode
from helpers.errors import CourseError
from helpers.uapi import PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER

# What a filter may return.
ALLOW, ERRNO = uapi.SECCOMP_RET_ALLOW, uapi.SECCOMP_RET_ERRNO
KILL_PROCESS = uapi.SECCOMP_RET_KILL_PROCESS
ARCHITECTURES = {
    "x86_64": uapi.AUDIT_ARCH_X86_64,
    "i686": uapi.AUDIT_ARCH_I386,
    "aarch64": uapi.AUDIT_ARCH_AARCH64,
    "riscv64": uapi.AUDIT_ARCH_RISCV64,
}


class SeccompError(CourseError):
    """The kernel did not take the filter."""


def call(number: int, architecture: int, arguments: Sequence[int] = ()) -> bytes:
    """What a filter is shown of one system call, struct seccomp_data: 64 bytes, host byte order.

    Arguments: the call's number; one of ARCHITECTURES; up to six arguments.
    Source: seccomp(2). Built in chapter 10.
    """
    padded = [*arguments, *[0] * (6 - len(arguments))]
    # chapter 10: begin call
    return struct.pack("=iIQ6Q", number, architecture, 0, *padded)
    # chapter 10: end call


def refuse(number: int) -> bytes:
    """A filter that makes one system call fail with EPERM, and lets every other through.

    Arguments: number: the call's, on this machine's architecture, which it does not check.
    Source: seccomp(2). Built in chapter 10.
    """
    program = [
        Instruction(LD | W | ABS, k=0),
        Instruction(JMP | JEQ | K, jt=0, jf=1, k=number),
        Instruction(RET | K, k=ERRNO | errno.EPERM),
        Instruction(RET | K, k=ALLOW),
    ]
    return encode(program)


def install(code: bytes) -> None:
    """Put a filter in front of this process, for good; what it starts inherits it.

    Arguments: code: a classic BPF program, 8 bytes an instruction.
    Errors: SeccompError. Source: seccomp(2), prctl(2). Built in chapter 10.
    """
    # chapter 10: begin install
    libc = ctypes.CDLL(None, use_errno=True)
    memory = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(memory))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    failed = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)
    # chapter 10: end install
    if failed:
        raise SeccompError(explain(ctypes.get_errno()))


def explain(code: int) -> str:
    """One sentence for what the kernel answered. Source: seccomp(2)."""
    if code == errno.EINVAL:
        return (
            "The kernel does not take this as a filter: each load must be one of 32 bits at a "
            "multiple of 4 within the 64 bytes, each jump must stay inside, the last instruction "
            "must return."
        )
    return f"The filter could not be installed ({os.strerror(code)})."


def behind(code: bytes, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command behind a filter: the result has .returncode, .stdout and .stderr.

    Arguments: code: as for install; command: the program and its arguments.
    A filter that the kernel refuses ends the child: .stderr has SeccompError's sentence.
    Built in chapter 10.
    """
    child = [sys.executable, "-m", "chapters.ch10.seccomp", code.hex(), *command]
    return subprocess.run(child, capture_output=True, text=True)


def main(code: str, *command: str) -> None:
    try:
        install(bytes.fromhex(code))
    except SeccompError as error:
        sys.exit(f"course: {error}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
