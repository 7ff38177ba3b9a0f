"""A learner's server: a user number of their own, and namespaces in which nobody else is.

The network has lo and nothing else, so there is no packet of another's to see, even with
CAP_NET_RAW; processes, shared memory and /tmp are the learner's own. The server is reached by a
Unix socket in a folder that only the learner and root may enter.

Source: namespaces(7), unix(7).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner

from helpers.toolchain import COURSE
from tools.classroom import limits, ready, room
from tools.classroom.by_socket import BySocket

SHARED = (Path("/tmp"), Path("/var/tmp"))
READY = ready.Ready()


def closed(path: Path) -> Path | None:
    """The outermost folder around a path that others may not enter, such as a home."""
    around = [each for each in reversed(path.parents) if not each.stat().st_mode & 0o001]
    return around[0] if around else None


def places(folder: Path, own: Path) -> list[str]:
    """What a learner sees of this machine's files, as confine.sh takes it, the outer first.

    It is what every user of the machine sees, but for what is hidden: what others write in /tmp,
    the room's folder but for the learner's own, and homes that are closed to others but for the
    course and its Python, which are read-only. Arguments: the folders of room and learner.
    """
    needed = {COURSE, Path(sys.prefix), Path(sys.base_prefix)}
    homes = {closed(path) for path in (*needed, folder)} - {None}
    hidden = dict.fromkeys((*homes, folder), "hide")
    hidden |= {path: "tmp" for path in SHARED if path.is_dir()}
    kinds = hidden | dict.fromkeys(needed, "see") | {own: "own"}
    return [f"{kinds[path]}:{path}" for path in sorted(kinds, key=lambda path: len(path.parts))]


def confinement(
    folder: Path, own: Path, user: int, capabilities: list[str], memory: int
) -> dict[str, object]:
    """What `ready.confine` has to know of a learner, but for their control groups.

    Arguments: the room's and the learner's folder; the learner's number; names of capabilities,
    such as "bpf"; the most for files in memory, in bytes.
    """
    names = [f"CAP_{each.upper()}" for each in capabilities]
    found = {"places": places(folder, own), "memory": memory, "user": user, "capabilities": names}
    return {"groups": []} | found


class LearnerSpawner(BySocket, LocalProcessSpawner):
    """JupyterHub's local one, for a learner who has no account on this machine."""

    ip = "localhost"

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """What depends on the learner. Everything that the course writes goes to their folder."""
        own, _ = room.here().own(self.user.name)
        return env | {
            "USER": self.user.name,
            "LOGNAME": self.user.name,
            "HOME": str(own),
            "SHELL": "/bin/bash",
            "TMPDIR": str(own / "tmp"),
            "COURSE_PLACE": str(own),
            "JUPYTER_RUNTIME_DIR": str(self.sockets),
        }

    async def start(self) -> str:
        own, user = room.here().own(self.user.name)
        self.make_sockets(user)
        groups = limits.make(room.here().sockets.name, self.user.name, self.mem_limit)
        asked = confinement(room.here().folder, own, user, self.capabilities, self.mem_limit // 4)
        asked |= {
            "groups": [str(each) for each in groups],
            "environment": self.get_env(),
            "arguments": [self.listening, *self.get_args()],
        }
        self.pid = await asyncio.to_thread(READY.ask, asked)
        return self.address

    async def stop(self, now: bool = False) -> None:
        await super().stop(now)
        limits.remove(room.here().sockets.name, self.user.name)
