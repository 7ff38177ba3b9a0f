"""The texts of a module of checks that tell a learner what is missing, as its source has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

# What is no hint: a file that is read, a program that is run, the rows of a table.
OTHER_TABLES = {"LINES", "ASK", "TASKS"}
FEWEST_WORDS = 4


def hints(path: Path) -> Iterator[list[str]]:
    """Every hint of four words or more, in the pieces that its values in braces leave.

    A hint is any text that is no docstring, no other verdict's, no error's and no other table's.
    """
    return walk(ast.parse(path.read_text()))


def walk(node: ast.AST) -> Iterator[list[str]]:
    if isinstance(node, ast.Constant | ast.JoinedStr):
        pieces = pieces_of(node)
        words = " ".join(pieces).split()
        if sum(any(map(str.isalpha, word)) for word in words) >= FEWEST_WORDS:
            yield pieces
    for child in ast.iter_child_nodes(node):
        inside = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
        if not inside and not is_aside(node, child):
            yield from walk(child)


def pieces_of(node: ast.Constant | ast.JoinedStr) -> list[str]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]


def is_aside(node: ast.AST, child: ast.AST) -> bool:
    """Whether a child has no hints in it."""
    match node, child:
        case _, ast.Expr(value=ast.Constant()) | ast.Raise():
            return True
        case _, ast.Call(func=ast.Name(id="right" | "not_attempted")):
            return True
        case _, ast.Assign(targets=[ast.Name(id=name)]):
            return name in OTHER_TABLES
    return False
