"""The counter that looks before it reads: bytes per class of frame.

Built in chapter 12, beyond_sockex1. The classes are the IP protocol numbers, and those of
protocols.CLASSES.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from helpers import counters, loader, protocols, toolchain
from helpers.table import Table

# How long to wait for frames that are under way.
TIMEOUT_SECONDS = 5.0


def load(
    source: str | Path = "protocols_kern.c",
    parser: str | Path | None = None,
    ethernet: bool = True,
) -> loader.LoadedObject:
    """Compile and load one of the programs around bpf/protocols.h.

    Arguments: source: protocols_kern.c, protocols_tc_kern.c or protocols_xdp_kern.c. parser: for
        protocols_kern.c another file than protocols.h, such as one in bpf/steps. ethernet: False
        for protocols_xdp_kern.c on an interface without it, such as a tunnel; the others see that.
    Result: a LoadedObject with the program "count_bytes" and the map "bytes_by_protocol"; use it
        with `with`, or close() it.
    Errors: CompileError, LoadError. Built in chapter 12.
    """
    if not ethernet:
        output = toolchain.BUILD / f"{Path(source).stem}_tunnel.o"
        return loader.load(toolchain.compile_bpf(source, output, ["-DETHERNET=0"]))
    if parser is None:
        return loader.load(toolchain.compile_bpf(source))
    # chapter 12: begin load
    chosen = [f'-DPARSER="{parser}"']
    output = toolchain.BUILD / f"{Path(source).stem}_{Path(parser).stem}.o"
    return loader.load(toolchain.compile_bpf(source, output, chosen))
    # chapter 12: end load


def totals(loaded: loader.LoadedObject, expected: int = 0) -> dict[str, int]:
    """Bytes per class so far, by name; classes without any are left out.

    Arguments: expected: wait until there are so many in all, TIMEOUT_SECONDS at most: the other
        end of a cable gets a frame a moment after send() has returned.
    Errors: CounterError. Built in chapter 12.
    """
    with counters.Counters(loaded.map("bytes_by_protocol")) as values:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while values.read().sum() < expected and time.monotonic() < deadline:
            time.sleep(0)  # let others run
        sizes = values.read()
    return {protocols.name(int(number)): int(sizes[number]) for number in np.flatnonzero(sizes)}


def table(by_place: dict[str, dict[str, int]]) -> Table:
    """Bytes per class, one column for each place where they were counted. Used in chapter 12."""
    classes = list(dict.fromkeys(name for sizes in by_place.values() for name in sizes))
    rows = [(name, *(f"{sizes.get(name, 0):,}" for sizes in by_place.values())) for name in classes]
    return Table("Bytes per class", ("class", *by_place), rows)
