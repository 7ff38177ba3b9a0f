"""./course with stand-ins for what takes minutes or needs another machine: Python, apt, sudo.

The stand-ins write down how they were called. Nothing here touches this checkout's .venv or work/.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from unwelcome import with_mounts

COURSE = Path(__file__).resolve().parent.parent
# Those that need neither set-up nor privileges, and the others.
PLAIN = ("reset", "diff", "progress", "image", "uninstall")
VERBS = ("lab", "test", "doctor", "demo", "render", "bench", "kernel-sample", "release", "site")
VERBS += PLAIN
FOR_A_ROOM = ("classroom", "board", "slides", "handout", "bundle")  # with --help each
DEBIAN = Path("/etc/debian_version").exists()

# A Python that is suitable unless TOO_OLD is set, has venv unless NO_VENV is, finds the folder as
# CLOSED says, sets up as SETUP says, and starts nothing.
PYTHON = """
echo "python $*" >>"$CALLS"
case "$*" in
"-c import ensurepip"*) [ -z "$TOO_OLD$NO_VENV" ] ;;
"-c import sys"*) [ -z "$TOO_OLD" ] ;;
"-m tools.checkout "*) [ -z "$CLOSED" ] || { echo "course: $CLOSED" >&2 && exit 1; } ;;
"-m tools.setup "*)
    echo "Installing Python packages ..." >&2
    echo "== pip" >>course.log
    [ -z "$SETUP" ] || eval "$SETUP"
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && touch "$3/made-for-$4"
    ;;
"-m tools.environment ready "*) [ -e "${0%/bin/*}/made-for-$4" ] ;;
*) echo "started: $*"; exit "${STATUS:-0}" ;;
esac
"""
SETUP = "python -m tools.setup "
HAS_ALL = "echo installed"
HAS_NO_CLANG = 'case "$*" in *clang*) exit 1 ;; *) echo installed ;; esac'


class Checkout:
    """A copy of the course in a folder with an awkward name, and stand-ins on its PATH."""

    def __init__(self, top: Path) -> None:
        self.calls, self.stubs = top / "calls", top / "stubs"
        self.folder = top / "mein Kurs, größer"
        self.folder.mkdir()
        self.stubs.mkdir()
        for name in ("course", "pyproject.toml"):
            shutil.copy(COURSE / name, self.folder)
        (self.folder / "tools").mkdir()
        shutil.copy(COURSE / "tools/install_packages.sh", self.folder / "tools")
        self.python = self.stub("stand-in-python", PYTHON)
        self.stub("dpkg-query", HAS_ALL)
        self.stub("apt-get", 'echo "apt-get $*" >>"$CALLS"')
        self.stub("dpkg", "")
        self.stub("sudo", 'echo "sudo $*" >>"$CALLS"; exec "$@"')
        # Whoever runs the tests, `as_user` has to be able to write here.
        for path in (top, *top.rglob("*")):
            path.chmod(0o777)

    def stub(self, name: str, script: str) -> Path:
        path = self.stubs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def command(self, *arguments: str, as_user: bool = False, **extra: str) -> dict:
        drop = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all"]
        if os.geteuid() == 0:
            drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        given = {
            "PATH": f"{self.stubs}:/usr/bin:/bin",
            "CALLS": str(self.calls),
            "PYTHON": str(self.python),
            "HOME": str(self.folder),
        }
        return {
            "args": [*(drop if as_user else []), self.folder / "course", *arguments],
            "env": given | extra,
            "cwd": "/",
            "text": True,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }

    def run(
        self, *arguments: str, timeout: float = 30, **extra
    ) -> subprocess.CompletedProcess[str]:
        self.calls.unlink(missing_ok=True)
        return subprocess.run(**self.command(*arguments, **extra), timeout=timeout)

    def called(self, beginning: str) -> list[str]:
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith(beginning)]


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="course-test-") as top:
        yield Checkout(Path(top))


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The last line on standard error, which has to be the course's own."""
    assert result.returncode != 0
    last = result.stderr.splitlines()[-1]
    assert last.startswith("course: ")
    return last


def test_the_scripts_please_shellcheck_and_are_short():
    scripts = [COURSE / "course", COURSE / ".ci/run", COURSE / "tools/install_packages.sh"]
    subprocess.run(["shellcheck", *scripts], check=True)
    assert all(os.access(script, os.X_OK) for script in scripts)
    assert len((COURSE / "course").read_text().splitlines()) <= 155


