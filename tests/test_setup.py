"""The environment that ./course makes: what becomes of the old one, and who installs into the new.

Most tests have stand-ins for venv, pip and uv; the last ones run the real ones, with packages that
are made here: in a folder, or behind an index on lo. Nothing touches this checkout's .venv.
"""

from __future__ import annotations

import base64
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import waiting

from helpers import places as looked_at
from tools import environment, package_sources, setup

COURSE = Path(__file__).resolve().parent.parent
PROJECT = """
[project]
name = "packet-tracing-with-bpf"
dependencies = ["course-lab~=1.0.0", "course-old~=1.0.0; python_version < '3'"]
[project.optional-dependencies]
test = ["course-tests~=1.0.0"]
"""
LAB = ["course-lab~=1.0.0", "course-old~=1.0.0; python_version < '3'", "pip"]
TESTS = [*LAB[:2], "course-tests~=1.0.0", "pip"]
FIRST = "Installing Python packages, a minute or less on a quick network ...\n"
OWN = "Installing your own packages, too: own==3.0 ...\n"
SLOW = "uv did not do it (course.log says why): pip tries, which takes longer ...\n"


class StandIn:
    """In place of setup.execute: makes the files that matter, and writes down who was started.

    fails: which of "venv", "uv by pip", "uv" and "pip" fail; then: what happens there, too.
    """

    def __init__(self) -> None:
        self.fails: set[str] = set()
        self.then: dict[str, Callable[[], None]] = {}
        self.steps: list[tuple[str, list[str]]] = []
        self.environ: dict[str, str] = {}

    def __call__(self, command: list, environ: dict[str, str]) -> None:
        self.environ = environ
        words = [str(word) for word in command]
        if "venv" in words:
            step, wanted = "venv", words[3:]
            (Path(words[-1]) / "bin").mkdir(parents=True)
        elif Path(words[0]).name == "uv":
            step, wanted = "uv", words[words.index("--python") + 2 :]
        else:
            wanted = words[words.index("install") + 1 :] if "install" in words else words[3:]
            step = "uv by pip" if setup.UV in wanted else "pip"
        self.steps.append((step, wanted))
        self.then.get(step, lambda: None)()
        if step in self.fails:
            raise setup.StepError
        if step in ("uv", "pip"):
            environment = Path(words[0]).parent.parent
            for each in wanted:
                if not each.startswith("-") and "python_version" not in each:
                    installed(environment, setup.name_of(each), each.partition("==")[2] or "1.0.5")

    def names(self) -> list[str]:
        return [step for step, _ in self.steps]


def installed(environment: Path, name: str, version: str, file: str = "REQUESTED") -> None:
    """Leave what an installer leaves of a package."""
    info = environment / f"lib/python3.11/site-packages/{name}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "REQUESTED").touch()
    (info / file).touch()


