"""A room: who gets in, what a learner's processes may do, and two learners in a real one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rooms
import waiting
from rooms import AS_COUNTED, FIVE_LINES, MEMORY, PASSWORD, attempt, confined

from helpers import capabilities
from tools.classroom import install, limits, needs, room

if TYPE_CHECKING:
    from room_client import Learner  # which needs what install() installs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a room is started by root")
CODE = "abcd-efgh"


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install.install()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[room.Room]:
    with rooms.made(tmp_path / "a room") as made:
        yield made


# --- who gets in


def knocks(tmp_path: Path, *attempts: tuple[str, str, str]) -> list[str]:
    """What each attempt of (name, password, code) leads to: the name, or what the page says."""
    from tornado import web

    from tools.classroom.authenticator import RoomAuthenticator

    door = RoomAuthenticator(accounts=str(tmp_path / "accounts.json"), code=CODE)

    async def knock(name: str, password: str, code: str) -> str:
        form = {"username": name, "password": password, "otp": code}
        try:
            return await door.authenticate(None, form)
        except web.HTTPError as refusal:
            return refusal.log_message

    return [asyncio.run(knock(*each)) for each in attempts]


def test_the_code_lets_in_once_and_then_the_password(tmp_path):
    from tools.classroom import authenticator as door

    assert knocks(
        tmp_path,
        ("ada", PASSWORD, "wrong"),
        ("ada", "short", CODE),
        ("Ada ", PASSWORD, f" {CODE.upper()}"),
        ("ada", PASSWORD, ""),
        ("ada", "another one", CODE),  # the code opens nobody else's account
        ("../hub", PASSWORD, CODE),
        ("instructor", PASSWORD, CODE),
    ) == [door.NO_CODE, door.TOO_SHORT, "ada", "ada", door.WRONG, door.NO_NAME, door.NO_CODE]


def test_who_forgot_a_password_signs_up_once_more(here, capsys):
    from tools.classroom import __main__ as verb
    from tools.classroom import authenticator as door

    knocks(here.hub, ("ada", PASSWORD, CODE))
    verb.forget(here, "ada")
    assert "a new password" in capsys.readouterr().out
    assert knocks(
        here.hub,
        ("ada", "another one", ""),
        ("ada", "another one", CODE),
        ("ada", PASSWORD, CODE),
    ) == [door.NO_CODE, "ada", door.WRONG]
    with pytest.raises(room.RoomError, match="Nobody in this room is called eve"):
        verb.forget(here, "eve")


def test_no_password_is_kept_and_nobody_else_reads_what_is(tmp_path):
    knocks(tmp_path, ("ada", PASSWORD, CODE), ("eve", PASSWORD, CODE))
    file = tmp_path / "accounts.json"
    kept = json.loads(file.read_bytes())
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text() and kept["ada"] != kept["eve"]


def test_a_code_is_read_from_a_board_without_mistakes():
    codes = {room.new_code() for _ in range(200)}
    assert len(codes) == 200
    assert not set("".join(codes)) & set("ilo01"), "these are mistaken for each other"


def test_a_certificate_is_made_once_for_this_machines_addresses(tmp_path):
    from tools.classroom import certificate

    made, key = certificate.make(tmp_path)
    assert key.stat().st_mode & 0o777 == 0o600
    assert certificate.make(tmp_path) == (made, key)
    ssl.create_default_context().load_cert_chain(made, key)
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-ext", "subjectAltName"]
    said = subprocess.run([*command, "-in", made], capture_output=True, text=True, check=True)
    assert certificate.fingerprint(made) in said.stdout
    assert "IP Address:127.0.0.1" in said.stdout and "DNS:localhost" in said.stdout


def test_what_a_room_takes_is_said_before():
    for learners in (1, 30):
        assert f"{needs.HUB + learners * needs.LEARNER:,} MiB" in needs.sentence(learners)
    assert f"{needs.HUB + 20 * needs.IN_CONTAINER:,} MiB" in needs.sentence(20, containers=True)


# --- what a learner's processes may do


def test_a_learner_holds_cap_bpf_and_nothing_else(here):
    code = """
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(os.getuid(), os.getgroups(), *(status[name].strip() for name in NAMES))
"""
    names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs")
    said = attempt(here, "ada", code.replace("NAMES", repr(names)))
    mask = f"{capabilities.mask('CAP_BPF'):016x}"
    _, user = here.own("ada")
    assert said == f"{user} [] {' '.join([mask] * 5)} 1"


def test_who_cannot_be_confined_is_told_and_the_next_one_is_served(here, capfd):
    from tools.classroom import ready, spawner

    own, user = here.own("ada")
    asked = spawner.confinement(here.folder, own, user, ["bpf"], MEMORY)
    asked |= {"environment": {}, "arguments": []}
    starts = ready.Ready()
    with pytest.raises(ChildProcessError, match="cannot be confined"):
        starts.ask(asked | {"groups": [str(own / "no such group")]})
    first = starts._process.pid
    number = starts.ask(asked)  # without its environment that one ends at once
    assert number > 0 and starts._process.pid == first
    assert waiting.until(lambda: not Path(f"/proc/{number}").exists(), 60)
    starts._process.stdin.close()
    assert starts._process.wait(30) == 0


@pytest.mark.kernel
def test_a_confined_learner_counts_exactly(here):
    own, _ = here.own("ada")
    code = f"import os; os.environ['COURSE_PLACE'] = {str(own)!r}\n{FIVE_LINES}"
    command = confined(here, "ada", sys.executable, "-c", code)
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.stdout.split("\n")[:5] == AS_COUNTED, said.stderr
    assert (own / "build/sockex1_kern.o").stat().st_uid == here.own("ada")[1]


def test_the_limits_are_written_where_each_version_of_control_groups_has_them(tmp_path):
    one, two = tmp_path / "1", tmp_path / "2"
    for name in limits.FILES_1:
        (one / name).mkdir(parents=True)
    two.mkdir()
    (two / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    assert len(limits.make("room", "ada", MEMORY, one)) == 3
    assert (one / "memory/room/ada/memory.limit_in_bytes").read_text() == str(MEMORY)
    assert limits.make("room", "ada", MEMORY, two) == [two / "room/ada"]
    assert (two / "room/ada/memory.max").read_text() == str(MEMORY)
    assert (two / "room/ada/pids.max").read_text() == str(limits.PROCESSES)
    assert (two / "room/cgroup.subtree_control").read_text() == "+memory +pids +cpu"


@pytest.mark.kernel
def test_a_learner_who_takes_too_much_memory_is_stopped_and_nobody_else():
    groups = limits.make("classroom-test", "ada", 64 << 20)
    if not any("memory" in str(each) for each in groups):
        pytest.skip("this machine has no control group for memory")

    def enter() -> None:
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    greedy = [sys.executable, "-c", "print(len(bytes(200 << 20) + b'x'))"]
    assert subprocess.run(greedy, preexec_fn=enter).returncode == -signal.SIGKILL
    assert waiting.until(lambda: not any(map(has_processes, groups)))
    limits.remove("classroom-test", "ada")
    assert not any(group.parent.exists() for group in groups)


def has_processes(group: Path) -> bool:
    return bool((group / "cgroup.procs").read_text())


# --- a real room


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rooms.Opened]:
    with rooms.opened(tmp_path_factory.mktemp("room") / "classroom") as room:
        yield room


# What Eve tries on the hub from her notebook, with her server's own token.
TO_THE_HUB = """
import http.client, json, os, socket
from urllib.parse import unquote, urlsplit
hub = unquote(urlsplit(os.environ["JUPYTERHUB_API_URL"]).netloc)
class Hub(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(hub)
def ask(method, path, token=os.environ["JUPYTERHUB_API_TOKEN"]):
    connection = Hub("hub")
    connection.request(method, "/hub/api" + path, headers={"Authorization": f"token {token}"})
    return connection.getresponse().status
print(json.dumps([ask(*each) for each in ASKED]))
try:
    socket.socket(socket.AF_UNIX).connect(hub.replace("/0/hub", "/proxy"))
except OSError as error:
    print(error)
"""
REFUSED = [
    ("GET", "/users"),
    ("GET", "/users/ada"),
    ("POST", "/users/ada/server"),
    ("DELETE", "/users/ada/server"),
    ("POST", "/users/ada/tokens"),
    ("GET", "/proxy"),
    ("POST", "/shutdown"),
    ("GET", "/users/ada", "no token"),
]


@pytest.mark.kernel
def test_two_learners_of_a_real_room_count_exactly_apart_and_on_the_board(opened):
    from room_client import Learner

    here, url = opened.here, opened.url
    assert here.chosen["code"] in opened.said and "Its fingerprint, SHA-256:" in opened.said

    async def begin(learner: Learner) -> str:
        assert await learner.log_in(PASSWORD, here.chosen["code"]) == ""
        await learner.start()
        kernel = await learner.kernel()
        assert (await learner.run(kernel, FIVE_LINES)).split("\n")[:5] == AS_COUNTED
        assert (here.own(learner.name)[0] / "work/00_start_here.ipynb").exists()
        return kernel

    async def both() -> None:
        async with Learner(url, "ada") as ada, Learner(url, "eve") as eve:
            hers, kernel = await asyncio.gather(begin(ada), begin(eve))
            # Learner against hub, and against learner through it.
            code = TO_THE_HUB.replace("ASKED", repr([("GET", "/user"), *REFUSED]))
            statuses, proxy, _ = (await eve.run(kernel, code)).split("\n")
            own, *refused = json.loads(statuses)
            assert own == 200 and set(refused) <= {403, 404}
            assert "Permission denied" in proxy
            assert await ada.api("GET", "/user/ada/api/contents", status=True) == 200
            assert await eve.api("GET", "/user/ada/api/contents", status=True) == 403
            async with Learner(url, room.INSTRUCTOR) as instructor:
                assert await instructor.log_in(opened.password) == ""
                await on_the_board(instructor, ada, hers)
            await asyncio.gather(ada.stop(), eve.stop())

    asyncio.run(both())
    users = {here.own(name)[1] for name in ("ada", "eve")}
    assert len(users) == 2
    assert not [each for each in Path("/proc").glob("[0-9]*") if owner(each) in users]
    for group in limits.groups(here.sockets.name, "ada").values():
        assert not group.parent.exists()
    assert {each.name for each in here.sockets.iterdir()} == {"proxy", "0"}


async def on_the_board(instructor: Learner, learner: Learner, kernel: str) -> None:
    """What a learner does is on the instructor's page within a second, once they agreed."""
    page, answer = "/services/board/", "from chapters.ch03 import check\ncheck.three_big_pings({})"
    async with learner.http.get(learner.url + page) as refused:
        assert refused.status == 403
    async with instructor.http.get(instructor.url + page) as shown:
        assert "The room's board" in await shown.text()
    async with instructor.http.get(f"{instructor.url}{page}api/live") as live:

        async def state() -> dict:
            async for line in live.content:
                if line.startswith(b"data:"):
                    return json.loads(line[5:])
            raise AssertionError("the board has gone")

        assert (await state())["learners"] == []
        await learner.run(kernel, answer.format(3000))
        asked = await learner.room("agree")
        assert 'data-state="on"' in asked
        await learner.run(kernel, answer.format(3 * 2 * 1000))
        before = asyncio.get_running_loop().time()
        (row,) = (await state())["learners"]
        assert asyncio.get_running_loop().time() - before < 1
        assert row["reached"]["03.1"]["status"] == "not yet" and row["who"] != learner.name
        assert "counts whole frames" in row["reached"]["03.1"]["mistake"]
        await learner.room("help")
        assert (await state())["learners"][0]["help"]
        await learner.room("decline")
        assert (await state())["learners"] == []


def owner(process: Path) -> int | None:
    try:
        return process.stat().st_uid
    except FileNotFoundError:
        return None  # it ended meanwhile
