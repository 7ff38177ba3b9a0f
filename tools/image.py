"""./course image: the course as a container image, with docker or podman, whichever is there.

    build [options]               make the image; options go to the engine's build
    run [options] [-- COMMAND]    start JupyterLab in it; options go to the engine's run
    test [pytest arguments]       build it, run it in every way, and write down what works

Laboratory equipment. Standard library only, and no set-up: this machine needs an engine, and none
of the course's packages. What the engine answers to a mistake becomes one sentence; its own words
stand above that.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO

from helpers import kernel, places
from helpers.errors import CourseError
from helpers.toolchain import COURSE

NAME = "packet-tracing-with-bpf"
VOLUME = "course-work:/course/work"
PORT = "8888"
# Options of `run` that choose what the container may do; without one of them: --privileged.
RIGHTS = ("--privileged", "--cap-add", "--cap-drop", "--security-opt", "--user", "-u")
# What an engine that is installed says when it cannot be reached.
UNREACHABLE = (
    (
        "permission denied",
        "You may not use {engine}'s socket: run {join} and log in again.",
    ),
    (
        "cannot connect|is the docker daemon running|connection refused|no such file",
        "The engine {engine} is not running: start it ({start}, or open Docker Desktop), then run "
        "this again.",
    ),
)
# What it says when a build or a start fails: the first that fits counts.
FAILURES = (
    (
        r"no space left",
        "The disk is full: free about 4 GB ({engine} system prune), then try again.",
    ),
    (
        r"port is already allocated|address already in use|ports are not available",
        "Port {port} is taken: choose another one, ./course image run --port 8889.",
    ),
    (
        r"rlimit",
        "The engine may not raise the limits of a container here: add --ulimit "
        "nofile={files}:{files} --ulimit nproc={processes}:{processes}.",
    ),
    (
        r"cgroup",
        "The engine cannot give the container a control group here: mount one kind of them "
        '(cgroup v2) on the host, or choose another runtime (podman: runtime = "runc" in '
        "containers.conf).",
    ),
    (
        r"sysctl|operation not permitted|permission denied|not allowed",
        "The engine may not do that here: run it as root, not rootless, or leave out the option "
        "that it names.",
    ),
    (
        r"pull access denied|manifest unknown|manifest for .* not found|initializing source|"
        r"failed to resolve|registry|/v2/|error pulling|short-name|lookup .*: ",
        "The base image cannot be pulled: connect this machine to the network, or name one that it "
        "has, ./course image build --build-arg BASE=NAME.",
    ),
    (
        r"temporary failure resolving|could not resolve|max retries|connection broken|"
        r"unable to fetch|network is unreachable",
        "The network did not answer inside the build: try ./course image build --network=host, or "
        "set https_proxy.",
    ),
    (r"unknown flag|unknown shorthand|unknown option", "{engine} does not know that option."),
)


class ImageError(CourseError):
    """There is no engine, or it refused."""


def call(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace")


def engine() -> str:
    """docker or podman, the first that answers.

    Errors: ImageError if neither is installed, or none answers.
    """
    installed = [name for name in ("docker", "podman") if shutil.which(name)]
    if not installed:
        raise ImageError(
            "Neither docker nor podman is installed: install one of them (Debian: apt install "
            "docker.io), then run this again."
        )
    refusals = []
    for name in installed:
        answer = call(name, "info")
        said = answer.stderr + answer.stdout
        if answer.returncode == 0 and "ERROR: " not in said:
            return name
        start = places.as_root("systemctl start docker")
        join = places.as_root("/usr/sbin/usermod -aG docker $USER")  # not on everybody's PATH
        refusals.append(explain(said, UNREACHABLE, engine=name, start=start, join=join))
    raise ImageError(refusals[0])


def explain(said: str, table: Sequence[tuple[str, str]] = FAILURES, **words: str) -> str:
    """One sentence, with the cure, for what an engine said."""
    for pattern, sentence in table:
        if re.search(pattern, said, re.IGNORECASE):
            return sentence.format(**words)
    last = (said.strip().splitlines() or ["nothing"])[-1]
    return (
        f"{words['engine']} gave up ({last.strip().rstrip('.')}): mend that, then run this again."
    )


def limits() -> dict[str, str]:
    """The limits of this process that a container cannot exceed."""
    names = {"files": resource.RLIMIT_NOFILE, "processes": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(number)[1] for name, number in names.items()}
    return {name: str(value if 0 < value < 30_000 else 30_000) for name, value in hard.items()}


def check_kernel(name: str) -> None:
    """Errors: ImageError if the kernel that containers get is older than 5.8.

    It is the engine's: on another machine, or in Docker Desktop's virtual one, not this one's.
    """
    field = "{{.KernelVersion}}" if name == "docker" else "{{.Host.Kernel}}"
    release = call(name, "info", "--format", field).stdout.strip()
    if kernel.version(release) < (5, 8):
        raise ImageError(
            f"{name}'s containers run on Linux {release}, and the course needs 5.8 or later: "
            "update that kernel, or use another machine."
        )


def build_command(name: str, options: Sequence[str] = ()) -> list[str]:
    """The command that makes the image. podman keeps a health check only in docker's format."""
    docker_format = ["--format", "docker"] if name == "podman" else []
    return [name, "build", *docker_format, "-t", NAME, *options, str(COURSE)]


