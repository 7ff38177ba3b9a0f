"""A walk as text: one line for each instruction that ran, with what it changed.

Laboratory equipment, first used in chapter 07, inside_the_bytecode.
"""

from __future__ import annotations

from helpers.stepper.view import Cell, View, Walk

MAX_WIDTH = 44  # letters for an instruction; behind longer ones the columns end


def written(walk: Walk, limit: int = 200) -> str:
    """The whole walk, the line of C above the instructions that come from it.

    Arguments: limit: how many instructions at most; what is left out is said.
    """
    rows, source = [], ""
    widest = max((len(line.text) for line in walk.lines), default=0)
    width = min(widest, MAX_WIDTH)
    for step, view in enumerate(walk):
        if step > limit:
            rows.append(f"... and {walk.last() - limit} instructions more")
            break
        line = walk.line(view.executed)
        if line is None:
            continue
        if line.source and line.source != source:
            source = line.source
            rows.append(f"; {source}")
        happened = ", ".join(filter(None, [changes(view), view.note]))
        happened = "; ".join(filter(None, [happened, emptied(view)]))
        rows.append(f"{line.number:4}: {line.text:{width}}  {happened}".rstrip())
        if view.ending:
            rows.append(view.ending)
    return "\n".join(rows)


def changes(view: View) -> str:
    """What the last instruction has written: registers first, then memory."""
    cells = [cell for cell in view.registers if cell.changed and cell.value]
    written = [f"{cell.name} = {words(cell)}" for cell in cells]
    for group in view.memory:
        written += [f"{group.name}: {c.name} = {words(c)}" for c in group.cells if c.changed]
    return ", ".join(written)


def emptied(view: View) -> str:
    """The registers that the last instruction has used up: "r1, r2: no value"."""
    names = [cell.name for cell in view.registers if cell.changed and not cell.value]
    return f"{', '.join(names)}: no value" if names else ""


def words(cell: Cell) -> str:
    """A value as it reads best: what it means if that is known, else itself."""
    return cell.meaning or cell.value or "no value"
