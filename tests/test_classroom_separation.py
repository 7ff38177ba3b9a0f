"""What a learner tries on another one, and on the hub's files: each attempt fails, and says how.

Both run as their servers do, without a hub. Ada has what could be taken; Eve tries to. That an
attempt would succeed if the two were one learner is tried as well, where it can be.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import rooms

from tools.classroom import room

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a room is started by root"),
    pytest.mark.kernel,
]
SECRET = "the-token-of-ada-0123456789"
ADA = """
import json, mmap, os, socket, sys
from multiprocessing import shared_memory
from pathlib import Path
from helpers import loader, toolchain
os.umask(0)  # nothing but the confinement keeps this closed
Path("work").mkdir(exist_ok=True)
Path("work/answer.txt").write_text("ada's")
Path("/tmp/of_ada").write_text("ada's")
shared = shared_memory.SharedMemory("of_ada", create=True, size=64)
loaded = loader.load(toolchain.compile_bpf("sockex1_kern.c", "build/own.o"))
info = Path(f"/proc/self/fdinfo/{loaded.map('bytes_by_protocol').fd}").read_text()
map_id = int(info.split("map_id:")[1].split()[0])
abstract = socket.socket(socket.AF_UNIX); abstract.bind("\\0of_ada"); abstract.listen()
tcp = socket.create_server(("127.0.0.1", 28_888))
server = socket.socket(socket.AF_UNIX); server.bind(f"{SOCKETS}/s"); server.listen()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(json.dumps({"map_id": map_id}), flush=True)
for line in sys.stdin:  # a line is a wish for packets
    for _ in range(10):
        udp.sendto(b"of ada", ("127.0.0.1", 9))
    print("sent", flush=True)
shared.unlink()
"""


@dataclass
class Victim:
    """Ada at work. here: the room; process: hers, as the machine numbers it; map_id: her map's."""

    here: room.Room
    process: subprocess.Popen[str]
    map_id: int

    def send(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "sent\n"

    def try_as(self, name: str, code: str, *capabilities: str) -> str:
        own, _ = self.here.own("ada")
        names = {"OWN": own, "SOCKETS": self.here.sockets, "SECRET": SECRET}
        names |= {"PID": self.process.pid, "MAP": self.map_id, "ROOM": self.here.folder}
        known = "".join(f"{each} = {value!r}\n" for each, value in as_text(names).items())
        return rooms.attempt(self.here, name, known + code, capabilities=("bpf", *capabilities))


def as_text(names: dict[str, object]) -> dict[str, object]:
    return {each: str(value) if isinstance(value, Path) else value for each, value in names.items()}


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    with rooms.made(tmp_path_factory.mktemp("room") / "classroom") as here:
        (here.hub / "accounts.json").write_text("{}")
        own, user = here.own("ada")
        sockets = here.sockets / "ada"
        sockets.mkdir(0o700)
        os.chown(sockets, user, user)
        code = f"SOCKETS = {str(sockets)!r}\n{ADA}"
        command = rooms.confined(here, "ada", sys.executable, "-c", code)
        environ = os.environ | {"COURSE_PLACE": str(own), "JUPYTERHUB_API_TOKEN": SECRET}
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=environ, **streams)
        try:
            yield Victim(here, process, eval(process.stdout.readline())["map_id"])
        finally:
            process.stdin.close()
            assert process.wait(30) == 0
            (sockets / "s").unlink()


