"""Why was my packet dropped? The kernel's own reasons, counted for one private network.

Built in chapter 12, beyond_sockex1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from helpers import loader, toolchain
from helpers.features import KERNEL_TYPES
from helpers.netlab import Network
from helpers.tracepoints import TracingError, attached, reasons

__all__ = ["KERNEL_TYPES", "Drops", "TracingError", "counting", "reasons"]


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

    Errors: TracingError without CAP_PERFMON (root has it), or on a kernel that gives no reasons;
        NetworkError if the network is closed.
    Source: raw tracepoints in bpf(2) and <linux/bpf.h>. Built in chapter 12.
    """
    namespace = net.namespace()
    reasons()
    try:
        loaded = loader.load(toolchain.compile_bpf("drops_kern.c"))
    except loader.LoadError as error:
        raise TracingError(str(error)) from error
    with loaded, attached(loaded.program("count_drops").fd, "kfree_skb"):
        yield Drops(loaded.map("drops"), namespace)