def has(folder: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in setup.installed(folder)}


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A folder of a course of which only the set-up is real."""
    folder = tmp_path / "ein Kurs"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    for name in ("COURSE", "LOG", "VENV", "ASIDE"):
        path = folder / getattr(setup, name).relative_to(COURSE)
        monkeypatch.setattr(setup, name, path)
    monkeypatch.setattr(setup, "PLACES", (folder / ".venv-a", folder / ".venv-b"))
    monkeypatch.setenv("HOME", str(folder))

    def finish(python: Path, need: str) -> None:
        for name in {"lab", need}:
            (python.parent.parent / f"course-{name}").touch()

    monkeypatch.setattr(setup, "finish", finish)
    return folder


@pytest.fixture
def stand_in(monkeypatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(setup, "execute", made)
    return made


def run(course: Path, need: str = "lab") -> int:
    return setup.main([str(course / ".venv"), need])


def environments(course: Path) -> list[str]:
    return sorted(path.name for path in course.glob(".venv*"))


def test_the_first_environment(course, stand_in, capsys):
    assert run(course) == 0
    assert stand_in.steps == [
        ("venv", ["--without-pip", f"{course}/.venv-a"]),
        ("uv by pip", ["--no-deps", "--no-compile", "--only-binary=:all:", setup.UV]),
        ("uv", LAB),
    ]
    assert capsys.readouterr().err == FIRST
    assert (course / ".venv").readlink() == Path(".venv-a")
    assert environments(course) == [".venv", ".venv-a"]


def test_the_tests_need_more_and_what_they_have_is_kept(course, stand_in):
    assert run(course, "test") == 0
    assert stand_in.steps[-1] == ("uv", ["--compile-bytecode", *TESTS])
    assert run(course, "lab") == 0
    assert stand_in.steps[-1] == ("uv", ["--compile-bytecode", *TESTS])
    assert (course / ".venv").readlink() == Path(".venv-b")
    assert environments(course) == [".venv", ".venv-b"]


@pytest.mark.parametrize("fails", ["uv by pip", "uv"])
def test_pip_does_it_where_uv_cannot(course, stand_in, capsys, fails):
    stand_in.fails = {fails}
    assert run(course) == 0
    assert stand_in.steps[-1] == ("pip", LAB)
    assert capsys.readouterr().err == FIRST + SLOW
    assert has(course / ".venv") == {"course-lab-1.0.5", "pip-1.0.5"}


def test_where_python_has_no_wheel_of_pip_venv_installs_it(course, stand_in, monkeypatch):
    monkeypatch.setattr(setup, "pip_wheel", lambda: None)
    assert run(course) == 0
    assert stand_in.steps[0] == ("venv", [f"{course}/.venv-a"])


@pytest.mark.parametrize("fails", [{"venv"}, {"uv by pip", "pip"}, {"uv", "pip"}])
def test_if_nobody_can_the_old_environment_stays(course, stand_in, fails):
    assert run(course) == 0
    stand_in.fails = fails
    assert run(course) == 1
    assert (course / ".venv").readlink() == Path(".venv-a")
    assert has(course / ".venv") == {"course-lab-1.0.5", "pip-1.0.5"}
    assert environments(course) == [".venv", ".venv-a"]


def stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["venv", "uv by pip", "uv"])
def test_ctrl_c_leaves_the_old_environment_and_nothing_else(course, stand_in, step):
    assert run(course) == 0
    stand_in.then[step] = stop
    assert run(course) == 130
    assert (course / ".venv").readlink() == Path(".venv-a")
    assert environments(course) == [".venv", ".venv-a"]


def test_while_the_new_one_is_made_the_old_one_works(course, stand_in):
    assert run(course) == 0
    seen = []
    stand_in.then["uv"] = lambda: seen.append(has(course / ".venv"))
    assert run(course) == 0
    assert seen == [{"course-lab-1.0.5", "pip-1.0.5"}]


def old_fashioned(folder: Path, file: str = "REQUESTED") -> None:
    """An environment as pip made it, in a folder that is no link, with a learner's package."""
    (folder / "bin").mkdir(parents=True)
    installed(folder, "own", "3.0", file)
    installed(folder, "packet_tracing_with_bpf", "1.0.0")
    (folder / "lib/python3.11/site-packages/six-1.0.dist-info").mkdir()


def test_a_folder_becomes_a_link_and_the_learner_s_packages_come_along(course, stand_in, capsys):
    old_fashioned(course / ".venv")
    for _ in range(2):
        assert run(course) == 0
        assert capsys.readouterr().err == FIRST + OWN
        assert stand_in.steps[-1] == ("uv", [*LAB, "own==3.0"])
        assert has(course / ".venv") == {"course-lab-1.0.5", "own-3.0", "pip-1.0.5"}
    assert environments(course) == [".venv", ".venv-b"]


def test_a_learner_s_package_that_does_not_fit_is_named(course, stand_in, capsys):
    old_fashioned(course / ".venv")

    def fail_from_now_on() -> None:
        if "own==3.0" in stand_in.steps[-1][1]:
            stand_in.fails = {"uv", "pip"}

    stand_in.then["uv"] = fail_from_now_on
    assert run(course) == 0
    said = "Not in the new .venv, install again what you need: own==3.0.\n"
    assert capsys.readouterr().err == FIRST + OWN + SLOW + said
    assert has(course / ".venv") == {"course-lab-1.0.5", "pip-1.0.5"}


