"""A room of ten beside the twenty lines of configuration with which a JupyterHub ran the course
before: ./course test --room. One after the other, on this machine, in one run; it writes the table
of docs/teaching/load.md.

Each: ten learners start at once, count chapter 03's five lines, and keep a live plot at 0.1 s.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import rooms
from rooms import AS_COUNTED, FIVE_LINES, PASSWORD, PLOT, PLOTTED

from helpers.toolchain import COURSE
from tools import lab, marked
from tools.classroom import install

pytestmark = [pytest.mark.kernel, pytest.mark.room, pytest.mark.timeout(1200)]
PAGE = COURSE / "docs/teaching/load.md"
LEARNERS = [f"learner-{n}" for n in range(10)]
# What the room may take of what the twenty lines take.
MOST = {"MiB for each (PSS)": 0.6, "all ten up, s": 0.5, "ten plots at 0.1 s, processors": 0.6}
OF_THE_HUB = ("jupyterhub", "configurable-http-proxy", "classroom.board")  # in a command line


@dataclass
class Process:
    """One process. mib: what is shared divided by who shares it (PSS); worked: seconds of a
    processor, with those of its children that have ended."""

    command: str
    mib: float
    worked: float


def family(ancestor: int) -> Iterator[Process]:
    """All that a process has started, and what that has. Source: proc_pid_stat(5)."""
    children = defaultdict(list)
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        children[int(fields[1])].append((each.parent, sum(map(int, fields[11:15]))))
    wanted = [ancestor]
    while wanted:
        for folder, ticks in children[wanted.pop()]:
            wanted.append(int(folder.name))
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                lines = (folder / "smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            kib = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            yield Process(command, kib / 1024, ticks / os.sysconf("SC_CLK_TCK"))


async def measure(url: str, code: str, hub: int) -> dict[str, float]:
    """What ten learners take, with everything that is there for them but hub, proxy and board."""
    from room_client import Learner

    learners = [Learner(url, name) for name in LEARNERS]

    async def everybody(cell: str) -> list[list[str]]:
        said = await asyncio.gather(*(each.run(each.kernel_id, cell) for each in learners))
        return [text.strip().splitlines() for text in said]

    try:
        assert {await each.log_in(PASSWORD, code) for each in learners} == {""}
        began = time.monotonic()
        await asyncio.gather(*(each.start() for each in learners))
        up = time.monotonic() - began
        for each in learners:
            each.kernel_id = await each.kernel()
        assert await everybody(FIVE_LINES) == [AS_COUNTED] * len(learners)
        before, then = sum(each.worked for each in family(hub)), time.monotonic()
        said = await everybody(PLOT.format(interval=0.1, seconds=20))
        share = sum(each.worked for each in family(hub)) - before
        share /= time.monotonic() - then
        assert [line[-1].split()[0] for line in said] == [PLOTTED] * len(learners)
        found = list(family(hub))
        theirs = [each for each in found if not any(n in each.command for n in OF_THE_HUB[1:])]
        memory = sum(each.mib for each in theirs if each.command.split(" ")[1:2] != ["jupyterhub"])
        for each in sorted(found, key=lambda each: each.command):
            print(f"{each.mib:6.1f} MiB {each.worked:6.1f} s  {each.command[:100]}")
        return dict(zip(MOST, (memory / len(learners), up, share), strict=True))
    finally:
        await asyncio.gather(*(each.http.close() for each in learners))


@contextmanager
def twenty_lines(folder: Path) -> Iterator[tuple[str, int]]:
    """A hub with these lines alone: its address, and its process."""
    ports = [lab.free_port(19_000 + n * 50) for n in range(3)]
    url, proxy = (f"http://127.0.0.1:{port}" for port in ports[:2])
    environ = os.environ | {"ROOM": url, "PROXY": proxy, "HUB": str(ports[2])}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ |= {"PATH": path, "PYTHONPATH": str(COURSE)}
    command = ["jupyterhub", "-f", str(COURSE / "tests/twenty_lines.py")]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    said: list[str] = []
    with subprocess.Popen(command, cwd=folder, env=environ, **streams) as hub:
        try:
            assert any("JupyterHub is now running" in line for line in hub.stdout)
            drain = rooms.drained(hub.stdout, said)
            yield url, hub.pid
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(60)
            drain.join()
            print(*said[-200:])


def test_ten_learners_take_less_than_with_twenty_lines(tmp_path):
    install.install()
    # Short, since the path of a kernel's socket has room for little more than a hundred bytes.
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        Path(folder).chmod(0o755)  # these learners are users of this machine
        with twenty_lines(Path(folder)) as (url, hub):
            before = asyncio.run(measure(url, "", hub))
    with rooms.opened(tmp_path / "classroom") as opened:
        now = asyncio.run(measure(opened.url, opened.here.chosen["code"], opened.hub.pid))
    keep(before, now)
    assert {name: now[name] / before[name] <= most for name, most in MOST.items()} == dict.fromkeys(
        MOST, True
    )


def keep(before: dict[str, float], now: dict[str, float]) -> None:
    """Put the run's rows into the page."""
    ratios = {name: now[name] / before[name] for name in MOST}
    rows = [
        ["", *MOST],
        [" --- "] * (len(MOST) + 1),
        *(
            [what, *(form(values[name]) for name in MOST)]
            for what, values, form in (
                ("twenty lines", before, "{:.3g}".format),
                ("this room", now, "{:.3g}".format),
                ("ratio", ratios, "{:.2f}".format),
                ("wanted, at most", MOST, str),
            )
        ),
    ]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    print(text)
    marked.put(PAGE, "twenty lines", text)
