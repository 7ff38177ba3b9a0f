"""One view as HTML, for the widget: the program on the left, what it works on beside it.

Laboratory equipment, first used in chapter 07, inside_the_bytecode. What changed is marked by a
dot as well as by colour, and the current instruction by an arrow.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from helpers.stepper.view import Cell, View, Walk

LINES_AROUND = 14  # of the program, above and below the current one
LINES_NEAR = 3  # of them, where there is less room; see helpers/page.css
BYTES_PER_ROW = 16  # of the packet
MAX_BYTES_SHOWN = 256  # of the packet


def html(walk: Walk, view: View) -> str:
    """The whole page: program, registers, memory, packet."""
    registers = cells("registers", view.registers)
    groups = "".join(cells(group.name, group.cells) for group in view.memory)
    right = registers + groups + packet(walk, view)
    columns = "".join(
        # What can be scrolled can have the focus: the arrow keys scroll it then.
        f'<div tabindex="0" role="region" aria-label="{name}">{column}</div>'
        for name, column in (("program", program(walk, view)), ("registers and memory", right))
    )
    return f'<div class="course-stepper"><div class="course-panes">{columns}</div></div>'


def program(walk: Walk, view: View) -> str:
    """The lines around the one that runs next, or that ran last; the C line above its own."""
    places = [line.number for line in walk.lines]
    here = view.following if view.following is not None else view.executed
    current = places.index(here) if here in places else 0
    shown = walk.lines[max(0, current - LINES_AROUND) : current + LINES_AROUND + 1]
    rows, source = [], ""
    for line in shown:
        far = "" if abs(places.index(line.number) - current) <= LINES_NEAR else " course-far"
        if line.source and line.source != source:
            source = line.source
            rows.append(f'<div class="course-quiet{far}">; {escape(source)}</div>')
        following = line.number == view.following
        mark = "→" if following else "·" if line.number == view.executed else " "
        look = "course-next" if following else ""
        text = f"{mark} {line.number:4}  {line.text}"
        rows.append(f'<div class="{look}{far}">{escape(text)}</div>')
    more = len(walk.lines) - len(shown)
    note = f"; {more} more instructions are not shown" if more else ""
    return heading(f"program (→ runs next, · ran last){note}") + "".join(rows)


def cells(name: str, shown: Iterable[Cell]) -> str:
    """A heading, and a row for each cell that has a value."""
    rows = []
    for cell in shown:
        look = "course-changed" if cell.changed else "" if cell.value else "course-quiet"
        value = cell.value or "no value"
        words = f"  {cell.meaning}" if cell.meaning else ""
        text = escape(f"{'•' if cell.changed else ' '} {cell.name:9} {value}{words}")
        rows.append(f'<div class="{look}">{text}</div>')
    return heading(name) + ("".join(rows) or '<div class="course-quiet">  nothing yet</div>')


def packet(walk: Walk, view: View) -> str:
    """The packet's bytes in hex, those just read marked by a frame and by colour."""
    start, end = view.reading or (0, 0)
    rows = []
    for at in range(0, min(len(walk.packet), MAX_BYTES_SHOWN), BYTES_PER_ROW):
        row = [
            byte(value, start <= at + n < end)
            for n, value in enumerate(walk.packet[at : at + BYTES_PER_ROW])
        ]
        offset = f'<span class="course-quiet">{at:4}</span>'
        rows.append(f'<div class="course-bytes">{offset}{"".join(row)}</div>')
    read = f", reading byte {start}" + (f" to {end - 1}" if end - start > 1 else "")
    title = f"packet, {len(walk.packet)} bytes{read if view.reading else ''}"
    return heading(title) + "".join(rows)


def byte(value: int, read: bool) -> str:
    look = ' class="course-read" style="outline: 2px solid"' if read else ""
    return f"<span{look}>{value:02x}</span>"


def heading(text: str) -> str:
    return f'<div class="course-quiet course-heading">{escape(text)}</div>'
