"""What runs in the guest: waits for a line on the console, does what it says, and says so.

The page speaks to it over the guest's first serial line, a request a line. It has run everything
once before the snapshot is taken, so that what it needs lies in the guest's memory. Standard
library alone, and the course.
"""

from __future__ import annotations

import mmap
import platform
import sys
from pathlib import Path

from helpers.errors import CourseError
from tools import demo

KEPT = 24 << 20  # bytes that stay free while all other memory is written over


def say(text: str) -> None:
    print(text, flush=True)


def zero_free_memory() -> None:
    """Fill what is free with zeros, of which a compressed snapshot keeps next to nothing."""
    free = int(Path("/proc/meminfo").read_text().split("MemFree:")[1].split()[0]) << 10
    if (size := free - KEPT) > 0:
        with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
            for at in range(0, size, mmap.PAGESIZE):
                memory[at] = 0


def run() -> None:
    """The five lines, each as the kernel's count comes."""
    try:
        for line in demo.five_lines():
            say(line)
    except CourseError as error:
        say(f"agent: refused: {error}")
    say("agent: done")


def main() -> None:
    lines = list(demo.five_lines())
    if lines != demo.FIVE_LINES:
        say(f"agent: failed: {lines}")
        return
    zero_free_memory()
    say(f"agent: kernel {platform.system()} {platform.release()} {platform.machine()}")
    say("agent: ready")
    for line in sys.stdin:
        if line.strip() == "run":
            run()


if __name__ == "__main__":
    main()