def test_a_learner_s_package_that_no_index_has_is_named(course, stand_in, capsys):
    old_fashioned(course / ".venv", "direct_url.json")
    assert run(course) == 0
    said = "Not in the new .venv, install again what you need: own.\n"
    assert capsys.readouterr().err == FIRST + said


def test_a_switch_that_was_killed_half_way_is_taken_back(course, stand_in):
    old_fashioned(course / ".venv-old")
    (course / ".venv-link").symlink_to(".venv-a")
    assert run(course) == 0
    assert "own-3.0" in has(course / ".venv")
    assert environments(course) == [".venv", ".venv-a"]


def test_a_link_of_the_learner_s_own_is_replaced_and_its_folder_kept(course, stand_in, tmp_path):
    old_fashioned(tmp_path / "elsewhere")
    (course / ".venv").symlink_to(tmp_path / "elsewhere")
    assert run(course) == 0
    assert "own-3.0" in has(tmp_path / "elsewhere")
    assert (course / ".venv").readlink() == Path(".venv-a")


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        (
            "kill -KILL $$",
            "sh was killed from outside (SIGKILL), not for lack of memory: start again",
        ),
        (
            "echo oom_kill 4 >'{count}'; kill -9 $$",
            "memory ran out, and the kernel ended sh for it",
        ),
        ("kill -SEGV $$", "sh itself broke down (SIGSEGV)"),
        ("echo no space left on device; exit 1", "the end of the log says why; mend that"),
    ],
)
def test_what_ended_an_installer(course, tmp_path, monkeypatch, capsys, program, cause):
    count = tmp_path / "vmstat"
    count.write_text("oom_kill 3\n")
    monkeypatch.setattr(looked_at, "VMSTAT", count)
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # which leaves the network out
    script = ["sh", "-c", program.replace("{count}", str(count))]
    monkeypatch.setattr(setup, "make", lambda need: setup.execute(script, os.environ))
    assert run(course) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f'course: "Installing Python packages" failed: {cause}')
    assert said.endswith(f", then start again. The details are in {course}/course.log")


def test_a_full_disk_is_seen_before_the_unfinished_one_is_removed(course, monkeypatch, capsys):
    monkeypatch.setattr(setup, "FULL", shutil.disk_usage(course).total)
    monkeypatch.setattr(setup, "make", lambda need: setup.execute(["false"], os.environ))
    assert run(course) == 1
    assert f"the disk at {course} is full: free about 2 GB" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_named(course, monkeypatch, capsys):
    (course / "course.log").mkdir()
    monkeypatch.setattr(setup, "make", lambda need: setup.execute(["true"], os.environ))
    assert run(course) == 1
    assert f"{course}/course.log does not take it (Is a directory)" in capsys.readouterr().err


def test_a_proxy_that_does_not_answer_is_named_without_its_password(course, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://ana:geheim@127.0.0.1:9")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP_INDEX_URL", "PIP_NO_INDEX", "UV_OFFLINE", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    said = setup.no_answer()
    assert said.startswith("the proxy 127.0.0.1 does not answer (Connection refused)")
    assert "geheim" not in said


def test_the_bcc_of_pypi_does_not_come_along(course, stand_in, capsys):
    old_fashioned(course / ".venv")
    installed(course / ".venv", "bcc", "0.1.10")
    assert run(course) == 0
    assert "Left out: bcc of PyPI" in capsys.readouterr().err
    assert has(course / ".venv") == {"course-lab-1.0.5", "own-3.0", "pip-1.0.5"}


def test_uv_keeps_nothing_where_home_cannot_be_written_to(course, stand_in, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert run(course) == 0
    assert "UV_NO_CACHE" not in stand_in.environ
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.setattr(setup.places, "may", lambda path, mode: path != Path("/proc"))
    assert run(course) == 0
    assert stand_in.environ["UV_NO_CACHE"] == "1"


def test_why_it_is_made_anew_is_said(course, stand_in, capsys):
    assert run(course) == 0
    (course / ".venv/course-files").write_text("jupyterlab /no/such/file.py")
    assert run(course) == 0
    assert "Of the Python packages these are missing: jupyterlab.\n" in capsys.readouterr().err


def test_settings_that_cannot_be_read_are_one_sentence(course, stand_in, capsys):
    (course / ".config/uv").mkdir(parents=True)
    (course / ".config/uv/uv.toml").write_text("index-url =")
    assert run(course) == 1
    said = capsys.readouterr().err.removeprefix(FIRST)
    assert said.startswith("course: Your settings for pip or uv cannot be read: ")
    assert f"{course}/.config/uv/uv.toml: " in said
    assert said.count("\n") == 1


def test_a_conda_environment_is_used_as_it_is(course, stand_in, tmp_path, capsys):
    (tmp_path / "conda/bin").mkdir(parents=True)
    command = [str(tmp_path / "conda"), "test"]
    assert setup.main(command) == 0
    assert stand_in.steps == [("pip", ["--version"]), ("pip", TESTS)]
    assert environments(course) == []
    stand_in.fails = {"pip"}
    assert setup.main(command) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"course: {tmp_path}/conda has no pip: run conda env update -f environment.yml"
    )


# --- the real ones

REAL = Path(sys.executable).with_name("uv")
SCRIPT = "#!/bin/sh\necho \"uv $*\" >>'{log}'\n{then}\n"


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write a wheel of those files. Source: PyPA's "Binary distribution format"."""
    top = f"{name.replace('-', '_')}-{version}"
    info = f"{top}.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{top}-py3-none-any.whl", "w") as archive:
        for each, text in files.items():
            entry = zipfile.ZipInfo(each)
            entry.external_attr = 0o100755 << 16  # a regular file, to be run
            archive.writestr(entry, text)


