"""A learner's work as one file, by ./course progress and by the page of ./course site."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest

from helpers import progress
from helpers.toolchain import COURSE
from tools import carry, workspace
from tools import progress as command

STORED = COURSE / "notebooks"
THIRD = "03_load_attach_count.ipynb"
EXTENSION = COURSE / "tools/site/lab_extension"
# JupyterLab's contents, as much of them as work.js asks for.
CONTENTS = """{
    get: async (path, options) => path
        ? { content: structuredClone(files[path]) }
        : { content: Object.keys(files).map(name => ({ name, type: "notebook" })) },
    save: async (path, model) => { files[path] = structuredClone(model.content); },
}"""
OUT = f"""async ([files, more]) => {{
    const {{ addProgress, takeOut }} = await import("/work.js");
    addProgress(more);
    return takeOut({CONTENTS}, location.origin + "/");
}}"""
IN = f"""async ([files, text]) => {{
    const {{ bringIn, progress }} = await import("/work.js");
    const base = location.origin + "/";
    const said = await bringIn({CONTENTS}, base, text).catch(error => error.message);
    return [said, files, progress()];
}}"""


def copy(name: str, changed: str = "") -> dict:
    """A chapter as it lies in work/, with one cell more if a learner wrote one."""
    notebook = json.loads(workspace.content(STORED / name))
    if changed:
        cell = {"cell_type": "code", "source": [changed], "metadata": {}, "outputs": []}
        notebook["cells"].append(cell | {"execution_count": None})
    return notebook


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / THIRD).write_text(json.dumps(copy(THIRD, "mine = 1")))
    (folder / "04_live_plot.ipynb").write_text(json.dumps(copy("04_live_plot.ipynb")))
    progress.note(folder, "03", 1, "right")
    progress.note(folder, "03", 2, "not yet")
    return folder


def test_what_was_changed_is_taken_out_and_comes_back_elsewhere(work, tmp_path):
    file, other = tmp_path / "mine.json", tmp_path / "other"
    (said,) = carry.take_out(work, STORED, file)
    assert said.endswith("1 exercises right; notebooks that you changed: 03_load_attach_count.")
    assert list(carry.read(file)["notebooks"]) == [THIRD]
    carry.bring_in(other, STORED, file)
    assert json.loads((other / THIRD).read_bytes()) == copy(THIRD, "mine = 1")
    assert progress.read(other) == {"03": {"1": "right", "2": "not yet"}}


def test_nothing_of_the_learners_is_overwritten_and_nothing_reached_is_lost(work, tmp_path):
    file, other = tmp_path / "mine.json", tmp_path / "other"
    carry.take_out(work, STORED, file)
    other.mkdir()
    (other / THIRD).write_text(json.dumps(copy(THIRD, "other = 2")))
    progress.note(other, "03", 2, "right")
    for _ in range(2):  # what says the same already is not kept twice
        said = carry.bring_in(other, STORED, file)
    assert said == ["work/ has what mine.json brought; notebooks: 03_load_attach_count."]
    assert {each.name for each in other.glob("*.ipynb")} == {
        THIRD,
        "03_load_attach_count.old-1.ipynb",
    }
    kept = json.loads((other / "03_load_attach_count.old-1.ipynb").read_bytes())
    assert kept == copy(THIRD, "other = 2")
    assert progress.read(other) == {"03": {"1": "right", "2": "right"}}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"what": "something else"}',
        json.dumps(
            {
                "what": carry.WHAT,
                "version": 1,
                "progress": {},
                "notebooks": {"../x.ipynb": {"cells": []}},
            }
        ),
        json.dumps(
            {"what": carry.WHAT, "version": 1, "progress": {"03": {"1": "?"}}, "notebooks": {}}
        ),
    ],
    ids=["empty", "a list", "another", "outside", "no status"],
)
def test_a_file_that_is_no_work_is_one_sentence(content, tmp_path, capsys):
    (tmp_path / "x.json").write_text(content)
    assert command.main(["--in", str(tmp_path / "x.json")]) == 1
    assert "is no work of this course: take it out" in capsys.readouterr().err
    assert command.main(["--in", str(tmp_path / "none.json")]) == 1
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err


@pytest.mark.browser
def test_the_page_takes_in_what_the_course_gave_and_the_other_way_round(work, tmp_path, chromium):
    site = tmp_path / "site"
    (site / "files").mkdir(parents=True)
    (site / "index.html").write_text("<title>x</title>")
    (site / "work.js").write_bytes((EXTENSION / "work.js").read_bytes())
    (site / "files" / THIRD).write_bytes(workspace.content(STORED / THIRD))
    carry.take_out(work, STORED, tmp_path / "mine.json")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with chromium.browser.new_context() as context:
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/")
                theirs = {THIRD: copy(THIRD, "in the page")}
                text = (tmp_path / "mine.json").read_text()
                said, files, reached = page.evaluate(IN, [theirs, text])
                assert f"your own {THIRD} is now 03_load_attach_count.old-1.ipynb" in said
                assert files[THIRD] == copy(THIRD, "mine = 1")
                assert files["03_load_attach_count.old-1.ipynb"] == copy(THIRD, "in the page")
                assert reached == {"03": {"1": "right", "2": "not yet"}}
                assert "This is no work" in page.evaluate(IN, [theirs, "{}"])[0]
                # The untouched copy stays, and less than was reached changes nothing.
                more = {"03": {"1": "not yet"}, "04": {"2": "right"}}
                out = page.evaluate(OUT, [{THIRD: copy(THIRD), "own.ipynb": {"cells": []}}, more])
        finally:
            server.shutdown()
            thread.join()
    (tmp_path / "out.json").write_text(out)
    whole = carry.read(tmp_path / "out.json")
    assert whole["notebooks"] == {"own.ipynb": {"cells": []}}
    assert whole["progress"] == {"03": {"1": "right", "2": "not yet"}, "04": {"2": "right"}}
