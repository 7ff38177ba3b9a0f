"""What ./course lab hands to JupyterLab, and how the capabilities get there."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import stored
from waiting import listens

from chapters.ch00 import copies
from helpers import capabilities
from tools import lab, privileges

COURSE = Path(__file__).resolve().parent.parent
NOBODY = 65534
NEEDED = capabilities.mask("CAP_NET_RAW", "CAP_BPF")


# JupyterLab is told to take the port that was announced, or none.
START = """
import sys
from tools import lab
lab.FIRST_PORT = int(sys.argv[1])
lab.main(["--no-browser", "--ServerApp.port_retries=0"])
"""


def start(copy: Path, first_port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, str(first_port)],
        cwd=copy,
        env=os.environ | {"HOME": str(copy.parent)},
        # Tests that were started in the background ignore SIGINT, and so would whatever they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A real JupyterLab on a copy of the course, while its port is taken: work/, what it said.

    At its end it is interrupted, where no terminal is, and leaves no file that names it.
    """
    copy = tmp_path_factory.mktemp("home") / "a course"
    shutil.copytree(COURSE / "helpers", copy / "helpers")
    shutil.copytree(COURSE / "notebooks", copy / "notebooks")
    said = ""
    # Another test may take the free port before JupyterLab has it: then once more, with others.
    while not said or "is not available" in said:
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            start(copy, taken.getsockname()[1]) as server,
        ):
            said = ""
            while "?token=" not in said and (line := server.stdout.readline()):
                said += line
            if "?token=" in said:
                yield copy / "work", said
                runtime = copy.parent / ".local/share/jupyter/runtime"
                assert len(list(runtime.glob("jpserver-*"))) == 2
                server.send_signal(signal.SIGINT)
                server.stdout.read()
                assert list(runtime.glob("jpserver-*")) == []
                return
    pytest.fail(said)


