"""A learner's server in a container: ./course classroom --containers, by DockerSpawner.

The image is the course's (./course image build) with the hub's package in it. A container has no
network but its own lo, CAP_BPF alone once it has become the user learner, and the filter of
seccomp.json, which lets learners make private networks. Hub, proxy and server talk by sockets in
two folders that are mounted into it: one in which the hub and the board listen, and the learner's.

Source: DockerSpawner's documentation; dockerd's "docker run" reference.
"""

from __future__ import annotations

import os
import subprocess

from dockerspawner import DockerSpawner

from tools import image
from tools.classroom import install, limits, room, seccomp
from tools.classroom.by_socket import BySocket

IMAGE = f"{image.NAME}-room"
LABEL = "course.room"
LEARNER = 1000  # the user of the image
BUILD = f"""
FROM {image.NAME} AS packages
RUN apt-get update -q && apt-get install -qy --no-install-recommends python3-pip
RUN pip --python /opt/venv/bin/python install --no-cache-dir {{packages}}
FROM {image.NAME}
COPY --from=packages /opt/venv /opt/venv
"""
BECOMES = ("SETUID", "SETGID", "SETPCAP")  # what the image's entry point gives up


def build() -> None:
    """Make the image. Errors: RoomError, with what the engine says."""
    packages = " ".join(f"'{each}'" for each in install.packages())
    command = ["docker", "build", "--quiet", "--network=host", "-t", IMAGE, "-"]
    try:
        made = subprocess.run(
            command, input=BUILD.format(packages=packages), capture_output=True, text=True
        )
    except OSError as error:
        raise room.RoomError("Containers take docker, and it is not here.") from error
    if made.returncode:
        said = (made.stderr.strip().splitlines() or ["nothing"])[-1]
        raise room.RoomError(f"The image is missing: ./course image build first. Said: {said}")


def remove_all(of: str) -> None:
    """Remove the containers of a room that a killed hub has left. of: the room's mark."""
    found = ["docker", "ps", "--all", "--quiet", "--filter", f"label={LABEL}={of}"]
    left = subprocess.run(found, capture_output=True, text=True, check=True).stdout.split()
    if left:
        subprocess.run(["docker", "rm", "--force", *left], capture_output=True, check=True)


class ContainerSpawner(BySocket, DockerSpawner):
    """DockerSpawner, for a learner whose server is reached by a socket."""

    image = IMAGE
    remove = True
    use_internal_ip = True
    network_name = "none"

    def get_env(self) -> dict[str, str]:
        return super().get_env() | {"JUPYTER_RUNTIME_DIR": str(self.sockets)}

    async def get_ip_and_port(self) -> tuple[str, int]:
        return "localhost", self.port

    async def get_command(self) -> list[str]:
        server = ["python", "-m", "tools.classroom.learner"]
        return [*server, self.listening, *self.get_args()]

    async def start(self) -> str:
        own, _ = room.here().own(self.user.name)
        work = own / "work"
        work.mkdir(mode=0o700, exist_ok=True)
        os.chown(work, LEARNER, LEARNER)
        self.make_sockets(LEARNER)
        same = (self.sockets, room.here().meeting)
        self.volumes = {str(each): str(each) for each in same} | {str(work): "/course/work"}
        self.extra_create_kwargs = {"labels": {LABEL: room.here().sockets.name}}
        self.extra_host_config = {
            "cap_drop": ["ALL"],
            "cap_add": [*BECOMES, *(each.upper() for each in self.capabilities)],
            "security_opt": [f"seccomp={seccomp.PROFILE.read_text()}"],
            "pids_limit": limits.PROCESSES,
        }
        await super().start()
        return self.address
