"""The house as its imports tell it: modules, what each imports, and what the notebooks reach."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import stored

ROOMS = ("helpers", "chapters", "tools")


def modules(course: Path = stored.COURSE) -> dict[str, Path]:
    """Every module of the course by its dotted name; a package has the name of its folder."""
    paths = (path for room in ROOMS for path in (course / room).rglob("*.py"))
    return {dotted(path.relative_to(course)): path for path in sorted(paths)}


def dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(code: str, known: Iterable[str]) -> set[str]:
    """The modules of `known` that a piece of Python imports, wherever in it, for types only, too.

    `from package import name` is the module package.name if there is one, else the package.
    """
    known, names = set(known), set()
    if "import" not in code:  # most cells
        return names
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            each = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in known else node.module for name in each}
    return names & known


@cache
def arrows(course: Path = stored.COURSE) -> dict[str, set[str]]:
    """What each module imports of the others."""
    known = modules(course)
    return {name: imported(path.read_text(), known) - {name} for name, path in known.items()}


def reached(start: Iterable[str], imports: Mapping[str, set[str]]) -> set[str]:
    """All modules that are loaded with those of `start`: packages run their __init__ first."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in imports or name in found:
            continue
        found.add(name)
        waiting += [*imports[name], name.rpartition(".")[0]]
    return found


def owner(name: str) -> str | None:
    """The chapter, or the playground, that a module belongs to; None for other rooms."""
    parts = name.split(".")
    return parts[1] if parts[0] == "chapters" and len(parts) > 1 else None


def notebook_imports(path: Path, known: Iterable[str]) -> set[str]:
    """What the code cells of a notebook import of the course."""
    known = list(known)
    return {
        name
        for cell in stored.code_cells(path)
        for name in imported(without_magic(cell.source), known)
    }


def notebook_names(path: Path, known: Iterable[str]) -> set[str]:
    """The names of helpers that the code cells of a notebook use: helpers.loader.load."""
    known, names, called = set(known), set(), {}
    code = "\n".join(without_magic(cell.source) for cell in stored.code_cells(path))
    nodes = list(ast.walk(ast.parse(code)))
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "helpers":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in known:
                    called[alias.asname or alias.name] = name
                else:
                    names.add(name)
    for node in nodes:
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in called:
            names.add(f"{called[node.value.id]}.{node.attr}")
    return names


def without_magic(source: str) -> str:
    lines = source.split("\n")
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


@cache
def chapters_reaching(course: Path = stored.COURSE) -> dict[str, set[str]]:
    """For each module the chapters that need it: by their notebook, or by what they own."""
    imports = arrows(course)
    needs: dict[str, set[str]] = {name: set() for name in imports}
    starts: dict[str, set[str]] = {}
    for path in stored.NOTEBOOKS:
        number = path.name[:2]
        chapter = f"ch{number}" if number.isdigit() else path.stem
        starts[chapter] = notebook_imports(path, imports)
    for name in imports:
        if owner(name):
            starts.setdefault(owner(name), set()).add(name)
    for chapter, start in starts.items():
        for name in reached(start, imports):
            needs[name].add(chapter)
    return needs
