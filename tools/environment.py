"""The course's Python environment, finished and checked from inside; ./course calls this.

Laboratory equipment. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import sysconfig
from pathlib import Path

from chapters.ch00 import checkout
from helpers.errors import CourseError
from helpers.toolchain import COURSE

BCC = "python3/dist-packages/bcc"  # where Debian and Ubuntu keep bcc's Python part
SETTINGS = {
    # A button's callback has to run on the kernel's main thread, where the plot is drawn.
    "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"},
    # Links into a chapter need all of its cells on the page; 136 cells are few.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    # No question about news on the first start, and no request to a web site.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


# What a widget shows goes with the notebook to the server, which stores a still (contents.py).
WIDGETS = {"@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True}}
# A file that is uploaded in the playground is one message. Without this the server ends the
# connection at one of more than 10 MiB, and nobody is told why.
MESSAGE = 256 * 2**20  # bytes
SERVER = {
    "ServerApp": {
        "contents_manager_class": "tools.contents.Contents",
        "tornado_settings": {"websocket_max_message_size": MESSAGE},
    }
}
# Every kernel of the environment reads this before it begins. A debugger takes 8 of its MB whether
# or not one debugs; ./course lab --debugger has kernels with one.
KERNEL = """import os
import sys

if not os.environ.get("COURSE_DEBUGGER"):
    sys.modules["debugpy"] = None  # not there, for this one import
    import ipykernel.debugger

    del sys.modules["debugpy"]
"""
# Where a key is for the control that has the focus, not for the cell around it.
OUTPUT = ".jp-OutputArea *"


class SetupError(CourseError):
    """The environment cannot be finished."""


def stamp() -> str:
    """What the environment was made for and from: when this changes, it is set up again."""
    sources = [COURSE / "pyproject.toml", Path(__file__), Path(__file__).with_name("setup.py")]
    parts = [str(COURSE), sys.version, *(path.read_text("utf-8") for path in sources)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def link_bcc(packages: Path, distribution: Path = Path("/usr/lib")) -> None:
    """Make the distribution's bcc importable from the environment, whatever its Python version.

    It is plain ctypes over libbcc.so, so links to its files are enough. One link to the whole
    folder would do, too, but then root's `pip install bcc` would write into the distribution.
    Arguments: the environment's site-packages; where the distribution keeps Python packages.
    Errors: SetupError.
    """
    folder = packages / "bcc"
    source = distribution / BCC
    if not source.is_dir():
        raise SetupError("Python's bcc is missing: install python3-bpfcc.")
    if folder.is_symlink():
        folder.unlink()
    if (folder / "__init__.py").exists() and not is_linked(packages):
        raise SetupError(
            f"{folder} is the package bcc from PyPI, which has nothing to do with BPF: "
            f"run '{sys.executable}' -m pip uninstall bcc, then start again."
        )
    folder.mkdir(exist_ok=True)
    for file in source.glob("*.py"):
        (folder / file.name).unlink(missing_ok=True)
        (folder / file.name).symlink_to(file)


def is_linked(packages: Path) -> bool:
    """Whether the environment's bcc is the distribution's."""
    return (packages / "bcc").is_dir() and (packages / "bcc/__init__.py").is_symlink()


def first_files(packages: Path) -> list[str]:
    """For each installed package its name and one file of each of its modules, for
    checkout.missing_packages.

    Source: the file RECORD in PyPA's "Recording installed projects".
    """
    found = []
    for record in sorted(packages.glob("*.dist-info/RECORD")):
        modules: dict[str, str] = {}
        with record.open(encoding="utf-8", newline="") as rows:
            for path in sorted((row[0] for row in csv.reader(rows) if row), key=len):
                top = path.partition("/")[0]
                if path.endswith((".py", ".so")) and not top.endswith(("..", ".dist-info")):
                    modules.setdefault(top, path)
        name = record.parent.name.partition("-")[0].replace("_", "-")
        found += [f"{name} {packages / path}" for path in modules.values()]
    return found


def left_to_controls(lab: Path) -> list[dict]:
    """JupyterLab's shortcuts of one key or two without Ctrl or Alt, but not within outputs.

    In command mode "dd" deletes the cell, and an arrow key moves to another, whatever has the
    focus: a button, or a drop-down list, which needs its arrow keys.
    Arguments: the folder share/jupyter/lab of the environment.
    """
    shortcuts = []
    for path in sorted(lab.glob("schemas/@jupyterlab/*/*.json")):
        for each in json.loads(path.read_text("utf-8")).get("jupyter.lab.shortcuts", ()):
            words = " ".join(each["keys"]).split()
            plain = words and {"Accel", "Ctrl", "Alt", "Enter", "Escape"}.isdisjoint(words)
            if plain and ".jp-mod-commandMode" in each["selector"]:
                elsewhere = {"selector": f"{each['selector']}:not({OUTPUT})"}
                shortcuts += [each | {"disabled": True}, each | elsewhere]
    return shortcuts


def with_debugger(prefix: Path) -> Path:
    """A folder of Jupyter's data whose kernel has a debugger: see ./course lab --debugger."""
    return prefix / "share/with-debugger"


def write_kernels(prefix: Path) -> None:
    """Have a kernel without a debugger, for which JupyterLab does not ask, and another with one."""
    ours = Path("kernels/python3/kernel.json")
    if not (prefix / "share/jupyter" / ours).is_file():
        return  # a kernel that was not installed is told by checkout.missing_packages
    spec = json.loads((prefix / "share/jupyter" / ours).read_bytes())
    for folder, debugger in ((with_debugger(prefix), True), (prefix / "share/jupyter", False)):
        spec["metadata"]["debugger"] = debugger
        spec["env"] = {"COURSE_DEBUGGER": "1" if debugger else ""}
        (folder / ours).parent.mkdir(parents=True, exist_ok=True)
        (folder / ours).write_text(json.dumps(spec, indent=1), "utf-8")
    settings = prefix / "etc/ipython/ipython_kernel_config.py"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(KERNEL, "utf-8")


def finish(prefix: Path, need: str) -> None:
    """Make the course and bcc importable, write Jupyter's settings, and leave the stamp."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "course.pth").write_text(f"{COURSE}\n", "utf-8")
    link_bcc(packages)
    lab = prefix / "share/jupyter/lab"
    keys = {"@jupyterlab/shortcuts-extension:shortcuts": {"shortcuts": left_to_controls(lab)}}
    for path, content in {
        lab / "settings/overrides.json": SETTINGS,
        lab / "settings/overrides.d/course.json": WIDGETS | keys,
        prefix / "etc/jupyter/jupyter_server_config.json": SERVER,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1), "utf-8")
    write_kernels(prefix)
    (prefix / checkout.PACKAGES).write_text("\n".join(first_files(packages)), "utf-8")
    for name in {"lab", need}:
        (prefix / f"course-{name}").write_text(stamp(), "utf-8")


def is_ready(prefix: Path, need: str) -> bool:
    """Whether finish() was reached for this very course, and bcc and all packages are there."""
    stored = prefix / f"course-{need}"
    same = stored.is_file() and stored.read_text("utf-8") == stamp()
    linked = is_linked(Path(sysconfig.get_path("purelib")))
    return same and linked and not checkout.missing_packages(prefix)


def main(arguments: list[str]) -> int:
    """`ready lab` (or test): exit status 0 if nothing is to do; `finish lab` (or test)."""
    verb, need = arguments
    if verb == "ready":
        return 0 if is_ready(Path(sys.prefix), need) else 1
    try:
        finish(Path(sys.prefix), need)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
