"""How long the first stages of the road take: compile, load, attach.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from chapters.ch11.measuring import duration, middle_half, progress
from helpers import loader, sockets, toolchain
from helpers.netlab import Network
from tools.bench.rows import Row, verdict

LIMIT = 250e6  # nanoseconds
STAGES = ("compile", "load", "attach")


def once(net: Network, output: Path) -> tuple[int, int, int]:
    """Compile sockex1, load it and attach it to a socket in `net`: nanoseconds for each."""
    began = time.perf_counter_ns()
    toolchain.compile_bpf("sockex1_kern.c", output)
    compiled = time.perf_counter_ns()
    with loader.load(output) as loaded:
        in_the_kernel = time.perf_counter_ns()
        with sockets.packet_socket(net, loaded.program("count_bytes").fd):
            attached = time.perf_counter_ns()
    return compiled - began, in_the_kernel - compiled, attached - in_the_kernel


def measure(net: Network, repeats: int) -> list[Row]:
    """The rows about the stages. Errors: CompileError, LoadError, SocketError."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "sockex1.o"
        once(net, output)  # from now on clang and its headers are in memory
        runs = [once(net, output) for _ in progress("Compile, load, attach", repeats)]
    totals = [sum(run) for run in runs]
    total = statistics.median(totals)
    target = verdict(f"under {duration(LIMIT)}", total < LIMIT)
    return [
        Row(f"**Starting** sockex1, {repeats} times"),
        *(
            Row(
                stage,
                duration(statistics.median(times)),
                middle_half(times),
                f"{statistics.median(times) / total:.1%} of all",
            )
            for stage, times in zip(STAGES, zip(*runs, strict=True), strict=True)
        ),
        Row("all three", duration(total), middle_half(totals), "", target),
    ]
