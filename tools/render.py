"""./course render [NN ...]: execute the chapters from a fresh kernel, and store them.

A stored notebook has its outputs and execution counts 1..n, and nothing that changes from run to
run without meaning: no timestamps, no widget state, no editor's metadata. Its first cell says how
long it takes, by the rule of tools/minutes.py.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import minutes, shipped

NOTEBOOKS = COURSE / "notebooks"
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS_PER_CELL = 120
SECONDS_TO_START = 60


class RenderError(CourseError):
    """There is no such chapter, or a cell of it failed."""


def chapters(numbers: list[str]) -> list[Path]:
    """The notebooks whose names begin with one of `numbers`; all of them if there are none.

    Errors: RenderError, naming the chapters that there are.
    """
    every = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not numbers:
        return every
    chosen = [path for path in every if path.name.startswith(tuple(numbers))]
    unknown = [n for n in numbers if not any(path.name.startswith(n) for path in chosen)]
    if unknown:
        names = ", ".join(path.stem for path in every)
        raise RenderError(f"There is no chapter {unknown[0]}; there is: {names}.")
    return chosen


@contextmanager
def fresh_kernel(notebook: nbformat.NotebookNode, folder: Path) -> Iterator[NotebookClient]:
    """A client with a kernel of its own, whose working directory is `folder`.

    The two speak through files, not through lo: nobody else on the machine can listen in.
    """
    with tempfile.TemporaryDirectory(prefix="course-") as private:
        client = NotebookClient(
            notebook,
            timeout=SECONDS_PER_CELL,
            startup_timeout=SECONDS_TO_START,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{private}/kernel"}}),
            store_widget_state=False,
            record_timing=False,
        )
        with client.setup_kernel():
            yield client


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run every cell from top to bottom in a fresh kernel whose working directory is `folder`.

    Errors: CellExecutionError for a cell that fails and is not tagged raises-exception.
    """
    with fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)


def clean(notebook: nbformat.NotebookNode) -> None:
    """Leave in the notebook only what means something on a code host."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        tags, jupyter = cell.metadata.get("tags"), cell.metadata.get("jupyter", {})
        meant = {"tags": tags} if tags else {}
        if jupyter.get("source_hidden"):  # code that need not be read is folded away
            meant["jupyter"] = {"source_hidden": True}
        cell.metadata = nbformat.from_dict(meant)
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)


def joined(outputs: list) -> list:
    """Outputs without widget views, and with one stream's pieces in one piece.

    How a stream is cut into messages depends on timing; a widget does not live in a file.
    """
    kept: list = []
    for output in outputs:
        if output.output_type in ("display_data", "execute_result"):
            output.data.pop(WIDGET, None)
        same = kept and kept[-1].output_type == output.output_type == "stream"
        if same and kept[-1].name == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def render(path: Path) -> None:
    """Execute one notebook and store it. Errors: RenderError, naming the cell that failed."""
    notebook = nbformat.read(path, as_version=4)
    try:
        execute(notebook, path.parent)
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
        raise RenderError(f"{path.name} stopped; it is stored as it was. {reason}") from error
    clean(notebook)
    minutes.state(notebook)
    nbformat.write(notebook, path)


def main(numbers: list[str]) -> int:
    try:
        for path in chapters(numbers):
            print(f"rendering {path.name} ...", end=" ", flush=True)
            render(path)
            shipped.add([path])
            print(f"{path.stat().st_size // 1024} KB")
        minutes.tell()
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
