"""What it costs to look at the header properly: protocols_kern against sockex1, packet by packet.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from chapters.ch11.measuring import duration, middle_half, take_turns, times_as_much
from helpers import loader, toolchain
from helpers.probes import RETURN_0
from helpers.syscall import Program, frame_for_test_run, load_program, test_run
from tools.bench.rows import Row, verdict

NOTHING = "a program that does nothing: what the test run itself takes"
SOCKEX1, CLASSES = "sockex1_kern, one look at byte 23", "protocols_kern, every header"
MOST_TIMES = 2.4  # without what a test run takes by itself
MACS = bytes(12)
# An echo request with 56 bytes of data, over IPv4 and over IPv6; the rest of it does not matter.
FRAMES = {
    "IPv4": MACS + b"\x08\x00\x45" + bytes(8) + b"\x01" + bytes(74),
    "IPv6": MACS + b"\x86\xdd\x60" + bytes(5) + b"\x3a" + bytes(97),
}


def programs(stack: ExitStack) -> dict[str, Program]:
    """All three, loaded; sockex1 without its look at the direction, which a test run lacks."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    sockex1 = folder / "sockex1_kern.c"
    text = (toolchain.SOURCES / "sockex1_kern.c").read_text()
    sockex1.write_text(text.replace("skb->pkt_type != PACKET_OUTGOING", "0"))
    by_way = {NOTHING: stack.enter_context(load_program(RETURN_0))}
    for name, source in ((SOCKEX1, sockex1), (CLASSES, "protocols_kern.c")):
        compiled = toolchain.compile_bpf(source, folder / f"{len(by_way)}.o")
        loaded = stack.enter_context(loader.load(compiled))
        by_way[name] = loaded.program("count_bytes")
    return by_way


def measure(repeats: int, runs: int = 100_000) -> list[Row]:
    """The rows about classes: the mean of so many test runs, `repeats` times in turns."""
    rows = []
    with ExitStack() as stack:
        loaded = programs(stack)
        for name, frame in FRAMES.items():
            packet = frame_for_test_run(frame)
            ways = {
                way: partial(lambda *given: test_run(*given).nanoseconds, program, packet, runs)
                for way, program in loaded.items()
            }
            times = take_turns(ways, repeats, f"Test runs over {name}")
            none, old, new = (statistics.median(times[way]) for way in loaded)
            target = verdict(
                "at most 2.4 times as much without that", new - none <= 2.4 * (old - none)
            )
            rows += [
                Row(f"**Classes** {repeats} times {runs:,} test runs with a ping over {name}"),
                Row(NOTHING, duration(none), middle_half(times[NOTHING]), times_as_much(none, old)),
                Row(SOCKEX1, duration(old), middle_half(times[SOCKEX1]), "1.0"),
                Row(
                    CLASSES,
                    duration(new),
                    middle_half(times[CLASSES]),
                    times_as_much(new, old),
                    target,
                ),
            ]
    return rows
