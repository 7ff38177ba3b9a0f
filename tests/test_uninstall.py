"""./course uninstall: what goes, what stays, and what apt, the real one, says of packages.

apt and dpkg look at a status file that is made here; nothing of this machine is touched.
"""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import waiting
from stored import COURSE

DEBIAN = Path("/etc/debian_version").exists()
pytestmark = pytest.mark.skipif(not DEBIAN, reason="packages are looked at with apt and dpkg")
# Before the course: an editor. With it: clang, which brought its library and a manual, and strace.
# Since then: a debugger, which needs the library, and the manual was asked for.
BEFORE = {"editor": ""}
COURSES = {"clang": "libllvm", "libllvm": "", "manual": "", "strace": ""}
SINCE = {"debugger": "libllvm"}
RECORD = "clang asked\nlibllvm along\nmanual along\nstrace asked\n"
# apt, and dpkg, of another machine. A purge takes its packages out of the status file.
APT = """
case "$*" in "-s "*) exec /usr/bin/apt-get $DIRS "$@" ;; esac
echo "apt-get $*" >>"$MACHINE/calls"
eval "$PURGING"
for name; do sed -i "/^Package: $name$/,/^$/d" "$MACHINE/status"; done
"""
MARK = 'exec /usr/bin/apt-mark $DIRS -o Dir::State::extended_states="$MACHINE/states" "$@"'


class Machine:
    """A copy of the course's folder, set up, and a machine with packages around it."""

    def __init__(self, top: Path) -> None:
        self.course, self.home = top / "ein Kurs", top / "home"
        self.system, self.stubs = top / "system", top / "stubs"
        for folder in (self.course, self.home, self.system, self.stubs):
            folder.mkdir()
        for name in ("helpers", "tools"):
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(COURSE / name, self.course / name, ignore=without)
        shutil.copy(COURSE / "course", self.course)
        stubs = {"apt-get": APT, "apt-mark": MARK, "sudo": 'exec "$@"', "dpkg": "echo amd64"}
        for name, script in stubs.items():
            (self.stubs / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.stubs / name).chmod(0o755)
        self.has(BEFORE | COURSES | SINCE, along={"libllvm", "strace"})

    def has(self, packages: dict[str, str], along: set[str]) -> None:
        """Make packages the installed ones, each with what it depends on; along: not asked for."""
        stanzas = (
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
            f"Maintainer: x\nDescription: x\n{f'Depends: {needs}' if needs else 'Section: x'}\n\n"
            for name, needs in packages.items()
        )
        (self.system / "status").write_text("".join(stanzas))
        states = (f"Package: {each}\nArchitecture: amd64\nAuto-Installed: 1\n\n" for each in along)
        (self.system / "states").write_text("".join(states))

    def is_set_up(self) -> None:
        """Write what the set-up and the verbs write, and what a learner does."""
        (self.course / ".venv").symlink_to(".venv-a")
        for name in (".venv-a/bin", "build/jupyter", "work", "tools/__pycache__"):
            (self.course / name).mkdir(parents=True)
            (self.course / name / "file").touch()
        (self.course / "course.log").write_text("== apt-get\n")
        (self.course / "course.packages").write_text(RECORD)
        (self.home / ".cache/packet-tracing-with-bpf/kernels").mkdir(parents=True)

    def command(self, *arguments: str, **extra: str) -> dict:
        given = {
            "PATH": f"{self.stubs}:/usr/bin:/bin",
            "PYTHON": sys._base_executable,
            "HOME": str(self.home),
            "MACHINE": str(self.system),
            "DIRS": f"-o Dir::State::status={self.system}/status -o Dir::State::lists=lists",
            "DPKG_ADMINDIR": str(self.system),
        }
        return {
            "args": [self.course / "course", "uninstall", *arguments],
            "env": given | extra,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "timeout": 60,
        }

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(**self.command(*arguments, **extra))

    def folder(self) -> set[str]:
        return {path.name for path in self.course.iterdir()}

    def installed(self) -> set[str]:
        lines = (self.system / "status").read_text().splitlines()
        return {line.split()[1] for line in lines if line.startswith("Package:")}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.is_set_up()
    return made


BARE = {"course", "helpers", "tools"}
FREE = "installed and nothing else needs (2): clang strace\n"
STAYS = "work stays, it is yours: rm -r '{}/work' deletes it.\n"


def test_a_dry_run_says_it_all_and_does_nothing(machine):
    before = sorted(machine.course.rglob("*"))
    result = machine.run("--dry-run")
    assert (result.returncode, result.stderr) == (0, "")
    first, *rest = result.stdout.splitlines(keepends=True)
    cache = machine.home / ".cache/packet-tracing-with-bpf"
    names = f".venv, .venv-a, build, course.log, {cache}, compiled Python in 1 folders"
    assert first == f"Would remove: {names}.\n"
    assert rest[0].endswith(FREE)
    assert rest[1] == "Staying, since other packages need or recommend them: libllvm\n"
    assert rest[2] == STAYS.format(machine.course)
    assert sorted(machine.course.rglob("*")) == before


