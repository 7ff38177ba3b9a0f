"""How much was held against the kernel or another independent witness, for the suite's summary."""

from __future__ import annotations

from collections import Counter

# What was compared, in the words of the summary, and how often.
counts: Counter[str] = Counter()

PROGRAMS = "programs gave the same in the kernel and in the machine of chapter 07"
PACKETS = "packets were run through them"


def count(programs: int = 0, packets: int = 0) -> None:
    """Programs of which kernel and machine agree, and the packets that they were run on."""
    counts[PROGRAMS] += programs
    counts[PACKETS] += packets
