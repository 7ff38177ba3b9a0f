"""What lies around the course and has stopped learners: looked at, and each with its cure.

Laboratory equipment, of the readiness report. Standard library only. Each function returns
"cause: cure", or "" where nothing is in the way.
"""

from __future__ import annotations

import ctypes
import os
import socket
import tempfile
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from chapters.ch00 import copies
from helpers import places

ROOT = Path("/")
# File systems of other machines, by the names that /proc/self/mounts has for them.
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
SECONDS_TO_ANSWER = 3.0


def temporary_files() -> str:
    """Whether files for a while can be written, and programs among them started."""
    folder = Path(os.environ.get("TMPDIR") or "/tmp")
    if said := places.trouble(folder) if folder.is_dir() else f"{folder} is not there: make it.":
        return said
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        Path(file.name).chmod(0o700)
        if os.access(file.name, os.X_OK):
            return ""
    return (
        f"no program can be started in {folder}, which is mounted noexec: set TMPDIR to a folder "
        "of your own, where packages are built and chapter 11 compiles."
    )


def watches(root: Path = ROOT) -> str:
    """Whether this user can have one more inotify instance, which an editor takes, too."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    if fd >= 0:
        os.close(fd)
        return ""
    # The kernel has one answer for this, and for as many open files as the process may have.
    try:
        limit = (root / "proc/sys/fs/inotify/max_user_instances").read_text().strip()
    except OSError as error:
        return places.exhausted(error) or f"inotify cannot be used here ({error}): go on without."
    return (
        f"this user has all {limit} inotify instances in use: end programs that watch files, or "
        "let root run sysctl fs.inotify.max_user_instances=1024."
    )


def proxy() -> str:
    """Whether the proxy that the environment names answers."""
    # In small letters it wins over one in capitals, for curl, pip and uv alike.
    named = {name.lower(): name for name in sorted(os.environ) if name.lower().endswith("_proxy")}
    for name in named.values():
        address = os.environ[name]
        where = urlsplit(address if "://" in address else f"http://{address}")
        if name.lower() == "no_proxy" or not where.hostname:
            continue
        if said := silent(where, SECONDS_TO_ANSWER):
            return (
                f"the proxy {where.hostname} does not answer ({said}), so nothing can be "
                f"installed: correct {name}, or unset it."
            )
    return ""


def silent(where: SplitResult, seconds: float) -> str:
    """Why nobody answers at an address, in the system's words; "" if somebody does. It is tried.

    Arguments: where: with a host's name. seconds: how long to wait.
    """
    try:
        port = where.port or (443 if where.scheme == "https" else 80)
        socket.create_connection((where.hostname, port), seconds).close()
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", "") or str(error)
    return ""


def file_system(path: Path, root: Path = ROOT) -> str:
    """The type of the file system that holds a path. Source: proc(5), /proc/self/mounts."""
    lines = (root / "proc/self/mounts").read_text().splitlines()
    mounts = [line.split()[1:3] for line in lines]
    holding = [
        (where.replace("\\040", " "), type)
        for where, type in mounts
        if path.is_relative_to(where.replace("\\040", " "))
    ]
    return max(enumerate(holding), key=lambda each: (len(each[1][0]), each[0]))[1][1]


def home(root: Path = ROOT) -> str:
    """Whether HOME can be written to, and is of this machine."""
    path = Path(os.environ.get("HOME") or "/nonexistent")
    if not path.is_dir() or not places.may(path, os.W_OK | os.X_OK):
        return (
            f"HOME is {path}, which cannot be written to, so Jupyter uses the course's build/: "
            "set HOME to a folder of your own, if you want its settings kept."
        )
    if (type := file_system(path.resolve(), root)) in REMOTE:
        return (
            f"HOME is on another machine ({type}), which may be slow and forbids some locks: put "
            "the course on a disk of this machine, if JupyterLab hangs."
        )
    return ""


def old_copies(stored: Path, work: Path) -> str:
    """Whether the learner's copies are of this version of the course."""
    old = copies.left_behind(stored, work) if work.is_dir() else []
    if not old:
        return ""
    first = copies.number(old[0])
    return (
        f"the course has gone on in {', '.join(old)}: ./course diff {first} shows what is new, "
        f"./course reset {first} takes it and keeps yours aside."
    )
