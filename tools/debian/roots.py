"""Root file systems of Debian, made from its packages, kept in the course's cache, and entered.

`bare` is what mmdebstrap makes: the packages that no Debian lacks, and git, with which a stranger
fetched the course. `set-up-...` is what ./course put on top of it. What a command in there writes
is kept in memory and goes with it.
Source: mmdebstrap(1), mount_namespaces(7), pivot_root(2), the kernel's overlayfs.rst.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from helpers.toolchain import COURSE
from tools import packages
from tools.debian import settings
from tools.private_apt import FetchError, alone, cache, mirror, workplace

SUITES = {"12": "bookworm", "13": "trixie", "14": "forky"}
PLACE = Path("/opt/packet-tracing-with-bpf")  # the course, in there
SET_UP = ("course", "pyproject.toml", "tools/setup.py", "tools/environment.py")
SET_UP += ("tools/install_packages.sh",)
NEEDED = 4 << 30  # bytes that a root file system takes while it is made
# All that runs in it is killed when whoever started it is gone, and the mounts are gone then, too.
# Signals that the starter ignores, as a shell's background job does SIGINT, are none of its own.
WITH_STARTER = ("setpriv", "--pdeathsig", "KILL")
ALONE = ("env", "--default-signal", *WITH_STARTER, "unshare", "--mount", "--propagation", "private")
ALONE += ("--pid", "--fork", "--kill-child", "--mount-proc")
MEMORY = "memory"


class RootError(FetchError):
    """There is no such root file system, or it cannot be made."""


@dataclass(frozen=True)
class Root:
    """A Debian that a command can run in. name: as it was asked for, "13"; suite: its name."""

    name: str
    suite: str
    folder: Path

    def run(self, *command: str, lower: str, layer: str = MEMORY, **more) -> int:
        """Run a command in the course's folder in there, and give its exit status.

        Arguments: the folders that it sees, as overlayfs takes them; the folder that keeps what
            it writes; more: further arguments of subprocess.run, and pack()'s revision.
        """
        files, variables, local = settings.handed_over(self.suite, os.environ)
        with tempfile.TemporaryFile() as archive:
            pack(archive, files, more.pop("revision", ""))
            descriptors = (archive.fileno(), *more.pop("pass_fds", ()))
            given = [self.folder, layer, lower, PLACE, str(archive.fileno())]
            given += ["\n".join(map(str, sorted(local)))]
            script = Path(__file__).with_name("enter.sh")
            whole = [*ALONE, script, *given, *command]
            return subprocess.run(whole, env=variables, pass_fds=descriptors, **more).returncode


def find(name: str) -> Root:
    """The root of a release, "13", or of a suite by its name, "sid". Errors: RootError."""
    suite = SUITES.get(name, name)
    if not re.fullmatch("[a-z]+", suite):
        raise RootError(f"There is no Debian {name} here: say {', '.join(SUITES)}, or sid.")
    return Root(name, suite, cache() / "debian" / suite)


def tracked() -> list[str]:
    """The names of the course's files, as git knows them. Errors: RootError."""
    command = ["git", "-c", f"safe.directory={COURSE}", "-C", COURSE, "ls-files", "-z"]
    try:
        said = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise RootError("git says what belongs to the course: install it, and clone it.") from error
    return [name for name in said.split("\0") if name and os.path.lexists(COURSE / name)]


def at(revision: str) -> Iterator[tuple[tarfile.TarInfo, io.BufferedReader | None]]:
    """The files of one commit. Errors: RootError."""
    command = ["git", "-c", f"safe.directory={COURSE}", "-C", COURSE, "archive", revision]
    result = subprocess.run(command, capture_output=True)
    if result.returncode:
        raise RootError(f"git has no commit {revision} here: clone the course with its history.")
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as tar:
        for member in tar:
            yield member, tar.extractfile(member) if member.isfile() else None


def pack(archive: io.BufferedIOBase, files: dict[str, str], revision: str = "") -> None:
    """Write a tar archive of the course, and of files by their text, and go to its beginning.

    revision: which commit of the course; by default it is as it lies here.
    Errors: RootError.
    """
    inside = PLACE.relative_to("/")
    with tarfile.open(fileobj=archive, mode="w") as tar:
        if revision:
            for member, content in at(revision):
                member.name = str(inside / member.name)
                tar.addfile(member, content)
        else:
            for name in tracked():
                tar.add(COURSE / name, inside / name, recursive=False)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content := text.encode())
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)


def state() -> str:
    """What the set-up depends on: when this changes, it is made anew."""
    texts = ((COURSE / name).read_bytes() for name in SET_UP)
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:12]


@contextmanager
def held(folder: Path, how: int = fcntl.LOCK_SH) -> Iterator[None]:
    """Hold a folder, or with LOCK_EX | LOCK_NB be its only holder. Source: flock(2).

    Errors: BlockingIOError.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def ready(root: Root) -> Iterator[str]:
    """The folders of a root in which ./course has set up all, made now if they are missing.

    Yields: for Root.run(lower=...); they stay at least until the end. Errors: RootError.
    """
    set_up = root.folder / f"set-up-{state()}"
    with ExitStack() as holding:
        with alone(root.folder):
            have_bare(root)
            if not set_up.is_dir():
                remove_unused(root)
                make_set_up(root, set_up)
            holding.enter_context(held(set_up))
        yield f"{set_up.name}:bare"


def remove_unused(root: Root) -> None:
    """Remove the set-ups of other states of the course, unless a run is using them."""
    for folder in root.folder.glob("set-up-*"):
        with suppress(BlockingIOError), held(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder)


def have_bare(root: Root) -> None:
    """Make the folder `bare`, if it is missing. Errors: RootError."""
    (root.folder / MEMORY).mkdir(exist_ok=True)
    if not (root.folder / "bare").is_dir():
        make_bare(root)


def make_bare(root: Root) -> None:
    """Make the folder `bare`, which appears when it is whole. Errors: RootError."""
    packages.need("mmdebstrap", "debian-archive-keyring", "git")
    if shutil.disk_usage(root.folder).free < NEEDED:
        raise RootError(f"The disk is nearly full: free {NEEDED >> 30} GB at {root.folder}.")
    print(f"making a bare Debian {root.suite}, a minute ...", file=sys.stderr, flush=True)
    with workplace(root.folder) as scratch:
        made = scratch / "bare"
        options = ["--mode=root", "--variant=minbase", "--include=git", "--format=directory"]
        options += [f"--aptopt={line}" for line in settings.apt()]
        command = [*ALONE, "mmdebstrap", *options, root.suite, made, mirror()]
        result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if result.returncode:
            errors = re.findall(r"^E: (.*)", result.stderr, re.MULTILINE) or ["it was killed"]
            raise RootError(
                f"mmdebstrap could not make Debian {root.suite} ({errors[0]}): is the network "
                "there, and is that a suite of Debian? Then start again."
            )
        made.chmod(0o755)
        made.rename(root.folder / "bare")


def make_set_up(root: Root, target: Path) -> None:
    """Let ./course set up in the bare root, and keep what it wrote there. Errors: RootError."""
    print("./course sets up in there, some minutes ...", file=sys.stderr, flush=True)
    with workplace(root.folder) as scratch:
        script = "./course test --version || { tail -n 20 course.log >&2; exit 1; }"
        if root.run("sh", "-c", script, layer=scratch.name, lower="bare"):
            raise RootError(f"./course could not set up in Debian {root.suite}: see above.")
        (scratch / "upper").rename(target)