def uv_that(folder: Path, log: Path, then: str = f"exec '{REAL}' \"$@\"") -> None:
    """Put a wheel of uv in a folder whose program writes down what it is told, and goes on."""
    scripts = {"uv-0.13.99.data/scripts/uv": SCRIPT.format(log=log, then=then)}
    wheel(folder, "uv", "0.13.99", scripts)


def without_settings() -> dict[str, str]:
    """This process's environment without any setting for pip, uv or certificates."""
    given = package_sources.without_how(os.environ)
    unwelcome = {*package_sources.CERTIFICATES, "SSL_CLIENT_CERT"}
    return {name: text for name, text in given.items() if name not in unwelcome}


class Place:
    """A copy of the set-up with a project of its own, and a folder of wheels."""

    def __init__(self, top: Path) -> None:
        self.course, self.wheels, self.home = top / "ein Kurs", top / "my wheels", top / "home"
        self.told = top / "told"
        for folder in (self.course / "tools", self.wheels, self.home):
            folder.mkdir(parents=True)
        for module in (setup, environment, package_sources):
            shutil.copy(module.__file__, self.course / "tools")
        shutil.copytree(COURSE / "helpers", self.course / "helpers")
        shutil.copytree(COURSE / "chapters/ch00", self.course / "chapters/ch00")
        (self.course / "pyproject.toml").write_text(PROJECT)
        wheel(self.wheels, "course-lab", "1.0.5", {"course_lab.py": "here = True\n"})
        wheel(self.wheels, "course-lab", "1.1.0", {})
        shutil.copy(setup.pip_wheel(), self.wheels)
        uv_that(self.wheels, self.told)

    def command(self, **settings: str) -> dict:
        """How the set-up is started, without this machine's own settings."""
        return {
            "args": [sys._base_executable, "-m", "tools.setup", self.course / ".venv", "lab"],
            "cwd": self.course,
            "env": without_settings() | {"HOME": str(self.home)} | settings,
            "stderr": subprocess.PIPE,
            "text": True,
        }

    def has(self) -> set[str]:
        """What is installed, but for what is always there."""
        names = (name for name in has(self.course / ".venv"))
        return {name for name in names if not name.startswith(("pip-", "uv-", "setuptools-"))}

    @property
    def log(self) -> str:
        return (self.course / "course.log").read_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# What would lead astray, if pip or uv were told of it.
