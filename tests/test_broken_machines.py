"""Machines that are broken in one way each: one true sentence, the same from ./course doctor.

Stand-ins: capabilities that are dropped, seccomp filters, mounts in a private namespace, limits,
and programs that end themselves. Nothing of this machine is broken by it.
"""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored import COURSE
from unwelcome import no_bpf_call, no_ipv6, no_links, ordinary_user, with_mounts, without_bpf
from waiting import is_running, until

from chapters.ch00 import checkout, copies, readiness
from helpers import loader, netlab, objfile, places, toolchain, traffic
from helpers.netlab import patience

NOBODY = 65534
DEMO = [sys.executable, "-m", "tools.demo"]
DOCTOR = [sys.executable, "-m", "tools.doctor"]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def run(command: list[str], *before: str, **options: object) -> subprocess.CompletedProcess[str]:
    options = {"cwd": COURSE, "timeout": 100} | options
    return subprocess.run([*before, *command], capture_output=True, text=True, **options)


def sentence(command: list[str], *before: str, **options: object) -> str:
    """The one line that a command ends with which cannot do its work."""
    result = run(command, *before, **options)
    assert result.returncode == 1, result
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("course: ")
    return result.stderr.removeprefix("course: ").strip()


def row(part: str, *before: str, **options: object) -> str:
    """What ./course doctor says of one part, its cure with it."""
    result = run(DOCTOR, *before, **options)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    at = next(at for at, line in enumerate(lines) if line[9:].startswith(part))
    cure = []
    for line in lines[at + 1 :]:
        if not line.startswith(" "):
            break
        cure.append(line.strip())
    return " ".join([lines[at], *cure])


def evaluate(code: str, *before: str, **options: object) -> str:
    """What a Python expression over the course is, asked in a process of its own."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom chapters.ch00 import checkout\n"
        f"from helpers import places\nprint({code})"
    )
    result = run([sys.executable, "-c", script], *before, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture
def place() -> Iterator[Path]:
    """A course's folder as far as checkout looks, for everybody to write to."""
    with tempfile.TemporaryDirectory(prefix="course-test-") as top:
        folder = Path(top, "ein Kurs")
        for name in ("work", "build", "notebooks"):
            (folder / name).mkdir(parents=True)
        (folder / "notebooks/03_load.ipynb").write_text('{"cells": []}')
        for path in (Path(top), *folder.rglob("*"), folder):
            path.chmod(0o777)
        yield folder


# --- the folder


