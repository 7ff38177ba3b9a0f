"""What the playground's maps say at one moment, as NumPy arrays.

Laboratory equipment.
"""

from __future__ import annotations

import ctypes
import errno
import sys
from dataclasses import dataclass

import numpy as np

from chapters.playground.program import Counting
from helpers.syscall import Command, Map, SyscallError, bpf
from helpers.syscall.errors import explain
from helpers.syscall.forms import MapBatch

# struct flow and struct traffic of bpf/playground_kern.c. ">u2" is network order.
FLOW = np.dtype(
    [("from", "u1", 16), ("to", "u1", 16), ("from_port", ">u2"), ("to_port", ">u2")]
    + [("class", "u2"), ("version", "u1"), ("nothing", "u1")]
)
TRAFFIC = np.dtype([("packets", "u8"), ("bytes", "u8")])


@dataclass(frozen=True)
class Reading:
    """Everything counted so far.

    keys: dtype FLOW, shape (n,). traffic: dtype TRAFFIC, shape (n,), a row for each key.
    sizes: dtype TRAFFIC, a row for each class of sizes. missed: packets and bytes of flows that
    found no room in the map; they are in `sizes` all the same. seen: frames that came to the
    filter.
    """

    keys: np.ndarray
    traffic: np.ndarray
    sizes: np.ndarray
    missed: np.void
    seen: int

    @property
    def packets(self) -> int:
        """Frames that the filter let through."""
        return int(self.sizes["packets"].sum())

    @property
    def bytes(self) -> int:
        """The bytes of those."""
        return int(self.sizes["bytes"].sum())


class Reader:
    """Reads the maps of a Counting, again and again into the same memory."""

    def __init__(self, counting: Counting) -> None:
        self._maps = counting.maps
        room = self._maps["flows"].max_entries
        self._keys, self._traffic = np.empty(room, FLOW), np.empty(room, TRAFFIC)

    def read(self) -> Reading:
        """All of it now. Errors: SyscallError, also where Linux is older than 5.6.

        The maps are read one after the other: while packets come, the later ones know of more.
        """
        count = batch(self._maps["flows"], self._keys, self._traffic)
        missed = np.frombuffer(self._maps["missed"].lookup(bytes(4)), TRAFFIC)[0]
        number = self._maps["sizes"].max_entries
        sizes = np.empty(number, TRAFFIC)
        batch(self._maps["sizes"], np.empty(number, "u4"), sizes)
        seen = int.from_bytes(self._maps["seen"].lookup(bytes(4)), sys.byteorder)
        return Reading(self._keys[:count].copy(), self._traffic[:count].copy(), sizes, missed, seen)


def batch(found: Map, keys: np.ndarray, values: np.ndarray) -> int:
    """Fill two arrays, each with room for the whole map; how many entries there were.

    Errors: SyscallError. Source: BPF_MAP_LOOKUP_BATCH in <linux/bpf.h>, Linux 5.6; chapter 06.
    """
    position = ctypes.create_string_buffer(max(found.key_size, 4))
    form = MapBatch(
        out_batch=ctypes.addressof(position),
        keys=keys.ctypes.data,
        values=values.ctypes.data,
        count=found.max_entries,
        map_fd=found.fd,
    )
    result = bpf(Command.MAP_LOOKUP_BATCH, form)
    if result not in (0, -errno.ENOENT):  # ENOENT: that was all
        raise SyscallError(explain(Command.MAP_LOOKUP_BATCH, -result), -result)
    return form.count
