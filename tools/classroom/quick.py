"""Start a program of JupyterHub's without seconds of work that nobody needs.

    python -m tools.classroom.quick jupyterhub.app ARGUMENT ...

Where the package rfc3987_syntax is there, jsonschema builds 38 grammars while it is imported, for a
form of address that nothing here checks: some seconds of a processor in each process, and in a room
each learner's server is one.
"""

from __future__ import annotations

import importlib
import sys


def without_grammars() -> None:
    sys.modules.setdefault("rfc3987_syntax", None)  # as if it were not installed


def become(module: str, arguments: list[str]) -> None:
    """Call a module's main(), as its own command would, until that ends."""
    without_grammars()
    sys.argv = [module, *arguments]
    sys.exit(importlib.import_module(module).main())


if __name__ == "__main__":
    become(sys.argv[1], sys.argv[2:])
