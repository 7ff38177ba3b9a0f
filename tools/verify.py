"""./course verify REPORT [--seed N] [--kernels]: hold a report's monitor against traffic of yours.

For an instructor. The source is compiled where there is no network and neither the course's nor
your own files, for a limited time; the object file calls nothing but what a monitor needs, is
loaded in a process of its own with the capabilities of its type alone, and is attached nowhere.
With --kernels it is also loaded on, and counts on, each kernel of the matrix, in virtual machines.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chapters.ch14 import acceptance, report
from helpers import toolchain
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import packages
from tools.kernels import fetch, machine

SECONDS_OF_A_MACHINE = 600
SECONDS = 60  # for compiling, and for each judgement
CONFINED = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork"]


class VerifyError(CourseError):
    """The monitor is refused, or this machine cannot confine it."""


def limited(command: list[str], what: str, **options) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, capture_output=True, timeout=SECONDS, **options)
    except subprocess.TimeoutExpired as error:
        raise VerifyError(f"{what} takes more than {SECONDS} seconds, and was ended.") from error


def compile_confined(source: str, output: Path) -> None:
    """The C text to an object file, by a clang that finds no file of the course or of a user.

    Errors: VerifyError.
    """
    hidden = [str(each) for each in (COURSE, Path.home()) if each.is_dir() and each != Path("/")]
    cover = "".join(
        f"if [ -d {each} ]; then mount -t tmpfs none {each}; fi && "
        for each in map(shlex.quote, hidden)
    )
    options = ["-target", "bpf", "-mcpu=v1", "-O2", "-g", *toolchain.STRICT]
    options += [*toolchain.include_options(), "-x", "c", "-c", "-", "-o", "-"]
    tried = limited([*CONFINED, "--kill-child", "sh", "-c", f"cd / && {cover}true"], "Confining")
    if tried.returncode:
        raise VerifyError(
            "This machine lets nobody confine a compiler (unshare is refused): verify where user "
            "namespaces are allowed."
        )
    script = f"cd / && {cover}exec clang {shlex.join(options)}"
    confined = [*CONFINED, "--kill-child", "sh", "-c", script]
    done = limited(confined, "Compiling", input=source.encode())
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["clang was ended"]
        raise VerifyError(f"The source cannot be compiled, confined: {said[0]}")
    output.write_bytes(done.stdout)


def judged(path: Path, name: str, number: int) -> acceptance.Outcome:
    """The outcome that a process of its own found. Errors: VerifyError."""
    command = [sys.executable, "-m", "chapters.ch14.acceptance", str(path), name, str(number)]
    done = limited(command, "The monitor", cwd=COURSE, text=True)
    if done.returncode:
        raise VerifyError((done.stderr.strip().splitlines() or ["The judging process ended."])[-1])
    found = json.loads(done.stdout)
    return acceptance.Outcome(tuple(found["wrong"]), found["cost"], found["frames"])


def on_kernel(suite: str, path: Path, name: str, number: int) -> str:
    """The release of a kernel of the matrix on which an object file counts all classes right.

    Errors: VerifyError, with the kernel and its reason; BootError; FetchError.
    """
    from tools.kernels import inside  # rarely needed, and much comes with it

    found = fetch.kernel(suite)
    command = ["prlimit", "--memlock=unlimited:unlimited", *inside.python_in_machine()]
    command += ["-m", "chapters.ch14.acceptance", str(path), name, str(number), "counts"]
    said = json.loads("".join(machine.run(found, command, SECONDS_OF_A_MACHINE)))
    if "refused" in said:
        raise VerifyError(f"On Linux {found.release}: {said['refused']}")
    if said["wrong"]:
        raise VerifyError(f"On Linux {found.release} not right: {'; '.join(said['wrong'])}.")
    return found.release


def verify(path: Path, seed: int, suites: Sequence[str] = ()) -> str:
    """One sentence about a report that is right. Errors: CourseError, with the reason.

    suites: of Debian, whose kernels are to count right, too.
    """
    handed = report.read(path)
    acceptance.sources_of_its_own(handed.source)
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder, "monitor_kern.o")
        compile_confined(handed.source, compiled)
        own = judged(compiled, handed.name, handed.number)
        if not own.met:
            raise VerifyError(f"On the report's own traffic: {own.sentence()}")
        chosen = judged(compiled, handed.name, seed)
        if chosen.met:
            releases = [on_kernel(each, compiled, handed.name, seed) for each in suites]
    if len(chosen.wrong) > 1:
        raise VerifyError(
            f"Right on the report's own traffic, and with seed {seed} not: constants stand "
            f"there in place of counting. {chosen.sentence()}"
        )
    if not chosen.met:
        raise VerifyError(f"With seed {seed}: {chosen.sentence()}")
    return (
        f"{handed.name}, with seed {seed}: {chosen.sentence()} A frame costs {chosen.cost:.2f} "
        "times what the reference takes."
        + (f" It counts the same on Linux {', '.join(releases)}." if suites else "")
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./course verify")
    parser.add_argument("report", type=Path)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--kernels", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        if asked.kernels:
            packages.need("qemu-system-x86", "debian-archive-keyring")
        print(verify(asked.report, asked.seed, fetch.SUITES if asked.kernels else ()))
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