ATTEMPTS = {
    "her work": ("print(open(f'{OWN}/work/answer.txt').read())", "No such file"),
    "who else is here": ("import os; print(sorted(os.listdir(f'{ROOM}/learners')))", "['eve']"),
    "what is in /tmp": ("print(open('/tmp/of_ada').read())", "No such file"),
    "shared memory": ("import os; print(os.listdir('/dev/shm'))", "[]"),
    "her process": ("import os; os.kill(PID, 9)", "No such process"),
    "her environment": (
        "from pathlib import Path\n"
        "environs = [each.read_bytes() for each in Path('/proc').glob('*/environ')]\n"
        "print(sum(SECRET.encode() in each for each in environs))",
        "0",
    ),
    "processes": (
        "import os; from pathlib import Path\n"
        "owners = {each.stat().st_uid for each in Path('/proc').glob('[0-9]*')}\n"
        "print(owners == {os.getuid()})",
        "True",
    ),
    "her server, by its socket": (
        "import socket; socket.socket(socket.AF_UNIX).connect(f'{SOCKETS}/ada/s')",
        "Permission denied",
    ),
    "her server, by TCP": (
        "import socket; socket.create_connection(('127.0.0.1', 28_888))",
        "Connection refused",
    ),
    "an abstract socket": (
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0of_ada')",
        "Connection refused",
    ),
    "names of other sockets": ("import os; print(os.listdir(SOCKETS))", "Permission denied"),
    "the hub's files": ("print(open(f'{ROOM}/hub/accounts.json').read())", "No such file"),
    "the course's files": (
        "from helpers.toolchain import COURSE; (COURSE / 'bpf/sockex1_kern.c').write_text('')",
        "Read-only file system",
    ),
    "the environment's packages": (
        "import sys; open(sys.prefix + '/pyvenv.cfg', 'w')",
        "Read-only file system",
    ),
    "what is mounted over": (
        "import subprocess as s\n"
        "print(s.run(['unshare', '-Urm', 'umount', ROOM], capture_output=True, text=True).stderr)",
        "not mounted",
    ),
    "other interfaces": ("import socket; print(socket.if_nameindex())", "[(1, 'lo')]"),
    "a BPF file system": ("import os; print(os.listdir('/sys/fs/bpf'))", "[]"),
}


@pytest.mark.parametrize("what", ATTEMPTS)
def test_eve_does_not_get(ada, what):
    code, answer = ATTEMPTS[what]
    said = ada.try_as("eve", code)
    assert answer in said
    assert ada.process.poll() is None


def test_ada_herself_gets_her_work(ada):
    assert ada.try_as("ada", ATTEMPTS["her work"][0]) == "ada's"


BY_ID = """
import ctypes
from helpers import probes
command, number = {asked}
answer = probes.bpf(command, number.to_bytes(4, "little") + bytes(12))
print(answer if answer < 0 else "a descriptor")
"""


@pytest.mark.parametrize("command", ["MAP_GET_FD_BY_ID", "MAP_GET_NEXT_ID", "PROG_GET_NEXT_ID"])
@pytest.mark.parametrize("more", [(), ("net_raw",)], ids=["BPF alone", "with NET_RAW"])
def test_eve_opens_no_map_or_program_of_hers_by_number(ada, command, more):
    number = {"MAP_GET_FD_BY_ID": 14, "MAP_GET_NEXT_ID": 12, "PROG_GET_NEXT_ID": 11}[command]
    code = BY_ID.replace("{asked}", f"({number}, MAP)")
    assert ada.try_as("eve", code, *more) == "-1"  # EPERM
    opened = subprocess.run(
        [sys.executable, "-c", f"MAP = {ada.map_id}\n{code}"], capture_output=True, text=True
    )
    assert opened.stdout.strip() != "-1", "root can, so there is such a map"


LISTEN = """
import socket, sys
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
ear.bind(("lo", 3))
ear.setblocking(False)
print("listening", flush=True)
sys.stdin.readline()
def heard():
    try:
        while True:
            frames.append(ear.recv(2048))
    except BlockingIOError:
        return len(frames)
frames = []
others = heard()
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"of eve", ("127.0.0.1", 9))
print(others, heard() > 0)
"""


def test_eve_hears_no_packet_of_hers_even_with_cap_net_raw(ada):
    command = rooms.confined(
        ada.here, "eve", sys.executable, "-c", LISTEN, capabilities=("bpf", "net_raw")
    )
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **streams) as eve:
        assert eve.stdout.readline() == "listening\n"
        ada.send()
        said, _ = eve.communicate("\n", timeout=30)
    assert said == "0 True\n"  # nothing of ada's, and her own


def test_without_cap_net_raw_there_is_nothing_to_listen_with(ada):
    assert "PermissionError" in ada.try_as("eve", LISTEN)
