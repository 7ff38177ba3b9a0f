"""One view as HTML, for the widget: the program on the left, what it works on beside it.

Laboratory equipment, first used in chapter 07, inside_the_bytecode. What changed is marked by a
dot as well as by colour, and the current instruction by an arrow.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from helpers.stepper.view import Cell, View, Walk

LINES_AROUND = 14  # of the program, above and below the current one
BYTES_PER_ROW = 16  # of the packet
MAX_BYTES_SHOWN = 256  # of the packet
INK, QUIET, PAPER, EDGE = "#1a1a1a", "#555", "#fff", "#ccc"
CHANGED, NEXT, READ = "#f0e442", "#cde8f6", "#d55e00"  # of the palette of Okabe and Ito, or near
BOX = f"background:{PAPER};color:{INK};font-family:monospace;font-size:13px;line-height:1.45"
ROW = "display:flex;gap:6px;white-space:pre"


def html(walk: Walk, view: View) -> str:
    """The whole page: program, registers, memory, packet."""
    registers = cells("registers", view.registers)
    groups = "".join(cells(group.name, group.cells) for group in view.memory)
    right = registers + groups + packet(walk, view)
    columns = "".join(
        f'<div style="flex:1 1 400px;overflow:auto">{column}</div>'
        for column in (program(walk, view), right)
    )
    return (
        f'<div style="{BOX};padding:8px;border:1px solid {EDGE};display:flex;flex-wrap:wrap;'
        f'gap:16px">{columns}</div>'
    )


def program(walk: Walk, view: View) -> str:
    """The lines around the one that runs next, or that ran last; the C line above its own."""
    places = [line.number for line in walk.lines]
    here = view.following if view.following is not None else view.executed
    current = places.index(here) if here in places else 0
    shown = walk.lines[max(0, current - LINES_AROUND) : current + LINES_AROUND + 1]
    rows, source = [], ""
    for line in shown:
        if line.source and line.source != source:
            source = line.source
            rows.append(f'<div style="white-space:pre;color:{QUIET}">; {escape(source)}</div>')
        following = line.number == view.following
        mark = "→" if following else "·" if line.number == view.executed else " "
        look = f"background:{NEXT};font-weight:bold" if following else ""
        text = f"{mark} {line.number:4}  {line.text}"
        rows.append(f'<div style="white-space:pre;{look}">{escape(text)}</div>')
    more = len(walk.lines) - len(shown)
    note = f"; {more} more instructions are not shown" if more else ""
    return heading(f"program (→ runs next, · ran last){note}") + "".join(rows)


def cells(name: str, shown: Iterable[Cell]) -> str:
    """A heading, and a row for each cell that has a value."""
    rows = []
    for cell in shown:
        look = f"background:{CHANGED};font-weight:bold" if cell.changed else ""
        value = cell.value or "no value"
        words = f"  {cell.meaning}" if cell.meaning else ""
        quiet = "" if cell.value else f"color:{QUIET};"
        text = escape(f"{'•' if cell.changed else ' '} {cell.name:9} {value}{words}")
        rows.append(f'<div style="white-space:pre;{quiet}{look}">{text}</div>')
    return heading(name) + ("".join(rows) or f'<div style="color:{QUIET}">  nothing yet</div>')


def packet(walk: Walk, view: View) -> str:
    """The packet's bytes in hex, those just read marked by a frame and by colour."""
    start, end = view.reading or (0, 0)
    rows = []
    for at in range(0, min(len(walk.packet), MAX_BYTES_SHOWN), BYTES_PER_ROW):
        row = [
            byte(value, start <= at + n < end)
            for n, value in enumerate(walk.packet[at : at + BYTES_PER_ROW])
        ]
        rows.append(
            f'<div style="{ROW}"><span style="color:{QUIET}">{at:4}</span>{"".join(row)}</div>'
        )
    read = f", reading byte {start}" + (f" to {end - 1}" if end - start > 1 else "")
    title = f"packet, {len(walk.packet)} bytes{read if view.reading else ''}"
    return heading(title) + "".join(rows)


def byte(value: int, read: bool) -> str:
    look = f"background:{READ};color:#fff;font-weight:bold;outline:2px solid {INK}" if read else ""
    return f'<span style="{look}">{value:02x}</span>'


def heading(text: str) -> str:
    return f'<div style="color:{QUIET};margin-top:6px">{escape(text)}</div>'
