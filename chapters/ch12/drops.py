"""Why was my packet dropped? The kernel's own reasons, counted for one private network.

Built in chapter 12, beyond_sockex1.
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

from helpers import btf, libbpf, loader, rights, toolchain
from helpers.errors import CourseError
from helpers.features import KERNEL_TYPES
from helpers.netlab import Network

PREFIX = "SKB_DROP_REASON_"


class DropError(CourseError):
    """This kernel names no reasons, or does not let this process see them."""


@cache
def reasons(path: Path = KERNEL_TYPES) -> dict[int, str]:
    """The reasons that this kernel knows, by number: the enum skb_drop_reason in its BTF.

    The numbers differ from kernel to kernel, so they are read, not written down.
    Errors: DropError before Linux 5.17, or without BTF.
    Source: include/net/dropreason-core.h in the kernel tree. Built in chapter 12.
    """
    try:
        types = btf.Types(path.read_bytes())
    except (OSError, ValueError, struct.error) as error:
        raise DropError(f"The kernel's own types cannot be read from {path} ({error}).") from error
    for type in types.types:
        if type.name == "skb_drop_reason" and type.kind == btf.ENUM:
            named = {number: types.string(name) for name, number in type.records}
            return {number: name.removeprefix(PREFIX) for number, name in named.items()}
    raise DropError("This kernel gives no reasons for its drops: that takes Linux 5.17 or later.")


class Drops:
    """The packets dropped in one network, from counting()."""

    def __init__(self, drops: loader.Map, namespace: int) -> None:
        self._map, self._namespace = drops, namespace

    def read(self) -> dict[str, int]:
        """So far: how many packets for each reason, by name."""
        mine = {
            struct.unpack("II", key)[1]: struct.unpack("Q", value)[0]
            for key, value in self._map.batch().items()
            if struct.unpack("II", key)[0] == self._namespace
        }
        return {reasons().get(number, str(number)): count for number, count in mine.items()}


@contextmanager
def counting(net: Network) -> Iterator[Drops]:
    """Count what the kernel drops in a private network, for the time of a `with` block.

    Errors: DropError without CAP_PERFMON (root has it), or on a kernel that gives no reasons;
        NetworkError if the network is closed.
    Source: raw tracepoints in bpf(2) and <linux/bpf.h>. Built in chapter 12.
    """
    namespace = net.namespace()
    reasons()
    try:
        loaded = loader.load(toolchain.compile_bpf("drops_kern.c"))
    except loader.LoadError as error:
        raise DropError(str(error)) from error
    with loaded:
        program = loaded.program("count_drops")
        link = libbpf.library().bpf_raw_tracepoint_open(b"kfree_skb", program.fd)
        if link < 0:
            number = ctypes.get_errno()
            if number == errno.EPERM:
                raise DropError(rights.not_attached("a raw tracepoint"))
            reason = os.strerror(number)
            raise DropError(f"The program cannot be attached to kfree_skb ({reason}).")
        try:
            yield Drops(loaded.map("drops"), namespace)
        finally:
            os.close(link)
