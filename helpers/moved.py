"""Where things went: what an old copy of a chapter imports is told its new place, in one sentence.

Importing helpers sets this up, so it is there wherever a notebook runs: in JupyterLab, in VS Code,
in the course's image, and right after the course was updated. A new line in one of the two tables
is all that a further move takes.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from helpers.errors import CourseError

# Old module -> new one, which goes for what lies below it, too; the longest that fits decides.
MODULES = {
    "chapters.ch12.frames": "helpers.frames",
    "helpers.announce": "chapters.ch12.announce",
    "helpers.attach": "chapters.ch12.attach",
    "helpers.bcc_headers": "helpers.bcc.headers",
    "helpers.bcc_program": "helpers.bcc.program",
    "helpers.bcc_table": "chapters.ch05.table_counters",
    "helpers.bpffs": "chapters.ch12.bpffs",
    "helpers.bytecode": "helpers.asm.instruction",
    "helpers.checks": "helpers.check",
    **{f"helpers.checks.ch{n:02}": f"chapters.ch{n:02}.check" for n in range(13)},
    "helpers.clinic": "chapters.ch08.clinic",
    "helpers.commands": "tools",
    "helpers.confined": "chapters.ch10.confined",
    "helpers.confined_child": "chapters.ch10.confined_child",
    "helpers.disasm": "helpers.asm.disassembly",
    "helpers.drops": "chapters.ch12.drops",
    "helpers.faults": "chapters.ch08.faults",
    "helpers.flood": "chapters.ch11.flood",
    "helpers.frame_picture": "helpers.pictures",
    "helpers.kernel_matrix": "chapters.ch01.kernel_matrix",
    "helpers.lookups": "chapters.ch11.lookups",
    "helpers.machine.environment": "chapters.ch07.translator.environment",
    "helpers.machine.known": "chapters.ch07.translator.known",
    "helpers.machine.statements": "chapters.ch07.translator.statements",
    "helpers.machine.translate": "chapters.ch07.translator.text",
    "helpers.machine.translation": "chapters.ch07.translator.translation",
    "helpers.measuring": "chapters.ch11.measuring",
    "helpers.netlab_child": "helpers.netlab.child",
    "helpers.netlab_control": "helpers.netlab.control",
    "helpers.own_lo": "helpers.netlab.own_lo",
    "helpers.pcap": "chapters.playground.pcap",
    "helpers.playground": "chapters.playground",
    "helpers.protocols": "chapters.ch12.classes",
    "helpers.readiness": "chapters.ch00.readiness",
    "helpers.seccomp": "chapters.ch10.seccomp",
    "helpers.spread": "chapters.ch11.spread",
    "helpers.stepper.classic": "chapters.ch09.classic",
    "helpers.stepper.ebpf": "chapters.ch07.ebpf",
    "helpers.strace": "chapters.ch06.strace",
    "helpers.two_cpus": "chapters.ch11.two_cpus",
    "helpers.verifier": "chapters.ch08.verifier",
}
# A module that is still there -> what it once had -> where that is now.
NAMES: dict[str, dict[str, str]] = {
    "helpers.counters": {
        name: f"helpers.protocols.{name}"
        for name in ("CLASSES", "NAMES", "NUMBERS", "name", "number")
    },
    "helpers.probes": {
        "CAPABILITIES": "helpers.capabilities.NUMBERS",
        "capabilities": "helpers.capabilities.held",
        **{
            name: f"helpers.capabilities.{name}"
            for name in ("keep", "keep_only", "permitted", "with_only", "without_capabilities")
        },
    },
}
# Packages whose parts went to several places: each part is told of by itself.
SPLIT = {"helpers.checks"}


class MovedError(CourseError, ImportError):
    """Something was asked for by the name that it had in an older version of the course."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(
            f"{old} is {new} now: this copy of the chapter is older than the course; ./course "
            f"reset {chapter(new)} puts the new one there and keeps yours aside."
        )


def chapter(new: str) -> str:
    """What ./course calls the chapter that this kernel runs, or else the one that owns `new`.

    Jupyter tells a kernel the path of its notebook in JPY_SESSION_NAME.
    """
    import re  # here, since every start loads this module, and needs none of it

    name = os.environ.get("JPY_SESSION_NAME", "").rpartition("/")[2].removesuffix(".ipynb")
    running = re.match(r"(\d\d)_|(playground)$", name)
    owner = re.match(r"chapters\.(?:ch(\d\d)|(playground))", new)
    found = running or owner
    return (found[1] or found[2]) if found else "NN (its number)"


def new_place(old: str) -> str | None:
    """Where a module is now, or what lay below it; None if it has not moved."""
    parts = old.split(".")
    for length in range(len(parts), 1, -1):
        new = MODULES.get(".".join(parts[:length]))
        if new:
            return ".".join([new, *parts[length:]])
    return None


def watch(module: ModuleType) -> None:
    """Let a module tell where a name of it went, if it is asked for."""

    def __getattr__(name: str) -> object:
        old = f"{module.__name__}.{name}"
        new = NAMES.get(module.__name__, {}).get(name) or new_place(old)
        if new and not name.startswith("__"):
            raise MovedError(old, new)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__getattr__ = __getattr__


class Watched(SourceFileLoader):
    """Loads a module as usual, and watches it then."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        watch(module)


class Split:
    """Loads what is left of a package that went to several places: nothing, watched."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        watch(module)


class Finder:
    """Asked by Python where a module is (the import system's name for it is meta path finder)."""

    def find_spec(
        self, name: str, path: list[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for what has not moved. Errors: MovedError."""
        new = new_place(name)
        if not new and name not in NAMES:
            return None
        spec = PathFinder.find_spec(name, path)
        # What an update left of an old folder, its __pycache__, has no origin.
        if spec is None or spec.origin is None:
            if name in SPLIT:
                return ModuleSpec(name, Split(), is_package=True)
            if new:
                raise MovedError(name, new)
        else:  # it has lost some names, or another module has its name by now
            spec.loader = Watched(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """Have Python ask, once."""
    if not any(isinstance(each, Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, Finder())
