"""What a learner sees of strace, and what they see where it may not watch."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
from unwelcome import no_call

from helpers import strace

PTRACE = {"x86_64": 101, "aarch64": 117}
WATCH = "from helpers import strace; print(strace.watch(['true']))"


def test_it_shows_the_calls_that_were_asked_for_and_the_end(tmp_path):
    (tmp_path / "greeting.txt").write_text("Hello, kernel.\n")
    path = str(tmp_path / "greeting.txt")
    lines = strace.watch(["cat", path], "-e", "trace=openat,read,write,close").splitlines()
    start = next(n for n, line in enumerate(lines) if path in line)
    assert lines[start].startswith("openat(") and lines[start].endswith("= 3")
    assert any(line.startswith('read(3, "Hello, kernel.\\n"') for line in lines[start:])
    assert any(line.startswith('write(1, "Hello, kernel.\\n"') for line in lines[start:])
    assert lines[-1] == "+++ exited with 0 +++"


def test_a_command_that_fails_still_shows_its_calls():
    assert strace.watch(["false"]).endswith("+++ exited with 1 +++\n")


def test_a_command_that_there_is_not_is_named():
    assert "/nonexistent" in strace.watch(["/nonexistent"])


def test_without_strace_there_is_a_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert strace.watch(["true"]) == strace.MISSING


@pytest.mark.skipif(platform.machine() not in PTRACE, reason="the number of ptrace(2) is not known")
def test_where_ptrace_is_refused_there_is_a_sentence():
    result = subprocess.run(
        [sys.executable, "-c", WATCH],
        preexec_fn=no_call(PTRACE[platform.machine()]),
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == strace.REFUSED, result.stderr
