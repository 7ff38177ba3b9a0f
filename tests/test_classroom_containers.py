"""A room whose learners are each in a container, by a real engine: ./course test --containers;
=full: with a room of two, whose image is made first."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import engines
import pytest
import rooms
from rooms import AS_COUNTED, FIVE_LINES, PASSWORD
from test_classroom import REFUSED, TO_THE_HUB

from tools.classroom import install, room, seccomp

pytestmark = [pytest.mark.containers, pytest.mark.kernel, pytest.mark.timeout(900)]
OPTIONS = ["--network", "none", "--cap-drop", "ALL"]
BPF = [*OPTIONS, *(f"--cap-add={each}" for each in ("BPF", "SETUID", "SETGID", "SETPCAP"))]
BEHIND = [*BPF, f"--security-opt=seccomp={seccomp.PROFILE}"]
# What the filter says to one who is root in a namespace of their own, and so holds every capability
# there; 0 is yes, else the number of the error.
INSIDE = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def said(what, *arguments):
    return 0 if getattr(libc, what)(*arguments) >= 0 else ctypes.get_errno()
def apart(flags):
    child = os.fork()
    if child == 0:
        os._exit(said("unshare", flags))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
found = {name: apart(flags) for name, flags in FLAGS.items()}
libc.unshare(FLAGS["users and networks"])
found["mount"] = said("mount", b"none", b"/mnt", b"tmpfs", 0, None)
found["keys"] = said("syscall", 250, 0, 0)
found["io_uring"] = said("syscall", 425, 1, 0)
found["namespace by clone"] = said("syscall", 56, 0x10000000 | 17, 0, 0, 0, 0)
print(json.dumps(found))
"""
NEW_USER, NEW_NET, NEW_MOUNTS, NEW_TIME = 0x10000000, 0x40000000, 0x00020000, 0x80
FLAGS = {
    "users and networks": NEW_USER | NEW_NET,
    "users and mounts": NEW_USER | NEW_MOUNTS,
    "users and time": NEW_USER | NEW_TIME,
    "mounts": NEW_MOUNTS,
}


@pytest.fixture(scope="module")
def engine() -> engines.Engine:
    if "docker" not in engines.reached():
        pytest.fail("There is no docker here: the room's containers are started by it.")
    made = engines.docker()
    install.install()
    return made


@pytest.fixture(scope="module")
def opened(engine: engines.Engine) -> Iterator[rooms.Opened]:
    """In memory, at a place that an engine with a file system of its own sees, too."""
    os.environ[room.SOCKETS] = "/dev/shm"
    try:
        with rooms.opened(Path("/dev/shm/a-room"), False, "--containers") as made:
            yield made
    finally:
        del os.environ[room.SOCKETS]


def test_the_filter_opens_namespaces_of_users_and_networks_and_nothing_else(engine):
    code = f"FLAGS = {FLAGS!r}\n{INSIDE}"
    result = engine.run(BEHIND, "python", "-c", code, of=engines.WITH_TESTS)
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "users and networks": 0,
        "users and mounts": 1,
        "users and time": 1,
        "mounts": 1,
        "mount": 1,
        "keys": 1,
        "io_uring": 1,
        "namespace by clone": 1,
    }, result.stderr


@pytest.mark.parametrize("options", [BPF, BEHIND], ids=["the engine's filter", "the course's"])
def test_with_the_courses_filter_networks_are_private(engine, options):
    result = engine.run(options, "python", "tests/inside/ways.py")
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["bpf"] == "works"
    # Without a namespace of their own they would need CAP_NET_RAW to see a packet.
    assert (found["network"] == "user namespace") == found["exact"] == (options is BEHIND)


# What Eve tries on Ada from her container; what stands beside it is in the answer.
ATTEMPTS = {
    "her work": ("import glob; print(glob.glob('/dev/shm/a-room/**', recursive=True))", "[]"),
    "her server's socket": ("import os; print(os.listdir(SOCKETS + '/ada'))", "No such file"),
    "who has sockets": ("import os; print(os.listdir(SOCKETS))", "['0', 'eve']"),
    "the proxy": ("import os; print(os.path.exists(SOCKETS + '/proxy'))", "False"),
    "her processes": (
        "from pathlib import Path\n"
        "environs = [e for e in Path('/proc').glob('[0-9]*/environ') if os.access(e, os.R_OK)]\n"
        "print(sum(b'/user/ada' in each.read_bytes() for each in environs))",
        "0",
    ),
    "other interfaces": ("import socket; print(socket.if_nameindex())", "[(1, 'lo')]"),
    "the course's files": ("open('/course/bpf/sockex1_kern.c', 'a')", "Permission denied"),
    "the engine": ("import os; print(os.path.exists('/var/run/docker.sock'))", "False"),
    "maps by number": (
        "from helpers import probes\nprint(probes.bpf(12, bytes(16)))  # MAP_GET_NEXT_ID",
        "-1",
    ),
    "capabilities": (
        "from helpers import capabilities\nprint(capabilities.in_words(capabilities.permitted()))",
        "CAP_BPF",
    ),
}


@pytest.mark.containers("full")
def test_two_learners_in_containers_count_exactly_and_apart(opened):
    from room_client import Learner

    here = opened.here

    async def begin(learner: Learner) -> str:
        assert await learner.log_in(PASSWORD, here.chosen["code"]) == ""
        await learner.start()
        kernel = await learner.kernel()
        assert (await learner.run(kernel, FIVE_LINES)).split("\n")[:5] == AS_COUNTED
        return kernel

    async def both() -> None:
        async with Learner(opened.url, "ada") as ada, Learner(opened.url, "eve") as eve:
            hers, kernel = await asyncio.gather(begin(ada), begin(eve))
            await ada.run(hers, "open('mine.txt', 'w').write('of ada')")
            code = TO_THE_HUB.replace("ASKED", repr([("GET", "/user"), *REFUSED]))
            own, *refused = json.loads((await eve.run(kernel, code)).split("\n")[0])
            assert own == 200 and set(refused) <= {403, 404}
            assert await eve.api("GET", "/user/ada/api/contents", status=True) == 403
            await eve.run(kernel, f"import os; SOCKETS = {str(here.sockets)!r}")
            said = {name: await eve.run(kernel, code) for name, (code, _) in ATTEMPTS.items()}
            assert {
                name for name, text in said.items() if ATTEMPTS[name][1] not in text
            } == set(), said
            # What she has is kept when her container is gone.
            await asyncio.gather(ada.stop(), eve.stop())
            await ada.start()
            kept = await ada.api("GET", "/user/ada/api/contents/mine.txt")
            assert kept["content"] == "of ada"
            await ada.stop()

    asyncio.run(both())
    label = f"label=course.room={here.sockets.name}"
    left = subprocess.run(
        ["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True
    )
    assert left.stdout == ""


def test_the_profile_refuses_by_default_and_names_what_it_lets_through():
    kept = json.loads(seccomp.PROFILE.read_text())
    assert kept == seccomp.profile(kept["syscalls"][0]["names"])
    assert not {*kept["syscalls"][0]["names"]} & {*seccomp.REFUSED.split(), *seccomp.ON_TERMS}
