"""The memory of a notebook's kernel: after chapters, and for plots that were opened and closed.

Laboratory equipment, used by ./course bench. Each is a kernel of its own, which is looked at while
it is still there: what it takes itself, and what it has started is another's.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import v4

from tools import render
from tools.bench.files import memory
from tools.bench.rows import Row, verdict

# Bytes. The chapters' are three quarters of what each took before memory was looked at, with the
# packages of today: 136 MB and 160 MB or more on 2026-11-29.
MOST_AFTER, MOST_GROWTH = {"00": 102e6, "04": 120e6}, 5e6
OPEN = """
from helpers import live

for _ in range({}):
    plot = live.open_plot()
    display(plot)
    plot.close()
"""


def chapter(path: Path) -> int:
    """Bytes that a kernel takes once it has run a chapter.

    Errors: CellExecutionError for a cell that fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with (
        tempfile.TemporaryDirectory() as folder,
        render.fresh_kernel(notebook, Path(folder)) as client,
    ):
        return after(client, *notebook.cells)


def growth(plots: int) -> int:
    """Bytes that a kernel has grown by from its third plot to so many later ones, each closed."""
    first, more = (v4.new_code_cell(OPEN.format(number)) for number in (3, plots))
    notebook = v4.new_notebook(cells=[first, more])
    with (
        tempfile.TemporaryDirectory() as folder,
        render.fresh_kernel(notebook, Path(folder)) as client,
    ):
        before = after(client, first)
        return after(client, more) - before


def after(client: NotebookClient, *cells: nbformat.NotebookNode) -> int:
    """Bytes that a kernel takes after it has run these cells of its notebook."""
    for cell in cells:
        client.execute_cell(cell, client.nb.cells.index(cell))
    return memory(client.km.provisioner.pid, "VmRSS")


def row(name: str, taken: list[int], most: float) -> Row:
    """One row. Arguments: taken: of each repeat; most: the target, both in bytes."""
    lowest, middle, highest = min(taken), statistics.median(taken), max(taken)
    target = verdict(f"at most {most / 1e6:.0f} MB", middle <= most)
    spread = f"{lowest / 1e6:.1f} MB to {highest / 1e6:.1f} MB"
    return Row(name, f"{middle / 1e6:.1f} MB", spread, "", target)


def measure(repeats: int, chapters: Sequence[str], plots: int) -> list[Row]:
    """The rows about memory, each `repeats` times: after these chapters, and for so many plots."""
    rows = [Row(f"**Memory** of a notebook's kernel, {repeats} times")]
    for number in chapters:
        (path,) = render.chapters([number])
        taken = [chapter(path) for _ in range(repeats)]
        rows.append(row(f"after chapter {number}", taken, MOST_AFTER[number]))
    grown = [growth(plots) for _ in range(repeats)]
    return [*rows, row(f"grown by {plots} plots, opened and closed", grown, MOST_GROWTH)]