def test_nothing_is_wrong_and_nothing_is_left(place):
    before = sorted(place.rglob("*"))
    assert checkout.trouble(place, place / ".venv") == ""
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("names", [["su"], ["su", "sudo"]])
def test_what_is_root_s_to_run_can_be_typed_where_there_is_no_sudo(tmp_path, monkeypatch, names):
    """Each of the two notes its name, and runs what it is given as this user."""
    for name, runs in (("su", 'sh "$@"'), ("sudo", '"$@"')):
        if name in names:
            (tmp_path / name).write_text(f'#!/bin/sh\necho {name} >"$HOME/ran"\nexec {runs}\n')
            (tmp_path / name).chmod(0o755)
    for tool in ("sh", "touch"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    command = places.as_root(f"touch '{tmp_path}/a file' {tmp_path}/$USER")
    subprocess.run(["/bin/sh", "-c", command], check=True, env=os.environ | {"USER": "me"})
    assert (tmp_path / "a file").is_file()
    assert (tmp_path / "me").is_file()
    assert (tmp_path / "ran").read_text() == f"{names[-1]}\n"


@root_only
@pytest.mark.parametrize("left", ["work", "work/03_load.ipynb", "build", "build/a.o", "course.log"])
def test_root_s_files_are_named_with_the_chown_that_cures(place, left):
    path = place / left
    if not path.exists():
        path.touch()
    os.chown(path, 0, 0)
    path.chmod(0o755 if path.is_dir() else 0o644)
    said = evaluate(f"checkout.trouble(Path({str(place)!r}))", *ordinary_user())
    assert said.startswith(f"{path} belongs to root")
    cure = places.as_root(f"chown -R {NOBODY}:{NOBODY} '{place}'")
    assert cure in said or left in ("work", "build")
    assert f"chown -R {NOBODY}:{NOBODY}" in said
    # The report's cure begins with a capital letter: a command would be none any more.
    assert re.match('Take it back with (sudo |su -c ")chown', readiness.said(said).cure)
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", place], check=True)
    assert evaluate(f"checkout.trouble(Path({str(place)!r}))", *ordinary_user()) == ""


def test_a_read_only_file_system(place):
    mounts = (f"--bind '{place}' '{place}'", f"-o remount,bind,ro '{place}'")
    said = evaluate(f"checkout.trouble(Path({str(place)!r}))", *with_mounts(*mounts))
    assert said.startswith(f"{place}/work is on a file system that is read-only: ")
    said = evaluate(f"checkout.trouble(Path({str(place)!r}), Path('x'))", *with_mounts(*mounts))
    assert said.startswith(f"{place} is on a file system that is read-only: ")


@pytest.mark.parametrize(
    ("options", "begins"), [("nr_inodes=1", "the file system of"), ("size=4k", "the disk at")]
)
def test_no_inode_and_no_room_are_told_apart(place, options, begins):
    mounts = [f"-t tmpfs -o {options} none '{place}/build'"]
    fill = f"head -c 4096 /dev/zero >'{place}/build/full' 2>/dev/null || :; exec \"$@\""
    before = [*with_mounts(*mounts), "sh", "-c", fill, "sh"]
    said = evaluate(f"checkout.trouble(Path({str(place)!r}))", *before)
    assert said.startswith(f"{begins} {place}/build ")
    assert ("no inode left" in said) == (begins == "the file system of")


def test_no_symbolic_links(place):
    ask = f"checkout.trouble(Path({str(place)!r}), Path({str(place / '.venv')!r}))"
    assert "has no symbolic links" in evaluate(ask, preexec_fn=no_links())
    assert evaluate(ask) == ""
    assert evaluate(f"checkout.trouble(Path({str(place)!r}))", preexec_fn=no_links()) == ""


def test_a_file_where_a_folder_has_to_be(place):
    (place / "work").rmdir()
    (place / "work").touch()
    assert checkout.trouble(place) == (
        f"{place}/work is a file, where a folder has to be: move it away."
    )


@pytest.mark.parametrize(
    ("text", "damage"),
    [
        (
            '{\n<<<<<<< HEAD\n "cells": []\n',
            "has the marks of a merge that did not fit",
        ),
        ('{"cells": ', "is damaged"),
        ("", "is empty"),
    ],
)
def test_a_damaged_chapter_is_named(place, text, damage):
    (place / "notebooks/03_load.ipynb").write_text(text)
    said = checkout.trouble(place)
    assert said.startswith(f"notebooks/03_load.ipynb {damage}")
    assert said.endswith("git checkout HEAD -- notebooks/03_load.ipynb takes the version before.")
    (place / "work/03_load.ipynb").write_text(text)
    assert "./course reset 03" in copies.unreadable(place / "work/03_load.ipynb")


def test_a_damaged_chapter_does_not_cost_the_learner_s_own(place):
    from tools import workspace

    (place / "work/03_load.ipynb").write_text('{"cells": ["mine"]}')
    (place / "notebooks/03_load.ipynb").write_text("<<<<<<< HEAD\n")
    with pytest.raises(workspace.WorkspaceError, match="marks of a merge"):
        workspace.reset(place / "notebooks", place / "work", "03")
    assert [path.name for path in (place / "work").iterdir()] == ["03_load.ipynb"]


def test_every_verb_that_reads_a_damaged_chapter_says_so(place):
    from chapters.ch00 import progress as standing
    from helpers.progress import ProgressError
    from tools import diff

    damaged = place / "notebooks/03_load.ipynb"
    damaged.write_text("<<<<<<< HEAD\n")
    with pytest.raises(ProgressError, match="notebooks/03_load.ipynb has the marks of a merge"):
        standing.standing(place / "notebooks", place / "work")
    with pytest.raises(diff.DiffError, match="git checkout HEAD -- notebooks/03_load.ipynb"):
        diff.bare(damaged)


def test_demo_and_doctor_say_the_same_of_a_folder_that_is_read_only():
    build = COURSE / "build"
    build.mkdir(exist_ok=True)
    before = with_mounts(f"--bind '{build}' '{build}'", f"-o remount,bind,ro '{build}'")
    cause = f"{build} is on a file system that is read-only"
    if os.geteuid() == 0:  # in a user namespace nobody may use BPF
        assert sentence(DEMO, *before).startswith(f"The object file cannot be written, {cause}: ")
    found = row("course folder", *before)
    assert found.startswith("missing")
    assert cause in found


def test_a_home_that_may_not_be_entered_stops_nobody(place):
    (place / "home/.local").mkdir(parents=True)
    (place / "home").chmod(0)
    script = [sys.executable, "-c", "import os; print(os.environ['IPYTHONDIR'])"]
    command = [sys.executable, "-m", "tools.privileges", "doctor", *script]
    drop = ordinary_user() if os.geteuid() else ["setpriv", "--bounding-set=-all"]
    drop = [*drop, "env", "-u", "IPYTHONDIR", f"HOME={place}/home"]
    if not os.geteuid():
        os.chown(place / "home", NOBODY, NOBODY)
    result = run(command, *drop)
    (place / "home").chmod(0o700)
    assert (result.returncode, result.stdout) == (0, f"{COURSE}/build/jupyter/ipython\n"), result


# --- packages


def test_a_package_that_is_gone_and_a_course_that_was_moved(tmp_path):
    environment = tmp_path / "venv"
    packages = environment / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / "course.pth").write_text(f"{tmp_path}\n")
    (packages / "ipykernel.py").touch()
    names = f"ipykernel {packages}/ipykernel.py\njupyterlab {packages}/jupyterlab/app.py\n"
    (environment / checkout.PACKAGES).write_text(names)
    said = checkout.why_anew(tmp_path, environment)
    assert said == "Of the Python packages these are missing: jupyterlab."
    (packages / "jupyterlab").mkdir()
    (packages / "jupyterlab/app.py").touch()
    assert checkout.why_anew(tmp_path, environment) == ""
    said = checkout.why_anew(tmp_path / "elsewhere", environment)
    assert said.startswith(f"The course was at {tmp_path} before")


