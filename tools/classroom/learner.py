"""What starts as the learner: the chapters are brought up to date, then it becomes the server."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from helpers.toolchain import WORK
from tools import lab, workspace
from tools.classroom import quick
from tools.workspace import WorkspaceError

IDLE = "COURSE_IDLE"  # seconds
# A learner whose disk is full gets in, with the settings from before: nobody else frees it.
FULL = (errno.ENOSPC, errno.EDQUOT)


def settings(idle: int) -> dict[str, dict]:
    """Jupyter's settings, by file.

    idle: after so many seconds in which nobody looked, kernels are stopped, and then the server.
    The hub's own culler does not speak to a hub that listens on a Unix socket.
    """
    return {
        "jupyter_server_config.json": {
            "ServerApp": {
                "root_dir": str(WORK),
                "jpserver_extensions": {
                    "nbdime": False,
                    "jupyter_lsp": False,
                    "tools.classroom.board.sender": True,
                },
                "shutdown_no_activity_timeout": idle,
            },
            "MappingKernelManager": {"cull_idle_timeout": idle, "cull_interval": 60},
            "TerminalManager": {"cull_inactive_timeout": idle, "cull_interval": 60},
            "KernelManager": {"transport": "ipc"},
            # A trash that no page shows would keep what it takes of the disk.
            "FileContentsManager": {"delete_to_trash": False},
        },
        "jupyter_lab_config.json": {"LabApp": {"custom_css": True}},
        "labconfig/page_config.json": lab.EXTENSIONS["labconfig/page_config.json"],
    }


def prepare() -> None:
    """Bring the learner's folder up to date. Errors: SystemExit, with a sentence."""
    chosen = settings(int(os.environ[IDLE]))
    try:
        said = lab.prepare(WORK, chosen)
        (WORK / ".jupyter/migrated").touch()  # else Jupyter writes it at a start
    except OSError as error:
        said = [f"course: {workspace.refusal(error)}"]
        before = all((WORK / ".jupyter" / name).is_file() for name in chosen)
        if error.errno not in FULL or not before:
            sys.exit(said[0])
    except WorkspaceError as error:
        sys.exit(f"course: {error}")
    print(*said, sep="\n", flush=True)


def aside(function: Callable[[], None]) -> None:
    """Call a function in a process of its own: what it takes of memory goes with that.

    Errors: SystemExit, if it did not end well.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(1)
        return
    status = 1
    try:
        function()
        status = 0
    except SystemExit as error:
        print(error, file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def main(arguments: list[str]) -> None:
    os.umask(0o077)
    aside(prepare)
    os.environ["JUPYTER_CONFIG_DIR"] = str(WORK / ".jupyter")
    quick.become("jupyterhub.singleuser", arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
