"""A BPF file system of one's own: names for maps and programs that outlive their descriptors.

Built in chapter 12, beyond_sockex1. A pinned map stays in the kernel after its process, for ever;
so the course pins only in a file system that ends with the notebook, even if that is killed: it is
mounted in a small process's own mount namespace, and nobody else's folders change.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from pathlib import Path

from helpers import libbpf
from helpers.errors import CourseError

# `read` ends when the other end of its input does, that is with us.
MOUNT_AND_WAIT = "mount -t bpf bpf /sys/fs/bpf && echo mounted && read nothing"


class PinError(CourseError):
    """Nothing can be pinned here, or there is no such name."""


class BpfFileSystem:
    """A mounted BPF file system, from open_bpffs(); `.path` is its folder."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT_AND_WAIT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; our end is its end
            text=True,
        )
        self.path = Path(f"/proc/{self._holder.pid}/root/sys/fs/bpf")
        if not self._holder.stdout.readline():
            complaint = self._holder.stderr.read().strip().splitlines()
            self.close()
            raise PinError(
                "Pinning needs a BPF file system, and only root may mount one "
                f"({complaint[0] if complaint else 'no reason given'}): start as root to try it."
            )

    def pin(self, fd: int, name: str) -> Path:
        """Give a map or a program a name. Result: the path that it can be opened by.

        Errors: PinError. Source: BPF_OBJ_PIN in bpf(2) and <linux/bpf.h>. Built in chapter 12.
        """
        path = self.path / name
        if libbpf.library().bpf_obj_pin(fd, os.fsencode(path)):
            raise PinError(_explain(path))
        return path

    def close(self) -> None:
        """Unmount it: the pins are gone, and what nobody else holds with them."""
        self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()
        self._holder.stderr.close()

    def __enter__(self) -> BpfFileSystem:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_bpffs() -> BpfFileSystem:
    """A new BPF file system; use it with `with`, or close() it.

    Errors: PinError for all but root. Source: mount_namespaces(7). Built in chapter 12.
    """
    return BpfFileSystem()


def find(path: str | Path) -> int:
    """A descriptor for what is pinned under this path, from any process that may open it.

    Errors: PinError. Source: BPF_OBJ_GET in bpf(2). Built in chapter 12.
    """
    fd = libbpf.library().bpf_obj_get(os.fsencode(path))
    if fd < 0:
        raise PinError(_explain(Path(path)))
    return fd


def _explain(path: Path) -> str:
    number = ctypes.get_errno()
    if number == errno.ENOENT:
        return f"Nothing is pinned as {path.name}: look into {path.parent}."
    if number == errno.EEXIST:
        return f"Something is pinned as {path.name} already: choose another name."
    if number == errno.EACCES:
        return f"This process may not pin in {path.parent}: start as root."
    return f"{path.name} cannot be pinned or opened in {path.parent} ({os.strerror(number)})."
