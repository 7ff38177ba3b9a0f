"""The container engines that tests can reach, and how each of them runs the course's image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stored import COURSE

from tools import image

WITH_TESTS = f"{image.NAME}-tests"
NETWORK = "course-tests"
DEFAULT_NETWORK = {"docker": "bridge", "podman": "podman"}
# What podman takes instead of its defaults, where a machine refuses those.
PODMAN = """[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
"""


@dataclass
class Engine:
    """docker or podman. network: the options that give a container a network of its own."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    network: tuple[str, ...] = ()

    def __call__(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        settings = {"capture_output": True, "text": True, "errors": "replace", **options}
        return subprocess.run(
            [self.name, *arguments], env=os.environ | self.environment, **settings
        )

    def run(
        self, flags: Sequence[str], *command: str, of: str = WITH_TESTS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a container to its end."""
        network = () if "--network" in flags else self.network
        return self("run", "--rm", *network, *flags, of, *command)

    def must(self, *arguments: str) -> str:
        """What the engine prints; it has to succeed."""
        result = self(*arguments)
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        return result.stdout.strip()

    def course(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """./course image, with no other engine on the PATH to choose."""
        command = [sys.executable, "-m", "tools.image", *arguments]
        settings = {"cwd": COURSE, "capture_output": True, "text": True}
        return subprocess.run(command, env=os.environ | self.environment, **settings)

    @property
    def version(self) -> str:
        fields = {"docker": "{{.Server.Version}}", "podman": "{{.Client.Version}}"}
        return self.must("version", "--format", fields[self.name])

    @property
    def has_network(self) -> bool:
        """Whether containers have the engine's default network; an engine may be set up without."""
        return self("network", "inspect", DEFAULT_NETWORK[self.name]).returncode == 0


def reached() -> list[str]:
    """The engines that answer on this machine."""
    names = [name for name in ("docker", "podman") if shutil.which(name)]
    return [name for name in names if Engine(name)("info").returncode == 0]


def docker() -> Engine:
    """docker, with the image and the one with tests inside, built now."""
    engine = Engine("docker")
    outside = [] if engine.has_network else ["--network=host"]
    if not engine.has_network:
        if engine("network", "inspect", NETWORK).returncode:
            engine.must("network", "create", NETWORK)
        engine.network = ("--network", NETWORK)
    build(engine, outside)
    return engine


def build(engine: Engine, options: Sequence[str]) -> None:
    result = engine.course("build", *options)
    assert result.returncode == 0, result.stdout[-500:] + result.stderr[-3000:]
    tests = COURSE / "tests"
    engine.must("build", *options, "-t", WITH_TESTS, "-f", str(tests / "Dockerfile"), str(tests))


def podman(folder: Path, others: Sequence[Engine]) -> Engine:
    """podman, with docker's images if there are any, else its own."""
    engine = Engine("podman")
    if others:
        archive = folder / "image.tar"
        others[0].must("save", "-o", str(archive), WITH_TESTS)
        engine.must("load", "-i", str(archive))
        archive.unlink()
    else:
        build(engine, [])
    if engine.run([], "true").returncode:
        settings = folder / "containers.conf"
        settings.write_text(PODMAN.format(**image.limits()))
        engine.environment = {"CONTAINERS_CONF": str(settings)}
    return engine


def layers(engine: Engine, name: str) -> list[str]:
    return json.loads(engine.must("image", "inspect", "--format", "{{json .RootFS.Layers}}", name))
