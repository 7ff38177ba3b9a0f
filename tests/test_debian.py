"""./course test --on: what is handed over, what is copied, and what the table keeps."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import stored

from tools.debian import __main__ as start
from tools.debian import inside, results, roots, settings

FOUND = {
    "versions": {
        "Debian": "13.2",
        "clang": "19.1.7",
        "LLVM": "19.1.7",
        "libbpf": "1.5",
        "bcc": "0.31.0",
        "Python": "3.13.5",
        "libpcap": "1.10.5",
    },
    "tests": {"passed": 1967, "failed": [], "skipped": []},
    "demo": results.FIVE_LINES,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with settings of pip's in both places."""
    for name, text in (
        (".pip/pip.conf", "[global]\nindex_url = http://old.example/\nuser = true\n"),
        (".config/pip/pip.conf", "[install]\nindex-url = http://new.example/\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_pips_settings_of_where_are_handed_over_and_those_of_how_are_not(home):
    given = {"HOME": str(home), "PIP_FIND_LINKS": "a b", "PIP_TARGET": "x", "PIP_CACHE_DIR": "y"}
    lines = settings.pip(given, home).splitlines()
    assert lines == ["[global]", "find-links = a b", "index-url = http://new.example/"]


def test_uvs_settings_are_handed_over_in_pips_words(home):
    given = {"HOME": str(home), "UV_DEFAULT_INDEX": "mine=http://mine.example/"}
    assert settings.pip(given, home) == "[global]\nindex-url = http://mine.example/\n"


def test_nothing_else_of_the_environment_is_handed_over():
    given = {
        "https_proxy": "http://p.example:1",
        "PYTHONPATH": "x",
        "PYENV_ROOT": "y",
        "CI": "true",
    }
    handed = settings.variables(given | {"PATH": "z", "HOME": "/home/me"})
    assert set(handed) == {"PATH", "HOME", "https_proxy", "CI"}
    assert "z" not in handed["PATH"]
    assert handed["HOME"] == "/root"


def test_local_paths_are_shown_elsewhere(tmp_path):
    (tmp_path / "simple").mkdir()
    (tmp_path / "ca.pem").touch()
    local: set[Path] = set()
    text = f"{tmp_path}/ca.pem file://{tmp_path}/simple http://a.example{tmp_path}/ca.pem /no/such"
    moved = settings.moved(text, local).split()
    assert moved[:2] == [f"/handed-over{tmp_path}/ca.pem", f"file:///handed-over{tmp_path}/simple"]
    assert moved[2:] == text.split()[2:]
    assert local == {tmp_path / "ca.pem", tmp_path}


def test_apt_keeps_its_way_and_not_its_ways(monkeypatch, tmp_path):
    """A proxy is handed over, what it installs by itself and how it downloads is not."""
    (tmp_path / "apt.conf").write_text(
        'Acquire::http::Proxy "http://p.example:1";\nAcquire::Check-Date "false";\n'
        'Acquire::Languages "none";\nAPT::Install-Recommends "true";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    lines = settings.apt()
    assert 'Acquire::http::Proxy "http://p.example:1";' in lines
    assert 'Acquire::Check-Date "false";' in lines
    assert not [line for line in lines if "Languages" in line or "Recommends" in line]


@pytest.mark.parametrize(
    ("name", "suite"), [("12", "bookworm"), ("13", "trixie"), ("trixie", "trixie"), ("sid", "sid")]
)
def test_a_release_by_number_or_name(name, suite):
    assert roots.find(name).suite == suite


@pytest.mark.parametrize("name", ["99", "../x", ""])
def test_no_release(name):
    with pytest.raises(roots.RootError, match="say 12, 13, 14, or sid"):
        roots.find(name)


def test_the_checkout_is_copied_as_it_is_now():
    archive = io.BytesIO()
    roots.pack(archive, {"etc/pip.conf": "[global]\n"})
    with tarfile.open(fileobj=archive) as tar:
        names = {Path("/", name) for name in tar.getnames()}
        script = tar.extractfile(str(roots.PLACE / "course")[1:]).read()
    assert script == (stored.COURSE / "course").read_bytes()
    assert names >= {Path("/etc/pip.conf"), roots.PLACE / "tests" / Path(__file__).name}
    assert roots.PLACE / "course.log" not in names
    assert not [name for name in names if ".venv" in name.parts]


def test_another_course_takes_another_set_up(tmp_path, monkeypatch):
    (tmp_path / "tools").mkdir()
    for name in roots.SET_UP:
        (tmp_path / name).touch()
    monkeypatch.setattr(roots, "COURSE", tmp_path)
    before = roots.state()
    (tmp_path / "course").write_text("packages=(one two)")
    assert roots.state() != before


def test_older_set_ups_are_removed_unless_a_run_holds_them(tmp_path):
    root = roots.Root("13", "trixie", tmp_path)
    for name in ("set-up-held", "set-up-old", "bare"):
        (tmp_path / name).mkdir()
    with roots.held(tmp_path / "set-up-held"):
        roots.remove_unused(root)
        assert {path.name for path in tmp_path.iterdir()} == {"set-up-held", "bare"}
    roots.remove_unused(root)
    assert {path.name for path in tmp_path.iterdir()} == {"bare"}


@pytest.mark.own_network  # where user namespaces are refused, so is this one
def test_what_runs_in_there_ends_with_its_starter():
    """Killed without a chance to clean up, it leaves no process, and so no mount, behind."""
    script = "import subprocess, sys; subprocess.run([*sys.argv[1:]])"
    command = ["sh", "-c", "mount -t tmpfs tmpfs /mnt && echo mounted && exec sleep 1000"]
    anybody = ["--user", "--map-root-user"]
    starter = subprocess.Popen(
        [sys.executable, "-c", script, *roots.ALONE, *anybody, *command], stdout=subprocess.PIPE
    )
    assert starter.stdout.readline() == b"mounted\n"
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    assert starter.stdout.read() == b""  # its end: nobody is left who could write
    assert " /mnt tmpfs " not in Path("/proc/self/mounts").read_text()


@pytest.mark.own_network  # where user namespaces are refused, so is this one
def test_signals_that_the_starter_ignores_are_not_ignored_in_there():
    command = ["sh", "-c", "trap '' INT QUIT; exec \"$@\"", "sh", *roots.ALONE]
    anybody = ["--user", "--map-root-user"]
    status = ["sed", "-n", "s/^SigIgn:[[:space:]]*//p", "/proc/self/status"]
    result = subprocess.run([*command, *anybody, *status], capture_output=True, check=True)
    assert int(result.stdout, 16) & 1 << signal.SIGINT - 1 == 0
    assert int(result.stdout, 16) & 1 << signal.SIGQUIT - 1 == 0


def test_root_goes_on_with_the_settings_of_who_asked(monkeypatch, tmp_path):
    began = []

    def begin(program: str, command: list[str]) -> None:
        began.append(command)
        raise FileNotFoundError(program)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "execvp", begin)
    for name, text in {"XDG_CACHE_HOME": tmp_path, "PIP_INDEX_URL": "x", "PYTHONPATH": "y"}.items():
        monkeypatch.setenv(name, str(text))
    with pytest.raises(roots.RootError, match="there is no sudo"):
        start.become_root(["--on", "13"])
    kept = set(began[0][1].removeprefix("--preserve-env=").split(","))
    assert kept >= {"HOME", "XDG_CACHE_HOME", "PIP_INDEX_URL"}
    assert not kept & {"PATH", "PYTHONPATH"}
    assert began[0][2:5] == ["setpriv", "--pdeathsig", "KILL"]  # sudo killed, it ends, too
    assert began[0][5:] == [sys.executable, "-m", "tools.debian", "--on", "13"]
    assert (tmp_path / "packet-tracing-with-bpf").is_dir()


def test_an_unknown_release_is_one_sentence(capsys):
    assert start.main(["--on=99", "-k", "x"]) == 1
    assert (
        capsys.readouterr().err == "course: There is no Debian 99 here: say 12, 13, 14, or sid.\n"
    )


def test_without_a_release_it_says_how(capsys):
    assert start.main(["--on"]) == 2
    assert "--on SUITE" in capsys.readouterr().out


def test_what_came_out_is_counted(tmp_path):
    (tmp_path / "tests.xml").write_text(
        '<testsuites><testsuite><testcase classname="a" name="b"/>'
        '<testcase classname="a" name="c"><failure/></testcase>'
        '<testcase classname="a" name="d"><skipped/></testcase>'
        '<testcase classname="a" name="e"><error/></testcase></testsuite></testsuites>'
    )
    found = inside.tests(tmp_path / "tests.xml")
    assert found == {"passed": 1, "failed": ["a::c", "a::e"], "skipped": ["a::d"]}


def test_the_versions_of_the_parts_are_found():
    assert set(inside.versions()) == set(results.PARTS)
    assert all(inside.versions().values())


def test_a_run_takes_the_place_of_the_older_one_of_its_release(tmp_path):
    file, page = tmp_path / "machines.json", tmp_path / "machines.md"
    page.write_text(f"before\n{results.BEGIN}\n{results.END}\nafter\n")
    worse = FOUND | {"tests": {"passed": 1, "failed": ["x"], "skipped": ["y"]}, "demo": []}
    results.keep(results.entry("sid", "sid", worse), file, page)
    results.keep(results.entry("13", "trixie", worse), file, page)
    assert "| 1 passed, 1 failed, 1 skipped | wrong |" in page.read_text()
    results.keep(results.entry("13", "trixie", FOUND), file, page)
    assert [each["suite"] for each in results.load(file)] == ["trixie", "sid"]
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    rows = [line.split(" | ") for line in lines if line.startswith("| Debian")]
    assert rows[0][:2] == ["| Debian 13.2", "19.1.7"]
    assert rows[0][-3:-1] == ["1,967 passed", "to the byte"]
    assert rows[1][0] == "| Debian sid"


def test_the_page_shows_the_stored_runs():
    assert results.markdown(results.load()) in results.PAGE.read_text()
