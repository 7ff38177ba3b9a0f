"""One rule: helpers/ has what two chapters share, chapters/ what one owns, tools/ the verbs."""

from __future__ import annotations

import ast
import graphlib

import house
import pytest
import stored

FLOORS = {"helpers": 0, "chapters": 1, "tools": 2}
# Started as processes of their own, so no import leads there.
STARTED = {"helpers.netlab.child"}
# Lines of helpers/ in all: lowered when something goes, raised only with the reason in the commit.
BUDGET = 99_999


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
        ("chapters.ch12.drops", "chapters.playground.reading"),
        ("chapters.playground.reading", "chapters.ch12.drops"),
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
    reach = house.chapters_reaching()
    for path in stored.CHAPTERS:
        imports = house.arrows()
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


def test_the_road_names_modules_that_exist_and_imports_nothing():
    text = (stored.COURSE / "helpers" / "__init__.py").read_text()
    assert not [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