# --- rights


@pytest.mark.kernel
def test_without_sudo_demo_and_doctor_name_what_root_has_to_run():
    drop = ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups"]
    drop += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    command = [sys.executable, "-m", "tools.privileges", "demo", *DEMO]
    if os.geteuid():
        pytest.skip("only root becomes a user without an entry in the password database")
    given = os.environ | {"PATH": "/nonexistent:/usr/sbin:/bin"}
    before = [*with_mounts("--bind /dev/null /usr/bin/sudo"), *drop] if SUDO.exists() else drop
    said = sentence(command, *before, env=given)
    assert "there is no sudo for you here, who have no entry in /etc/passwd" in said
    root_runs = said.partition("let root run ")[2].removesuffix(" demo")
    assert "--reuid 4242 --regid 4242 --clear-groups" in root_runs
    assert f"let root run {root_runs} lab" in row("bpf(2)", *before, env=given)


SUDO = Path("/usr/bin/sudo")


def test_root_whose_capabilities_were_taken_is_not_sent_to_the_lab():
    found = row("bpf(2)", *without_bpf())
    assert found.startswith("missing  bpf(2)")
    if os.geteuid() == 0:
        assert "with --cap-add BPF" in found
        assert "./course lab" not in found


def test_a_kernel_that_an_editor_started_is_told_how_to_get_the_rights(sockex1_object):
    code = (
        "import ipykernel\nfrom helpers import loader, errors\n"
        f"try: loader.load({str(sockex1_object)!r})\n"
        "except errors.CourseError as error: print(error)"
    )
    said = run([sys.executable, "-c", code], *ordinary_user()).stdout
    assert "something else than ./course lab has started this notebook's kernel" in said
    assert "VS Code as Existing Jupyter Server" in said
    assert said.count("\n") == 1


