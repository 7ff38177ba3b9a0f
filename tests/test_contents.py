"""What is stored of a widget, and what comes back: tools/contents.py on made-up notebooks."""

from __future__ import annotations

import copy
import re
import stat
from pathlib import Path

import pytest
from stored import COURSE, NOTEBOOKS, name, read

from chapters.ch00 import copies
from helpers import page as on_page
from tools import contents, sources
from tools.contents import NOTE, STATE, VIEW

MODELS = {
    "view": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_m", "IPY_MODEL_i"]}},
    "m": {"model_name": "HTMLModel", "state": {"value": on_page.sentence("Running.", "plot")}},
    "i": {
        "model_name": "ImageModel",
        "state": {"tooltip": 'A "chart"', "children": []},
        "buffers": [{"path": ["value"], "encoding": "base64", "data": "iVBO\n"}],
    },
}


def page(model: str = "view", **models: dict) -> dict:
    """A notebook as JupyterLab sends it to be saved."""
    data = {VIEW: {"model_id": model, "version_major": 2}, "text/plain": "A plot."}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    cell = {"cell_type": "code", "source": "plot", "outputs": [output]}
    state = {"widgets": {STATE: {"state": models}}}
    return {"cells": [cell], "metadata": state if models else {}}


def saved(notebook: dict, before: dict | None = None, process: int | None = 7) -> dict:
    notebook = copy.deepcopy(notebook)
    contents.store(notebook, before or {}, process)
    return notebook


def output(notebook: dict) -> dict:
    return notebook["cells"][0]["outputs"][0]


def test_a_still_with_alternative_text_is_stored_and_no_view():
    stored = saved(page(**MODELS))
    data = output(stored)["data"]
    assert VIEW not in data
    assert data["image/png"] == "iVBO"
    assert 'alt="A &quot;chart&quot;"' in data["text/html"]
    assert "Run All Above Selected Cell" in data["text/html"]
    assert "Running." not in data["text/html"]
    assert "widgets" not in stored["metadata"]


def test_the_view_comes_back_for_its_own_kernel_alone():
    stored = saved(page(**MODELS))
    for process, alive in ((7, True), (8, False), (None, False)):
        again = copy.deepcopy(stored)
        contents.revive(again, process)
        assert (VIEW in output(again)["data"]) is alive


def test_what_a_dead_kernel_showed_stays_what_it_was():
    stored = saved(page(**MODELS))
    assert saved(page(), stored, 8) == stored
    # A kernel that died unseen: the page still believes in it, another process runs.
    believed = saved(page(**MODELS), stored, 8)
    assert output(believed)["metadata"][NOTE]["process"] == 7
    # Opened with another kernel, and saved again: as before.
    opened = copy.deepcopy(stored)
    contents.revive(opened, None)
    assert saved(opened, stored, 9) == stored


def test_a_view_that_is_not_known_becomes_a_sentence():
    assert "run the cell" in output(saved(page()))["data"]["text/html"]
    old = page()
    contents.revive(old, None)
    assert VIEW not in output(old)["data"]
    assert "run the cell" in output(old)["data"]["text/html"]


# The sources beside the notebooks


def test_sources_are_copied_read_only_and_follow_the_course(tmp_path: Path):
    (own := tmp_path / "bpf" / "mine_kern.c").parent.mkdir()
    own.write_text("int mine;")
    sources.refresh(COURSE, tmp_path)
    copied = tmp_path / "bpf" / "sockex1_kern.c"
    assert copied.read_bytes() == (COURSE / "bpf" / "sockex1_kern.c").read_bytes()
    assert stat.S_IMODE(copied.stat().st_mode) == 0o444
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert not any((tmp_path / name / "__init__.py").exists() for name in sources.FOLDERS)
    assert (tmp_path / "helpers" / "live" / "__init__.py").exists()
    copied.chmod(0o644)
    copied.write_text("a learner's own")
    (gone := tmp_path / "bpf" / "gone_kern.c").write_text("")
    gone.chmod(0o444)
    changed = tmp_path / "helpers" / "loader.py"
    changed.chmod(0o644)
    changed.write_text("old")
    changed.chmod(0o444)
    sources.refresh(COURSE, tmp_path)
    assert copied.read_text() == "a learner's own"
    assert own.read_text() == "int mine;"
    assert not gone.exists()
    assert changed.read_bytes() == (COURSE / "helpers" / "loader.py").read_bytes()


FLAGS = re.DOTALL | re.MULTILINE
NAMED = re.compile(r"(?<!\[)`((?:bpf|helpers|chapters)/[\w/]+\.\w+)`")
LINKED = re.compile(r"\]\(\.\./([^)]+)\)")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_sources_named_in_a_text_open_with_a_click(path: Path):
    for cell in read(path).cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"```.*?```|<summary>.*?</summary>|^#.*?$", "", cell.source, flags=FLAGS)
        assert [each for each in NAMED.findall(text) if (COURSE / each).exists()] == []
        for each in LINKED.findall(text):
            assert (COURSE / each).is_file(), each
            assert Path(each) not in sources.DOORS
            assert copies.as_in_work(f"](../{each})") == f"]({each})"
