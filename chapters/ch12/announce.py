"""The same events through a ring buffer and through a perf event array, from two processors.

Laboratory equipment, used in chapter 12.
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import ExitStack

from helpers import frames, libbpf, loader, rights, sockets, toolchain, traffic
from helpers.errors import CourseError
from helpers.netlab import Network

PAGES = 8  # of memory for each processor's perf buffer
_RING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_PERF = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)


class AnnounceError(CourseError):
    """A buffer cannot be opened."""


def announced(net: Network, count: int = 10) -> tuple[list[int], list[int]]:
    """Send `count` numbered frames, from two processors in turn; how their numbers come back.

    Result: the numbers in the order in which the ring buffer gives them, and the perf event array.
    Errors: AnnounceError where perf events are not allowed (that takes root), or a buffer cannot
        be had.
    Source: bpf/libbpf.h; bpf-helpers(7). For chapter 12.
    """
    library = libbpf.library()
    from_ring, from_perf = [], []
    take_ring = _RING(lambda context, data, size: from_ring.append(number(data)) or 0)
    take_perf = _PERF(lambda context, cpu, data, size: from_perf.append(number(data)))
    compiled = toolchain.compile_bpf("announce_kern.c")
    with loader.load(compiled) as loaded, ExitStack() as stack:
        perf = library.perf_buffer__new(loaded.map("perf").fd, PAGES, take_perf, None, None, None)
        if not perf:
            code, wanted = ctypes.get_errno(), rights.of_attachment("a perf event")
            if code in (errno.EACCES, errno.EPERM) and rights.lacking(wanted):
                raise AnnounceError(rights.refusal("opening a perf event", wanted))
            reason = os.strerror(code)
            raise AnnounceError(f"The perf buffer cannot be read ({reason}): run the cell again.")
        stack.callback(library.perf_buffer__free, perf)
        ring = library.ring_buffer__new(loaded.map("ring").fd, take_ring, None, None)
        if not ring:
            reason = os.strerror(ctypes.get_errno())
            raise AnnounceError(f"The ring buffer cannot be read ({reason}): run the cell again.")
        stack.callback(library.ring_buffer__free, ring)
        with sockets.packet_socket(net, loaded.program("announce").fd, "left"):
            send_in_turn(net, count)
        library.ring_buffer__consume(ring)
        library.perf_buffer__consume(perf)
    return from_ring, from_perf


def number(address: int) -> int:
    """The number of 32 bits there."""
    return ctypes.c_uint32.from_address(address).value


def send_in_turn(net: Network, count: int) -> None:
    """Frames whose first byte of data is 0, 1, 2 ..., from this thread on one CPU and another."""
    allowed = os.sched_getaffinity(0)
    processors = (min(allowed), max(allowed))
    try:
        for each in range(count):
            os.sched_setaffinity(0, {processors[each % 2]})
            traffic.frames(net, [frames.ethernet(0x88B5, bytes([each]) * 46)], "left")
    finally:
        os.sched_setaffinity(0, allowed)
