"""One packet's path through the kernel, with one stage marked.

Laboratory equipment: the chapters show it where they prove a stage.
"""

from __future__ import annotations

from tools.draw.shapes import GROUND, INK, QUIET, WIDTH, arrow, box, line, rectangle, svg, text

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


def crossings(marked: str, tunnel: bool) -> list[str]:
    """What joins the two sides: the packet socket with two taps, and the driver of lo or tun."""
    inner_left, inner_right = LEFT + BAND[0] + 2, RIGHT - 2
    tap, driver = (BAND_TOP[name] + BAND[1] / 2 for name in ("tap", "driver"))
    bottom = BAND_TOP["driver"] + BAND[1] + 14
    over_lo = [
        arrow(inner_left, driver, inner_right, driver),
        text(WIDTH / 2, driver - 9, "on lo: straight back, no cable", INK, 12),
        text(WIDTH / 2, driver + 18, "so both taps see every frame", INK, 12),
    ]
    # The lane between the left column and the words in the middle leads back up.
    lane, program = inner_left + 14, BAND_TOP["program"] + BAND[1] / 2
    over_tun = [
        line(inner_left, driver, lane, driver),
        line(lane, driver, lane, program),
        arrow(lane, program, inner_left, program),
        text(WIDTH / 2, driver - 9, "on tun0: up to the VPN program,", INK, 12),
        text(WIDTH / 2, driver + 8, "which sends it again in a packet of", INK, 12),
        text(WIDTH / 2, driver + 25, "its own: the tap sees both", INK, 12),
    ]
    return [
        box(286, tap - 28, 188, 56, "packet socket", "sockex1 runs on each copy", marked == "tap"),
        arrow(inner_left, tap, 284, tap, dashes="4 3"),
        arrow(inner_right, tap, 476, tap, dashes="4 3"),
        *(over_tun if tunnel else over_lo),
        text(LEFT + BAND[0] / 2, bottom + 14, "network card: out to the cable", QUIET, 12),
        text(RIGHT + BAND[0] / 2, bottom + 14, "network card: in from the cable", QUIET, 12),
    ]


def path(marked: str = "", tunnel: bool = False) -> str:
    """One packet's path through the kernel, as SVG, with one of MARKED_STAGES marked, or none.

    tunnel: what leaves through a tun device instead of lo, and passes a second time.
    """
    top, bottom = BAND_TOP["socket"] - 22, BAND_TOP["driver"] + BAND[1] + 7
    kernel = [
        rectangle(14, top, WIDTH - 28, bottom - top, GROUND, GROUND),
        text(WIDTH / 2, top + 17, "kernel", QUIET, 12),
    ]
    description = (
        "A frame that is sent goes down on the left: program, socket, IP, netfilter, tc egress, "
        "tap, driver. A frame that is received goes up on the right: driver, XDP, tap, tc ingress, "
        "netfilter, IP, socket, program. Each tap hands a copy to the packet socket in the middle, "
        "where sockex1 runs. "
    )
    if tunnel:
        description += (
            "What leaves through the tun device tun0 goes up again, to the VPN program, which "
            "sends it a second time in a packet of its own: the tap sees both."
        )
    else:
        description += (
            "On lo the driver hands a sent frame straight to the receiving side, so both taps "
            "see it."
        )
    title = "One packet's path through the kernel"
    if marked:
        title, description = f"{title}, {marked} marked", f"{description} Marked: {marked}."
    return svg(bottom + 37, title, description, kernel + bands(marked) + crossings(marked, tunnel))
