"""Tracepoints, places in the kernel that call the programs attached to them; and why packets drop.

Built in chapter 12, beyond_sockex1, and chapter 13, one_packets_journey.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from helpers import btf, libbpf, rights
from helpers.errors import CourseError
from helpers.features import KERNEL_TYPES

PREFIX = "SKB_DROP_REASON_"


class TracingError(CourseError):
    """This kernel cannot tell what was asked, or does not let this process see it."""


class MissingError(TracingError):
    """This kernel has no tracepoint of that name."""


@cache
def reasons(path: Path = KERNEL_TYPES) -> dict[int, str]:
    """The reasons that this kernel knows, by number: the enum skb_drop_reason in its BTF.

    The numbers differ from kernel to kernel, so they are read, not written down.
    Errors: TracingError before Linux 5.17, or without BTF.
    Source: include/net/dropreason-core.h in the kernel tree. Built in chapter 12.
    """
    try:
        types = btf.Types(path.read_bytes())
    except (OSError, ValueError, struct.error) as error:
        raise TracingError(
            f"The kernel's own types cannot be read from {path} ({error})."
        ) from error
    for type in types.types:
        if type.name == "skb_drop_reason" and type.kind == btf.ENUM:
            named = {number: types.string(name) for name, number in type.records}
            return {number: name.removeprefix(PREFIX) for number, name in named.items()}
    raise TracingError(
        "This kernel gives no reasons for its drops: that takes Linux 5.17 or later."
    )


@contextmanager
def attached(program_fd: int, name: str) -> Iterator[None]:
    """Attach a raw tracepoint program to the tracepoint of that name, for the time of a `with`.

    Errors: MissingError if this kernel has no such tracepoint; TracingError if it refuses.
    Source: BPF_RAW_TRACEPOINT_OPEN in bpf(2) and <linux/bpf.h>. Built in chapter 12.
    """
    link = libbpf.library().bpf_raw_tracepoint_open(name.encode(), program_fd)
    if link < 0:
        code = ctypes.get_errno()
        if code == errno.ENOENT:
            raise MissingError(
                f"This kernel ({os.uname().release}) has no tracepoint {name}: others may have it."
            )
        if code == errno.EPERM:
            raise TracingError(rights.not_attached("a raw tracepoint"))
        raise TracingError(
            f"The program cannot be attached to {name} ({os.strerror(code)}): has it the type of a "
            "raw tracepoint, and reads no more arguments than there are?"
        )
    try:
        yield
    finally:
        os.close(link)
