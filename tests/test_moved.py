"""An old copy of a chapter says in one sentence that its imports have moved, and where to."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import house
import nbformat
import pytest
import stored
from nbclient.exceptions import CellExecutionError

from helpers import moved
from tools import render

# Runs each import by itself, [path of the notebook, line], and says how it went.
EACH = """
import json, os, sys
for path, line in json.load(sys.stdin):
    os.environ["JPY_SESSION_NAME"] = path
    try:
        exec(line, {})
        print(json.dumps([path, line, None, None]))
    except BaseException as error:
        print(json.dumps([path, line, type(error).__name__, str(error)]))
"""


def imports(path: Path) -> list[str]:
    """The import statements of a notebook, in order, each once."""
    found = {}
    for cell in stored.code_cells(path):
        for node in ast.walk(ast.parse(house.without_magic(cell.source))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found[ast.unparse(node)] = None
    return list(found)


def tried(lines: list[tuple[str, str]], cwd: Path = stored.COURSE) -> list[list]:
    """How each import went in another Python: path, line, kind of error and its text, or None."""
    result = subprocess.run(
        [sys.executable, "-c", EACH],
        cwd=cwd,
        input=json.dumps(lines),
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def exists(dotted: str) -> bool:
    """Whether there is a module of this name, or something in a module."""
    module, _, name = dotted.rpartition(".")
    return hasattr(import_module(module), name) or find_spec(dotted) is not None


def test_every_chapter_of_the_old_work_names_the_new_places_and_nothing_else(tmp_path):
    work = stored.old_work(tmp_path)
    chapters = [path for path in sorted(work.glob("*.ipynb")) if imports(path)]
    assert len(chapters) == 14
    lines = [(str(path), line) for path in chapters for line in imports(path)]
    results = tried(lines)
    assert len(results) == len(lines)
    assert {kind for _, _, kind, _ in results} == {None, "MovedError"}
    assert {path for path, _, kind, _ in results if kind} == {str(path) for path in chapters}
    for path, line, kind, text in results:
        if kind:
            stem = Path(path).stem
            number = stem[:2] if stem[:2].isdecimal() else stem
            old, new = text.split(": ")[0].removesuffix(" now").split(" is ")
            assert old.rpartition(".")[2] in line
            assert exists(new), text
            assert text == (
                f"{old} is {new} now: this copy of the chapter is older than the course; ./course "
                f"reset {number} puts the new one there and keeps yours aside."
            )


def used(path: Path) -> set[str]:
    """The names of helpers that a notebook uses, with their modules: imported, or after a dot."""
    stands_for: dict[str, str] = {}
    found = set()
    for cell in stored.code_cells(path):
        nodes = list(ast.walk(ast.parse(house.without_magic(cell.source))))
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers"):
                names = {each.asname or each.name: each.name for each in node.names}
                stands_for |= {here: f"{node.module}.{there}" for here, there in names.items()}
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found.add(f"{stands_for.get(node.value.id, '')}.{node.attr}")
    return {name for name in found | set(stands_for.values()) if name.startswith("helpers.")}


def resolved(name: str) -> object:
    """What a dotted name stands for. Errors: MovedError."""
    module, _, attribute = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(resolved(module), attribute)


def test_every_name_that_the_old_chapters_used_is_there_or_told_of(tmp_path):
    """A helper that loses a name gets a line in moved.NAMES."""
    names = set().union(*map(used, stored.old_work(tmp_path).glob("*.ipynb")))
    assert len(names) > 200
    for name in sorted(names):
        try:
            assert resolved(name) is not None
        except moved.MovedError as error:
            assert str(error).startswith("helpers.")


def test_in_a_notebook_it_is_one_line_without_a_traceback(tmp_path):
    cells = [nbformat.v4.new_code_cell("from helpers.checks import ch03, compare")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.raises(CellExecutionError):
        render.execute(notebook, tmp_path)
    (output,) = notebook.cells[0].outputs
    assert output.traceback == [
        "MovedError: helpers.checks.ch03 is chapters.ch03.check now: this copy of the chapter is "
        "older than the course; ./course reset 03 puts the new one there and keeps yours aside."
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import helpers.checks.ch03", "helpers.checks.ch03 is chapters.ch03.check now"),
        ("from helpers.checks import compare", "helpers.checks.compare is helpers.check.compare n"),
        ("from helpers import checks; checks.compare", "helpers.checks.compare is helpers.check.c"),
        ("from helpers.playground.file import read", "helpers.playground is chapters.playground"),
        ("from helpers.commands import lab", "helpers.commands is tools now"),
        ("from helpers.machine import known", "helpers.machine.known is chapters.ch07.translator."),
        ("from helpers import probes; probes.with_only", "helpers.probes.with_only is helpers.cap"),
        (
            "from helpers.counters import name",
            "helpers.counters.name is helpers.protocols.name now",
        ),
    ],
)
def test_however_it_is_asked_for(line, says):
    ((_, _, kind, text),) = tried([("", line)])
    assert (kind, text[: len(says)]) == ("MovedError", says)


def test_what_an_update_leaves_of_an_old_folder_hides_nothing(tmp_path):
    """git takes the modules away and leaves __pycache__, which alone makes a namespace package."""
    for name in ("moved.py", "errors.py", "__init__.py"):
        (tmp_path / "helpers").mkdir(exist_ok=True)
        (tmp_path / "helpers" / name).write_text((stored.COURSE / "helpers" / name).read_text())
    for name in ("checks", "playground"):
        (tmp_path / "helpers" / name / "__pycache__").mkdir(parents=True)
    lines = [("", "from helpers.checks import ch03"), ("", "from helpers import playground")]
    assert [kind for _, _, kind, _ in tried(lines, tmp_path)] == ["MovedError", "MovedError"]


def test_a_name_that_left_its_module_and_a_module_whose_name_is_taken(tmp_path, monkeypatch):
    """In a package of its own: what the two tables can say beyond what they say today."""
    (tmp_path / "helpers_of_old").mkdir()
    (tmp_path / "helpers_of_old" / "counters.py").write_text("here = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(moved.NAMES, "helpers_of_old.counters", {"name": "helpers.protocols.name"})
    from helpers_of_old import counters

    assert counters.here == 1
    assert not hasattr(counters, "never")
    with pytest.raises(moved.MovedError, match="^helpers_of_old.counters.name is helpers.protoco"):
        from helpers_of_old.counters import name  # noqa: F401
    (tmp_path / "helpers_of_old" / "taken.py").write_text("here = 2\n")
    monkeypatch.setitem(moved.MODULES, "helpers_of_old.taken", "chapters.ch12.classes")
    from helpers_of_old import taken

    assert taken.here == 2
    with pytest.raises(ImportError, match="taken.totals is chapters.ch12.classes.totals now"):
        _ = taken.totals


@pytest.mark.parametrize(
    ("session", "new", "called"),
    [
        ("/home/ana/work/05_bcc.ipynb", "helpers.bcc.headers", "05"),
        ("playground.ipynb", "chapters.playground", "playground"),
        ("/home/ana/work/my own.ipynb", "chapters.ch03.check", "03"),
        ("", "chapters.playground.reading", "playground"),
        ("", "helpers.check", "NN (its number)"),
    ],
)
def test_the_chapter_to_reset_is_the_one_that_runs(monkeypatch, session, new, called):
    monkeypatch.setenv("JPY_SESSION_NAME", session)
    assert moved.chapter(new) == called


def test_every_new_place_is_there():
    assert all(find_spec(new) for new in moved.MODULES.values())
    assert all(exists(new) for names in moved.NAMES.values() for new in names.values())


def test_it_is_asked_once_and_stays_out_of_the_way():
    assert sum(isinstance(each, moved.Finder) for each in sys.meta_path) == 1
    moved.install()
    assert sum(isinstance(each, moved.Finder) for each in sys.meta_path) == 1
    with pytest.raises(ModuleNotFoundError, match="No module named 'helpers.never'"):
        __import__("helpers.never")
