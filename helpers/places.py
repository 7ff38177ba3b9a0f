"""Why a file or a folder cannot be written to, or nothing more be opened: the cause, looked at.

Laboratory equipment, used by all that writes: an error number has many causes, and each its cure.
Standard library only: ./course uses it before anything is installed.
"""

from __future__ import annotations

import errno
import os
import pwd
import resource
import shutil
import signal
import tempfile
from pathlib import Path

SCARCE = 1 << 20  # bytes: with less than that left, a file system counts as full
LARGEST_OBJECT = 64 << 20  # bytes; clang's are of a few thousand
VMSTAT = Path("/proc/vmstat")


def user_name(number: int) -> str:
    """What a user is called; "user 1234" if no entry of the password database has the number."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def has_entry(number: int) -> bool:
    """Whether the password database has a user of this number."""
    return user_name(number) != f"user {number}"


def exhausted(error: OSError) -> str:
    """What there is no more of, and what helps, as "cause: cure."; "" for any other error.

    Source: errno(3), getrlimit(2).
    """
    if error.errno == errno.EMFILE:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return (
            f"this process has as many files open as it may ({most}): close what is done with, "
            "restart the kernel, or start the course after ulimit -n 1024."
        )
    if error.errno == errno.ENFILE:
        return "this machine has as many files open as it may: end other programs."
    if error.errno == errno.ENOMEM:
        return "there is no memory left here: end other programs, or give this machine more."
    if error.errno == errno.EAGAIN:
        most = resource.getrlimit(resource.RLIMIT_NPROC)[0]
        return f"this user may not start more processes ({most}, ulimit -u): end some of them."
    return ""


def content(path: Path) -> str:
    """What a file of the kernel's says; "" if it does not."""
    return path.read_text().strip() if os.access(path, os.R_OK) else ""


def memory_kills() -> int:
    """How often this kernel has ended a process because memory ran out. Source: proc(5), vmstat."""
    lines = content(VMSTAT).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def ended(program: str, number: int, kills: int) -> str:
    """What ended a program that a signal ended, and what helps, as "cause: cure."

    Arguments: the program's name; the signal's number; memory_kills() from before it started.
    """
    if number in (signal.SIGINT, signal.SIGTERM):
        return f"{program} was stopped before its end: start it again."
    if number == signal.SIGKILL and memory_kills() > kills:
        return (
            f"memory ran out, and the kernel ended {program} for it: end other programs, or give "
            "this machine 2 GB."
        )
    limits = {signal.SIGXFSZ: "size of a file (ulimit -f)", signal.SIGXCPU: "time (ulimit -t)"}
    if number in limits:
        return f"{program} came to a limit of {limits[number]}: raise it, and start again."
    name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
    if number == signal.SIGKILL:
        return f"{program} was killed from outside (SIGKILL), not for lack of memory: start again."
    return f"{program} itself broke down ({name}): start again, or install it anew."


def may(path: Path, mode: int) -> bool:
    """Whether this process may, as it is now: access(2) asks for its real user otherwise."""
    return os.access(path, mode, effective_ids=True)


def existing(path: Path) -> Path:
    """The path, or the innermost folder around it that can be seen to be there."""
    return next((each for each in (path, *path.parents) if os.path.lexists(each)), Path("/"))


def unwritable(path: Path, error: OSError) -> str:
    """Why nothing could be written there, and what helps, as "cause: cure."

    Arguments: path: the file or folder; error: what the kernel answered.
    Source: statvfs(3), path_resolution(7).
    """
    there = existing(path)
    if said := exhausted(error):
        return said
    if error.errno == errno.EROFS:
        return f"{there} is on a file system that is read-only: {ELSEWHERE}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(there, error)
    if there != path and not there.is_dir() or error.errno == errno.ENOTDIR:
        return f"{there} is a file, where a folder has to be: move it away."
    if error.errno in (errno.EACCES, errno.EPERM):
        return forbidden(there, error)
    return f"{there} does not take it ({error.strerror}): {ELSEWHERE}."


ELSEWHERE = "put a clone of the course into a folder of your own, on a disk of this machine"


