"""python -m helpers.commands.draw: writes the two diagrams of the course, as SVG, with their marks.

The road (road_NN.svg, for each chapter) and one packet's path through the kernel (path.svg, and
path_STAGE.svg with one stage marked). Laboratory equipment: chapters show the files that it wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

IMAGES = Path(__file__).resolve().parents[2] / "notebooks" / "images"
WIDTH = 760

# Text and what lies under it; every pair that is used keeps a contrast of 4.5 or more.
PANEL, GROUND, PAPER = "#FAFAF8", "#E9EDF0", "#FFFFFF"
INK, QUIET, LINE = "#1F2933", "#4A5560", "#8A949E"
MARK, ON_MARK = "#1B4965", "#FFFFFF"

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def text(x: float, y: float, words: str, fill: str = INK, size: int = 13, **more: str) -> str:
    """Words centred on x, with their baseline at y; `more` are attributes of <text>."""
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{attributes}>'
        f"{escape(words)}</text>"
    )


def rectangle(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    name: str,
    detail: str = "",
    marked: bool = False,
    detail_font: str = SANS,
) -> str:
    """A box with a name of one or more lines and a smaller line of detail, all centred in it."""
    middle, ink, quiet = x + width / 2, *((ON_MARK, ON_MARK) if marked else (INK, QUIET))
    names = name.split("\n")
    baseline = y + height / 2 + 4.5 - 8 * (len(names) - (not detail))
    parts = [rectangle(x, y, width, height, MARK if marked else PAPER, MARK if marked else LINE)]
    for row, words in enumerate(names):
        parts.append(text(middle, baseline + 16 * row, words, ink, font_weight="600"))
    if detail:
        y_detail = baseline + 16 * len(names)
        parts.append(text(middle, y_detail, detail, quiet, 11, font_family=detail_font))
    return "<g>" + "".join(parts) + "</g>"


def arrow(x1: float, y1: float, x2: float, y2: float, dashes: str = "none") -> str:
    """A horizontal or vertical line from (x1, y1) that ends in a head at (x2, y2)."""
    right, down = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
    base_x, base_y = x2 - 7 * right, y2 - 7 * down
    return (
        f'<path d="M{x1:g} {y1:g}L{base_x:g} {base_y:g}" stroke="{QUIET}" stroke-width="1.5" '
        f'stroke-dasharray="{dashes}"/>'
        f'<path d="M{x2:g} {y2:g}L{base_x - 4 * down:g} {base_y - 4 * right:g}'
        f'L{base_x + 4 * down:g} {base_y + 4 * right:g}Z" fill="{QUIET}"/>'
    )


def svg(height: int, title: str, description: str, parts: list[str]) -> str:
    """A whole SVG document on a light panel of its own, so that dark pages can show it."""
    body = "\n".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" \
viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title description" \
font-family="{SANS}" text-anchor="middle">
<title id="title">{escape(title)}</title>
<desc id="description">{escape(description)}</desc>
<rect width="{WIDTH}" height="{height}" rx="8" fill="{PANEL}"/>
{body}
</svg>
"""


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
    "12": {"chapter 12: better": (0,), "chapter 12: elsewhere": (3,)},
    "09": {"chapter 09: one call for both": (2, 3)},
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
    "12": "Marked: C source, to be written better; attached to a socket, one of several places.",
    "09": "Marked: loaded and attached, which for a classic filter is one call, setsockopt.",
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


# From the top down, as a frame meets them when it is sent: (stage, sending, receiving, what it is),
# the two as name and detail. The order is that of the kernel's __dev_queue_xmit and
# dev_hard_start_xmit on the one side, __netif_receive_skb_core on the other (net/core/dev.c).
STAGES = (
    ("program", ("a program", "sends"), ("a program", "receives"), "user space"),
    ("socket", ("socket", ""), ("socket", ""), "where a program meets the network"),
    ("ip", ("IP", ""), ("IP", ""), "addresses and routes, IPv4 and IPv6"),
    (
        "netfilter",
        ("netfilter", "OUTPUT, POSTROUTING"),
        ("netfilter", "PREROUTING, INPUT"),
        "the firewall's rules",
    ),
    ("tc", ("tc egress", "then the queue"), ("tc ingress", ""), "traffic control"),
    ("tap", ("tap", "copies the outgoing frame"), ("tap", "copies the incoming frame"), ""),
    ("xdp", None, ("XDP", "earliest of all, receiving only"), ""),
    ("driver", ("driver", "lo, or a network card"), ("driver", "lo, or a network card"), ""),
)
MARKED_STAGES = ("driver", "xdp", "tap", "tc", "netfilter", "ip", "socket")
LEFT, RIGHT, BAND, STEP = 32, 528, (200, 38), 52
BAND_TOP = {name: 44 + STEP * row + 16 * (row > 0) for row, (name, *_) in enumerate(STAGES)}


