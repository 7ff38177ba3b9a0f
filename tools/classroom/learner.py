"""What starts as the learner: the chapters are brought up to date, then it becomes the server."""

from __future__ import annotations

import os
import sys

from helpers.toolchain import WORK
from tools import lab, workspace
from tools.classroom import quick
from tools.workspace import WorkspaceError

IDLE = "COURSE_IDLE"  # seconds


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
        },
        "jupyter_lab_config.json": {"LabApp": {"custom_css": True}},
        "labconfig/page_config.json": lab.EXTENSIONS["labconfig/page_config.json"],
    }


def main(arguments: list[str]) -> None:
    os.umask(0o077)
    try:
        said = lab.prepare(WORK, settings(int(os.environ[IDLE])))
    except (OSError, WorkspaceError) as error:
        sys.exit(f"course: {workspace.refusal(error) if isinstance(error, OSError) else error}")
    print(*said, sep="\n", flush=True)
    quick.become("jupyterhub.singleuser", arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
