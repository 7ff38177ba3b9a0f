"""Wait for a condition, not for a time."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    # Asked once more after it came true, a condition on traffic under way may be false again.
    while not condition():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def listens(port: int, seconds: float = 20) -> bool:
    """Whether someone listens there in time: JupyterLab prints its address a moment before."""
    with socket.socket() as probe:
        return until(lambda: probe.connect_ex(("127.0.0.1", port)) == 0, seconds)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended; nobody may have waited for it yet."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
