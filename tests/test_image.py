"""./course image and the image's entry point, with stand-ins for the engines; no container runs.

The stand-ins write down how they were called. tests/test_containers.py does it all for real.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from stored import COURSE

from chapters.ch00 import readiness
from helpers import capabilities, kernel, netlab, probes
from helpers.netlab import own_lo
from tools import container, image

ENGINE = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
"info --format"*) echo "${KERNEL:-6.18.1}" ;;
info) [ -z "$INFO" ] || { echo "$INFO" >&2; exit 1; } ;;
"image inspect"*) [ -z "$NO_IMAGE" ] ;;
build*|run*) [ -z "$FAILS" ] || { echo "$FAILS" >&2; exit "${STATUS:-125}"; }; echo "done" ;;
esac
"""


class Machine:
    """A PATH with some engines on it, and what ./course image says and does there."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder, self.calls = folder, folder / "calls"
        for name in names:
            (folder / name).write_text(ENGINE)
            (folder / name).chmod(0o755)

    def __call__(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.folder), "CALLS": str(self.calls)} | extra
        return subprocess.run(
            [sys.executable, "-m", "tools.image", *arguments],
            cwd=COURSE,
            env=environment,
            capture_output=True,
            text=True,
        )

    def sentence(self, *arguments: str, **extra: str) -> str:
        """The last line of its errors, after what the engine itself said."""
        result = self(*arguments, **extra)
        assert result.returncode == 1
        last = result.stderr.splitlines()[-1]
        assert last.startswith("course: ")
        assert last.endswith(".")
        return last.removeprefix("course: ")

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "docker")


def test_no_engine(tmp_path):
    said = Machine(tmp_path)("run", PATH=str(tmp_path)).stderr
    assert said.startswith("course: Neither docker nor podman is installed: install one")


@pytest.mark.parametrize(
    ("info", "sentence"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
            "daemon running?",
            "The engine docker is not running: start it ({systemctl start docker}, or open Docker",
        ),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///",
            "You may not use docker's socket: run {/usr/sbin/usermod -aG docker $USER} and log in",
        ),
    ],
)
def test_an_engine_that_cannot_be_reached(machine, info, sentence):
    without_sudo = re.sub(r"{(.*)}", r'su -c "\1"', sentence)
    for verb in ("build", "run"):
        assert machine.sentence(verb, INFO=info).startswith(without_sudo)
    shutil.copy(machine.folder / "docker", machine.folder / "sudo")
    assert machine.sentence("run", INFO=info).startswith(re.sub(r"{(.*)}", r"sudo \1", sentence))


def test_podman_where_docker_does_not_answer(tmp_path):
    machine = Machine(tmp_path, "docker", "podman")
    (tmp_path / "docker").write_text("#!/bin/sh\necho Cannot connect >&2; exit 1\n")
    assert machine("build").returncode == 0
    assert machine.called()[-1].startswith("podman build --format docker -t ")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "docker: Error response from daemon: driver failed programming external connectivity: "
            "Bind for 127.0.0.1:8888 failed: port is already allocated.",
            "Port 8888 is taken: choose another one, ./course image run --port 8889.",
        ),
        (
            "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission",
            "The engine may not raise the limits of a container here: add --ulimit nofile=",
        ),
        (
            "Error: OCI runtime error: crun: cgroups in hybrid mode not supported, drop all",
            "The engine cannot give the container a control group here: ",
        ),
        ("docker: Error: write /x: no space left on device.", "The disk is full: free about 4 GB"),
        ("unknown flag: --privilegd", "docker does not know that option."),
        ("docker: Error: something new.", "docker gave up (docker: Error: something new): mend"),
    ],
)
def test_a_start_that_fails(machine, said, sentence):
    result = machine("run", FAILS=said)
    assert result.stderr.splitlines()[0] == said  # the engine's own words stay
    assert machine.sentence("run", FAILS=said).startswith(sentence)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "pull access denied for none, repository does not exist or may require 'docker login'",
            "The base image cannot be pulled: connect this machine to the network, or name one",
        ),
        (
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: none',
            "The base image cannot be pulled: ",
        ),
        (
            "W: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb...'",
            "The network did not answer inside the build: try ./course image build --network=host",
        ),
    ],
)
def test_a_build_that_fails(machine, said, sentence):
    assert machine.sentence("build", FAILS=said, STATUS="1").startswith(sentence)


def test_a_kernel_before_5_8(machine):
    said = machine.sentence("run", KERNEL="5.4.0-42-generic")
    assert said.startswith(
        "docker's containers run on Linux 5.4.0-42-generic, and the course needs"
    )
    assert machine("run", KERNEL="5.8.0").returncode == 0


def test_no_image_yet(machine):
    said = machine.sentence("run", NO_IMAGE="yes")
    assert said == "docker has no image of the course: make it, ./course image build."


def test_what_runs_inside_hands_over_its_status(machine):
    assert machine("run", "--", "doctor", FAILS="not ready", STATUS="1").returncode == 1
    assert machine.called()[-1].endswith(f" {image.NAME} doctor")


def test_help_and_an_unknown_verb(machine):
    assert machine("--help").returncode == 0
    assert machine("push").returncode == 2
    assert "build [options]" in machine("push").stdout


DEFAULT = ["docker", "run", "--rm", "--privileged", "-p", "127.0.0.1:8888:8888"]
DEFAULT += ["-v", "course-work:/course/work", "packet-tracing-with-bpf"]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("", shlex.join(DEFAULT)),
        (
            "--cap-add BPF",
            "docker run --rm -p 127.0.0.1:8888:8888 -v course-work:/course/work --cap-add BPF "
            "packet-tracing-with-bpf",
        ),
        (
            "--port 9000 -- lab --debug",
            "docker run --rm --privileged -p 127.0.0.1:9000:9000 -v course-work:/course/work "
            "--env COURSE_PORT=9000 packet-tracing-with-bpf lab --debug",
        ),
        (
            "--network=host -v /tmp:/course/work",
            "docker run --rm --privileged --network=host -v /tmp:/course/work "
            "packet-tracing-with-bpf",
        ),
        (
            "-p 127.0.0.1:1:8888 --cap-drop=ALL",
            "docker run --rm -v course-work:/course/work -p 127.0.0.1:1:8888 --cap-drop=ALL "
            "packet-tracing-with-bpf",
        ),
    ],
)
def test_options_change_the_defaults(arguments, command):
    assert shlex.join(image.run_command("docker", arguments.split())) == command


def test_a_port_without_its_number_is_a_sentence(machine):
    assert machine.sentence("run", "--port") == "--port wants a number: --port 8889."
    assert machine.sentence("run", "--port", "web") == "--port wants a number: --port 8889."


def test_the_page_compose_and_the_editor_say_the_same():
    page = (COURSE / "docs" / "containers.md").read_text()
    command = image.run_command("docker", terminal=True)
    assert f"    {shlex.join(command)}\n" in page.replace(" \\\n        ", " ")
    compose = yaml.safe_load((COURSE / "compose.yaml").read_text())
    service = compose["services"]["course"]
    assert service["privileged"] is True
    assert service["image"] == image.NAME
    assert service["ports"] == [DEFAULT[5]]
    assert service["volumes"] == [image.VOLUME]
    assert compose["volumes"]["course-work"]["name"] == image.VOLUME.split(":")[0]
    editor = json.loads((COURSE / ".devcontainer/devcontainer.json").read_text())
    assert editor["capAdd"] == ["BPF", "NET_ADMIN"]
    assert (COURSE / ".devcontainer" / editor["build"]["dockerfile"]).samefile(
        COURSE / "Dockerfile"
    )


def test_the_dockerfile_needs_no_frontend_and_no_builder_of_its_own():
    text = (COURSE / "Dockerfile").read_text()
    assert "# syntax" not in text
    assert "--mount" not in text
    assert "<<" not in text


EVERY = (1 << 41) - 1


def of(*names: str) -> int:
    return capabilities.mask(*(f"CAP_{name}" for name in names))


def test_the_learner_gets_what_the_course_needs():
    assert container.kept(EVERY) == of("NET_ADMIN", "NET_RAW", "BPF")
    assert container.kept(of("SETUID", "NET_RAW", "BPF")) == of("NET_RAW", "BPF")
    # SYS_ADMIN stands in for BPF
    assert container.kept(of("SETUID", "NET_RAW", "SYS_ADMIN")) == of("NET_RAW", "SYS_ADMIN")
    command = container.becoming_learner(EVERY)
    assert command[command.index("--ambient-caps") + 1] == "+cap_12,+cap_13,+cap_39"
    assert command[command.index("--bounding-set") + 1] == "-all,+cap_12,+cap_13,+cap_39"
    assert "--no-new-privs" in command
    without = container.becoming_learner(of("SETGID", "SETUID"))
    assert "--ambient-caps" not in without
    assert "--bounding-set" not in without


class Stub:
    """A network that was opened."""

    def __init__(self, kind: str) -> None:
        self.kind, self.private = kind, kind != "shared lo"

    def __enter__(self):
        return self

    def __exit__(self, *exception: object) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "kind", "permitted", "says"),
    [
        ("works", "user namespace", of("NET_ADMIN", "BPF"), "BPF works, in private networks."),
        (
            "works",
            "user namespace",
            of("BPF"),
            "works, privately; addresses, firewalls and XDP",
        ),
        (
            "works",
            "own lo",
            of("BPF"),
            "works, on the container's own lo, one notebook at a time;",
        ),
        ("works", "own lo", of("NET_ADMIN", "BPF"), "a second network needs --privileged."),
        ("works", "shared lo", of("BPF"), "on the host's network other traffic is counted too"),
        ("seccomp", "", 0, "No BPF here (seccomp filter refuses bpf(2)): start the container"),
        ("capability", "", 0, "No BPF here (capability is missing): start the container with"),
        ("user namespace", "", 0, "this container's root is not the machine's."),
        ("no system call", "", 0, "this kernel, or a sandbox around it, has no bpf(2)."),
    ],
)
def test_one_line_says_what_works(monkeypatch, answer, kind, permitted, says):
    monkeypatch.setattr(probes, "access", lambda: answer)
    monkeypatch.setattr(netlab, "open_network", lambda: Stub(kind))
    line = container.what_works(permitted)
    assert says in line
    assert "\n" not in line


def test_in_a_container_the_cure_is_the_containers(monkeypatch):
    monkeypatch.setenv("COURSE_IMAGE", "1")
    monkeypatch.setattr(probes, "access", lambda: "capability")
    assert readiness.bpf().cure.startswith("Start the container with --privileged")
    monkeypatch.setattr(netlab, "open_network", lambda: Stub("shared lo"))
    assert readiness.network().cure.startswith("Add --privileged, or leave out the host's network")
    monkeypatch.setattr(netlab, "open_network", lambda: Stub("own lo"))
    assert readiness.network().found == "private, its own lo"


HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


def proc(folder: Path, tcp: str = "", tcp6: str = "", settings: tuple[str, ...] = ()) -> Path:
    """A /proc with these connections and network settings."""
    for name, rows in (("tcp", tcp), ("tcp6", tcp6)):
        path = folder / "thread-self/net" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + rows)
    (folder / "sys/net/core").mkdir(parents=True, exist_ok=True)
    for name in settings:
        (folder / "sys/net/core" / name).touch()
    return folder


def row(local: str, remote: str, state: str, queues: str = "00000000:00000000") -> str:
    return f"   0: {local} {remote} {state} {queues} 00:00000000 00000000  1000  0 1 1 0\n"


if sys.byteorder == "little":
    LO, ETH = "0100007F:22B8", "020011AC:22B8"
    LO_6 = "00000000000000000000000001000000:22B8"
    MAPPED = "0000000000000000FFFF00000100007F:22B8"
else:
    LO, ETH = "7F000001:22B8", "AC110002:22B8"
    LO_6 = "00000000000000000000000000000001:22B8"
    MAPPED = "00000000000000000000FFFF7F000001:22B8"
NOBODY = "00000000:0000"
OWN = ("somaxconn",)


def test_a_containers_own_lo_is_private_while_nobody_speaks_through_it(tmp_path):
    assert own_lo.is_private(proc(tmp_path, settings=OWN))
    elsewhere = row(ETH, "0101010A:01BB", "01")
    listening = row("00000000:22B8", NOBODY, "0A") + row(LO, NOBODY, "0A")
    ended = row(LO, LO, "06")  # in TIME_WAIT
    assert own_lo.is_private(proc(tmp_path, elsewhere + listening + ended))
    for company in (row(LO, LO, "01"), row(ETH, ETH, "01")):
        assert not own_lo.is_private(proc(tmp_path, company))
    for company in (row(LO_6, LO_6, "01"), row(MAPPED, MAPPED, "01")):
        assert not own_lo.is_private(proc(tmp_path, "", company))


def test_the_machines_lo_is_nobodys_own(tmp_path):
    machines = proc(tmp_path / "machine", settings=(*OWN, "netdev_budget"))
    assert not own_lo.is_private(machines)
    assert own_lo.machine_wide(machines)
    # Where /proc/sys is hidden nothing is claimed.
    assert not own_lo.is_private(proc(tmp_path / "hidden"))


def test_this_machine_and_a_namespace_of_it():
    assert not own_lo.machine_wide() or kernel.version() >= (5, 8)
    with netlab.open_network() as net:
        if not net.kind.endswith("namespace"):
            pytest.skip("needs a network namespace")
        told = "from helpers.netlab.own_lo import *; print(machine_wide(), is_private())"
        command = ["env", f"PYTHONPATH={COURSE}", sys.executable, "-c", told]
        assert net.run(command).stdout == "False True\n"


def test_health_is_that_jupyterlab_listens_and_lets_nobody_wait(tmp_path, monkeypatch):
    runtime = tmp_path / "runtime"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    runtime.mkdir()
    assert container.unhealthy(proc(tmp_path)) == "JupyterLab does not listen"
    (runtime / "jpserver-7.json").write_text('{"port": 8888}')
    another = row("00000000:22B9", NOBODY, "0A")
    assert container.unhealthy(proc(tmp_path, another)) == "JupyterLab does not listen"
    well = row("00000000:22B8", NOBODY, "0A")
    assert container.unhealthy(proc(tmp_path, another + well)) is None
    waiting = row("00000000:22B8", NOBODY, "0A", "00000000:00000002")
    assert container.unhealthy(proc(tmp_path, waiting)) == "JupyterLab lets 2 callers wait"


@pytest.mark.parametrize(
    "options",
    [
        ["--IdentityProvider.token="],
        ["--ServerApp.token=''", "--debug"],
        ["--debug", "--IdentityProvider.token", ""],
        ["--IdentityProvider.token", "", "--debug"],
    ],
)
def test_never_without_a_token(options):
    with pytest.raises(SystemExit, match="course: JupyterLab without a token would let"):
        container.start_lab(options)


@pytest.mark.parametrize(
    ("machine_wide", "port", "expected"),
    [(False, "", "--ip=0.0.0.0 --port=8888"), (False, "9000", "--ip=0.0.0.0 --port=9000")],
)
def test_where_jupyterlab_listens(monkeypatch, machine_wide, port, expected):
    became, told = listening(monkeypatch, machine_wide, port)
    assert became[:2] == expected.split()
    assert f"http://127.0.0.1:{port or 8888}/lab/tree/00_start_here.ipynb?token=" in told
    assert len(os.environ["JUPYTER_TOKEN"]) == 48
    assert os.environ["JUPYTER_TOKEN"] in told


def test_on_the_hosts_network_it_listens_here_only(monkeypatch):
    became, _ = listening(monkeypatch, True, "")
    assert became[0] == "--ip=127.0.0.1"


def listening(monkeypatch, machine_wide: bool, port: str) -> tuple[list[str], str]:
    """The options that JupyterLab gets, and what the learner reads."""
    calls = []
    monkeypatch.setenv("JUPYTER_TOKEN", "")
    if port:
        monkeypatch.setenv("COURSE_PORT", port)
    monkeypatch.setattr(own_lo, "machine_wide", lambda: machine_wide)
    monkeypatch.setattr(container.lab, "main", lambda *arguments: calls.append(arguments))
    container.start_lab([])
    return calls[0]
