"""The road of sockex1, with the stages of one chapter marked.

Laboratory equipment: each chapter opens with it.
"""

from __future__ import annotations

from tools.draw.shapes import (
    GROUND,
    INK,
    LINE,
    MARK,
    MONO,
    ON_MARK,
    QUIET,
    WIDTH,
    arrow,
    box,
    rectangle,
    svg,
    text,
)

# The stages of the road: the name, the file or call, and what chapter 05 has in its place.
ROAD = (
    ("C source", "sockex1_kern.c", "a Python string"),
    ("object file", "sockex1_kern.o", "in memory"),
    ("program and\nmaps, loaded", "bpf(2)", "bpf(2)"),
    ("attached\nto a socket", "setsockopt(2)", "setsockopt(2)"),
    ("counters", "mmap(2)", "bpf(2)"),
    ("picture", "Matplotlib", "Matplotlib"),
)
KERNEL = "chapter 01, the kernel: it checks and runs the program, and keeps the maps and the socket"
BRACKETS = {"chapter 02": (0, 1), "chapter 03": (2, 3), "chapter 04": (4, 5)}
# From chapter 05 on, a chapter has a bracket of its own.
OWN_BRACKET = {
    "05": {"chapter 05: bcc drives the same road": (0, 1, 2, 3, 4, 5)},
    "06": {"chapter 06: one system call": (2,)},
    "07": {"chapter 07: step by step": (2,)},
    "08": {"chapter 08: what the kernel refuses": (2,)},
    "09": {"chapter 09: one call for both": (2, 3)},
    "10": {"chapter 10: who may do this": (2, 3)},
    "11": {"chapter 11: what each of these costs": (2, 3, 4)},
    "12": {"chapter 12: anew": (0,), "chapter 12: elsewhere": (3,)},
    "13": {"chapter 13: to tracepoints": (3,)},
    "14": {"chapter 14: your own": (0, 1, 2, 3, 4)},
}
# What a chapter has in place of a stage's detail.
OWN_DETAIL = {("09", 2): "setsockopt(2)"}
ROAD_MARKS = {
    "00": "No stage is marked: this chapter drives the whole road once.",
    "01": "Marked: the ground, which is the kernel itself.",
    "02": "Marked: C source and object file.",
    "03": "Marked: program and maps, loaded; attached to a socket.",
    "04": "Marked: counters and picture.",
    "05": "All stages are marked: bcc drives the same road.",
    "06": "Marked: program and maps, loaded, which takes one system call.",
    "07": "Marked: program and maps, loaded; this chapter runs the program step by step.",
    "08": "Marked: program and maps, loaded, where the kernel may refuse.",
    "09": "Marked: loaded and attached, which for a classic filter is one call, setsockopt.",
    "10": "Marked: program and maps, loaded; attached to a socket. A container may forbid both.",
    "11": "Marked: program and maps, loaded; attached to a socket; counters. They are measured.",
    "12": "Marked: C source, to be mended; attached to a socket, which is one of several places.",
    "13": "Marked: attached, here to the kernel's own tracepoints.",
    "14": "Marked: C source, your own, and all that it takes to count with it.",
}
STATION_LEFT = tuple(12 + 125 * stage for stage in range(6))
STATION, ROAD_TOP, GROUND_TOP = (111, 66), 52, 138


def brackets(chapter: str) -> list[str]:
    """Above the boxes: which chapter builds which stages."""
    parts = []
    for words, stages in OWN_BRACKET.get(chapter, BRACKETS).items():
        here = words.startswith(f"chapter {chapter}")
        start, end = STATION_LEFT[stages[0]] + 4, STATION_LEFT[stages[-1]] + STATION[0] - 4
        parts += [
            text(
                (start + end) / 2,
                26,
                words,
                MARK if here else QUIET,
                12,
                font_weight="600" if here else "400",
            ),
            f'<path d="M{start} 43v-6H{end}v6" fill="none" stroke="{MARK if here else LINE}" '
            f'stroke-width="{2 if here else 1}"/>',
        ]
    return parts


def ground(marked: bool) -> list[str]:
    """Under the boxes: the kernel, and the posts of the stages that stand in it."""
    posts = [
        f'<path d="M{x} {ROAD_TOP + STATION[1]}V{GROUND_TOP}" stroke="{LINE}" stroke-width="4"/>'
        for left in STATION_LEFT[2:5]
        for x in (left + 28, left + STATION[0] - 28)
    ]
    fill, stroke, ink = (MARK, MARK, ON_MARK) if marked else (GROUND, LINE, INK)
    strip = rectangle(12, GROUND_TOP, WIDTH - 24, 30, fill, stroke)
    words = text(
        WIDTH / 2, GROUND_TOP + 19.5, KERNEL, ink, 12, font_weight="600" if marked else "400"
    )
    return [*posts, f"<g>{strip}{words}</g>"]


def road(chapter: str) -> str:
    """The road with the stages of one chapter, a key of ROAD_MARKS, marked, as SVG."""
    bcc = chapter == "05"
    spans = OWN_BRACKET.get(chapter, BRACKETS).items()
    marked = [
        s for words, stages in spans if words.startswith(f"chapter {chapter}") for s in stages
    ]
    width, height = STATION
    parts = brackets(chapter) + ground(chapter == "01")
    for stage, (left, (name, detail, with_bcc)) in enumerate(zip(STATION_LEFT, ROAD, strict=True)):
        parts.append(
            box(
                left,
                ROAD_TOP,
                width,
                height,
                name,
                with_bcc if bcc else OWN_DETAIL.get((chapter, stage), detail),
                stage in marked,
                MONO,
            )
        )
        if stage:
            parts.append(arrow(left - 13, ROAD_TOP + height / 2, left - 1, ROAD_TOP + height / 2))
    description = (
        "Six boxes from left to right: C source; object file; program and maps, loaded; attached "
        "to a socket; counters; picture. The third, fourth and fifth stand on a strip that runs "
        f"below the whole road: the kernel. {ROAD_MARKS[chapter]}"
    )
    return svg(184, f"The road of sockex1, chapter {chapter}", description, parts)
