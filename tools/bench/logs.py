"""A long log of the verifier, read, explained and shown as chapter 08 does: time and memory.

Laboratory equipment, used by ./course bench. The kernel writes the log once; then each reading is a
process of its own, this module, started with the object and the log.
"""

from __future__ import annotations

import errno
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chapters.ch08 import clinic, verifier
from chapters.ch08.verifier import heatmap
from chapters.ch11.measuring import duration, middle_half
from helpers.toolchain import COURSE
from tools.bench.files import memory
from tools.bench.rows import Row, verdict

LONGEST, MOST_MEMORY = 2e9, 200e6  # nanoseconds; bytes
LINES_A_TURN = 39  # of the log, about; what there are is counted
SHOWN = "read, explained and shown"
# After so many turns it follows a pointer that may be null.
TEXT = """SEC("socket")
int f(struct __sk_buff *skb)
{
    __u32 sum = 0;

    for (__u32 at = 0; at < %d; at++)
        sum += load_byte(skb, at);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &sum);
    return *bytes;
}
"""


def write(path: Path, lines: int) -> int:
    """Have the kernel refuse a program after a log of about so many lines, and keep what it said.

    Result: how many lines there are. Errors: as verifier.show.
    """
    with clinic.written(TEXT % (lines // LINES_A_TURN)) as said:
        text = said.log
        path.write_bytes(pickle.dumps((text, said.instructions, said.maps, said.source)))
    return text.count("\n")


def show(path: Path) -> tuple[int, int]:
    """Read the log anew, explain it and show the page and the heat map: nanoseconds, and bytes."""
    text, instructions, maps, source = pickle.loads(path.read_bytes())  # noqa: S301 (our own)
    began = time.perf_counter_ns()
    said = verifier.KernelVerdict(errno.EACCES, text, instructions, maps=maps, source=source)
    if said.refusal.key != "null":
        raise SystemExit(f"the reason is not the one that is known: {said}")
    said._repr_html_()
    heatmap.draw(heatmap.counted(said)).canvas.draw()
    return time.perf_counter_ns() - began, memory("self", "VmHWM")


def measure(repeats: int, lines: int) -> list[Row]:
    """The rows about logs: one of so many lines, read `repeats` times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        there = write(path, lines)
        size = path.stat().st_size
        command = [sys.executable, "-m", "tools.bench.logs", path]
        runs = [
            subprocess.run(command, check=True, capture_output=True, text=True, cwd=COURSE).stdout
            for _ in range(repeats)
        ]
    times, peaks = zip(*(map(int, run.split()[-2:]) for run in runs), strict=True)
    median, most = statistics.median(times), max(peaks)
    target = f"{verdict('within 2 s', median <= LONGEST)}; "
    target += f"{verdict('at most 200 MB of memory', most <= MOST_MEMORY)} ({most / 1e6:.0f} MB)"
    heading = f"**A verifier's log** of {there:,} lines, {size / 1e6:.1f} MB, {repeats} times"
    return [Row(heading), Row(SHOWN, duration(median), middle_half(times), "", target)]


if __name__ == "__main__":
    print(*show(Path(sys.argv[1])))
