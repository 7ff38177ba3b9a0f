"""Three ways in which a process is not allowed to use BPF, for the tests to start one."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Callable

from helpers.syscall.call import NUMBERS

PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE_WITH_EPERM = 0x7FFF0000, 0x00050001


def ordinary_user() -> list[str]:
    """What to write before a command so that an ordinary user runs it.

    From root that user may still read every file, wherever the course and its Python are.
    """
    if os.geteuid():
        return ["setpriv", "--ambient-caps=-all", "--inh-caps=-all"]
    read_all = "-all,+dac_read_search"
    user = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    return ["setpriv", *user, f"--inh-caps={read_all}", f"--ambient-caps={read_all}"]


def without_bpf() -> list[str]:
    """The same, for one who keeps the user and loses the two capabilities that open bpf(2)."""
    if os.geteuid():
        return ordinary_user()
    return ["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"]


def no_bpf_call() -> Callable[[], None]:
    """A preexec_fn after which bpf(2) answers EPERM, as in a container with a seccomp filter."""
    return no_call(NUMBERS[platform.machine()])


def no_call(number: int) -> Callable[[], None]:
    """The same for the system call of any number. Source: seccomp(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = [
        (LOAD, 0, 0, 0),
        (JUMP_IF_EQUAL, 0, 1, number),
        (RETURN, 0, 0, REFUSE_WITH_EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))

    def refuse(keep: object = code) -> None:
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0
        ):
            raise OSError(ctypes.get_errno(), "no seccomp filter could be set")

    return refuse