def run_command(name: str, arguments: Sequence[str] = (), terminal: bool = False) -> list[str]:
    """The command that starts a container: the course's defaults, and what the options change.

    Errors: ImageError for a --port that is no number.
    """
    options, inside = list(arguments), []
    if "--" in options:
        at = options.index("--")
        options, inside = options[:at], options[at + 1 :]
    port = PORT
    if "--port" in options:
        at = options.index("--port")
        port = "".join(options[at + 1 : at + 2])
        if not port.isdecimal():
            raise ImageError("--port wants a number: --port 8889.")
        options[at : at + 2] = ["--env", f"COURSE_PORT={port}"]
    chosen = [option.partition("=")[0] for option in options]
    command = [name, "run", "--rm", *(["-it"] if terminal else [])]
    if not set(RIGHTS) & set(chosen):
        command.append("--privileged")
    joined = " ".join(options)
    if not re.search(r"--net(work)?[= ](host|none)\b|(^| )(-p|--publish)\b", joined):
        command += ["-p", f"127.0.0.1:{port}:{port}"]
    if "/course/work" not in joined:
        command += ["-v", VOLUME]
    return [*command, *options, NAME, *inside]


def follow(command: Sequence[str], words: dict[str, str], failed: range, both: bool) -> int:
    """Run an engine's command with its output in view; explain it if the engine failed.

    words: what the sentences of FAILURES name. failed: the exit statuses that are the engine's,
    not those of what it ran. both: watch its output, too; else only its errors.
    Errors: ImageError.
    """
    print(f"$ {shlex.join(command)}", flush=True)
    said: list[str] = []
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    pipes = pipes if both else {"stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, errors="replace", **pipes) as process:
        stream = process.stdout or process.stderr
        reader = threading.Thread(target=pass_on, args=[stream, sys.stderr, said])
        reader.start()
        while reader.is_alive():
            with contextlib.suppress(KeyboardInterrupt):  # the engine gets it, too, and ends
                reader.join()
        status = process.wait()
    if status in failed:
        raise ImageError(explain("".join(said[-30:]), **words))
    return status


def pass_on(source: IO[str], target: IO[str], said: list[str]) -> None:
    for line in source:
        said.append(line)
        print(line, end="", file=target, flush=True)


def build(options: Sequence[str]) -> int:
    """Errors: ImageError."""
    name = engine()
    words = {"engine": name, "port": PORT, **limits()}
    return follow(build_command(name, options), words, range(1, 256), both=True)


def run(arguments: Sequence[str]) -> int:
    """Errors: ImageError; among others, if there is no image yet."""
    name = engine()
    check_kernel(name)
    if call(name, "image", "inspect", NAME).returncode:
        raise ImageError(f"{name} has no image of the course: make it, ./course image build.")
    command = run_command(name, arguments, sys.stdin.isatty() and sys.stdout.isatty())
    port = next((text.split(":")[1] for text in command if text.startswith("127.0.0.1:")), PORT)
    words = {"engine": name, "port": port, **limits()}
    return follow(command, words, range(125, 128), both=False)


def test(arguments: Sequence[str]) -> int:
    """Become ./course test with the tests that need an engine."""
    script = str(COURSE / "course")
    os.execv(script, [script, "test", "--containers=full", "tests/test_containers.py", *arguments])


VERBS = {"build": build, "run": run, "test": test}


def main(arguments: list[str]) -> int:
    verb, *rest = arguments or ["--help"]
    if verb not in VERBS:
        print(__doc__)
        return 0 if verb in ("-h", "--help") else 2
    try:
        return VERBS[verb](rest)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