def test_with_nobody_to_ask_packages_stay(machine):
    for extra in ({}, {"CI": "true"}):
        result = machine.run(**extra)
        assert result.returncode == 0, result.stderr
        assert "They stay, since there is nobody to ask here: --yes" in result.stdout
        assert machine.folder() == BARE | {"work", "course.packages"}
        assert machine.installed() == {*BEFORE, *COURSES, *SINCE}
    assert not list(machine.home.glob(".cache/*"))


def test_yes_takes_what_nobody_else_needs_or_has_asked_for(machine):
    result = machine.run("--yes")
    assert result.returncode == 0, result.stderr
    assert machine.installed() == {"editor", "debugger", "libllvm", "manual"}
    # The library may go with the debugger, one day.
    assert machine.folder() == BARE | {"work", "course.packages"}
    machine.has({"editor": "", "libllvm": ""}, along={"libllvm"})
    assert machine.run("--yes").returncode == 0
    assert machine.installed() == {"editor"}
    assert machine.folder() == BARE | {"work"}


@pytest.mark.parametrize(("answer", "left"), [("y\n", False), ("\n", True), ("\x04", True)])
def test_who_sits_at_a_terminal_is_asked(machine, answer, left):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        **{k: v for k, v in machine.command().items() if k != "timeout"} | {"stdin": theirs}
    ) as running:
        os.close(theirs)
        os.write(ours, answer.encode())
        said, _ = running.communicate(timeout=60)
    os.close(ours)
    assert running.returncode == 0
    assert "Remove these packages? [y/N]" in said
    assert ("clang" in machine.installed()) == left
    assert ("They stay; ./course uninstall asks again." in said) == left


def test_where_nothing_is_there_that_is_said(machine):
    machine.has(BEFORE, along=set())
    machine.run("--yes")
    shutil.rmtree(machine.course / "work")
    result = machine.run()
    assert (result.returncode, result.stdout.count("\n")) == (0, 1)
    assert result.stdout.startswith("There is nothing to take away: no environment, no build/")
    assert machine.folder() == BARE


def test_an_interrupted_one_can_be_started_again(machine):
    """Interrupted while packages go, one of them is gone, and settings of another are left."""
    stop = "sed -i '/^Package: strace$/,/^$/s/install ok installed/deinstall ok config-files/' "
    stop += '"$MACHINE/status"; echo going >>"$MACHINE/calls"; exec sleep 600'
    command = machine.command("--yes", PURGING=stop) | {"start_new_session": True}
    command["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    del command["timeout"]
    calls = machine.system / "calls"
    with subprocess.Popen(**command) as running:
        assert waiting.until(lambda: calls.exists() and "going" in calls.read_text(), 60)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert (running.returncode, said.splitlines()[-1]) == (
        130,
        "course: interrupted: start again, and it goes on.",
    )
    assert machine.folder() == BARE | {"work", "course.packages"}
    result = machine.run("--yes")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0].endswith(FREE.strip())
    assert machine.installed() == {"editor", "debugger", "libllvm", "manual"}


def test_while_the_course_runs_nothing_goes(machine):
    python = machine.course / ".venv-a/bin/python"
    python.symlink_to("/usr/bin/sleep")
    with subprocess.Popen([machine.course / ".venv/bin/python", "600"]) as running:
        result = machine.run("--yes")
        running.kill()
    assert result.returncode == 1
    assert f"the course is still running (process {running.pid}): end JupyterLab" in result.stderr
    assert python.is_symlink()


def test_a_package_of_somebody_else_s_is_never_taken_along(machine):
    """apt would remove more than was said: then nothing goes."""
    more = 'case "$*" in "-s purge"*) echo "Purg editor [1]"; exit ;; esac\n'
    (machine.stubs / "apt-get").write_text(f"#!/bin/sh\n{more}{APT}\n")
    result = machine.run("--yes")
    assert (result.returncode, result.stderr) == (
        1,
        "course: apt would remove editor, too: nothing is done.\n",
    )
    assert machine.installed() == {*BEFORE, *COURSES, *SINCE}


def test_what_comes_new_is_written_down_before_it_is_installed(machine, tmp_path):
    apt = """case "$*" in
    *update) echo updated ;;
    "-s install"*) echo "Inst libllvm (1 Debian)"; echo "Inst libc [1] (2 Debian)"
        echo "Inst clang (1 Debian)"; echo "Conf clang (1 Debian)" ;;
    *) echo "$*"; exit 100 ;;
    esac"""
    (machine.stubs / "apt-get").write_text(f"#!/bin/sh\n{apt}\n")
    command = machine.command()
    command["args"] = ["sh", COURSE / "tools/install_packages.sh", "clang", "strace"]
    result = subprocess.run(**command)
    assert (result.returncode, result.stdout) == (100, "libllvm along\nclang asked\n")
    assert result.stderr.endswith("-o DPkg::Lock::Timeout=600 clang strace\n")


def test_an_unknown_word_shows_the_help(machine):
    result = machine.run("--all")
    assert (result.returncode, result.stdout.splitlines()[0]) == (
        2,
        "Usage: ./course uninstall [--dry-run] [--yes]",
    )
