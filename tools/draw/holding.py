"""What a process holds in the kernel by its descriptors, and what holds what there: holding.svg.

Laboratory equipment: chapter 06 shows it.
"""

from __future__ import annotations

from tools.draw import shapes

# From the top down: a place in the list of descriptors, the thing behind it, what that is.
ROWS = (
    ("0, 1, 2", "input, output, errors", "where this process reads and prints"),
    ("counters_fd", "map", "256 counters"),
    ("sockex1_fd", "program", "sockex1"),
    ("the socket's", "packet socket", "hears lo"),
)
TOP, STEP, HEIGHT = 60, 68, 44
LIST, KERNEL, THING = (14, 196), (300, shapes.WIDTH - 314), (396, 254)  # left edge and width


def holding() -> str:
    """The picture, as SVG."""
    bottom = TOP + STEP * len(ROWS)
    middle, centre = LIST[0] + LIST[1] / 2, THING[0] + THING[1] / 2
    parts = [
        shapes.text(middle, 27, "this process", shapes.INK, 14, font_weight="600"),
        shapes.text(middle, 46, "its list of descriptors", shapes.QUIET, 12),
        shapes.rectangle(KERNEL[0], 10, KERNEL[1], bottom - 16, shapes.GROUND, shapes.GROUND),
        shapes.text(centre, 38, "kernel", shapes.INK, 14, font_weight="600"),
    ]
    for row, (name, thing, what) in enumerate(ROWS):
        top = TOP + STEP * row
        across = top + HEIGHT / 2
        parts += [
            shapes.rectangle(LIST[0], top, LIST[1], HEIGHT, shapes.PAPER, shapes.LINE),
            shapes.text(middle, across + 4.5, name, font_family=shapes.MONO),
            shapes.box(THING[0], top, THING[1], HEIGHT, thing, what),
            shapes.arrow(LIST[0] + LIST[1] + 1, across, THING[0] - 2, across),
        ]
    for row, why in ((2, "uses"), (3, "runs")):
        top = TOP + STEP * row
        parts += [
            shapes.arrow(centre, top, centre, top - STEP + HEIGHT + 2),
            shapes.text(centre + 26, top - 8, why, shapes.QUIET, 12),
        ]
    description = (
        "Left, the process's list of descriptors: 0, 1, 2; counters_fd; sockex1_fd; the socket's. "
        "An arrow leads from each into the kernel: to input, output and errors; to the map; to the "
        "program; to the packet socket. In the kernel the socket runs the program, and the program "
        "uses the map: each holds the next."
    )
    return shapes.svg(bottom + 4, "Descriptors, and what they hold", description, parts)
