"""Faults in the middle of a room: ./course test --room. One room, two learners, who have agreed to
the board; hub, proxy, board, a learner's server and what starts servers are killed, a learner's
disk is full. Work is kept, the kernels go on, and the board has every answer afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import rooms
import waiting
from rooms import PASSWORD

from tools.classroom import install

pytestmark = [pytest.mark.kernel, pytest.mark.room, pytest.mark.timeout(600)]
SIZE = 16  # MiB, of Ada's disk
# A cell that goes on once there is a file, and then keeps a value and answers an exercise, wrongly.
WAITS = """
from chapters.ch03 import check
from pathlib import Path
import time
while not Path("{go}").exists():
    time.sleep(0.05)
kept = "{go}"
check.three_big_pings({answer})
"""
FILL = """
with open("filler", "wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError as error:
        print(error.strerror)
"""


@dataclass
class Faulty:
    """A room in trouble. opened: as it is now; kernels: by learner."""

    opened: rooms.Opened
    kernels: dict[str, str] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        return self.opened.here.own(name)[0] / "work"

    @asynccontextmanager
    async def browser(self, name: str) -> AsyncIterator:
        from room_client import Learner

        async with Learner(self.opened.url, name) as learner:
            await answers_again(learner, "/hub/health")
            known = self.opened.here.chosen["code"]
            assert await learner.log_in(PASSWORD, known) == ""
            yield learner

    async def has(self, name: str, value: str) -> None:
        """The learner's kernel is the one from before, with what a cell has kept."""
        async with self.browser(name) as learner:
            said = await learner.run(self.kernels[name], "print(kept)")
            assert said.strip() == value

    async def board(self, name: str, status: str) -> dict:
        """What the board knows, once exercise 03.1 of one who goes by their name is so."""
        from room_client import Learner

        async with Learner(self.opened.url, "instructor") as instructor:
            assert await instructor.log_in(PASSWORD) == ""
            await answers_again(instructor, "/services/board/")
            live = f"{self.opened.url}/services/board/api/live"
            async with instructor.http.get(live) as page:
                async for line in page.content:
                    if not line.startswith(b"data:"):
                        continue
                    rows = json.loads(line[5:])["learners"]
                    found = [each for each in rows if each["who"] == name]
                    if found and found[0]["reached"].get("03.1", {}).get("status") == status:
                        return found[0]
        raise AssertionError("the board has gone")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """Ada, on a small disk of her own, and Eve; both are asked, and give the board their names."""
    install.install()
    from tools.classroom.authenticator import Accounts

    with rooms.opened(tmp_path_factory.mktemp("room") / "classroom") as opened:
        Accounts(opened.here.hub / "accounts.json").add("instructor", PASSWORD)
        faulty = Faulty(opened)
        own, user = opened.here.own("ada")
        options = f"size={SIZE}m,uid={user},gid={user},mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", own], check=True)
        try:
            (own / "tmp").mkdir(mode=0o700)
            os.chown(own / "tmp", user, user)
            asyncio.run(begin(faulty))
            yield faulty
        finally:
            subprocess.run(["umount", "--lazy", own], check=True)


async def begin(faulty: Faulty) -> None:
    for name in ("ada", "eve"):
        async with faulty.browser(name) as learner:
            await learner.start()
            for do in ("agree", "name"):
                await learner.room(do)
            faulty.kernels[name] = await learner.kernel()
            await learner.run(faulty.kernels[name], f"kept = {name!r}")


def processes(word: str) -> dict[int, int]:
    """Processes with a word in their command line, and the parent of each. Source: proc(5)."""
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (each / "cmdline").read_bytes():
                after = (each / "stat").read_text().rpartition(")")[2].split()
                found[int(each.name)] = int(after[1])
        except OSError:
            continue  # it has ended
    return found


def of_user(user: int) -> list[int]:
    """The processes of a learner."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            found += [int(each.name)] * (each.stat().st_uid == user)
        except OSError:
            continue
    return found


def child(word: str, parent: int) -> int:
    """The one process with that word that another has started."""
    (found,) = (each for each, other in processes(word).items() if other == parent)
    return found


async def answers_again(learner: object, path: str) -> None:
    """Wait until a path is served again. The test's own time ends a wait without end."""
    import aiohttp

    while True:
        try:
            if await learner.api("GET", path, status=True) == 200:
                return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)


