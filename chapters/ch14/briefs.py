"""Two more briefs: what is at the core of each, tried with answers that are known.

Laboratory equipment, used in chapter 14.
"""

from __future__ import annotations

# TCP's numbers count bytes, and begin again after 2**32.
END = 1 << 32

# Segments of one direction, each its first byte's number and its length; how many bytes of them
# came a second time; and the hint if an answer says something else.
SEGMENTS: tuple[tuple[list[tuple[int, int]], int, str], ...] = (
    (
        [(1000, 100), (1100, 100), (1200, 50)],
        0,
        "Nothing was sent twice: they follow each other.",
    ),
    ([(1000, 100), (1100, 100), (1100, 100)], 100, "One segment was sent twice, of 100 bytes."),
    (
        [(1000, 100), (1200, 100), (1100, 100)],
        0,
        "One that comes late, into a gap, is new.",
    ),
    ([(1000, 100), (1050, 100)], 50, "Half of the second one was new: count bytes, not segments."),
    ([(1000, 100), (1100, 0), (1100, 0)], 0, "An acknowledgement has no bytes, however often."),
    ([(END - 50, 100), (50, 10)], 0, "The numbers begin again at 0 after 2**32 - 1."),
    (
        [(END - 50, 100), (END - 50, 100)],
        100,
        "What lies across the end can come twice, too.",
    ),
)

# Bytes that left through each interface: in a while of silence, and in one as long in which the
# container sent so many; where it leaks; the hint.
Reading = dict[str, int]
LEAKS: tuple[tuple[Reading, Reading, int, str | None, str], ...] = (
    (
        {"eth0": 500, "wg0": 0},
        {"eth0": 520, "wg0": 90_000},
        90_000,
        "wg0",
        "Only one interface has grown by what was sent.",
    ),
    (
        {"eth0": 9_000_000, "wg0": 0},
        {"eth0": 9_000_400, "wg0": 91_000},
        90_000,
        "wg0",
        "The busiest interface is not the one: what does it carry in silence?",
    ),
    (
        {"eth0": 400, "wg0": 0},
        {"eth0": 97_000, "wg0": 90_000},
        90_000,
        "eth0",
        "What leaves wrapped up by a tunnel passes two: the last one counts, with more bytes.",
    ),
    (
        {"eth0": 700, "wg0": 300},
        {"eth0": 900, "wg0": 200},
        90_000,
        None,
        "None has grown by as much as was sent: it does not leak, and the answer is None.",
    ),
)