UNWELCOME = {
    **dict.fromkeys(("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES"), "1"),
    **dict.fromkeys(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"), "/no/such/place"),
    **dict.fromkeys(("UV_SYSTEM_PYTHON", "UV_REQUIRE_HASHES"), "1"),
    **dict.fromkeys(("UV_PYTHON", "UV_PROJECT", "UV_WORKING_DIR", "VIRTUAL_ENV"), "/no/such/place"),
}


def test_the_real_uv_installs_from_a_folder_whatever_else_is_set(place):
    folder = {
        "PIP_NO_INDEX": "1",
        "UV_FIND_LINKS": str(place.wheels),
        "PIP_CONFIG_FILE": os.devnull,
    }
    result = subprocess.run(**place.command(**folder, **UNWELCOME), timeout=200)
    assert (result.returncode, result.stderr) == (0, FIRST), place.log
    assert place.told.read_text().startswith("uv pip install --python ")
    assert place.has() == {"course_lab-1.0.5"}
    python = place.course / ".venv/bin/python"
    command = [python, "-c", "import helpers, course_lab; print(helpers.__file__)"]
    said = subprocess.check_output(command, cwd="/", env=without_settings(), text=True)
    assert said == f"{place.course}/helpers/__init__.py\n"
    # %pip, in a notebook, is this.
    wheel(place.wheels, "own", "3.0", {"own.py": ""})
    pip = [python, "-m", "pip", "install", "--no-index", "--find-links", place.wheels.as_uri()]
    given = without_settings() | {"PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*pip, "own"], env=given, check=True, capture_output=True)
    assert setup.own_packages(place.course / ".venv") == (["own==3.0"], [])


def test_a_kill_leaves_no_half_environment_in_the_old_one_s_place(place):
    uv_that(place.wheels, place.told, "exec sleep 600")
    (place.course / ".venv").symlink_to(place.home)
    settings = {"PIP_NO_INDEX": "1", "UV_FIND_LINKS": str(place.wheels)}
    with subprocess.Popen(**place.command(**settings), start_new_session=True) as running:
        assert waiting.until(lambda: place.told.exists() or running.poll() is not None, 100)
        assert running.poll() is None, place.log
        os.killpg(running.pid, signal.SIGKILL)
    assert (place.course / ".venv").readlink() == place.home


def test_no_network_for_real(place):
    """Where nobody answers, uv's pip says so, and pip once more; then the index is asked."""
    nobody = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1"}
    result = subprocess.run(**place.command(**nobody), timeout=200)
    assert (result.returncode, result.stderr.count("\n")) == (1, 3)
    assert "the network did not answer, 127.0.0.1 cannot be reached (Connection refused)" in (
        result.stderr.removeprefix(FIRST + SLOW)
    )
    assert "onnection refused" in place.log.rpartition("\n== ")[2]
    assert list(place.course.glob(".venv*")) == []


class Index(http.server.SimpleHTTPRequestHandler):
    """A package index with a password, as PEP 503 has them."""

    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        if given != "Basic " + base64.b64encode(b"ana:geheim").decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        self.asked.append((self.path.split("/")[2], self.headers["User-Agent"].split("/")[0]))
        super().do_GET()

    def log_message(self, *what) -> None:
        """Nothing: what was asked is in `asked`."""


@pytest.fixture
def index(place) -> Iterator[str]:
    """The wheels of `place`, moved behind an index. Result: its address, with its password."""
    simple = place.wheels / "simple"
    for path in list(place.wheels.glob("*.whl")):
        folder = simple / setup.name_of(path.name.split("-")[0])
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    for folder in simple.iterdir():
        links = "".join(f'<a href="{each.name}">{each.name}</a>' for each in folder.iterdir())
        (folder / "index.html").write_text(links)

    def handler(*given) -> Index:
        return Index(*given, directory=str(place.wheels))

    Index.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://ana:geheim@127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def test_an_index_in_pip_conf_is_asked_by_both_and_its_password_is_in_no_log(place, index):
    path = place.home / ".config/pip/pip.conf"
    path.parent.mkdir(parents=True)
    path.write_text(f"[global]\nindex-url = {index}\ntrusted-host = 127.0.0.1\n")
    result = subprocess.run(**place.command(), timeout=200)
    assert (result.returncode, result.stderr) == (0, FIRST), place.log
    assert place.has() == {"course_lab-1.0.5"}
    assert set(Index.asked) == {("uv", "pip"), ("course-lab", "uv"), ("pip", "uv")}
    assert "geheim" not in place.log
