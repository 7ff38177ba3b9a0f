"""Watch what a command asks of the kernel: strace, for a notebook.

Laboratory equipment, first used in chapter 06.
"""

from __future__ import annotations

import re
import subprocess
import tempfile

REFUSED = (
    "strace may not watch a process here: a container's seccomp filter or kernel.yama.ptrace_scope "
    "forbids it, so read the output that is stored with the course, in notebooks/."
)
MISSING = (
    "strace is not installed: run ./course lab, which installs it, or read the output that is "
    "stored with the course, in notebooks/."
)


def watch(command: list[str], *options: str, since: str = "") -> str:
    """Run a command to its end, and tell which system calls it made, one to a line.

    Arguments:
        command: such as ["cat", "file"]. options: for strace, such as "-e", "trace=bpf".
        since: leave out the calls before the first with this text, such as those that start it.
    Result: strace's lines, the last of them with the command's status. Where strace is missing or
        may not watch, one sentence that says so, in their place: a notebook can go on without.
    Source: strace(1), ptrace(2).
    """
    with tempfile.NamedTemporaryFile("r", prefix="course-", errors="replace") as calls:
        tracing = ["strace", "-e", "signal=none", "-o", calls.name, *options, *command]
        try:
            result = subprocess.run(
                tracing, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
            )
        except FileNotFoundError:
            return MISSING
        seen = calls.read()
    if seen:
        lines = seen.splitlines(keepends=True)
        start = next((n for n, line in enumerate(lines) if since in line), 0)
        return "".join(lines[start:])
    return REFUSED if "ptrace" in result.stderr.lower() else result.stderr.strip()


def shorten(line: str, width: int = 90) -> str:
    """A line of strace without lists of instructions and bytes, and cut in the middle.

    What the call gave back, at the end of the line, stays.
    """
    line = re.sub(r'(insns|btf)=(\[.*?\]|".*?"\.\.\.)', r"\1=...", line)
    call, equals, result = line.rpartition(" = ")
    return f"{call[:width]} ...{equals}{result}" if len(call) > width else line


def last(lines: list[str], command: str) -> str:
    """The last bpf(2) call of `lines` with this command, such as "BPF_MAP_CREATE"; "" if none."""
    return next((line for line in reversed(lines) if line.startswith(f"bpf({command},")), "")


def field(call: str, name: str) -> str:
    """What a bpf(2) call has in the field of that name, as strace writes it."""
    value = re.search(rf"\b{name}=([^,}}]+)", call)
    return value[1] if value else "not in the form" if call else "not seen"


def instructions(call: str) -> list[str]:
    """The instructions that a call of BPF_PROG_LOAD hands over; strace shows them with -v."""
    return re.findall(r"\{code=.*?\}", call)
