"""What an error number of bpf(2) means: one sentence for each command and number that is met.

Built in chapter 06, which provokes them. bpf(2) uses the numbers of errno(3), and one that has no
name outside the kernel.
"""

from __future__ import annotations

import errno
import os

from helpers.errors import CourseError
from helpers.syscall.forms import Command

NOT_SUPPORTED = 524  # ENOTSUPP of <linux/errno.h>, which user space is not meant to see

CLOSED = (
    "There is nothing behind this file descriptor: it is closed, so make the map or load the "
    "program again."
)
ANY = {
    errno.EPERM: (
        "This process may not do that with BPF: ./course doctor says what it holds, and listing "
        "what is in the kernel, or opening it by its number, wants CAP_SYS_ADMIN."
    ),
    errno.EBADF: CLOSED,
    errno.EBADFD: CLOSED,  # what OBJ_GET_INFO_BY_FD answers instead
    errno.EINVAL: (
        "The kernel cannot make sense of this request: is the file descriptor that of a map, or "
        "of a program, as this command wants it?"
    ),
    errno.EMFILE: (
        "This process has as many file descriptors open as it may: close maps and programs "
        "that are done with."
    ),
    errno.ENOMEM: "The kernel has no memory for that: ask for fewer or smaller entries.",
    errno.ENOSYS: "This kernel has no bpf(2): start one with CONFIG_BPF_SYSCALL=y.",
    errno.EFAULT: (
        "An address in the request points to no memory of this process: keep the buffers in "
        "variables until the call is over."
    ),
    NOT_SUPPORTED: (
        "The kernel has this command, but not for this type of map or program: take another "
        "type, or do it one by one."
    ),
}
EXPLAINED = {
    Command.MAP_CREATE: {
        errno.EINVAL: (
            "This kernel does not know the map type, or not with these sizes and flags: an "
            "array has keys of 4 bytes, and every map but a ring buffer has values and "
            "entries."
        ),
        errno.E2BIG: (
            "The keys, the values or all of it together are larger than a map can be: ask for less."
        ),
    },
    Command.MAP_LOOKUP_ELEM: {
        errno.EINVAL: (
            "A map of this type has nothing to look up: a ring buffer is read as memory."
        ),
    },
    Command.MAP_UPDATE_ELEM: {
        errno.E2BIG: (
            "There is no room under this key: an array ends before max_entries, and a hash "
            "takes no more than max_entries; choose another key, or make a larger map."
        ),
        errno.EEXIST: (
            "The key is in the map already, and NOEXIST asks for a new one (an array has all "
            "its keys from the start): leave that flag out."
        ),
        errno.ENOENT: (
            "The key is not in the map, and EXIST asks for one that is: leave that flag out."
        ),
        errno.EINVAL: "A map of this type takes no such flag: use 0, NOEXIST or EXIST.",
        errno.EPERM: "This map may not be written to from here: it was made read-only or frozen.",
    },
    Command.MAP_DELETE_ELEM: {
        errno.EINVAL: (
            "Nothing can be deleted from a map of this type, an array has all its entries for "
            "life: write a zero instead."
        ),
    },
    Command.MAP_LOOKUP_BATCH: {
        errno.EINVAL: (
            "This kernel cannot read a map of this type in one go: look its keys up one by one "
            "(Linux 5.6 can for arrays and hashes)."
        ),
    },
    Command.PROG_LOAD: {
        errno.EINVAL: (
            "The kernel does not know this program type, or the instructions are not for it: "
            "the log says more, if there is one."
        ),
        errno.E2BIG: (
            "A program has at least one instruction and at most a million: pass its bytes, 8 "
            "to an instruction."
        ),
    },
    # A page is what every kernel takes. Linux 7.3 takes 70,000 bytes; for 100,000 it has no memory.
    Command.PROG_TEST_RUN: dict.fromkeys(
        (errno.EINVAL, errno.ENOMEM),
        "The kernel does not take this packet for a test: it needs 14 bytes or more, fits into a "
        "page, and has a whole header after EtherType IPv4 or IPv6; "
        "frame_for_test_run() puts 14 zeros in front.",
    ),
}


class SyscallError(CourseError):
    """bpf(2) refused.

    number: as in Python's errno, such as errno.EINVAL. log: what the verifier says, "" if nothing.
    """

    def __init__(self, message: str, number: int = 0, log: str = "") -> None:
        super().__init__(message)
        self.number = number
        self.log = log


def explain(command: Command, number: int) -> str:
    """One sentence for what `command` answered, with its cause and its cure.

    Source: bpf(2); kernel/bpf/syscall.c in the kernel tree. Built in chapter 06.
    """
    known = EXPLAINED.get(command, {}).get(number) or ANY.get(number)
    return known or (
        f"bpf({command.name}) answered {os.strerror(number)}, which the course has not met: "
        "look it up in the manual page bpf(2)."
    )
