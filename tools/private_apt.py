"""apt in a folder of its own: other suites' packages, checked by apt, this machine untouched.

Laboratory equipment, used by the kernel matrix and by ./course kernel-sample. Nothing is
installed: packages are downloaded and unpacked. It needs no root.
Source: apt.conf(5), sources.list(5), apt-secure(8), dpkg-deb(1).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import CourseError

UNFINISHED = "unfinished-"  # how the folders of workplace() begin
SYSTEM = Path("/etc/apt")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
CONFIGURATION = """\
Dir "{folder}";
Dir::State "state";
Dir::State::status "{folder}/status";
Dir::Cache "cache";
Dir::Etc "{etc}";
Dir::Etc::SourceList "{sources}";
Dir::Etc::SourceParts "{parts}";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
"""


class FetchError(CourseError):
    """A package could not be had."""


def cache() -> Path:
    """Where the course keeps what it has fetched, outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "packet-tracing-with-bpf"


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Be the only one who fetches into a folder; what a killed one has left in it is removed.

    The lock is what makes that safe: nobody who holds none is at work in a folder of workplace().
    The kernel gives it back when its owner ends, however that ends. Source: flock(2).
    """
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another start is fetching into {place}: waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in place.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def workplace(place: Path) -> Iterator[Path]:
    """A folder in `place` for what is not whole yet; it is removed at the end."""
    with tempfile.TemporaryDirectory(dir=place, prefix=UNFINISHED) as folder:
        yield Path(folder)


def mirror(system: Path = SYSTEM) -> str:
    """The Debian mirror that this machine uses, or Debian's public one."""
    for file in [system / "sources.list", *sorted((system / "sources.list.d").glob("*"))]:
        if file.is_file():
            lines = (line for line in file.read_text().splitlines() if not line.startswith("#"))
            if found := re.search(r"https?://\S+/debian/?(?=\s|$)", "\n".join(lines)):
                return found[0].rstrip("/")
    return DEFAULT_MIRROR


@dataclass(frozen=True)
class PrivateApt:
    """apt for one suite of Debian, or with this machine's own sources (suite "").

    architecture: as Debian names it, "arm64"; "" is this machine's.
    """

    folder: Path
    suite: str = ""
    newest: bool = False  # with the suite's updates, of security too
    architecture: str = ""

    def update(self) -> None:
        """Fetch the lists of packages. Errors: FetchError."""
        if shutil.which("apt-get") is None:
            raise FetchError("There is no apt-get here: this part takes Debian or Ubuntu.")
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        sources, parts = SYSTEM / "sources.list", str(SYSTEM / "sources.list.d")
        if self.suite:
            if not KEYRING.is_file():
                raise FetchError(f"{KEYRING} is missing: install debian-archive-keyring.")
            sources, parts = self.folder / "sources.list", "-"
            of = [f"{mirror()} {self.suite}"]
            if self.newest:
                of += [f"{mirror()} {self.suite}-updates"]
                of += [f"{mirror()}-security {self.suite}-security"]
            sources.write_text("".join(f"deb [signed-by={KEYRING}] {each} main\n" for each in of))
        names = {"folder": self.folder, "sources": sources, "parts": parts, "etc": SYSTEM}
        text = CONFIGURATION.format(**names)
        if self.architecture:
            text += f'APT::Architecture "{self.architecture}";\n'
        (self.folder / "apt.conf").write_text(text)
        self._run(["apt-get", "update", "-qq", "--error-on=any"])

    def depends(self, package: str) -> list[str]:
        """The packages that one needs, by name. Errors: FetchError."""
        said = self._run(["apt-cache", "depends", "--important", package])
        return re.findall(r"^\s+\|?Depends: ([\w.+-]+)$", said, re.MULTILINE)

    def has(self, package: str) -> bool:
        """Whether the suite has a package of that name."""
        return bool(self._run(["apt-cache", "search", "--names-only", f"^{re.escape(package)}$"]))

    def download(self, packages: Iterable[str]) -> list[Path]:
        """Fetch packages, whose signatures and sums apt checks. Errors: FetchError."""
        into = self.folder / "packages"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        self._run(["apt-get", "download", "-q", *packages], into)
        return sorted(into.glob("*.deb"))

    def closure(self, packages: Iterable[str]) -> list[Path]:
        """Fetch packages with all that they need, down to the C library. Errors: FetchError."""
        how = ["--download-only", "--no-install-recommends", "-qq", "-y"]
        self._run(["apt-get", "install", *how, *packages])
        return sorted((self.folder / "cache/archives").glob("*.deb"))

    def _run(self, command: list[str], folder: Path | None = None) -> str:
        result = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
        if result.returncode:
            errors = re.findall(r"^E: (.*)", result.stderr, re.MULTILINE) or [result.stderr]
            raise FetchError(
                f"{command[0]} {command[1]} failed ({errors[0].strip()}): is the network there, "
                "and the disk not full? Then start again."
            )
        return result.stdout
