"""What a learner sees of strace, and what they see where it may not watch."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
from unwelcome import no_call

from chapters.ch06 import strace

PTRACE = {"x86_64": 101, "aarch64": 117}
WATCH = "from chapters.ch06 import strace; print(strace.watch(['true']))"


def test_it_shows_the_calls_that_were_asked_for_and_the_end(tmp_path):
    (tmp_path / "greeting.txt").write_text("Hello, kernel.\n")
    path = str(tmp_path / "greeting.txt")
    lines = strace.watch(["cat", path], "-e", "trace=openat,read,write,close").splitlines()
    start = next(n for n, line in enumerate(lines) if path in line)
    assert lines[start].startswith("openat(") and lines[start].endswith("= 3")
    assert any(line.startswith('read(3, "Hello, kernel.\\n"') for line in lines[start:])
    assert any(line.startswith('write(1, "Hello, kernel.\\n"') for line in lines[start:])
    assert lines[-1] == "+++ exited with 0 +++"


def test_it_begins_where_it_is_told_to_and_at_the_start_if_that_is_nowhere():
    lines = strace.watch(["cat", "/dev/null"], since='"/dev/null", O_RDONLY').splitlines()
    assert lines[0].startswith("openat(") and '"/dev/null"' in lines[0]
    assert strace.watch(["true"], since="no such text").startswith("execve(")


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


LOADED = (
    "bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_SOCKET_FILTER, insn_cnt=2, insns=[{code=BPF_ALU64|"
    "BPF_K|BPF_MOV, dst_reg=BPF_REG_0, src_reg=BPF_REG_0, off=0, imm=0}, {code=BPF_JMP|BPF_K|"
    'BPF_EXIT, dst_reg=BPF_REG_0, src_reg=BPF_REG_0, off=0, imm=0}], license="GPL", log_level=0}'
    ", 64) = 4"
)
BTF = 'bpf(BPF_BTF_LOAD, {btf="\\237\\353\\1"..., btf_log_buf=NULL, btf_size=45}, 28) = 3'


def test_a_line_is_cut_in_the_middle_and_keeps_its_result():
    short = strace.shorten(LOADED, width=80)
    assert short.startswith("bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_SOCKET_FILTER, insn_cnt=2")
    assert short.endswith(" ... = 4") and len(short) == 80 + len(" ... = 4")
    assert "insns=...," in strace.shorten(LOADED, width=200)
    assert strace.shorten(BTF) == BTF.replace('"\\237\\353\\1"...', "...")
    assert strace.shorten("+++ exited with 0 +++") == "+++ exited with 0 +++"


def test_a_call_is_found_and_taken_apart():
    lines = [LOADED.replace("= 4", "= 3"), LOADED, BTF, "+++ exited with 0 +++"]
    call = strace.last(lines, "BPF_PROG_LOAD")
    assert call == LOADED
    assert strace.field(call, "insn_cnt") == "2"
    assert strace.field(call, "license") == '"GPL"'
    assert strace.field(call, "prog_name") == "not in the form"
    assert [code.count("BPF_EXIT") for code in strace.instructions(call)] == [0, 1]


def test_where_nothing_was_seen_it_says_so():
    call = strace.last([strace.REFUSED], "BPF_PROG_LOAD")
    assert strace.field(call, "insn_cnt") == "not seen"
    assert strace.instructions(call) == []