def status(host: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().status


def test_jupyterlab_listens_here_only_and_wants_its_token(started):
    _, said = started
    address = r"http://127\.0\.0\.1:(\d+)/lab/tree/00_start_here\.ipynb\?token=(\w+)"
    (port, token), *others = re.findall(address, said)
    assert not others
    assert listens(int(port))
    assert re.search(rf"^Port \d+ is taken: JupyterLab gets port {port}\.$", said, re.MULTILINE)
    assert status("127.0.0.1", int(port), "/api/contents") == 403
    assert status("127.0.0.1", int(port), f"/api/contents?token={token}") == 200
    assert status("127.0.0.1", int(port), f"/nbdime/difftool?token={token}") == 404
    with pytest.raises(ConnectionRefusedError):
        status("127.0.0.2", int(port), "/api/contents")


def test_nothing_of_jupyters_log_stands_before_the_address(started):
    """Three sentences of the course's at most do: about root, about the port, and what to do."""
    before = started[1].partition("[C ")[0].splitlines()
    assert before[-1] == lab.TOLD
    assert len(before) <= 3
    assert not [line for line in before if line.startswith("[")]


def test_the_learner_gets_copies_without_outputs(started):
    work, _ = started
    stored = {path.name for path in (COURSE / "notebooks").glob("*.ipynb")}
    assert {path.name for path in work.glob("*.ipynb")} == stored
    assert (work / "images").is_dir()
    assert not any('"output_type"' in path.read_text() for path in work.glob("*.ipynb"))


def test_nbdime_adds_no_buttons(started):
    """JupyterLab itself says which extensions a page is given, and which are disabled."""
    work, said = started
    address = re.search(r"http://\S+:\d+", said)[0]
    token = re.search(r"token=(\w+)", said)[1]
    assert listens(int(address.rpartition(":")[2]))
    with urllib.request.urlopen(f"{address}/lab?token={token}", timeout=60) as page:
        data = re.search(
            r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.read().decode(), re.S
        )
    assert "nbdime-jupyterlab" in json.loads(data[1])["disabledExtensions"]


def test_untouched_copies_follow_the_course_and_changed_ones_are_told_of_once(tmp_path):
    """./course lab itself, twice, on the work/ of commit 3dcf08f with one chapter changed."""
    copy = tmp_path / "course"
    for name in ("helpers", "chapters", "tools", "notebooks"):
        shutil.copytree(COURSE / name, copy / name)
    work = stored.old_work(copy)
    chapter = work / "05_bcc.ipynb"
    mine = chapter.read_text().replace("prediction = None", "prediction = 'a'")
    assert mine != chapter.read_text()
    chapter.write_text(mine)
    first, second = (said_before_jupyter(copy) for _ in range(2))
    assert first[0].startswith("Newer in work/, where you had changed nothing: 00_start_here, 01_k")
    assert first[1].startswith(
        "Kept as you changed them, though the course has gone on: 05_bcc. ./course diff 05 shows"
    )
    assert not any("changed" in line for line in second)
    assert chapter.read_text() == mine
    for path in (copy / "notebooks").glob("*.ipynb"):
        same = copies.fingerprint(path) == copies.fingerprint(work / path.name)
        assert same == (path.name != chapter.name), path.name


def said_before_jupyter(copy: Path) -> list[str]:
    """What ./course lab prints before it becomes JupyterLab, which is kept from starting here."""
    code = "import os\nfrom tools import lab\nos.execv = lambda *_: None\nlab.main([])"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


def test_what_the_learner_reads_is_the_address_and_little_else(started):
    _, said = started
    assert said.startswith("You are root on this machine") == (os.geteuid() == 0)
    assert len(said.splitlines()) <= 10
    assert "[I " not in said
    assert "[W " not in said


def test_jupyterlab_runs_as_root_only_for_root(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    server = lab.options(Path("work"), 8888)["ServerApp"]
    assert not server["allow_root"]
    assert server["open_browser"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    server = lab.options(Path("work"), 8888)["ServerApp"]
    assert server["allow_root"]
    assert not server["open_browser"]


def test_kernels_use_unix_sockets_unless_the_path_is_too_long(monkeypatch):
    for folder, transport in (("/home/ana/run", "ipc"), ("/home/" + 60 * "ä", "tcp")):
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", folder)
        assert lab.options(Path("work"), 8888)["KernelManager"] == {"transport": transport}


def test_a_work_that_is_no_folder_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "work").write_text("no folder")
    monkeypatch.setattr(lab, "PLACE", tmp_path)
    monkeypatch.setattr(lab, "WORK", tmp_path / "work")
    with pytest.raises(SystemExit, match="^course: .*work is a file, where a folder has to be"):
        lab.main([])


def become(
    monkeypatch: pytest.MonkeyPatch, ambient: int, sudo: bool, verb: str, *more: str
) -> list[str]:
    """What an ordinary user's ./course would become who holds these capabilities already."""
    became = []
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    monkeypatch.setattr(os, "getgid", lambda: NOBODY)
    monkeypatch.setattr(os, "execvp", lambda name, command: became.extend(command))
    monkeypatch.setattr(capabilities, "ambient", lambda: ambient)
    monkeypatch.setattr(privileges, "may_sudo", lambda: sudo)
    privileges.main(verb, "python", "-m", "something", *more)
    return became


def test_sudo_only_hands_over_two_capabilities(monkeypatch):
    monkeypatch.setenv("SECRET", "password")
    monkeypatch.setenv("HOME", "/home/ana")
    became = become(monkeypatch, 0, True, "lab")
    assert became[:2] == ["sudo", "setpriv"]
    assert became.count("+cap_13,+cap_39") == 2
    assert became[became.index("--reuid") + 1] == str(NOBODY)
    assert "HOME=/home/ana" in became
    assert "SECRET=password" not in became
    assert became[-3:] == ["python", "-m", "something"]


def test_a_lab_for_tracing_gets_perfmon_as_well(monkeypatch):
    became = become(monkeypatch, NEEDED, True, "lab", "--tracing")
    assert became.count("+cap_13,+cap_38,+cap_39") == 2
    assert became[-1] == "--tracing"
    assert become(monkeypatch, NEEDED, False, "bench", "--tracing")[0] == "python"
    with pytest.raises(SystemExit, match="cap_38.*course'? lab --tracing"):
        become(monkeypatch, NEEDED, False, "lab", "--tracing")


@pytest.mark.parametrize(("held", "said"), [(["CAP_PERFMON"], True), ([], False)])
def test_jupyter_is_not_given_the_word_and_the_learner_is_told(
    tmp_path, monkeypatch, capsys, held, said
):
    for folder in ("work", "helpers"):
        (tmp_path / folder).mkdir()
    (tmp_path / "helpers" / "page.css").touch()
    became = []
    monkeypatch.setattr(lab, "PLACE", tmp_path)
    monkeypatch.setattr(lab, "WORK", tmp_path / "work")
    monkeypatch.setattr(lab.workspace, "copy_chapters", lambda *_: lab.workspace.Brought())
    monkeypatch.setattr(capabilities, "held", lambda: held)
    monkeypatch.setattr(os, "execv", lambda name, command: became.extend(command))
    monkeypatch.setitem(os.environ, "JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setitem(os.environ, "JUPYTER_PATH", "/mine")
    lab.main(["--tracing", "--debugger", "--no-browser"])
    assert became[-1] == "--no-browser"
    assert not {"--tracing", "--debugger"} & {*became}
    assert os.environ["JUPYTER_PATH"] == f"{sys.prefix}/share/with-debugger:/mine"
    assert (lab.TRACES in capsys.readouterr().out) == said


def test_what_the_tests_ask_for_outlives_sudo(monkeypatch):
    """The picture to take, and where the engine of containers is; no password of it."""
    given = {
        "PLAYGROUND_PICTURE": "playground.png",
        "DOCKER_HOST": "unix:///run/user/1000/docker.sock",
        "CONTAINER_HOST": "unix:///run/user/1000/podman/podman.sock",
    }
    for name, value in given.items() | {("DOCKER_AUTH_CONFIG", "password")}:
        monkeypatch.setenv(name, value)
    became = become(monkeypatch, 0, True, "test")
    assert {f"{name}={value}" for name, value in given.items()} <= set(became)
    assert "DOCKER_AUTH_CONFIG=password" not in became


def test_no_sudo_where_the_capabilities_are_there(monkeypatch):
    assert become(monkeypatch, NEEDED, False, "lab") == ["python", "-m", "something"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave a folder to somebody else")
@pytest.mark.parametrize("left", [".local", ".local/share/jupyter", ".local/share/jupyter/runtime"])
def test_jupyter_starts_where_its_folder_is_somebody_else_s(tmp_path, left):
    """As root without the rights over other people's files, which every other user lacks, too."""
    (tmp_path / left).mkdir(parents=True)
    os.chown(tmp_path / left, NOBODY, NOBODY)
    drop = "-dac_override,-dac_read_search,-fowner"
    script = "import os, jupyter_core.application as a; print(a.JupyterApp().runtime_dir)"
    command = ["setpriv", f"--bounding-set={drop}", "--inh-caps=-all", sys.executable, "-m"]
    command += ["tools.privileges", "lab", sys.executable, "-c", script]
    given = {name: text for name, text in os.environ.items() if not name.startswith("JUPYTER")}
    given |= {"HOME": str(tmp_path)}
    result = subprocess.run(command, cwd=COURSE, env=given, capture_output=True, text=True)
    assert result.stdout == f"{COURSE}/build/jupyter/runtime\n", result.stderr
    os.chown(tmp_path / left, 0, 0)
    result = subprocess.run(command, cwd=COURSE, env=given, capture_output=True, text=True)
    assert result.stdout == f"{tmp_path}/.local/share/jupyter/runtime\n", result.stderr


def test_no_sudo_to_be_had(monkeypatch):
    with pytest.raises(SystemExit, match="let root run setpriv .*course'? lab"):
        become(monkeypatch, 0, False, "lab")
    assert become(monkeypatch, 0, False, "doctor") == ["python", "-m", "something"]


def test_before_linux_5_8_it_is_sys_admin(tmp_path, monkeypatch):
    before = capabilities.mask("CAP_NET_RAW", "CAP_SYS_ADMIN")
    for last, wanted in ((37, before), (40, NEEDED)):
        (tmp_path / "cap_last_cap").write_text(f"{last}\n")
        monkeypatch.setattr(privileges, "LAST", tmp_path / "cap_last_cap")
        assert privileges.needed() == wanted


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand over capabilities")
def test_handed_over_are_exactly_these(monkeypatch):
    """Without a sudo: the command that sudo would run, run by root."""
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    monkeypatch.setattr(os, "getgid", lambda: NOBODY)
    command = [*privileges.handing_over(NEEDED), "--", "cat", "/proc/self/status"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert set(re.search(r"^Uid:(.*)$", said, re.MULTILINE)[1].split()) == {str(NOBODY)}
    for which in ("Prm", "Eff", "Amb"):
        assert (
            int(re.search(rf"^Cap{which}:\s*(\w+)", said, re.MULTILINE)[1], 16) == 1 << 13 | 1 << 39
        )
