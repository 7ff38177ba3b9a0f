"""A room taken away: processes that outlived a killed hub, sockets, control groups, and files."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
from pathlib import Path

from tools.classroom import limits
from tools.classroom.room import Room, RoomError


def is_open(here: Room) -> bool:
    """Whether the room's hub answers."""
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(str(here.meeting / "hub"))
        return True
    return False


def clear(here: Room) -> None:
    """Take a room away, with all that learners wrote. Errors: RoomError if it is open; OSError."""
    if is_open(here):
        raise RoomError("The room is open: stop it first, with Ctrl-C where it was started.")
    if not (here.hub / "room.json").exists():
        raise RoomError(f"There is no room in {here.folder}: nothing to take away.")
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        os.kill(int((here.hub / "proxy.pid").read_text()), signal.SIGTERM)
    if here.chosen.get("containers"):
        from tools.classroom import containers  # which takes packages of its own

        containers.remove_all(here.sockets.name)
    for own in here.learners.iterdir():
        groups = set(limits.groups(here.sockets.name, own.name).values())
        for group in groups:
            end(group)
        limits.remove(here.sockets.name, own.name)
    for folder in (here.sockets, here.folder):
        if folder.exists():
            shutil.rmtree(folder)


def end(group: Path) -> None:
    """Kill what is in a control group, until nothing is."""
    processes = group / "cgroup.procs"
    while processes.exists() and (left := processes.read_text().split()):
        for each in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(each), signal.SIGKILL)
        os.sched_yield()
