"""A capture file counted by the playground, and read by tshark and capinfos: time and memory.

Laboratory equipment, used by ./course bench. Each is a process of its own, from its start to its
end, on the same file; the course's is this module, started with the file's name.
"""

from __future__ import annotations

import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chapters.playground import feeder, program
from chapters.playground.capture import Capture
from chapters.playground.history import History
from chapters.playground.traffic import datagram
from helpers import objfile, toolchain
from helpers.toolchain import COURSE
from tools.bench.rows import Row, compared, verdict

FLOWS, LENGTH = 1000, 60  # of the frames in the file; bytes of each
MOST_MEMORY = 100e6  # bytes
OURS, TSHARK, CAPINFOS = "the playground's program", "tshark -q -z io,phs", "capinfos"


def write(path: Path, frames: int) -> Path:
    """A capture file of so many frames, 76 bytes each with the record's header."""
    kept = [datagram(number).ljust(LENGTH, b"\0") for number in range(FLOWS)]
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1))
        for number in range(frames):
            header = struct.pack("<4I", number // 1000, number % 1000 * 1000, LENGTH, LENGTH)
            file.write(header + kept[number % FLOWS])
    return path


def count(path: str, built: str) -> int:
    """Count a file as the playground does, with its readings, by the program that was compiled.

    Result: the peak of memory in bytes, of this process and of those that it has started.
    """
    program.compiled = lambda: objfile.read(built)
    peaks = {}
    with program.Counting() as counting:
        capture, history = Capture(path), History()
        for progress in capture.feed(counting.program, room=counting.room):
            if progress.seconds is not None:
                history.add(progress.seconds, replace(counting.read(), seen=progress.frames))
                peaks |= {pid: memory(pid, "VmHWM") for pid in ("self", *children())}
    return sum(peaks.values())


def children() -> list[str]:
    """The processes that this one has started. Source: proc(5)."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]


def memory(pid: int | str, of: str) -> int:
    """What a process takes of memory, in bytes. Arguments: of: "VmRSS", or "VmHWM" for the most
    that it ever took. Source: proc(5).

    Not getrusage(): of a child it knows the time before exec, too, when it was a copy of this one.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{of}:\s+(\d+)", status)[1]) * 1024


def timed(command: Sequence[str | Path]) -> tuple[float, int]:
    """How long a process took, in nanoseconds, and what it printed as its peak of memory, if so."""
    began = time.perf_counter_ns()
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=COURSE)
    took = time.perf_counter_ns() - began
    words = done.stdout.split()
    return took, int(words[-1]) if words and words[0] == "peak" else 0


def measure(repeats: int, frames: int) -> list[Row]:
    """The rows about capture files: each way in turns, `repeats` times, with so many frames."""
    feeder.compiled()  # once for all, as a learner has it
    built = toolchain.compile_bpf(program.SOURCE)
    ours = [sys.executable, "-m", "tools.bench.files", built]
    ways: dict[str, list[str | Path]] = {OURS: ours}
    if shutil.which("tshark"):
        ways |= {TSHARK: ["tshark", "-n", "-q", "-z", "io,phs", "-r"], CAPINFOS: ["capinfos"]}
    times: dict[str, list[float]] = {name: [] for name in ways}
    peak = 0
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "frames.pcap", frames)
        size = path.stat().st_size
        for _ in range(repeats):
            for name, command in ways.items():
                took, memory = timed([*command, path])
                times[name].append(took)
                peak = max(peak, memory)
    medians = {name: statistics.median(each) for name, each in times.items()}
    target = verdict("at most 100 MB of memory", peak <= MOST_MEMORY) + f" ({peak / 1e6:.0f} MB)"
    if TSHARK in medians:
        faster = verdict("faster than tshark", medians[OURS] < medians[TSHARK])
        target = f"{faster}; {target}"
    what = f"**A capture file** of {frames:,} frames, {size / 1e6:.0f} MB, {repeats} times"
    heading = Row(f"{what}, each process from start to end, the course's without its widgets")
    return [heading, *compared(times, target)]


if __name__ == "__main__":
    print("peak", count(sys.argv[2], sys.argv[1]))
