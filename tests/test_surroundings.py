"""What lies around the course: each trouble is made here, in private, and has its sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stored import COURSE
from unwelcome import with_mounts

from chapters.ch00 import surroundings


def asked(name: str, *before: str, **more: str) -> str:
    code = f"from chapters.ch00 import surroundings; print(surroundings.{name}())"
    command = [*before, sys.executable, "-c", code]
    given = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")} | more
    return subprocess.check_output(command, cwd=COURSE, env=given, text=True).strip()


@pytest.mark.parametrize("name", ["temporary_files", "watches", "proxy"])
def test_nothing_is_wrong_here(name):
    assert asked(name) == ""


def test_tmp_that_is_noexec_full_or_not_there(tmp_path):
    (tmp_path / "tmp").mkdir()
    mount = f"-t tmpfs -o {{}} none '{tmp_path}/tmp'"
    tmp = {"TMPDIR": f"{tmp_path}/tmp"}
    said = asked("temporary_files", *with_mounts(mount.format("noexec")), **tmp)
    assert said.startswith(f"no program can be started in {tmp_path}/tmp, which is mounted noexec")
    fill = ["sh", "-c", 'head -c 9999 /dev/zero >"$TMPDIR/full" 2>/dev/null; exec "$@"', "sh"]
    said = asked("temporary_files", *with_mounts(mount.format("size=4k")), *fill, **tmp)
    assert said == f"the disk at {tmp_path}/tmp is full: free about 2 GB."
    said = asked("temporary_files", TMPDIR=f"{tmp_path}/nowhere")
    assert said == f"{tmp_path}/nowhere is not there: make it."


def test_no_inotify_instance_left_is_told_from_open_files():
    script = (
        "import ctypes\nfrom chapters.ch00 import surroundings\n"
        "libc = ctypes.CDLL(None)\nheld = []\n"
        "while (fd := libc.inotify_init1(0)) >= 0: held.append(fd)\n"
        "print(surroundings.watches())"
    )
    # In a user namespace of its own the limit can be set, and is nobody else's.
    lower = 'echo 3 >/proc/sys/user/max_inotify_instances; exec "$@"'
    before = ["unshare", "--user", "--map-root-user", "sh", "-c", lower, "sh"]
    command = [*before, sys.executable, "-c", script]
    said = subprocess.check_output(command, cwd=COURSE, text=True)
    assert "inotify instances in use: end programs that watch files" in said
    command = ["prlimit", "--nofile=20", sys.executable, "-c", script]
    said = subprocess.check_output(command, cwd=COURSE, text=True)
    assert said.startswith("this process has as many files open as it may (20)")


def test_a_proxy_that_does_not_answer():
    said = asked("proxy", https_proxy="http://ana:geheim@127.0.0.1:9")
    assert said.startswith("the proxy 127.0.0.1 does not answer (Connection refused)")
    assert "https_proxy" in said
    assert "geheim" not in said


def test_home_on_another_machine_and_none(tmp_path, monkeypatch):
    (tmp_path / "proc/self").mkdir(parents=True)
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n"
    (tmp_path / "proc/self/mounts").write_text(mounts)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert surroundings.home(tmp_path).startswith("HOME is on another machine (nfs4)")
    (tmp_path / "proc/self/mounts").write_text("/dev/vda / ext4 rw 0 0\n")
    assert surroundings.home(tmp_path) == ""
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert "which cannot be written to" in surroundings.home(tmp_path)


def test_copies_that_the_course_has_gone_past(tmp_path):
    for name, text in (("notebooks", "new"), ("work", "mine")):
        (tmp_path / name).mkdir()
        cells = {"cells": [{"cell_type": "markdown", "source": text}]}
        (tmp_path / name / "03_load.ipynb").write_text(json.dumps(cells))
    stored, work = tmp_path / "notebooks", tmp_path / "work"
    assert surroundings.old_copies(stored, work) == ""
    told = surroundings.copies.fingerprint(stored / "03_load.ipynb")
    Path(work / ".course.json").write_text(json.dumps({"03_load.ipynb": {"told": told}}))
    said = surroundings.old_copies(stored, work)
    assert said.startswith("the course has gone on in 03_load: ./course diff 03")


def test_what_lies_around_is_a_warning_of_the_report_with_its_cure():
    code = "from chapters.ch00 import readiness; print(readiness.report())"
    wrong = {"https_proxy": "http://127.0.0.1:9", "HOME": "/nowhere", "TMPDIR": "/nowhere/tmp"}
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, cwd=COURSE, env=os.environ | wrong, text=True)
    rows = {line[9:].partition("  ")[0]: line for line in said.splitlines() if line[:1].strip()}
    begins = {
        "temporary files": "/nowhere/tmp is not there",
        "proxy": "The proxy 127.0.0.1 does not answer",
        "home": "HOME is /nowhere, which cannot be written to",
    }
    for name, beginning in begins.items():
        assert rows[name].startswith("warning") and beginning in rows[name]
    assert rows["watched files"].startswith("ok")