@pytest.mark.kernel
def test_a_kernel_without_the_system_call():
    said = sentence(DEMO, preexec_fn=no_bpf_call(errno.ENOSYS))
    assert said.startswith("There is no bpf(2) here, since a seccomp filter hides it")
    cause = said.partition(":")[0]
    assert cause in row("bpf(2)", preexec_fn=no_bpf_call(errno.ENOSYS))


# --- limits


@pytest.mark.kernel
def test_as_many_files_open_as_one_may():
    before = ["prlimit", "--nofile=10"]
    said = sentence(DEMO, *before)
    assert "this process has as many files open as it may (10)" in said
    assert "user namespaces" not in said
    found = row("the whole road", *before)
    assert "as many files open as it may (10)" in found


def test_each_cause_of_a_refused_write_is_its_own():
    folder = Path("/no/such/folder")
    told = {
        number: places.unwritable(folder, OSError(number, os.strerror(number)))
        for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EROFS)
    }
    assert len(set(told.values())) == len(told)
    assert all(": " in each and each.endswith(".") for each in told.values())


# --- IPv6


@pytest.mark.kernel
def test_without_ipv6_each_way_to_use_it_is_one_sentence_at_once():
    code = """
from helpers import netlab, traffic
with netlab.open_network() as net:
    for use in (traffic.echo, traffic.udp, traffic.tcp, traffic.bulk):
        try: use(net, to="::1")
        except netlab.NetworkError as error: print(error)
    try: net.add_address("2001:db8::1")
    except netlab.NetworkError as error: print(error)
    traffic.echo(net)
"""
    result = run([sys.executable, "-c", code], preexec_fn=no_ipv6())
    assert result.stderr == ""
    said = result.stdout.splitlines()
    assert len(said) == 5 and len(set(said)) == 1
    assert "This network has no IPv6 (this kernel was started with ipv6.disable=1" in said[0]
    found = row("IPv6", preexec_fn=no_ipv6())
    assert found.startswith("warning  IPv6")
    assert "this kernel was started with ipv6.disable=1" in found


@pytest.mark.kernel
@pytest.mark.own_network
def test_ipv6_that_is_switched_off_is_named_as_such(net):
    net.require_ipv6()
    off = "echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6"
    assert net.run(["sh", "-c", off]).returncode == 0
    with pytest.raises(netlab.NetworkError, match="lo.disable_ipv6 is 1"):
        traffic.echo(net, to="::1")


# --- waiting


def test_nothing_is_waited_for_without_end(net, monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 1)
    with net.socket() as listener, pytest.raises(netlab.NetworkError, match="Nothing came"):
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.accept()
    with net.start(["sleep", "600"], seconds=0.1) as running:
        with pytest.raises(netlab.NetworkError, match="sleep has written nothing"):
            running.stdout.read()
        with pytest.raises(netlab.NetworkError, match="sleep has not ended"):
            running.wait()


