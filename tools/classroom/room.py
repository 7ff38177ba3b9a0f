"""The folder of a room: what is where, and what the instructor chose when starting it.

hub/            root's alone: accounts, the hub's data base, its secrets, the certificate's key
learners/NAME/  the learner's alone: work/, build/, tmp/
/run/...        the sockets by which hub, proxy and servers talk, gone when the machine stops
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from helpers import places
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import workspace

FOLDER = COURSE / "classroom"
INSTRUCTOR = "instructor"
FIRST_USER = 70_000  # above Debian's accounts, below what it hands out to containers
NAME = r"[a-z][a-z0-9_-]{0,30}"  # of a learner: also the name of a folder
VARIABLE = "COURSE_ROOM"  # by which hub and services find the folder
SOCKETS = "COURSE_SOCKETS"  # the variable with the folder of all rooms' sockets, if not /run
# The proxy takes the port, which the hub adds to every address, for the end of the socket's name.
SOCKET, AS_THE_PROXY_SAYS = "s", "s:80"


class RoomError(CourseError):
    """The room cannot be opened."""


@dataclass(frozen=True)
class Room:
    """One room. folder: an absolute path."""

    folder: Path

    @property
    def hub(self) -> Path:
        return self.folder / "hub"

    @property
    def learners(self) -> Path:
        return self.folder / "learners"

    @property
    def sockets(self) -> Path:
        """Short, since a socket's path has room for 107 bytes; in small letters, since a part of
        the hub takes it for the name of a host."""
        mark = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:8]
        return Path(os.environ.get(SOCKETS) or "/run") / f"classroom-{mark}"

    @property
    def meeting(self) -> Path:
        """The folder in which the hub and the board listen, for every learner."""
        return self.sockets / "0"  # which is nobody's name

    @property
    def chosen(self) -> dict:
        """What the instructor chose, as main() wrote it."""
        return json.loads((self.hub / "room.json").read_bytes())

    def keep(self, chosen: dict) -> None:
        workspace.put(self.hub / "room.json", json.dumps(chosen, indent=1).encode())

    def make(self) -> None:
        """Make the folders. Errors: OSError."""
        for path, mode in (
            (self.folder, 0o711),
            (self.hub, 0o700),
            (self.learners, 0o711),
            (self.sockets, 0o711),
            (self.meeting, 0o711),
        ):
            path.mkdir(exist_ok=True)
            os.chown(path, 0, 0)
            path.chmod(mode)

    def own(self, name: str) -> tuple[Path, int]:
        """A learner's folder, which is made if it is missing, and its user number: who has the
        folder is whose it is, so nobody ever gets the number of somebody else's files."""
        folder = self.learners / name
        if not folder.exists():
            taken = [each.stat().st_uid for each in self.learners.iterdir()]
            user = max([FIRST_USER, *taken]) + 1
            for each in (folder, folder / "tmp"):
                each.mkdir(0o700)
                os.chown(each, user, user)
        return folder, folder.stat().st_uid


def here() -> Room:
    """The room that this process was started for."""
    return Room(Path(os.environ[VARIABLE]))


def url(socket: Path) -> str:
    """The address of a Unix socket as JupyterHub and its proxy write it."""
    return f"http+unix://{quote(str(socket), safe='')}"


def new_code() -> str:
    """A code for a room, to be read from a board: 8 letters that are not mistaken, 39 bits."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def trouble(error: OSError) -> str:
    """Why the room's folder could not be written to, in one sentence."""
    path = Path(error.filename) if error.filename else FOLDER
    return f"The room cannot be made, {places.unwritable(path, error)}"