def bands(marked: str) -> list[str]:
    """The boxes of the path, its arrows down on the left and up on the right, and the words."""
    width, height = BAND
    down, up = LEFT + width / 2, RIGHT + width / 2
    parts = [
        text(down, 27, "sending", INK, 14, font_weight="600"),
        text(up, 27, "receiving", INK, 14, font_weight="600"),
    ]
    ends = [(top, top + height) for top in BAND_TOP.values()]
    below = [top for top, _ in ends[1:]] + [ends[-1][1] + 14]
    for (name, sending, receiving, what), (top, end), next_top in zip(
        STAGES, ends, below, strict=True
    ):
        if sending:
            target = BAND_TOP["driver"] if name == "tap" else next_top
            parts += [
                box(LEFT, top, width, height, *sending, name == marked),
                arrow(down, end, down, target - 1),
            ]
        parts += [
            box(RIGHT, top, width, height, *receiving, name == marked),
            arrow(up, next_top, up, end + 1),
        ]
        if what:
            parts.append(text(WIDTH / 2, top + height / 2 + 4, what, QUIET, 12))
    return parts


def crossings(marked: str) -> list[str]:
    """What joins the two sides: the packet socket with its two taps, and the driver of lo."""
    inner_left, inner_right = LEFT + BAND[0] + 2, RIGHT - 2
    tap, driver = (BAND_TOP[name] + BAND[1] / 2 for name in ("tap", "driver"))
    bottom = BAND_TOP["driver"] + BAND[1] + 14
    return [
        box(286, tap - 28, 188, 56, "packet socket", "sockex1 runs on each copy", marked == "tap"),
        arrow(inner_left, tap, 284, tap, dashes="4 3"),
        arrow(inner_right, tap, 476, tap, dashes="4 3"),
        arrow(inner_left, driver, inner_right, driver),
        text(WIDTH / 2, driver - 9, "on lo: straight back, no cable", INK, 12),
        text(WIDTH / 2, driver + 18, "so both taps see every frame", INK, 12),
        text(LEFT + BAND[0] / 2, bottom + 14, "network card: out to the cable", QUIET, 12),
        text(RIGHT + BAND[0] / 2, bottom + 14, "network card: in from the cable", QUIET, 12),
    ]


def path(marked: str = "") -> str:
    """One packet's path through the kernel, as SVG, with one of MARKED_STAGES marked, or none."""
    top, bottom = BAND_TOP["socket"] - 22, BAND_TOP["driver"] + BAND[1] + 7
    kernel = [
        rectangle(14, top, WIDTH - 28, bottom - top, GROUND, GROUND),
        text(WIDTH / 2, top + 17, "kernel", QUIET, 12),
    ]
    description = (
        "A frame that is sent goes down on the left: program, socket, IP, netfilter, tc egress, "
        "tap, driver. A frame that is received goes up on the right: driver, XDP, tap, tc ingress, "
        "netfilter, IP, socket, program. Each tap hands a copy to the packet socket in the middle, "
        "where sockex1 runs. On lo the driver hands a sent frame straight to the receiving side, "
        "so both taps see it."
    )
    title = "One packet's path through the kernel"
    if marked:
        title, description = f"{title}, {marked} marked", f"{description} Marked: {marked}."
    return svg(bottom + 37, title, description, kernel + bands(marked) + crossings(marked))


def pictures() -> dict[str, str]:
    """Every diagram: the name of its file, and its SVG text."""
    from helpers.commands.draw_holding import holding  # which draws with the shapes above

    roads = {f"road_{chapter}.svg": road(chapter) for chapter in ROAD_MARKS}
    paths = {f"path_{stage}.svg": path(stage) for stage in MARKED_STAGES}
    return roads | paths | {"path.svg": path(), "holding.svg": holding()}


def main() -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, content in pictures().items():
        (IMAGES / name).write_text(content, encoding="utf-8")
    print(f"Wrote {len(pictures())} pictures to {IMAGES}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
