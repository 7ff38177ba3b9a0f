"""What JupyterLab stores of a widget: a still picture and words, for a file cannot keep a kernel.

Laboratory equipment. A widget's view in a file shows "model not found" once its kernel is gone. So
what is stored is what the page shows at that moment, as HTML and PNG, and the view is noted beside
it: as long as the very kernel lives, a page that is opened again gets the view back.
tools/environment.py makes this the storage of every JupyterLab of the course.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from html import escape

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
NOTE = "course_widget"  # in an output's metadata: the view, and the process that it belongs to
CHILD = "IPY_MODEL_"
SAYING = 'class="course-notice'  # what is said of now and of a kernel; helpers/page.py writes it
OVER = (
    "This is how it looked when the notebook was saved. To use it again, click into this cell, "
    "choose Run → Run All Above Selected Cell, and then run the cell."
)
OVER_AS_HTML = f"<p>{escape(OVER)}</p>"
WORDLESS = "The last picture of this cell's widget."


class Contents(AsyncLargeFileManager):
    """Files as JupyterLab reads and writes them, but for the widgets in notebooks."""

    async def save(self, model: dict, path: str = "") -> dict:
        if model.get("type") == "notebook" and model.get("content"):
            exists = await self.file_exists(path)
            before = (await super().get(path))["content"] if exists else {}
            store(model["content"], before, await self._process(path))
        return await super().save(model, path)

    async def get(self, path: str, content: bool = True, *options: object, **more: object) -> dict:
        model = await super().get(path, content, *options, **more)
        if model["type"] == "notebook" and model.get("content"):
            revive(model["content"], await self._process(path))
        return model

    def mark_trusted_cells(self, nb: dict, path: str = "") -> None:
        """Where the disk is full, Jupyter's data base of signatures cannot be asked: then nothing
        is trusted, and the notebook opens all the same. findings/nbformat_full_disk.sh"""
        with contextlib.suppress(sqlite3.OperationalError):
            super().mark_trusted_cells(nb, path)

    def check_and_sign(self, nb: dict, path: str = "", **more: object) -> None:
        with contextlib.suppress(sqlite3.OperationalError):
            super().check_and_sign(nb, path, **more)

    async def _process(self, path: str) -> int | None:
        """The process of the kernel that runs for a notebook."""
        server = self.parent
        if not hasattr(server, "session_manager"):
            return None
        for session in await server.session_manager.list_sessions():
            if session["path"].strip("/") == path.strip("/") and session["kernel"]:
                kernel = server.kernel_manager.get_kernel(session["kernel"]["id"])
                return getattr(kernel.provisioner, "pid", None)
        return None


def outputs(notebook: dict) -> Iterator[dict]:
    """The outputs of a notebook that have data."""
    for cell in notebook.get("cells", ()):
        yield from (each for each in cell.get("outputs", ()) if "data" in each)


def store(notebook: dict, before: dict, process: int | None) -> None:
    """Put stills in place of the views of widgets.

    Arguments: notebook: as the page sends it, with the state of every widget whose kernel it knows
        to be alive. before: what is stored so far. process: of the notebook's kernel.
    """
    models = notebook["metadata"].pop("widgets", {}).get(STATE, {}).get("state", {})
    kept = {}
    for output in outputs(before):
        if note := output["metadata"].get(NOTE):
            kept[note["view"].get("model_id")] = output
    for output in outputs(notebook):
        view = output["data"].pop(VIEW, None)
        if not view:
            continue
        known = kept.get(view.get("model_id"))
        if view.get("model_id") in models:
            # Whose it is was seen at its first saving: a kernel that died may have another by now.
            owner = known["metadata"][NOTE]["process"] if known else process
            output["data"] |= still(view["model_id"], models)
            output["metadata"][NOTE] = {"view": view, "process": owner}
        elif known:
            output["data"], output["metadata"] = known["data"], known["metadata"]
        else:
            output["data"].setdefault("text/html", OVER_AS_HTML)


def revive(notebook: dict, process: int | None) -> None:
    """Put the views of widgets back whose kernel still runs; no other is left."""
    for output in outputs(notebook):
        note = output["metadata"].get(NOTE)
        if note and process and note["process"] == process:
            output["data"][VIEW] = note["view"]
        elif not process and output["data"].pop(VIEW, None):
            output["data"].setdefault("text/html", OVER_AS_HTML)


def still(model: str, models: dict) -> dict:
    """What a widget shows, by MIME type: its pictures and its HTML, in their order."""
    found: dict[str, str] = {}
    parts = []
    for name, state, buffers in parts_of(model, models):
        if name == "ImageModel" and buffers:
            alt, png = state.get("tooltip") or WORDLESS, buffers["value"].replace("\n", "")
            found.setdefault("image/png", png)
            source = f'src="data:image/png;base64,{png}" alt="{escape(alt)}"'
            parts.append(f'<img class="course-picture" {source}>')
        elif name == "HTMLModel" and SAYING not in state.get("value", ""):
            parts.append(f"<div>{state.get('value', '')}</div>")
    return found | {"text/html": "".join(parts) + OVER_AS_HTML}


def parts_of(model: str, models: dict) -> Iterator[tuple[str, dict, dict]]:
    """A widget and everything in it: the model's name, its state, and its base64 buffers."""
    if model not in models:
        return
    its = models[model]
    buffers = {".".join(each["path"]): each["data"] for each in its.get("buffers", ())}
    yield its["model_name"], its["state"], buffers
    for child in its["state"].get("children", ()):
        yield from parts_of(re.sub(f"^{CHILD}", "", child), models)
