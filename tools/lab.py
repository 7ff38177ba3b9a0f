"""./course lab: bring the chapters in work/ up to date, and become JupyterLab on them.

Laboratory equipment. What is decided here goes into work/.jupyter, not on JupyterLab's command
line, so that an option given to ./course lab wins; and a learner's own Jupyter settings neither
change the course nor are changed by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import sys
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from chapters.ch00 import checkout, copies
from helpers import board, capabilities
from helpers.toolchain import COURSE, PLACE, WORK
from tools import environment, sources, workspace
from tools.privileges import TRACING
from tools.workspace import WorkspaceError

DEBUGGER = "--debugger"  # an option of ./course lab: kernels have one
FIRST_PORT = 8888
FIRST_PAGE = "/lab/tree/00_start_here.ipynb"
# nbdime is there for ./course diff alone: no buttons in the notebook, no part in the server.
EXTENSIONS = {
    "jupyter_server_config.json": {
        "ServerApp": {"jpserver_extensions": {"nbdime": False, "tools.ending": True}}
    },
    "labconfig/page_config.json": {"disabledExtensions": {"nbdime-jupyterlab": True}},
}
BOARD = "COURSE_BOARD"  # the variable with the address of a room's board
TRACES = "This lab holds CAP_PERFMON: chapter 13 may look at every packet of this machine."
TOLD = "JupyterLab starts. Open its address, below, in a browser; Ctrl-C twice stops it."


def free_port(first: int) -> int:
    """The first TCP port from `first` on that nobody listens on at 127.0.0.1."""
    for port in range(first, 1 << 16):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    return first  # and JupyterLab says what is wrong


def options(work: Path, port: int) -> dict:
    """JupyterLab's settings: this machine only, with its token, on chapter 00 in work/."""
    root = os.geteuid() == 0
    screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    # Kernels on Unix sockets leave lo to the course; the path of one has room for 107 bytes.
    short = len(os.fsencode(jupyter_runtime_dir())) + len("/kernel--ipc-5") + 36 <= 107
    return {
        "Application": {"log_level": "WARN"},
        "KernelManager": {"transport": "ipc" if short else "tcp"},
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": port,
            "root_dir": str(work),
            "allow_root": root,
            # Browsers refuse to run as root, and one in the terminal shows no notebook.
            "open_browser": screen and not root,
        },
        "LabApp": {"default_url": FIRST_PAGE, "custom_css": True, "log_level": "WARN"},
    }


def look(settings: Path) -> None:
    """Give JupyterLab the course's look, so that pictures follow the theme."""
    (settings / "custom").mkdir(parents=True, exist_ok=True)
    (settings / "custom" / "custom.css").write_bytes((COURSE / "helpers/page.css").read_bytes())


def prepare(work: Path, chosen: dict[str, dict]) -> list[str]:
    """Bring a learner's folder up to date, and have Jupyter read its settings from there.

    Arguments: the folder work/; Jupyter's settings, by the name of their file.
    Result: what the learner is told. Errors: WorkspaceError, OSError.
    """
    settings = work / ".jupyter"
    os.environ["JUPYTER_CONFIG_DIR"] = str(settings)
    brought = workspace.copy_chapters(COURSE / "notebooks", work)
    for name, content in chosen.items():
        (settings / name).parent.mkdir(exist_ok=True)
        workspace.put(settings / name, json.dumps(content, indent=1).encode())
    look(settings)
    sources.refresh(COURSE, work)
    damaged = filter(None, map(copies.unreadable, sorted(work.glob("*.ipynb"))))
    return [*brought.sentences(), *damaged]


def leave(work: Path) -> None:
    """Forget that there was a board: without one, nothing has to be kept for it."""
    shutil.rmtree(work / board.PLACE, ignore_errors=True)


def meet(work: Path, address: str) -> None:
    """Come to a board; where it is another one than the last time, the learner is asked anew."""
    which = work / board.PLACE / "which"
    if not which.exists() or which.read_text("utf-8") != address:
        leave(work)
        which.parent.mkdir(parents=True)
        which.write_text(address, "utf-8")


def joined(arguments: list[str], work: Path) -> list[str]:
    """Have JupyterLab speak to a room's board, as far as the learner agrees on its first page.

    Result: the arguments without those of the board.
    """
    from tools.classroom.board import address as addresses

    at = arguments.index("--board")
    try:
        address = addresses.parsed((arguments[at + 1 :] or [""])[0])
    except addresses.BoardError as error:
        sys.exit(f"course: {error}")
    meet(work, str(address))
    os.environ[BOARD] = str(address)
    settings = work / ".jupyter/jupyter_server_config.json"
    chosen = json.loads(settings.read_bytes())
    chosen["ServerApp"]["jpserver_extensions"]["tools.classroom.board.sender"] = True
    settings.write_text(json.dumps(chosen, indent=1), "utf-8")
    return [*arguments[:at], *arguments[at + 2 :], "--LabApp.default_url=/room"]


def main(arguments: list[str], told: str = TOLD) -> None:
    """Become JupyterLab. told: the last thing to say before."""
    if said := checkout.trouble(PLACE):
        sys.exit(f"course: {said}")
    port = free_port(FIRST_PORT)
    try:
        said = prepare(WORK, {"jupyter_lab_config.json": options(WORK, port), **EXTENSIONS})
    except WorkspaceError as error:
        sys.exit(f"course: {error}")
    except OSError as error:
        sys.exit(f"course: {workspace.refusal(error)}")
    for sentence in said:
        print(sentence)
    if os.geteuid() == 0:
        print("You are root on this machine, so the course runs as root.")
    if TRACING in arguments:
        arguments = [each for each in arguments if each != TRACING]
        if "CAP_PERFMON" in capabilities.held():
            print(TRACES)
    if "--board" in arguments:
        arguments = joined(arguments, WORK)
    else:
        leave(WORK)
    if DEBUGGER in arguments:
        arguments = [each for each in arguments if each != DEBUGGER]
        found = [str(environment.with_debugger(Path(sys.prefix))), os.environ.get("JUPYTER_PATH")]
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, found))
    named = any(re.match(r"--(ServerApp\.)?port(=|$)", argument) for argument in arguments)
    if port != FIRST_PORT and not named:
        print(f"Port {FIRST_PORT} is taken: JupyterLab gets port {port}.")
    print(told)
    sys.stdout.flush()
    if not any(argument.startswith(("--debug", "--log-level")) for argument in arguments):
        arguments = ["--log-level=WARN", *arguments]  # what remains is the address
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
