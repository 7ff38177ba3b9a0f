"""Kernel headers that bcc can compile with, found or put together, on any kernel.

The whole road, driven by bcc. Built in chapter 05, bcc. Standard library only: the readiness
report asks it before anything is installed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import BUILD

ROOT = Path("/")
MERGED = BUILD / "kernel_headers"
VARIABLE = "BCC_KERNEL_SOURCE"
# The kernel's names for processors, where they differ from uname's.
ARCHITECTURES = {"x86_64": "x86", "aarch64": "arm64", "s390x": "s390", "ppc64le": "powerpc"}
ARCHITECTURES["riscv64"] = "riscv"
# One file of each part that bcc includes in every program: what people wrote, and what building
# that kernel generated, each for all processors and for one.
PARTS = (
    "include/linux/kconfig.h",
    "include/generated/autoconf.h",
    "include/generated/uapi/linux/version.h",
    "arch/{}/include/asm/ptrace.h",
    "arch/{}/include/generated/uapi/asm/types.h",
)
RELEASE = "include/generated/utsrelease.h"
# The smallest package that has all of it, for a kernel of any recent version.
PACKAGES = {
    "debian": "linux-headers-cloud-{}",
    "ubuntu": "linux-headers-generic",
}
DEBIAN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


class BccError(CourseError):
    """bcc is missing or another, has no kernel headers, or refused the program (`log`: why)."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True)
class Headers:
    """Headers found. folders: one, or the two halves that Debian's packages are split in.

    version: the release of the kernel that they were made for; origin: whose they are.
    """

    version: str
    folders: tuple[Path, ...]
    origin: str

    def __str__(self) -> str:
        return f"{self.version}, {self.origin}, {self.folders[0]}"


def use(root: Path = ROOT, merged: Path = MERGED) -> Headers:
    """Find kernel headers and show bcc where they lie: BPF(text=...) works from then on.

    It changes the environment of this process, where bcc looks, and no other kernel's files; two
    halves are linked together in build/, once.
    Arguments: root: where the file system begins; merged: where to link halves together.
    Result: the headers.
    Errors: BccError if there are none, or half of them.
    Source: bcc's documentation (docs/reference_guide.md, Environment Variables).
    Built in chapter 05.
    """
    headers = find(root)
    if headers.origin == "this kernel's own":
        os.environ.pop(VARIABLE, None)  # there bcc looks by itself
    elif len(headers.folders) == 1:
        os.environ[VARIABLE] = str(headers.folders[0])
    else:
        os.environ[VARIABLE] = str(merge(headers, merged))
    return headers


def find(root: Path = ROOT, release: str | None = None) -> Headers:
    """The headers to use: this kernel's own; else those that BCC_KERNEL_SOURCE names; else the
    newest of those installed for another kernel, which is enough to count packets.

    Errors: BccError if there are none, or half of them. Built in chapter 05.
    """
    release = release or os.uname().release
    half: list[str] = []
    for folders, origin in [*_own(root, release), *_named(), *_installed(root, release)]:
        gone = missing(folders)
        if not gone:
            return Headers(_version(folders) or release, folders, origin)
        if any(folder.is_dir() for folder in folders):
            half.append(f"{' and '.join(map(str, folders))}, without {gone[0]}")
    cure = f"run ./course lab, or install {package()}; those of any recent kernel will do"
    if half:
        raise BccError(f"The kernel headers are half there ({'; '.join(half)}): {cure}.")
    raise BccError(f"There are no kernel headers here, and bcc cannot compile without: {cure}.")


def missing(folders: tuple[Path, ...]) -> list[str]:
    """Which of PARTS are in none of the folders; [] for packed headers, which come whole."""
    if folders[0].suffix == ".xz":
        return []
    machine = platform.machine()
    parts = [part.format(ARCHITECTURES.get(machine, machine)) for part in PARTS]
    return [part for part in parts if not any((folder / part).is_file() for folder in folders)]


def package(distribution: Path = ROOT / "etc/os-release") -> str:
    """The package to install for headers here. Source: os-release(5). Built in chapter 05."""
    text = distribution.read_text() if distribution.is_file() else ""
    names = " ".join(re.findall(r'^ID(?:_LIKE)?="?([^"\n]*)', text, re.MULTILINE)).split()
    machine = platform.machine()
    for name in names:
        if name in PACKAGES:
            return PACKAGES[name].format(DEBIAN_NAMES.get(machine, machine))
    return "the kernel's headers"


