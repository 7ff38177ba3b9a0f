"""What a learner's servers have in common, wherever they run: they are reached by a Unix socket.

It lies in a folder of the learner's, in which the hub's proxy looks for it. Source: unix(7).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from traitlets import List, Unicode
from traitlets.config import LoggingConfigurable

from tools.classroom import room
from tools.classroom.room import AS_THE_PROXY_SAYS, SOCKET


class BySocket(LoggingConfigurable):
    """Stands in front of one of JupyterHub's spawners."""

    capabilities = List(Unicode(), ["bpf"], help="What a learner's processes hold.").tag(
        config=True
    )
    port = 8888  # Jupyter's default, which stands for none

    @property
    def sockets(self) -> Path:
        return room.here().sockets / self.user.name

    @property
    def listening(self) -> str:
        """The argument by which a server listens there."""
        return f"--ServerApp.sock={self.sockets / SOCKET}"

    @property
    def address(self) -> str:
        return room.url(self.sockets / SOCKET)

    def make_sockets(self, user: int) -> None:
        """An empty folder, which that user and root may enter."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        self.sockets.mkdir(0o700)
        os.chown(self.sockets, user, user)
        (self.sockets / AS_THE_PROXY_SAYS).symlink_to(SOCKET)

    async def stop(self, now: bool = False) -> None:
        await super().stop(now)
        shutil.rmtree(self.sockets, ignore_errors=True)
