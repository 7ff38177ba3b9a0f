"""The same road with bcc: how long a start takes, and one reading of its table.

Laboratory equipment, used by ./course bench. The rest of the benchmark measures libbpf.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from chapters.ch05.table_counters import TableCounters
from chapters.ch11.lookups import mean_time
from chapters.ch11.measuring import MeasuringError, duration, middle_half, take_turns, times_as_much
from helpers import loader, sockets, toolchain
from helpers.bcc import headers as bcc_headers
from helpers.bcc import program as bcc_program
from helpers.counters import Counters
from helpers.loader import Map
from helpers.netlab import Network
from tools.bench.rows import Row, compared

SOURCE = toolchain.SOURCES / "sockex1_bcc.c"
FUNCTION = "count_bytes"
SLOW = 5  # how often the slow ways are measured at most: they take seconds
START = "bcc: compile, load, attach"
SHIPPED = "libbpf: load, attach, compiled beforehand"
BATCH = "bcc's items_lookup_batch"


def with_libbpf(net: Network, target: Path, compile_first: bool) -> float:
    """Nanoseconds until sockex1 is attached as in chapters 02 and 03; then it is given back."""
    began = time.perf_counter_ns()
    if compile_first:
        toolchain.compile_bpf("sockex1_kern.c", target)
    with loader.load(target) as loaded:
        sock = sockets.packet_socket(net, loaded.program(FUNCTION).fd)
        took = time.perf_counter_ns() - began
        sock.close()
    return took


def with_bcc(net: Network) -> float:
    """Nanoseconds until sockex1 is attached as in chapter 05; then it is given back."""
    began = time.perf_counter_ns()
    with bcc_program.load(SOURCE.read_text()) as loaded:
        sock = sockets.packet_socket(net, loaded.program(FUNCTION).fd)
        took = time.perf_counter_ns() - began
        sock.close()
    return took


def starting(net: Network, repeats: int) -> list[Row]:
    """The rows about starting. Errors: BccError, CompileError, LoadError, SocketError."""
    repeats = min(repeats, SLOW)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sockex1.o"
        with_libbpf(net, target, True)  # from now on clang, bcc and headers are in memory
        with_bcc(net)
        ways = {
            "clang and libbpf: compile, load, attach": partial(with_libbpf, net, target, True),
            START: partial(with_bcc, net),
            SHIPPED: partial(with_libbpf, net, target, False),
        }
        times = take_turns(ways, repeats, "Starting with bcc")
    shipped = times.pop(SHIPPED)
    course, _ = map(statistics.median, times.values())
    median = statistics.median(shipped)
    ratio = f"1/{times_as_much(course, median)}"
    return [
        Row(f"**Starting with bcc**, {repeats} times"),
        *compared(times, ""),
        Row(SHIPPED, duration(median), middle_half(shipped), ratio),
    ]


def reading(counter_map: Map, repeats: int, reads: int) -> list[Row]:
    """The rows about reading. Errors: MeasuringError, BccError, SyscallError."""
    with (
        bcc_program.load(SOURCE.read_text()) as loaded,
        Counters(counter_map) as counters,
    ):
        table = loaded.table("bytes_by_protocol")
        batch = TableCounters(table)
        if not np.array_equal(batch.read(), np.zeros(len(counters.read()))):
            raise MeasuringError("A fresh table of bcc's is not all zero: start again.")
        ways = {
            "memory-mapped, as the course reads them": counters.read,
            BATCH: batch.read,
            "bcc's values()": lambda: [value.value for value in table.values()],
        }
        timed = {name: partial(mean_time, read, reads) for name, read in ways.items()}
        times = take_turns(timed, min(repeats, SLOW), "Reading bcc's table")
    name = f"**Reading bcc's table**, {min(repeats, SLOW)} times {reads:,}"
    return [Row(name), *compared(times, "")]


def measure(net: Network, counter_map: Map, repeats: int, reads: int) -> list[Row]:
    """Every row about bcc. Errors: BccError, MeasuringError, CompileError, LoadError,
    SocketError, SyscallError."""
    bcc_headers.use()
    return [*starting(net, repeats), *reading(counter_map, repeats, reads)]
