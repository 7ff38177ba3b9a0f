"""Run chapters from top to bottom, and say of each how it went, in a line of JSON. Runs inside.

Arguments: the beginnings of their names; none for all that there are.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError

from tools import render


def stopped(path: Path, folder: Path) -> dict[str, object]:
    """{} if it ran to its end; else the error, and how many lines its reader was shown."""
    notebook = nbformat.read(path, as_version=4)
    try:
        render.execute(notebook, folder)
    except CellExecutionError as error:
        shown = next(
            output.traceback
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if output.output_type == "error"
        )
        text = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(shown)).strip()
        return {"error": error.ename, "says": error.evalue, "lines": len(text.splitlines())}
    return {}


for path in render.chapters(sys.argv[1:]):
    with tempfile.TemporaryDirectory() as scratch:
        work = shutil.copytree(render.NOTEBOOKS, Path(scratch) / "work")
        print(json.dumps({"chapter": path.stem} | stopped(path, Path(work))), flush=True)
