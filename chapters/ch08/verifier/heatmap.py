"""Where a long log spends its steps: how often the verifier went through each line of C.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

from collections import Counter

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from chapters.ch08.verifier.verdict import KernelVerdict
from helpers import pictures
from helpers.table import Table

MAX_LINES = 24  # of C, those with the most steps
MAX_LETTERS = 60  # of a line of C
WARM = (0xD5, 0x5E, 0x00)  # of the palette of Okabe and Ito
ROW = 24  # pixels


def counted(verdict: KernelVerdict) -> list[tuple[int, str, int]]:
    """Lines of C in their order: number, text, and how many steps the verifier took in each."""
    by_number = {each.number: each for each in verdict.instructions}
    found = (by_number.get(step.number) for step in verdict.steps if not step.pruned)
    steps = Counter((i.line, i.source.strip()) for i in found if i)
    hottest = dict(steps.most_common(MAX_LINES))
    return [(line, source, hottest[line, source]) for line, source in sorted(hottest)]


def show(verdict: KernelVerdict) -> Table:
    """A picture of the steps by line of C, the warmer the more; and the same as a table.

    Result: the table; the picture is shown. Of a log of more than a million characters only its end
    is read. Chapter 08.
    """
    rows = counted(verdict)
    total = sum(count for *_, count in rows)
    hottest = max(rows, key=lambda row: row[2], default=(0, "", 0))
    if rows:
        pictures.show(
            draw(rows),
            f"The lines of C from top to bottom, each with how many of {total:,} steps of the "
            f"verifier it took. Most, {hottest[2]:,}, are in {_name(*hottest[:2])}.",
        )
    table = [(_name(line, source), f"{count:,}") for line, source, count in rows]
    return Table(f"{total:,} steps of the verifier, by line of C", ("line", "steps"), table)


def _name(line: int, source: str) -> str:
    short = source if len(source) <= MAX_LETTERS else source[: MAX_LETTERS - 3] + "..."
    return f"{line}: {short}" if line else "(no line)"


def draw(rows: list[tuple[int, str, int]]) -> Figure:
    """A row for each line of C: a cell that is the warmer the more steps it has, and the line."""
    width, height = 760, ROW * len(rows) + 16
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=pictures.PANEL)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    most = max(count for *_, count in rows)
    for at, (line, source, count) in enumerate(rows):
        y = 8 + at * ROW
        part = 0.7 * count / most  # so that the number on it can be read
        warm = tuple((255 - (255 - each) * part) / 255 for each in WARM)
        axes.fill([10, 90, 90, 10], [y, y, y + ROW - 3, y + ROW - 3], color=warm, linewidth=0)
        middle = y + (ROW - 3) / 2
        pictures.write(axes, 84, middle, f"{count:,}", 12, ha="right")
        pictures.write(
            axes, 100, middle, _name(line, source), 12, family="DejaVu Sans Mono", parse_math=False
        )
    return figure
