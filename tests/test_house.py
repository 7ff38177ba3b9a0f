"""One rule: helpers/ has what two chapters share, chapters/ what one owns, tools/ the verbs."""

from __future__ import annotations

import ast
import graphlib
import json
import pkgutil
import re
import subprocess
import sys

import house
import pytest
import stored

import helpers

FLOORS = {"helpers": 0, "chapters": 1, "tools": 2}
# Started as processes of their own, so no import leads there.
STARTED = {"helpers.netlab.child", "helpers.cbpf.inside"}
# Lines of helpers/ in all: lowered when something goes, raised only with the reason in the commit.
BUDGET = 13_960


def wrong_ways(imports: dict[str, set[str]]) -> list[str]:
    """The imports that lead up a floor, or from one chapter to another."""
    found = []
    for name, targets in imports.items():
        for target in targets:
            up = FLOORS[target.split(".")[0]] > FLOORS[name.split(".")[0]]
            across = house.owner(name) and house.owner(target) not in (None, house.owner(name))
            if up or across:
                found.append(f"{name} imports {target}")
    return sorted(found)


def test_imports_go_from_tools_to_chapters_to_helpers_and_never_across():
    assert wrong_ways(house.arrows()) == []


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("helpers.loader", "chapters.ch08.clinic"),
        ("helpers.loader", "tools.demo"),
        ("chapters.ch03.check", "tools.demo"),
        ("chapters.ch12.drops", "chapters.playground.program"),
        ("chapters.playground.program", "chapters.ch12.drops"),
    ],
)
def test_an_import_back_or_across_is_seen(name, target):
    imports = {each: set(targets) for each, targets in house.arrows().items()}
    imports[name].add(target)
    assert wrong_ways(imports) == [f"{name} imports {target}"]


def test_no_import_leads_in_a_circle():
    imports = house.arrows()
    # A package's __init__ is the door to its modules: they may not come back through it.
    graphlib.TopologicalSorter(imports).prepare()


def test_a_circle_is_seen():
    imports = {each: set(targets) for each, targets in house.arrows().items()}
    imports["helpers.errors"].add("helpers.loader")
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(imports).prepare()


def test_what_lies_in_helpers_serves_two_chapters_at_least():
    reach = house.chapters_reaching()
    alone = {
        name: sorted(chapters)
        for name, chapters in reach.items()
        if name.startswith("helpers.") and len(chapters) < 2 and name not in STARTED
    }
    assert alone == {}


def test_what_a_chapter_owns_is_used_by_it():
    reach, imports = house.chapters_reaching(), house.arrows()
    for path in stored.CHAPTERS:
        start = house.notebook_imports(path, imports)
        own = {name for name in imports if house.owner(name) == f"ch{path.name[:2]}"}
        assert any(name in own for name in start) or not own, path.name
    assert all(reach[name] for name in reach if house.owner(name))


def test_helpers_stay_within_their_budget():
    lines = sum(
        len(path.read_text().splitlines())
        for name, path in house.modules().items()
        if name.startswith("helpers")
    )
    assert lines <= BUDGET


def road() -> list[str]:
    """The names that the text of helpers/__init__.py lists."""
    names = re.findall(r"^    (\S+)  +\S", helpers.__doc__, re.MULTILINE)
    assert len(names) == len(set(names)) > 30
    return [f"helpers.{name}" for name in names]


def doors() -> set[str]:
    """The modules and packages that lie directly in helpers."""
    return {name for name in house.modules() if name.count(".") == 1 and "helpers." in name}


def test_the_road_is_text_and_imports_nothing():
    text = (stored.COURSE / "helpers" / "__init__.py").read_text()
    loads = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [ast.unparse(node) for node in loads] == ["from helpers import moved"]
    assert house.reached(["helpers"], house.arrows()) == {
        "helpers",
        "helpers.moved",
        "helpers.errors",
    }


def test_every_name_of_the_road_is_there_and_every_door_stands_on_it():
    for name in road():
        assert pkgutil.resolve_name(name) is not None
    assert {".".join(name.split(".")[:2]) for name in road()} == doors()


def test_what_two_chapters_use_stands_on_the_road():
    users: dict[str, set[str]] = {}
    for path in stored.NOTEBOOKS:
        for name in house.notebook_names(path, house.modules()):
            users.setdefault(name, set()).add(path.stem)
    assert {name for name, paths in users.items() if len(paths) > 1} - set(road()) == set()


# How many modules of the course come with each door at most, its own among them, but for those
# that come with every one. Lowered when one goes, raised only with the reason in the commit.
MODULES_LOADED = {
    "asm": 6, "bcc": 2, "board": 1, "btf": 1, "capabilities": 2, "cbpf": 16, "check": 1,
    "complaints": 1,
    "counters": 2, "errors": 0, "features": 14, "flows": 4, "frames": 2, "kernel": 2, "libbpf": 1,
    "libpcap": 1, "links": 2, "live": 40, "loader": 11, "machine": 19, "moved": 0, "netlab": 6,
    "objfile": 9, "page": 1, "pictures": 2, "places": 1, "probes": 13, "progress": 3,
    "protocols": 1, "refusals": 29, "rights": 3, "sockets": 3, "source": 2, "stepper": 5,
    "syscall": 8, "table": 1, "tc": 30, "toolchain": 1, "tracepoints": 17, "traffic": 1, "uapi": 1,
}  # fmt: skip


def test_opening_one_door_loads_little():
    command = [sys.executable, "-c", OPENED, *sorted(doors())]
    loaded = json.loads(subprocess.check_output(command, text=True, cwd=stored.COURSE))
    assert set(loaded) == set(MODULES_LOADED)
    more = {door: n for door, n in loaded.items() if n > MODULES_LOADED[door]}
    assert more == {}


# Each door as if it were the first: what the others have loaded is forgotten before.
OPENED = """
import importlib, json, sys

def ours():
    return {name for name in sys.modules if name.split(".")[0] in ("helpers", "chapters", "tools")}

always = {"helpers", "helpers.moved", "helpers.errors"}
loaded = {}
for door in sys.argv[1:]:
    for name in ours():
        del sys.modules[name]
    importlib.import_module(door)
    loaded[door.removeprefix("helpers.")] = len(ours() - always)
print(json.dumps(loaded))
"""
