"""A room to try things in, and what a learner in it starts, without a hub."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.classroom import install, room

MEMORY = 1 << 30


@contextmanager
def made(folder: Path) -> Iterator[room.Room]:
    """A room's folders; in the end those outside of it are gone."""
    install.install()
    here = room.Room(folder)
    here.make()
    try:
        yield here
    finally:
        for each in here.sockets.iterdir():
            each.rmdir()
        here.sockets.rmdir()


def confined(
    here: room.Room, name: str, *command: str, capabilities: tuple = ("bpf",)
) -> list[str]:
    """The command that runs another one as a learner's server runs."""
    from tools.classroom import spawner  # there once install() is done

    own, user = here.own(name)
    return spawner.confined(here.folder, own, user, [*capabilities], MEMORY, [*command])


def attempt(here: room.Room, name: str, code: str, **more: tuple) -> str:
    """The last line that a learner's Python prints, or of its complaint."""
    command = confined(here, name, sys.executable, "-c", code, **more)
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return (said.stdout or said.stderr).strip().splitlines()[-1]
