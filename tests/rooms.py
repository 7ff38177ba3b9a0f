"""A room to try things in, and what a learner in it starts, without a hub."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from helpers.toolchain import COURSE
from tools import lab
from tools.classroom import clearing, install, room

MEMORY = 1 << 30
PASSWORD = "correct horse"
# Chapter 03's five lines, with the helpers that hold them.
FIVE_LINES = """
from helpers import loader, netlab, sockets, toolchain
with netlab.open_network() as net:
    loaded = loader.load(toolchain.compile_bpf("sockex1_kern.c"))
    counter = sockets.packet_socket(net, loaded.program("count_bytes").fd)
    values = loaded.map("bytes_by_protocol")
    for _ in range(5):
        print(values.counter(6), values.counter(17), values.counter(1))
        net.run(["ping", "-c", "1", "127.0.0.1"])
"""
AS_COUNTED = [f"0 0 {196 * n}" for n in range(5)]
# Chapter 04's plot, which sees 100 datagrams of 100 bytes, each once.
PLOT = """
import asyncio
from helpers import counters, live, loader, netlab, sockets, toolchain, traffic
net = netlab.open_network()
loaded = loader.load(toolchain.compile_bpf("sockex1_kern.c"))
source = counters.Counters(loaded.map("bytes_by_protocol"))
at = live.interfaces(net, loaded.program("count_bytes").fd)
plot = live.LivePlot(source, at, net, interval={interval})
asyncio.get_running_loop().call_later({seconds} / 2, traffic.udp, net, 100, 100)
await plot.run(seconds={seconds})
rows = plot.table()
print(int(rows["UDP"][-1]), len(rows["UDP"]))
plot.close(); net.close()
"""
PLOTTED = "14200"


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
    asked = spawner.confinement(here.folder, own, user, [*capabilities], MEMORY)
    return [sys.executable, "-m", "tools.classroom.ready", json.dumps(asked), *command]


def attempt(here: room.Room, name: str, code: str, **more: tuple) -> str:
    """The last line that a learner's Python prints, or of its complaint."""
    command = confined(here, name, sys.executable, "-c", code, **more)
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return (said.stdout or said.stderr).strip().splitlines()[-1]


@dataclass
class Opened:
    """A room that is open. hub: its process; said: what its start said."""

    here: room.Room
    url: str
    hub: subprocess.Popen[str]
    said: str

    @property
    def password(self) -> str:
        """The instructor's."""
        return re.search(r"You are instructor, with the password (\S+)", self.said)[1]


def drained(pipe: IO[str], into: list[str] | None = None) -> threading.Thread:
    """Read on, so that nobody who writes ever waits. It ends when nobody has the pipe any more:
    servers that outlive a killed hub still do."""
    kept = into if into is not None else []
    thread = threading.Thread(target=lambda: kept.extend(pipe), daemon=True)
    thread.start()
    return thread


@contextmanager
def opened(folder: Path, keep: bool = False, *options: str) -> Iterator[Opened]:
    """A room as ./course classroom opens it; in the end it is cleared, unless it is to be kept."""
    here, port = room.Room(folder), lab.free_port(18_443)
    command = [
        sys.executable,
        "-m",
        "tools.classroom",
        f"--folder={folder}",
        f"--port={port}",
        *options,
    ]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    hub = subprocess.Popen(command, cwd=COURSE, **streams)
    said: list[str] = []
    for line in hub.stdout:
        said.append(line)
        if "JupyterHub is now running" in line:
            break
    else:
        raise AssertionError("".join(said))
    drained(hub.stdout, said)
    try:
        yield Opened(here, f"https://127.0.0.1:{port}", hub, "".join(said))
    finally:
        hub.terminate()
        hub.wait(60)
        if not keep:
            clearing.clear(here)
        print(*said[-200:])
