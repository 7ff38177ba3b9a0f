"""Who talks to whom: the flows that bpf/flows_kern.c counts, and the first bytes of each new one.

Built in chapter 12, beyond_sockex1.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers import libbpf, protocols
from helpers.errors import CourseError
from helpers.table import Table

if TYPE_CHECKING:
    from helpers.loader import LoadedObject

# struct flow of bpf/flow.h, struct traffic and struct arrival of bpf/flows_kern.c. ">u2" is network
# order.
FLOW = np.dtype(
    [("from", "u1", 16), ("to", "u1", 16), ("from_port", ">u2"), ("to_port", ">u2")]
    + [("protocol", "u2"), ("version", "u1"), ("nothing", "u1")]
)
TRAFFIC = np.dtype([("packets", "u8"), ("bytes", "u8"), ("first", "u8"), ("last", "u8")])
ARRIVAL = np.dtype([("flow", FLOW), ("length", "u4"), ("copied", "u4"), ("bytes", "u1", 96)])
_SAMPLE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class FlowError(CourseError):
    """The flows or the ring buffer cannot be read."""


@dataclass(frozen=True)
class Flow:
    """One direction of one conversation. Ports are 0 where a protocol has none.

    protocol: its name, or that of a class of protocols.CLASSES; then there are no addresses.
    """

    protocol: str
    sender: str
    from_port: int
    receiver: str
    to_port: int

    def __str__(self) -> str:
        if not self.sender:
            return self.protocol
        sender, receiver = end(self.sender, self.from_port), end(self.receiver, self.to_port)
        return f"{self.protocol} {sender} > {receiver}"


def end(address: str, port: int) -> str:
    """One end of a flow as text: 192.0.2.1:53, [2001:db8::1]:53, or the address alone."""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def decode(key: np.void | bytes) -> Flow:
    """What the 40 bytes of a key say. Built in chapter 12."""
    key = np.frombuffer(key, FLOW)[0] if isinstance(key, bytes) else key
    protocol = protocols.name(int(key["protocol"]))
    if not key["version"]:
        return Flow(protocol, "", 0, "", 0)
    # chapter 12: begin decode
    size = 4 if key["version"] == 4 else 16
    ends = [key[side].tobytes()[:size] for side in ("from", "to")]
    sender, receiver = (str(ipaddress.ip_address(address)) for address in ends)
    # chapter 12: end decode
    return Flow(protocol, sender, int(key["from_port"]), receiver, int(key["to_port"]))


@dataclass(frozen=True)
class Reading:
    """All flows at one moment: keys of dtype FLOW, traffic of dtype TRAFFIC, both of shape (n,).

    missed: packets whose flow found no room in the map. unannounced: new flows that found none
    in the ring buffer.
    """

    keys: np.ndarray
    traffic: np.ndarray
    missed: int
    unannounced: int

    def top(self, count: int = 10, by: str = "bytes") -> list[tuple[Flow, np.void]]:
        """The `count` flows with the most "bytes" or "packets", the largest first."""
        order = np.argsort(self.traffic[by])[::-1][:count]
        return [(decode(self.keys[at]), self.traffic[at]) for at in order]

    def table(self, count: int = 10, by: str = "bytes") -> Table:
        """The same as a table. Its caption says how many flows there are, and what was missed."""
        rows = [
            (str(flow), f"{seen['packets']:,}", f"{seen['bytes']:,}")
            for flow, seen in self.top(count, by)
        ]
        caption = f"{len(self.keys):,} flows, the largest by {by}"
        if self.missed:
            caption += f"; {self.missed:,} packets of others found no room"
        return Table(caption, ("flow", "packets", "bytes"), rows)


class Flows:
    """The flows of a loaded bpf/flows_kern.c, whatever the type of its map, until that is closed.

    Built in chapter 12.
    """

    def __init__(self, loaded: LoadedObject) -> None:
        self._flows, self._missed = loaded.map("flows"), loaded.map("missed")

    def read(self) -> Reading:
        """All flows now. Errors: SyscallError, also where Linux is older than 5.6."""
        entries = self._flows.batch()
        keys = np.frombuffer(b"".join(entries), FLOW)
        # In a per-CPU map there is one value for each processor: shape (flows, processors).
        slots = self._flows.slots_size // TRAFFIC.itemsize
        values = np.frombuffer(b"".join(entries.values()), TRAFFIC).reshape(-1, slots)
        traffic = np.empty(len(values), TRAFFIC)
        for name in ("packets", "bytes"):
            traffic[name] = values[name].sum(axis=1)
        idle = np.iinfo(np.uint64).max  # only the processor that made a flow wrote when it began
        traffic["first"] = np.where(values["first"], values["first"], idle).min(axis=1)
        traffic["last"] = values["last"].max(axis=1)
        return Reading(keys, traffic, self._missed.counter(0), self._missed.counter(1))


@dataclass(frozen=True)
class Arrival:
    """A new flow: its first frame's length, and the first bytes of that, 96 at most."""

    flow: Flow
    length: int
    first: bytes


class Arrivals:
    """The ring buffer of a loaded bpf/flows_kern.c: read() gives what came since the last time.

    Use it with `with`, or close() it.
    Errors: FlowError. Source: ring_buffer__new in bpf/libbpf.h;
    Documentation/bpf/ringbuf.rst in the kernel tree. Built in chapter 12.
    """

    def __init__(self, loaded: LoadedObject) -> None:
        self._library, self._records = libbpf.library(), []
        self._callback = _SAMPLE(self._take)  # kept here: libbpf holds its address alone
        fd = loaded.map("arrivals").fd
        self._buffer = self._library.ring_buffer__new(fd, self._callback, None, None)
        if not self._buffer:
            raise FlowError(f"The ring buffer cannot be read ({os.strerror(ctypes.get_errno())}).")

    def _take(self, context: int, data: int, size: int) -> int:
        self._records.append(ctypes.string_at(data, size))
        return 0

    def read(self) -> list[Arrival]:
        """The new flows, in the order in which they came; at once, whether there are any or not."""
        if not self._buffer:
            raise FlowError("This ring buffer is closed: load the program again.")
        self._library.ring_buffer__consume(self._buffer)
        records, self._records = self._records, []
        return [arrival(record) for record in records]

    def close(self) -> None:
        """Give the memory back."""
        if self._buffer:
            self._library.ring_buffer__free(self._buffer)
        self._buffer = None

    def __enter__(self) -> Arrivals:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def arrival(record: bytes) -> Arrival:
    """One record of the ring buffer, decoded. Built in chapter 12."""
    fields = np.frombuffer(record, ARRIVAL, count=1)[0]
    first = fields["bytes"].tobytes()[: fields["copied"]]
    return Arrival(decode(fields["flow"]), int(fields["length"]), first)
