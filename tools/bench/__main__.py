"""./course bench: run every part, print the table; progress goes to stderr.

./course bench --keep also writes the table to docs/costs.md and its three numbers to README.md;
./course bench --plot measures the counting alone and draws it, as in chapter 11. Laboratory
equipment.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from chapters.ch11 import spread
from helpers import loader, netlab, pictures, toolchain
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked
from tools.bench import (
    classes,
    counting,
    doors,
    drawing,
    files,
    logs,
    machines,
    memory,
    places,
    playground,
    reading,
    stages,
    two_senders,
    with_bcc,
)
from tools.bench.rows import Row, table
from tools.bench.short import in_short

PICTURE = COURSE / "notebooks" / "images" / "counting_cost.png"
COSTS, README = COURSE / "docs" / "costs.md", COURSE / "README.md"

NOTES = (
    "The ratios are to the course's way, which is 1; for classes, to sockex1, and every number "
    "there contains what a test run takes by itself. For counting, they compare what one packet "
    "adds to sending plus what its reader works on it. The course's program counts bytes, from "
    "which the packets follow. It runs for both copies that lo makes of a frame; other readers "
    "are spared one. The middle half lies between the quartiles of the repeats."
)


def machine() -> str:
    """Where this was measured, in a sentence."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    cores = f"{len(os.sched_getaffinity(0))} cores" + (f" ({model[1]})" if model else "")
    return (
        f"Measured on {cores}, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f} at the start."
    )


def measure(
    datagrams: int,
    reads: int,
    updates: int,
    repeats: int,
    flows: int,
    frames: int,
    lines: int,
    chapters: Sequence[str],
    plots: int,
) -> list[Row]:
    """Every row. Errors: a CourseError of whichever stage fails."""
    with (
        netlab.open_network() as net,
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
    ):
        rows = counting.measure(net, loaded, datagrams, repeats)
        rows += two_senders.measure(net, datagrams, repeats)
        rows += places.measure(net, max(datagrams // 30, 1), 6 * repeats)  # short: see there
        rows += reading.measure(loaded.map("bytes_by_protocol"), repeats, reads)
        rows += drawing.measure(repeats, updates)
        rows += stages.measure(net, repeats)
        rows += with_bcc.measure(net, loaded.map("bytes_by_protocol"), repeats, reads)
        rows += classes.measure(repeats)
        rows += playground.measure(repeats, flows)
        rows += files.measure(max(repeats // 4, 2), frames)
        rows += doors.measure(repeats)
        rows += logs.measure(max(repeats // 4, 2), lines)
        rows += memory.measure(max(repeats // 7, 1), chapters, plots)
        return rows + machines.measure(net, repeats, rounds=updates)


def plot(datagrams: int, repeats: int, target: Path) -> None:
    """Count floods in every way, draw what they saw and cost, and print that in words.

    Errors: a CourseError of whichever stage fails.
    """
    with (
        netlab.open_network() as net,
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
    ):
        runs = counting.floods(net, loaded, datagrams, repeats)
    del runs[counting.NONE]
    panels = spread.of_counting(runs, datagrams)
    target.write_bytes(pictures.small_png(spread.spread(*panels)))
    print(spread.alternative(*panels), f"The picture is {target}.", sep="\n\n")


def main(
    arguments: Sequence[str] = (),
    datagrams: int = 10_000,
    reads: int = 200,
    updates: int = 10,
    repeats: int = 21,
    flows: int = 10_000,
    frames: int = 1_000_000,
    lines: int = 100_000,
    chapters: Sequence[str] = tuple(memory.MOST_AFTER),
    plots: int = 50,
    target: Path = PICTURE,
    costs: Path = COSTS,
    readme: Path = README,
) -> int:
    """Print the machine, the table and the notes, or draw; exit status 1 if it cannot be measured.

    arguments: none, or "--keep" or "--plot" alone.
    """
    chosen = " ".join(arguments)
    if chosen not in ("", "--keep", "--plot"):
        print("course: bench takes nothing, or --keep, or --plot.", file=sys.stderr)
        return 2
    where = machine()
    try:
        if chosen == "--plot":
            print(where, end="\n\n")
            plot(datagrams, repeats, target)
            return 0
        rows = measure(datagrams, reads, updates, repeats, flows, frames, lines, chapters, plots)
        whole = f"{where}\n\n{table(rows)}\n\n{NOTES}"
        print(whole)
        if chosen == "--keep":
            marked.put(costs, "costs", whole)
            marked.put(readme, "short", in_short(rows))
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse: interrupted before it was complete.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
