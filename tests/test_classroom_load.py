"""A room of many at once: ./course test --room, with ten learners; --room=full, with thirty.

It writes the row of docs/teaching/load.md. Each learner signs up, starts a server, counts chapter
03's five lines, keeps a live plot moving, and answers an exercise; then the hub is killed.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import time
from pathlib import Path

import pytest
import rooms
from rooms import AS_COUNTED, FIVE_LINES, PASSWORD, PLOT, PLOTTED

from helpers.toolchain import COURSE
from tools import marked
from tools.classroom import clearing, install, limits

pytestmark = [pytest.mark.kernel, pytest.mark.room, pytest.mark.timeout(1800)]
PAGE = COURSE / "docs/teaching/load.md"
ANSWER = "from chapters.ch03 import check\ncheck.three_big_pings(6000)"


def busy() -> float:
    """Seconds that all processors together have worked. Source: proc_stat(5)."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def proportional(room: str, name: str) -> float:
    """MiB of a learner's processes, what is shared divided by who shares it (PSS)."""
    (group, *_) = limits.groups(room, name).values()
    total = 0
    for process in (group / "cgroup.procs").read_text().split():
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def test_many_learners_at_once(tmp_path, request):
    install.install()
    from room_client import Learner

    number = 30 if request.config.getoption("--room") == "full" else 10
    names = [f"learner-{n}" for n in range(number)]
    measured: dict[str, str] = {"learners": str(number)}

    async def everybody(learners: list[Learner], code: str) -> list[list[str]]:
        said = await asyncio.gather(*(each.run(each.kernel_id, code) for each in learners))
        return [text.strip().splitlines() for text in said]

    async def work(opened: rooms.Opened) -> None:
        here, learners = opened.here, [Learner(opened.url, name) for name in names]
        try:
            code = here.chosen["code"]
            assert set(await asyncio.gather(*(e.log_in(PASSWORD, code) for e in learners))) == {""}
            began = time.monotonic()
            await asyncio.gather(*(each.start() for each in learners))
            measured["all servers up, s"] = f"{time.monotonic() - began:.0f}"
            for each in learners:
                each.kernel_id = await each.kernel()
            counted = await everybody(learners, FIVE_LINES)
            assert counted == [AS_COUNTED] * number, "no count may be wrong"
            for interval, some, seconds in ((1.0, learners, 12), (0.1, learners[:10], 10)):
                before, then = busy(), time.monotonic()
                said = await everybody(some, PLOT.format(interval=interval, seconds=seconds))
                share = (busy() - before) / (time.monotonic() - then)
                assert [line[-1].split()[0] for line in said] == [PLOTTED] * len(some), said
                what = f"{len(some)} plots at {interval} s, processors"
                measured[what] = f"{share:.2f}"
            room = here.sockets.name
            memory = [proportional(room, name) for name in names]
            measured["MiB for each (PSS)"] = f"{sum(memory) / number:.0f}"
            for each in learners:
                assert 'data-state="on"' in await each.room("agree")
            await answers(opened, learners)
            # The hub is killed; servers and kernels go on, and the next start knows them again.
            opened.hub.send_signal(signal.SIGKILL)
        finally:
            await asyncio.gather(*(each.http.close() for each in learners))

    async def answers(opened: rooms.Opened, learners: list[Learner]) -> None:
        """Everybody answers wrongly at once; the board has them all within a second."""
        async with Learner(opened.url, "instructor") as instructor:
            assert await instructor.log_in(opened.password) == ""
            async with instructor.http.get(f"{opened.url}/services/board/api/live") as live:
                await everybody(learners, ANSWER)
                began = time.monotonic()
                async for line in live.content:
                    if line.count(b'"not yet"') == number:
                        break
                measured["board has the last answer, s"] = f"{time.monotonic() - began:.1f}"

    async def after(opened: rooms.Opened) -> None:
        async with Learner(opened.url, names[0]) as learner:
            assert await learner.log_in(PASSWORD) == ""
            (kernel,) = await learner.api("GET", f"/user/{names[0]}/api/kernels")
            said = await learner.run(
                kernel["id"], "print(AS)".replace("AS", "len(rows['UDP']) > 9")
            )
            assert said.strip() == "True", "the kernel is the one from before"

    folder = tmp_path / "classroom"
    try:
        with rooms.opened(folder, keep=True) as opened:
            asyncio.run(work(opened))
        with rooms.opened(folder, keep=True) as opened:
            asyncio.run(after(opened))
    finally:
        clearing.clear(opened.here)
    keep(measured)


def keep(measured: dict[str, str]) -> None:
    """Put the run's row into the page."""
    measured = {"date": datetime.date.today().isoformat()} | measured
    head = f"| {' | '.join(measured)} |\n|{' --- |' * len(measured)}\n"
    row = f"| {' | '.join(measured.values())} |"
    print(head + row)
    name = f"room of {measured['learners']}"
    marked.put(PAGE, name, head + row)
