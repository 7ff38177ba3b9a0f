"""How long one door of the course takes to open: a module imported into a Python that is new.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import partial

from chapters.ch11.measuring import duration, middle_half, take_turns
from tools.bench.rows import Row

# What else a door needs, and is not counted: NumPy is larger than all of the course.
DOORS = {"toolchain": "", "sockets": "", "counters": "import numpy", "loader": "", "netlab": ""}
MODULES = "import sys; print(sum(name.startswith('helpers.') for name in sys.modules))"


def run(code: str) -> str:
    """What a Python of its own prints that runs this code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def opening(door: str) -> float:
    """Nanoseconds for a Python that opens a door, less those for one that does not."""
    before = DOORS[door]
    began = time.perf_counter_ns()
    run(before)
    closed = time.perf_counter_ns()
    run(f"{before}\nimport helpers.{door}")
    return time.perf_counter_ns() - closed - (closed - began)


def measure(repeats: int) -> list[Row]:
    """The rows about doors: each opened `repeats` times, in turns."""
    ways = {door: partial(opening, door) for door in DOORS}
    times = take_turns(ways, repeats, "Opening a door")
    rows = [Row(f"**Opening a door**, {repeats} times, beyond the start of Python and NumPy")]
    for door in DOORS:
        modules = run(f"import helpers.{door}; {MODULES}").strip()
        median = duration(statistics.median(times[door]))
        rows.append(
            Row(f"`import helpers.{door}`", median, middle_half(times[door]), f"{modules} modules")
        )
    return rows
