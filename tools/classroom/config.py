"""JupyterHub's configuration of a room. Source: JupyterHub's documentation, "Configuring"."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from helpers.toolchain import COURSE
from tools import lab
from tools.classroom import install, learner, room
from tools.classroom.authenticator import RoomAuthenticator
from tools.classroom.board import sender

c = get_config()  # noqa: F821  JupyterHub reads this file and hands it in
here = room.here()
chosen = here.chosen
hub, sockets = here.hub, here.sockets

# Only the browsers' side listens on a network; all else is a socket in a folder.
c.JupyterHub.bind_url = f"https://:{chosen['port']}/"
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = chosen["certificate"], chosen["key"]
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = room.url(here.meeting / "hub")
c.JupyterHub.hub_socket_mode = 0o666  # every learner's server asks the hub who comes
c.ConfigurableHTTPProxy.api_url = room.url(sockets / "proxy")
c.ConfigurableHTTPProxy.command_umask = 0o077
c.ConfigurableHTTPProxy.command = install.proxy()
c.ConfigurableHTTPProxy.pid_file = str(hub / "proxy.pid")

c.JupyterHub.db_url = f"sqlite:///{hub / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(hub / "cookie_secret")
c.JupyterHub.template_vars = {
    "announcement_login": "The first time: choose a name and a password, and give the room's code. "
    "The instructor can open your notebooks, the other learners cannot."
}

c.JupyterHub.authenticator_class = RoomAuthenticator
c.RoomAuthenticator.accounts = str(hub / "accounts.json")
c.RoomAuthenticator.code = chosen["code"]
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {room.INSTRUCTOR}

if chosen["containers"]:
    from tools.classroom.containers import ContainerSpawner as Spawner  # takes packages of its own
else:
    from tools.classroom.spawner import READY
    from tools.classroom.spawner import LearnerSpawner as Spawner

    READY.begin()
c.JupyterHub.spawner_class = Spawner
c[Spawner.__name__].capabilities = chosen["capabilities"]
c.Spawner.mem_limit = chosen["memory"]
c.Spawner.default_url = "/room"
c.Spawner.poll_interval = 5  # seconds, until a server that was killed is known to be gone
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.env_keep = ["LANG", "LC_ALL", "LC_CTYPE"]
HERE = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
c.Spawner.environment = {
    **({} if chosen["containers"] else {"PATH": HERE}),
    # The course's folder is read-only to a learner: no cache beside its modules.
    "PYTHONDONTWRITEBYTECODE": "1",
    learner.IDLE: str(chosen["idle"]),
    sender.ADDRESS: room.url(here.meeting / "board") + "/services/board/api/events",
}

c.JupyterHub.services = [
    {
        "name": "board",
        "url": f"http://127.0.0.1:{lab.free_port(chosen['port'] + 1)}",
        "command": [sys.executable, "-m", "tools.classroom.quick", "tools.classroom.board.service"],
        "environment": {room.VARIABLE: str(here.folder), "PYTHONPATH": str(COURSE)},
        "oauth_no_confirm": True,
    }
]
# A learner's server may speak to the board, and their browser sees who the board's page is for.
TO_THE_BOARD = "access:services!service=board"
c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self", TO_THE_BOARD]}]
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", TO_THE_BOARD]
