"""Watch what a command asks of the kernel: strace, for a notebook.

Laboratory equipment, first used in chapter 06.
"""

from __future__ import annotations

import subprocess
import tempfile

REFUSED = (
    "strace may not watch a process here: a container's seccomp filter or kernel.yama.ptrace_scope "
    "forbids it, so read the output that is stored with the course."
)
MISSING = "strace is not installed: run ./course lab, which installs it, or install strace."


def watch(command: list[str], *options: str) -> str:
    """Run a command to its end, and tell which system calls it made, one to a line.

    Arguments: command, such as ["cat", "file"]; options for strace, such as "-e", "trace=bpf".
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
        return seen
    return REFUSED if "ptrace" in result.stderr.lower() else result.stderr.strip()