async def in_the_middle(faulty: Faulty, name: str, go: str, answer: object, fault: object) -> None:
    """Have a fault happen while a learner's cell runs, which then goes on."""
    async with faulty.browser(name) as learner:
        code = WAITS.format(go=go, answer=answer)
        cell = asyncio.create_task(learner.run(faulty.kernels[name], code))
        busy = f"/user/{name}/api/kernels/{faulty.kernels[name]}"
        while (await learner.api("GET", busy))["execution_state"] != "busy":
            await asyncio.sleep(0.05)
        fault()
        (faulty.folder(name) / go).touch()
        cell.cancel()
        await asyncio.wait([cell])


def test_the_proxy_is_killed(room):
    proxy = int((room.opened.here.hub / "proxy.pid").read_text())

    async def go() -> None:
        await in_the_middle(room, "ada", "one", 3000, lambda: os.kill(proxy, signal.SIGKILL))
        for name, kept in (("ada", "one"), ("eve", "eve")):
            async with room.browser(name) as learner:
                await answers_again(learner, f"/user/{name}/api/kernels")
            await room.has(name, kept)
        assert "Begin with" in (await room.board("ada", "not yet"))["reached"]["03.1"]["mistake"]

    asyncio.run(go())
    assert int((room.opened.here.hub / "proxy.pid").read_text()) != proxy


def test_the_board_is_killed(room):
    board = child("classroom.board.service", room.opened.hub.pid)

    async def go() -> None:
        await in_the_middle(room, "eve", "two", 3000, lambda: os.kill(board, signal.SIGKILL))
        await room.has("eve", "two")
        await room.board("eve", "not yet")
        await room.board("ada", "not yet")  # from before

    asyncio.run(go())
    assert child("classroom.board.service", room.opened.hub.pid) != board


def test_a_disk_is_full(room):
    notebook = "/user/ada/api/contents/mine.ipynb"
    cell = {"cell_type": "markdown", "metadata": {}, "id": "a"}

    def saved(text: str) -> dict:
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}
        content["cells"] = [cell | {"source": text}]
        return {"type": "notebook", "format": "json", "content": content}

    async def go() -> None:
        async with room.browser("ada") as ada:

            async def text() -> str:
                return (await ada.api("GET", notebook))["content"]["cells"][0]["source"]

            await ada.api("PUT", notebook, saved("first"))
            assert (await ada.run(room.kernels["ada"], FILL)).strip() == "No space left on device"
            assert await ada.api("PUT", notebook, saved("second" * 2000), status=True) == 500
            assert await text() == "first"
            right = "check.three_big_pings(6 * (1000 + 14 + 20 + 8))"
            said = await ada.run(room.kernels["ada"], right)
            assert "cannot be compiled, since the disk is full: free some space." in said
            # With a server that starts now, she still gets in; nobody else's disk is full.
            await ada.stop()
            await ada.start()
            assert await text() == "first"
            await room.has("eve", "two")
            # With some space all goes on.
            await ada.api("DELETE", "/user/ada/api/contents/filler")
            room.kernels["ada"] = await ada.kernel()
            await ada.run(room.kernels["ada"], "from chapters.ch03 import check")
            await ada.api("PUT", notebook, saved("second"))
            assert await text() == "second"
            await ada.run(room.kernels["ada"], right)
        await room.board("ada", "right")

    asyncio.run(go())


def test_a_learners_server_is_killed_and_what_starts_servers(room):
    _, user = room.opened.here.own("ada")
    starter = child("classroom.ready", room.opened.hub.pid)
    started = processes("")
    (hers,) = (each for each in of_user(user) if started[each] == starter)
    os.kill(starter, signal.SIGKILL)
    os.kill(hers, signal.SIGKILL)
    assert waiting.until(lambda: not of_user(user)), "kernels end with the server"

    async def go() -> None:
        async with room.browser("ada") as ada:
            while (await ada.api("GET", "/hub/api/users/ada"))["servers"]:
                await asyncio.sleep(0.1)  # until the hub has looked
            await ada.start()
            kept = await ada.api("GET", "/user/ada/api/contents/mine.ipynb")
            assert kept["content"]["cells"][0]["source"] == "second"
            room.kernels["ada"] = await ada.kernel()
            await ada.run(room.kernels["ada"], "kept = 'again'")
        await room.has("ada", "again")
        await room.has("eve", "two")
        await room.board("ada", "right")

    asyncio.run(go())


def test_the_hub_is_killed(room):
    first = room.opened

    def fault() -> None:
        first.hub.kill()
        first.hub.wait()

    async def after() -> None:
        await room.has("ada", "again")
        await room.has("eve", "three")
        await room.board("eve", "right")
        await room.board("ada", "right")

    right = "6 * (1000 + 14 + 20 + 8)"
    asyncio.run(in_the_middle(room, "eve", "three", right, fault))
    with rooms.opened(first.here.folder, keep=True) as room.opened:
        asyncio.run(after())
