"""./course bench: run every part, print the table; progress goes to stderr.

Laboratory equipment.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from helpers import loader, netlab, toolchain
from helpers.commands.bench import (
    classes,
    counting,
    drawing,
    lookups,
    playground,
    stages,
    with_bcc,
)
from helpers.commands.bench.rows import Row, table
from helpers.errors import CourseError

NOTES = (
    "The ratios are to the course's way, which is 1; for classes, to sockex1. For counting, they "
    "compare what one packet adds to sending plus what its reader works on it. The course's "
    "program counts bytes, from which the packets follow. It runs for both copies that lo makes of "
    "a frame; the two readers in Python are spared one. The middle half lies between the quartiles "
    "of the repeats."
)


def machine() -> str:
    """Where this was measured, in a sentence."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    cores = f"{len(os.sched_getaffinity(0))} cores" + (f" ({model[1]})" if model else "")
    return (
        f"Measured on {cores}, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f} at the start."
    )


def measure(datagrams: int, reads: int, updates: int, repeats: int) -> list[Row]:
    """Every row. Errors: a CourseError of whichever stage fails."""
    with (
        netlab.open_network() as net,
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
    ):
        rows = counting.measure(net, loaded, datagrams, repeats)
        rows += lookups.measure(loaded.map("bytes_by_protocol"), repeats, reads)
        rows += drawing.measure(repeats, updates)
        rows += stages.measure(net, repeats)
        rows += with_bcc.measure(net, loaded.map("bytes_by_protocol"), repeats, reads)
        rows += playground.measure(repeats)
        return rows + classes.measure(repeats)


def main(datagrams: int = 10_000, reads: int = 200, updates: int = 10, repeats: int = 21) -> int:
    """Print the machine, the table and the notes; the exit status is 1 if it cannot be measured."""
    where = machine()
    try:
        rows = measure(datagrams, reads, updates, repeats)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse: interrupted before the table was complete.", file=sys.stderr)
        return 130
    left_out = [] if counting.has_scapy() else [counting.MISSING]
    print(where, table(rows), " ".join([NOTES, *left_out]), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