def test_help_names_every_verb_and_touches_nothing(checkout):
    result = checkout.run("--help")
    assert result.returncode == 0
    assert all(f"\n  {verb}" in result.stdout for verb in VERBS)
    assert all(f" {verb}" in result.stdout for verb in FOR_A_ROOM)
    assert checkout.run().stdout == result.stdout
    for verb in ("lab", "test", "demo", "render", "bench", "kernel-sample"):  # what else sets up
        assert checkout.run(verb, "--help").stdout == result.stdout
    there = {path.name for path in checkout.folder.iterdir()}
    assert there == {"course", "pyproject.toml", "tools"}


@pytest.mark.parametrize("verb", ["lab", "doctor", "--help"])
def test_another_system_than_linux_is_one_sentence(checkout, verb):
    checkout.stub("uname", "echo Darwin")
    said = sentence(checkout.run(verb))
    assert said.startswith("course: BPF is the Linux kernel's, and this is Darwin: docs/elsewhere")
    assert not checkout.called("")


@pytest.mark.parametrize("verb", FOR_A_ROOM)
def test_what_is_for_a_room_runs_as_who_starts_it(checkout, verb):
    result = checkout.run(verb, "--help", as_user=True)
    assert result.stdout == f"started: -m tools.{verb} --help\n"


def test_a_bundle_is_looked_at_before_anything_is_set_up(checkout):
    shutil.copytree(COURSE / "tools/bundle", checkout.folder / "tools/bundle")
    said = sentence(checkout.run("lab", "--from", "/nowhere"))
    assert said.startswith("course: there is no bundle at '/nowhere'") and not checkout.called("")


def test_an_unknown_verb_is_an_error(checkout):
    assert "there is no verb lap; ./course --help lists them" in sentence(checkout.run("lap"))


def test_first_start_sets_up_and_the_second_does_no_work(checkout):
    first = checkout.run("lab", "--no-browser")
    assert first.returncode == 0, first.stderr
    assert first.stderr == "Installing Python packages ...\n"
    assert checkout.called(SETUP) == [f"{SETUP}{checkout.folder}/.venv lab"]
    command = f"privileges lab {checkout.folder}/.venv/bin/python -m tools.lab"
    assert first.stdout == f"started: -m tools.{command} --no-browser\n"
    second = checkout.run("lab")
    assert (second.returncode, second.stderr) == (0, "")
    assert not checkout.called(SETUP) + checkout.called("apt-get")