def full(there: Path, error: OSError) -> str:
    """The same where there is no room."""
    other = f"{there} takes no more of you ({error.strerror}): delete what you do not need there."
    return no_room(there) or other


def no_room(there: Path, least: int = SCARCE) -> str:
    """What a file system has too little of, as "cause: cure."; "" if nothing.

    Arguments: there: a path on it; least: bytes that have to be free. Source: statvfs(3).
    """
    room = os.statvfs(there)
    if room.f_files and not room.f_favail:
        return f"the file system of {there} has no inode left (df -i): delete files that it holds."
    if room.f_bavail * room.f_frsize < least:
        return f"the disk at {there} is full: free about 2 GB."
    return ""


def forbidden(there: Path, error: OSError) -> str:
    """The same where this user may not."""
    user = os.geteuid()
    for each in reversed((there, *there.parents)):
        if each.is_dir() and not may(each, os.X_OK):
            return f"{each} may not be entered by {user_name(user)}: {ELSEWHERE}."
    holder = there.lstat().st_uid
    if user and holder != user:
        return belongs(there, holder)
    if not may(there, os.W_OK):
        return f"{there} is write-protected: let yourself write again with chmod -R u+w '{there}'."
    return f"{there} does not take it ({error.strerror}): {ELSEWHERE}."


def belongs(there: Path, holder: int, whole: Path | None = None) -> str:
    """The same for what is somebody else's: root's after sudo, most often. whole: what to take back
    with it."""
    mine = f"{os.geteuid()}:{os.getegid()}"
    if holder == 0:
        cure = as_root(f"chown -R {mine} '{whole or there}'")
        return f"{there} belongs to root, as after sudo: take it back with {cure}."
    return f"{there} belongs to {user_name(holder)}: {ELSEWHERE}."


def as_root(command: str) -> str:
    """What to type for a command that is root's: with sudo, or with su where there is no sudo, as
    on a Debian whose root has a password. Source: sudo(8), su(1)."""
    return f"sudo {command}" if shutil.which("sudo") else f'su -c "{command}"'


def unfit(path: Path) -> str:
    """Why a file cannot be an object file, as far as a look from outside tells, in a sentence with
    the cure; "" if it may be one, or is not there. Its content is not read. Source: elf(5)."""
    if not path.exists():
        return ""
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file in the usual sense"
        return f"There is no object file to read at {path}, which is {what}: pass clang's (the .o)."
    try:
        with path.open("rb") as file:
            magic, size = file.read(4), os.fstat(file.fileno()).st_size
    except OSError as error:
        return f"{path} cannot be read, {exhausted(error) or unreadable(path, error)}"
    if size > LARGEST_OBJECT:
        what = f"has {size:,} bytes, and no object file for BPF has {LARGEST_OBJECT:,}"
        what = what if magic == b"\x7fELF" else "is not an ELF file"
        return f"{path.name} {what}: pass what the compiler wrote (the .o), not the C file."
    return ""


def unreadable(path: Path, error: OSError) -> str:
    """The same for a file that is there and not to be read."""
    if error.errno not in (errno.EACCES, errno.EPERM):
        return f"it may be damaged ({error.strerror}): compile it again."
    holder = path.stat().st_uid
    cure = f"chmod u+r '{path}'" if holder == os.geteuid() else as_root(f"chown $USER '{path}'")
    return f"it belongs to {user_name(holder)}, who lets you not: {cure}, or compile it again."


def foreign(top: Path) -> Path | None:
    """The first file in a folder, or the folder itself, that belongs to another user and that this
    one cannot write to; None if there is none. Links are not followed."""
    user = os.geteuid()
    if not os.path.lexists(top):
        return None
    for each in (top, *top.rglob("*")):
        if each.lstat().st_uid != user and not each.is_symlink() and not may(each, os.W_OK):
            return each
    return None


def trouble(folder: Path) -> str:
    """Why no file can be made in a folder, as "cause: cure."; "" if one can. It is tried."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(512))
    except OSError as error:
        return unwritable(folder, error)
    return ""