def merge(headers: Headers, target: Path = MERGED) -> Path:
    """Put two halves into one folder, as links. Result: that folder.

    Only folders that both halves have are made anew; all else is one link each.
    Errors: BccError if build/ cannot be written to. Built in chapter 05.
    """
    folder = target / headers.version
    if not missing((folder,)):
        return folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        # Made beside the target and renamed, so that nobody ever compiles with half of them.
        with tempfile.TemporaryDirectory(dir=target) as scratch:
            unfinished = Path(scratch) / "headers"
            _link(list(headers.folders), unfinished)
            if folder.exists():  # its links lead nowhere any more
                folder.rename(Path(scratch) / "old")
            unfinished.rename(folder)
    except OSError as error:
        if missing((folder,)):  # and nobody else was quicker
            raise BccError(
                f"The kernel headers cannot be linked together in {target} ({error.strerror}): "
                "make that folder writable."
            ) from error
    return folder


def _link(halves: list[Path], target: Path) -> None:
    """Make `target` a folder with everything that is in the halves."""
    target.mkdir()
    for name in {path.name for half in halves for path in half.iterdir()}:
        paths = [half / name for half in halves if (half / name).exists()]
        if len(paths) > 1 and all(path.is_dir() for path in paths):
            _link(paths, target / name)
        elif paths:
            (target / name).symlink_to(paths[0].resolve())


def _own(root: Path, release: str) -> list[tuple[tuple[Path, ...], str]]:
    """Where this kernel's own may lie. bcc takes a build/ and a source/ together by itself, and
    unpacks what a kernel with CONFIG_IKHEADERS carries."""
    modules, packed = root / "lib/modules" / release, root / "sys/kernel/kheaders.tar.xz"
    places: list[tuple[Path, ...]] = [tuple(modules / part for part in ("build", "source"))]
    if not places[0][1].is_dir():
        places = [(modules / "build",)]
    if packed.is_file() and shutil.which("tar") and shutil.which("xz"):
        places.append((packed,))
    return [(folders, "this kernel's own") for folders in places]


def _named() -> list[tuple[tuple[Path, ...], str]]:
    """What the user chose; not what use() did, in this process or in one that started it."""
    chosen = os.environ.get(VARIABLE)
    if not chosen or Path(chosen).is_relative_to(MERGED):
        return []
    return [((Path(chosen),), f"from {VARIABLE}")]


def _installed(root: Path, release: str) -> list[tuple[tuple[Path, ...], str]]:
    """Headers packages of whatever version, the newest first; Debian's with its other half."""
    places = ("usr/src/linux-headers-*", "usr/src/kernels/*", "lib/modules/*/build")
    paths = {path.resolve() for pattern in places for path in root.glob(pattern)}
    folders = sorted((path for path in paths if path.is_dir()), key=_age, reverse=True)
    folders.sort(key=lambda folder: _version((folder,)) != release)
    origin = {True: "for this kernel", False: "for another kernel"}
    return [(_with_half(path, root), origin[_version((path,)) == release]) for path in folders]


def _with_half(folder: Path, root: Path) -> tuple[Path, ...]:
    """The folder, and the one that its Makefile includes: Debian splits its packages so."""
    makefile = folder / "Makefile"
    text = makefile.read_text(errors="replace") if makefile.is_file() else ""
    other = re.search(r"^include /(\S+)/Makefile", text, re.MULTILINE)
    return (folder, root / other[1]) if other else (folder,)


def _version(folders: tuple[Path, ...]) -> str:
    """The release that the headers were made for, as they say, or nothing."""
    for folder in folders:
        if (folder / RELEASE).is_file():
            text = (folder / RELEASE).read_text(errors="replace")
            return (re.findall(r'UTS_RELEASE "(.+)"', text) or [""])[0]
    return ""


def _age(folder: Path) -> list[int]:
    """The numbers of a folder's release, to sort by; its name if it does not say."""
    return [int(number) for number in re.findall(r"\d+", _version((folder,)) or folder.name)]