def test_the_tests_need_more_than_the_lab(checkout):
    checkout.run("demo")
    result = checkout.run("test", "-k", "two words")
    assert checkout.called(SETUP) == [f"{SETUP}{checkout.folder}/.venv test"]
    assert result.stdout.endswith("-m pytest -k two words\n")
    result = checkout.run("test", "--newest", "-k", "one")
    assert result.stdout.endswith("-m tools.newest --newest -k one\n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_hands_over_arguments_and_exit_status(checkout, verb):
    result = checkout.run(verb, "03", STATUS="7")
    assert result.returncode == 7
    assert result.stdout.startswith("started: ")
    assert ("privileges" in result.stdout) == (verb not in (*PLAIN, "release", "site"))
    if verb in ("doctor", *PLAIN):
        assert not (checkout.folder / ".venv").exists()


def test_it_works_through_a_link_and_in_any_locale(checkout):
    link = checkout.folder / "link"
    link.symlink_to(checkout.folder / "course")
    checkout.stub("stand-in-python", PYTHON.replace("started: ", "$LC_ALL "))
    for given, used in (("POSIX", "C.UTF-8"), ("C.utf8", "C.utf8")):
        command = checkout.command("demo", LC_ALL=given)
        result = subprocess.run(**command | {"args": [link, "demo"]}, timeout=30)
        assert result.returncode == 0
        assert result.stdout.startswith(f"{used} ")
    assert (checkout.folder / ".venv/bin/python").exists()


def test_ci_runs_the_tests_with_nobody_to_ask(checkout):
    (checkout.folder / ".ci").mkdir()
    runner = shutil.copy(COURSE / ".ci/run", checkout.folder / ".ci")
    checkout.stub("stand-in-python", PYTHON.replace("started: ", "CI=$CI "))
    result = subprocess.run(**checkout.command(STATUS="3") | {"args": [runner]}, timeout=30)
    assert result.returncode == 3
    assert result.stdout.startswith("CI=true")
    assert result.stdout.endswith("-m pytest\n")
    result = subprocess.run(**checkout.command() | {"args": [runner]}, timeout=30)
    _, kernels, on_13, *more = [line for line in result.stdout.splitlines() if " -m " in line]
    assert kernels.endswith("-m pytest --kernels")
    assert "-m tools.debian --on 13 -k " in on_13
    # What is named there exists, or fewer tests would run.
    assert all((COURSE / f"tests/{name}.py").exists() for name in re.findall(r"test_\w+", on_13))
    chapter = re.search(r"test_notebooks and (\w+)", on_13)[1]
    assert list(COURSE.glob(f"notebooks/{chapter}*.ipynb"))
    assert [line.split(" -m ")[1] for line in more] in ([], ["pytest --containers"])
    result = subprocess.run(**checkout.command() | {"args": [runner, "-k", "one"]}, timeout=30)
    assert result.stdout.endswith("-m pytest -k one\n")


@pytest.mark.skipif(not DEBIAN, reason="packages are looked for with dpkg-query")
@pytest.mark.parametrize("as_user", [False, True])
def test_only_missing_packages_are_installed(checkout, as_user):
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    result = checkout.run("demo", as_user=as_user)
    assert result.returncode == 0, result.stderr
    installed = checkout.called("apt-get install")
    assert len(installed) == 1 and installed[0].endswith(" clang")
    by_sudo = as_user or os.geteuid() != 0
    assert [line[:7] for line in checkout.called("sudo")] == by_sudo * ["sudo tr", "sudo sh"]
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    assert checkout.run("demo", as_user=as_user).returncode == 0
    assert checkout.called("apt-get") and not checkout.called(SETUP)


@pytest.mark.skipif(not DEBIAN, reason="packages are looked for with dpkg-query")
def test_what_was_not_there_before_is_written_down(checkout):
    """Also where the installation fails half-way: then some of them may be there."""
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    new = 'echo "Inst libllvm (1)"; echo "Inst libc [1] (2)"; echo "Inst clang (1)"'
    checkout.stub("apt-get", f'case "$*" in -s*) {new} ;; install*) exit 100 ;; esac')
    sentence(checkout.run("demo"))
    assert (checkout.folder / "course.packages").read_text() == "libllvm along\nclang asked\n"


@pytest.mark.skipif(not DEBIAN, reason="packages are looked for with dpkg-query")
def test_without_sudo_it_says_what_root_has_to_run(checkout):
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    checkout.stub("sudo", "exit 1")
    said = sentence(checkout.run("demo", as_user=True))
    assert "let root run 'apt-get install -y --no-install-recommends clang'" in said


@pytest.mark.skipif(not DEBIAN, reason="packages are looked for with dpkg-query")
@pytest.mark.parametrize(
    ("apt", "cause"),
    [
        ("echo 'Could not resolve deb.debian.org'; exit 100", "the network did not answer"),
        ("echo 'no space left, said a postinst'; exit 100", "the end of the log says why"),
        ("kill -KILL $$", "it was killed from outside (SIGKILL), not for lack of memory"),
        ("echo oom_kill 4 >/proc/vmstat; kill -KILL $$", "memory ran out"),
        ("echo oom_kill 4 >/proc/vmstat; exit 100", "memory ran out"),
    ],
)
def test_apt_that_fails_names_cause_cure_and_log(checkout, apt, cause):
    """The cause is looked at: the kernel's count of kills, the disk; the log says what apt met."""
    count = checkout.folder / "count"
    count.write_text("nr_free_pages 7\noom_kill 3\n")
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    checkout.stub("apt-get", apt)
    command = checkout.command("demo")
    before = with_mounts(f"--bind '{count}' /proc/vmstat")
    said = sentence(subprocess.run(**command | {"args": [*before, *command["args"]]}, timeout=30))
    assert '"Installing system packages" failed' in said
    assert cause in said
    assert said.endswith(f"{checkout.folder}/course.log")


@pytest.mark.skipif(not DEBIAN, reason="packages are looked for with dpkg-query")
def test_a_full_disk_is_seen_and_not_read_of(checkout):
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    checkout.stub("apt-get", "exit 100")
    checkout.stub("df", "echo; echo /dev/sda1 9 9 0 100% /var")
    assert "the disk at /var is full; free about 2 GB" in sentence(checkout.run("demo"))


def test_a_sentence_of_the_set_up_is_the_last_one(checkout):
    result = checkout.run("demo", SETUP="echo 'course: mend it.' >&2; exit 1")
    assert (result.returncode, sentence(result)) == (1, "course: mend it.")


@pytest.mark.skipif(not DEBIAN, reason="packages are looked for with dpkg-query")
def test_a_missing_folder_for_temporary_files_spoils_no_sentence(checkout):
    checkout.stub("dpkg-query", HAS_NO_CLANG)
    checkout.stub("apt-get", "exit 100")
    result = checkout.run("demo", TMPDIR="/no/such/folder")
    assert "the end of the log says why" in sentence(result)
    assert "df:" not in result.stderr


def test_a_folder_that_cannot_be_set_up_is_not_begun_with(checkout):
    said = sentence(checkout.run("lab", CLOSED="this is in the way: mend it."))
    assert said == "course: this is in the way: mend it."
    assert not checkout.called(SETUP)


@pytest.mark.parametrize("verb", ["doctor", *PLAIN])
def test_a_python_without_venv_is_enough_for_what_needs_none(checkout, verb):
    assert checkout.run(verb, "03", NO_VENV="yes").returncode == 0


def test_a_set_up_without_venv_names_the_package(checkout):
    said = sentence(checkout.run("lab", NO_VENV="yes"))
    assert "has no venv" in said and "install python3-venv" in said
    assert "3.10" not in said


def test_an_interrupted_set_up_is_repaired(checkout):
    command = checkout.command("demo", SETUP="exec sleep 600") | {"start_new_session": True}
    # Tests that were started in the background ignore Ctrl-C, and so would whatever they start.
    command["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(**command) as running:
        wait_for(lambda: checkout.called(SETUP))
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert said.splitlines()[-1] == "course: interrupted: start again, and the set-up goes on."
    assert running.returncode == 130
    again = checkout.run("demo")
    assert again.returncode == 0
    assert checkout.called(SETUP)


def test_a_changed_course_is_set_up_again(checkout):
    checkout.run("demo")
    (checkout.folder / ".venv/made-for-lab").unlink()
    assert checkout.run("demo").stderr.startswith("Installing Python packages")


@pytest.mark.parametrize("verb", VERBS)
def test_no_other_python_s_modules_and_settings_reach_a_verb(checkout, verb):
    unwelcome = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONUSERBASE")
    unwelcome += ("PYTHONDONTWRITEBYTECODE",)
    seen = " ".join(f"${{{name}-}}" for name in unwelcome)
    checkout.stub("stand-in-python", PYTHON.replace('echo "python $*"', f'echo "{seen}"'))
    result = checkout.run(verb, "03", **dict.fromkeys(unwelcome, "/elsewhere"))
    assert result.returncode == 0, result.stderr
    assert set(checkout.called("")) == {" " * (len(unwelcome) - 1)}


def test_a_second_one_waits_for_the_first(checkout):
    with (checkout.folder / "course.log").open("a") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        with subprocess.Popen(**checkout.command("demo")) as second:
            assert second.stderr.readline().startswith("Another ./course is setting up here")
            assert not checkout.called(SETUP)
            fcntl.flock(log, fcntl.LOCK_UN)
            second.communicate(timeout=30)
    assert second.returncode == 0


def test_an_older_python_is_refused(checkout):
    said = sentence(checkout.run("demo", TOO_OLD="yes"))
    assert f"{checkout.python} is not Python 3.10 or later" in said
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.parametrize("verb", ["doctor", *PLAIN])
def test_without_any_python_one_sentence_is_all(checkout, verb):
    result = checkout.run(verb, TOO_OLD="yes")
    assert "is not Python 3.10 or later" in sentence(result)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can pretend to come from sudo")
@pytest.mark.parametrize("verb", VERBS)
def test_sudo_course_is_refused_in_another_s_checkout(checkout, verb):
    os.chown(checkout.folder, 65534, 65534)
    before = sorted(checkout.folder.rglob("*"))
    assert "without sudo" in sentence(checkout.run(verb, SUDO_UID="65534"))
    assert sorted(checkout.folder.rglob("*")) == before
    os.chown(checkout.folder, 0, 0)
    assert checkout.run(verb, SUDO_UID="65534").returncode == 0


@pytest.mark.parametrize("name", ["packet-tracing-with-bpf", "base"])
def test_an_active_conda_environment_is_used_unless_it_is_base(checkout, name):
    prefix = checkout.folder / "conda"
    (prefix / "bin").mkdir(parents=True)
    shutil.copy(checkout.python, prefix / "bin/python")
    result = checkout.run("demo", CONDA_PREFIX=str(prefix), CONDA_DEFAULT_ENV=name)
    assert result.returncode == 0
    assert (checkout.folder / ".venv").exists() == (name == "base")
    assert (prefix / "made-for-lab").exists() == (name != "base")


def wait_for(condition, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
