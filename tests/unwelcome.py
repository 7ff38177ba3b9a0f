"""Machines that are broken in one way each, for the tests to start something on: by capabilities
that are dropped, seccomp filters, and mounts in a private namespace."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Callable

from helpers.syscall.call import NUMBERS

PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
FIRST_ARGUMENT = 16  # its place in what a filter is shown: seccomp_data of <linux/seccomp.h>
# Numbers of system calls, from <asm/unistd.h>; None: this machine has no such call.
CALLS = {
    "x86_64": {"socket": 41, "symlink": 88, "symlinkat": 266},
    "aarch64": {"socket": 198, "symlink": None, "symlinkat": 36},
}


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


def no_bpf_call(answer: int = errno.EPERM) -> Callable[[], None]:
    """A preexec_fn after which bpf(2) answers EPERM, as in a container with a seccomp filter, or
    whatever else: ENOSYS, as from a kernel that was built without it."""
    return no_call(NUMBERS[platform.machine()], answer)


def no_ipv6() -> Callable[[], None]:
    """A preexec_fn after which there is no IPv6, as on a kernel started with ipv6.disable=1."""
    number = CALLS[platform.machine()]["socket"]
    return no_call(number, errno.EAFNOSUPPORT, first=socket.AF_INET6)


def no_links() -> Callable[[], None]:
    """A preexec_fn after which no symbolic link can be made, as on a USB stick's file system."""
    calls = CALLS[platform.machine()]
    steps = [no_call(calls[name], errno.EPERM) for name in ("symlink", "symlinkat") if calls[name]]
    return lambda: [step() for step in steps] and None


def no_call(number: int, answer: int = errno.EPERM, first: int | None = None) -> Callable[[], None]:
    """The same for the system call of any number; first: only with this first argument.

    Source: seccomp(2).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    checks = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1 if first is None else 3, number)]
    if first is not None:
        checks += [(LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_IF_EQUAL, 0, 1, first)]
    steps = [*checks, (RETURN, 0, 0, REFUSE | answer), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))

    def refuse(keep: object = code) -> None:
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0
        ):
            raise OSError(ctypes.get_errno(), "no seccomp filter could be set")

    return refuse


def with_mounts(*mounts: str) -> list[str]:
    """What to write before a command so that it runs with such mounts, of which nobody else knows.

    Arguments: what follows `mount` in a shell.
    """
    script = "\n".join(["set -e", *(f"mount {each}" for each in mounts), 'exec "$@"'])
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    return ["unshare", *user, "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
