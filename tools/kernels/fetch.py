"""Debian's kernels, one of each suite: fetched with apt, unpacked into the course's cache, kept.

Laboratory equipment.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.private_apt import FetchError, PrivateApt, alone, cache, workplace

# Oldest first. Of trixie-backports the kernel is the newest that Debian has for its stable release.
SUITES = ("bullseye", "bookworm", "trixie", "trixie-backports")
PACKAGES = {"amd64": "linux-image-amd64", "i386": "linux-image-686", "arm64": "linux-image-arm64"}
PACKAGE = re.compile(r"linux-(base|image|binary|modules)-\d.*")
# Most of a kernel's package is drivers for hardware that a virtual machine has not.
KEPT_FILES = re.compile(
    r"(usr/)?lib/modules/[^/]+/(vmlinuz|config|modules\.builtin"
    r"|kernel/(fs|net|lib|crypto|arch|drivers/virtio|drivers/net/[^/]+$|drivers/net/wireguard).*)"
    r"|boot/(vmlinuz|config)-.*|(usr/)?bin/busybox"
)
# AppArmor's parser, what it reads, and the C library that it is linked with.
PARSER_FILES = re.compile(
    r"(usr/)?sbin/apparmor_parser|etc/apparmor\.d/abi/.*"
    r"|(usr/)?lib/x86_64-linux-gnu/(ld-linux-x86-64\.so\.2|lib(c|m)\.so\.6)"
)


@dataclass(frozen=True)
class Kernel:
    """A kernel on disk. image: what boots; modules: lib/modules/RELEASE; architecture: Debian's."""

    suite: str
    image: Path
    modules: Path
    architecture: str = "amd64"

    @property
    def release(self) -> str:
        """As uname -r says it, "6.1.0-50-amd64"."""
        return self.modules.name


def kernel(suite: str, architecture: str = "amd64") -> Kernel:
    """The kernel of a suite, from the cache or fetched now (about 100 MB).

    Errors: FetchError.
    """
    folder = fetched(suite, PACKAGES[architecture], architecture)
    modules = next(folder.glob("**/lib/modules/*"))
    images = [*folder.glob("boot/vmlinuz-*"), *modules.glob("vmlinuz")]
    return Kernel(suite, images[0], modules, architecture)


def busybox(architecture: str = "amd64") -> Path:
    """A shell and its commands in one file that needs no library. Errors: FetchError."""
    return next(fetched("bookworm", "busybox-static", architecture).glob("**/bin/busybox"))


def apparmor_parser(suite: str = "trixie") -> list[str]:
    """A command that compiles AppArmor's profiles; older ones know no rule `userns`.

    Errors: FetchError.
    """
    own, library = (fetched(suite, package, kept=PARSER_FILES) for package in ("apparmor", "libc6"))
    starter = next(library.glob("**/ld-linux-x86-64.so.2"))
    command = [starter, "--library-path", starter.parent, next(own.glob("**/apparmor_parser"))]
    command += ["--skip-cache", "--config-file", "/dev/null", "--base", own / "etc/apparmor.d"]
    return list(map(str, command))


def fetched(
    suite: str, package: str, architecture: str = "amd64", kept: re.Pattern = KEPT_FILES
) -> Path:
    """The folder with the kept files of a package and of those that it stands for."""
    if platform.machine() != "x86_64":
        raise FetchError("The kernel matrix runs on x86_64 only: run it on such a machine.")
    # Of other files than these a folder may be there from an earlier version of the course.
    files = hashlib.sha256(kept.pattern.encode()).hexdigest()[:8]
    name = package if architecture == "amd64" else f"{package}-{architecture}"
    target = cache() / "kernels" / suite / f"{name}-{files}"
    if not target.is_dir():
        with alone(target.parent):
            if not target.is_dir():  # still: another may just have finished
                fetch(suite, package, target, architecture, kept)
    return target


def fetch(suite: str, package: str, target: Path, architecture: str, kept: re.Pattern) -> None:
    """Make the folder `target`, which appears when it is whole. Errors: FetchError."""
    print(f"fetching {package} of Debian {suite} ...", flush=True)
    if shutil.disk_usage(target.parent).free < 1 << 30:
        raise FetchError(f"The disk is nearly full: free 1 GB at {target.parent}.")
    with workplace(target.parent) as scratch:
        own = "" if architecture == "amd64" else architecture
        apt = PrivateApt(scratch / "apt", suite, architecture=own)
        apt.update()
        for file in apt.download(wanted(apt, package)):
            unpack(file, scratch / "root", kept)
        (scratch / "root").rename(target)


def wanted(apt: PrivateApt, package: str) -> list[str]:
    """The package, and the parts of a kernel that it depends on, however deep."""
    found, todo = [], [package]
    while todo:
        found.append(name := todo.pop())
        todo += [d for d in apt.depends(name) if PACKAGE.fullmatch(d) and d not in found + todo]
    return found


def unpack(package: Path, folder: Path, kept: re.Pattern = KEPT_FILES) -> None:
    """Write the kept files of a Debian package below a folder."""
    command = ["dpkg-deb", "--fsys-tarfile", package]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and kept.fullmatch(name):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(archive.extractfile(member).read())
                (folder / name).chmod(member.mode)
    if unpacking.returncode:
        raise FetchError(f"{package.name} cannot be unpacked: start again, it is fetched anew.")