def test_a_time_limit_of_one_s_own_holds(net):
    import socket

    with net.socket(type=socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(0.01)
        with pytest.raises(TimeoutError):
            own.recv(1)
        own.setblocking(False)
        with pytest.raises(BlockingIOError):
            own.recvfrom(1)


# --- programs that end before their time


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program first on the PATH that does as it is told."""

    def make(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")

    return make


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Tests that were started in the background ignore SIGINT, and so would whatever they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("ends", "cause"),
    [
        ("INT", "clang was stopped before its end"),
        ("SEGV", "clang itself broke down (SIGSEGV)"),
        ("KILL", "clang was killed from outside (SIGKILL), not for lack of memory"),
        ("XFSZ", "clang came to a limit of size of a file (ulimit -f)"),
        ("XCPU", "clang came to a limit of time (ulimit -t)"),
    ],
)
def test_clang_that_a_signal_ends(stand_in, tmp_path, ends, cause):
    stand_in("clang", f"kill -{ends} $$")
    with pytest.raises(toolchain.CompileError) as caught:
        toolchain.compile_bpf("sockex1_kern.c", tmp_path / "a.o")
    assert f"sockex1_kern.c was not compiled, {cause}: " in str(caught.value)
    assert "options" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.kernel
def test_no_file_may_grow():
    """For real: clang writes its object file, and the kernel ends it."""
    said = sentence(DEMO, "prlimit", "--fsize=0")
    assert said.startswith("sockex1_kern.c was not compiled, clang came to a limit of size of a ")


@pytest.mark.parametrize(
    "says",
    [
        "clang: error: unknown target triple 'bpf'",
        "error: unable to create target: No available targets are compatible with triple bpf",
    ],
)
def test_clang_that_knows_no_bpf(stand_in, tmp_path, says):
    stand_in("clang", f'echo "{says}" >&2; exit 1')
    with pytest.raises(toolchain.CompileError, match="knows no BPF .*: put your distribution's"):
        toolchain.compile_bpf("sockex1_kern.c", tmp_path / "a.o")


@pytest.mark.parametrize(
    ("mount", "cause"),
    [
        (
            "--bind /dev/null /usr/include/bpf/bpf_helpers.h",
            "/usr/include/bpf/bpf_helpers.h, which sockex1_kern.c includes, is empty: install "
            "libbpf-dev anew.",
        ),
        (
            "-t tmpfs none /usr/include/linux",
            "Line 6 of sockex1_kern.c includes linux/bpf.h, which is not installed: run ./course "
            "lab, or install linux-libc-dev.",
        ),
    ],
)
def test_headers_that_are_damaged_or_gone(mount, cause):
    code = (
        "import tempfile\nfrom helpers import toolchain, errors\n"
        "try: toolchain.compile_bpf('sockex1_kern.c', tempfile.mkdtemp() + '/a.o')\n"
        "except errors.CourseError as error: print(str(error).splitlines()[0])"
    )
    result = run([sys.executable, "-c", code], *with_mounts(mount))
    assert result.stdout.strip() == cause, result


@pytest.mark.parametrize("command", [DEMO, DOCTOR], ids=["demo", "doctor"])
def test_an_output_that_takes_no_more_is_no_traceback(command):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, cwd=COURSE, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr == "course: what it says cannot be written (No space left on device).\n"
    ours, theirs = os.pipe()
    os.close(ours)  # nobody reads
    with os.fdopen(theirs, "w") as pipe:
        result = subprocess.run(command, cwd=COURSE, stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (1, "")


def test_memory_that_ran_out_is_seen_in_the_kernel_s_own_count(stand_in, tmp_path, monkeypatch):
    count = tmp_path / "vmstat"
    count.write_text("nr_free_pages 7\noom_kill 3\n")
    monkeypatch.setattr(places, "VMSTAT", count)
    stand_in("clang", f"echo oom_kill 4 >'{count}'; kill -KILL $$")
    with pytest.raises(toolchain.CompileError, match="memory ran out, and the kernel ended clang"):
        toolchain.compile_bpf("sockex1_kern.c", tmp_path / "a.o")
    assert not (tmp_path / "a.o").exists()


@pytest.mark.kernel
@pytest.mark.parametrize("command", [DEMO, DOCTOR], ids=["demo", "doctor"])
def test_ctrl_c_is_one_line_and_leaves_nothing(stand_in, tmp_path, monkeypatch, command):
    mark, scratch = tmp_path / "waits", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    stand_in("clang", f"echo $$ $* >'{mark}'; exec sleep 600")
    with subprocess.Popen(
        command,
        cwd=COURSE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that were started in the background ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert until(lambda: mark.exists() and mark.read_text().endswith("\n"), 60)
        os.killpg(running.pid, signal.SIGINT)
        out, said = running.communicate(timeout=60)
    assert (running.returncode, out, said) == (130, "", "course: interrupted.\n")
    # Ctrl-C is for clang, too; on a busy machine it is the later one to end.
    pid, *arguments = mark.read_text().split()
    assert until(lambda: not is_running(int(pid)), 10)
    # Other tests compile into build/ at this moment: only what this clang was to write counts.
    if command == DEMO:
        output = Path(arguments[arguments.index("-o") + 1])
        assert output.parent.name.startswith("tmp")
        assert not output.parent.exists()
    assert not list(scratch.iterdir())


# --- object files


def big(path: Path, head: bytes) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(2 << 30)
    return path


@pytest.mark.parametrize(
    ("head", "cause"),
    [(bytes(64), "is not an ELF file"), (b"\x7fELF\x02\x01\x01", "has 2,147,483,648 bytes")],
)
def test_a_huge_file_is_refused_without_being_read(tmp_path, head, cause):
    path = big(tmp_path / "huge.o", head)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(objfile.ObjectFileError, match=f"huge.o {cause}"):
        objfile.read(path)
    with pytest.raises(loader.LoadError, match=f"huge.o {cause}"):
        loader.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


@root_only
def test_an_object_file_that_may_not_be_read(place, sockex1_object):
    path = place / "a.o"
    path.write_bytes(sockex1_object.read_bytes())
    path.chmod(0o600)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    os.chown(path, NOBODY, NOBODY)
    code = "import sys\nfrom helpers import errors, loader, objfile\n"
    code += "for use in (objfile.read, loader.load):\n"
    code += "    try: use(sys.argv[1])\n    except errors.CourseError as error: print(error)"
    result = run([sys.executable, "-c", code, str(path)], *drop)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert all(f"{path} cannot be read, it belongs to nobody" in line for line in lines)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.o")
    for path in (tmp_path / "pipe.o", tmp_path):
        with pytest.raises(objfile.ObjectFileError, match="no object file to read .*, which is"):
            objfile.read(path)
        with pytest.raises(loader.LoadError, match="There is no object file"):
            loader.load(path)


# Every cell of a chapter in one process, as Run All would, going on after a sentence.
RUN_ALL = """
import json, os, sys, tempfile
from pathlib import Path
from helpers.errors import CourseError

cells = json.loads(Path(sys.argv[1]).read_bytes())["cells"]
os.chdir(tempfile.mkdtemp(dir=sys.argv[2]))
names = {"__name__": "__main__"}
for cell in cells:
    if cell["cell_type"] == "code":
        try:
            exec("".join(cell["source"]), names)
        except CourseError as error:
            print("SAID", error)
"""


@pytest.mark.kernel
def test_chapter_03_goes_through_without_ipv6(tmp_path):
    chapter = next((COURSE / "notebooks").glob("03_*.ipynb"))
    command = [sys.executable, "-c", RUN_ALL, str(chapter), str(tmp_path)]
    given = os.environ | {"MPLBACKEND": "agg"}
    result = run(command, env=given, preexec_fn=no_ipv6())
    assert result.returncode == 0, result.stderr
    said = [line for line in result.stdout.splitlines() if line.startswith("SAID")]
    assert len(said) == 4
    assert all("has no IPv6 (this kernel was started with ipv6.disable=1" in each for each in said)
