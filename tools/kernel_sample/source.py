"""The kernel's source: the distribution's package, fetched and unpacked outside the repository.

Laboratory equipment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from helpers import kernel
from tools import packages
from tools.private_apt import FetchError, PrivateApt, alone, cache, workplace

# What has to be free, in bytes: package, unpacked tree and build; package and a few files.
FULL, SHORT = 2_500_000_000, 400_000_000
# All that sockex1 needs of the tree, if it is compiled directly.
FEW = (
    "*/samples/bpf/sockex1_*",
    "*/samples/bpf/sock_example.h",
    "*/tools/testing/selftests/bpf/bpf_legacy.h",
    "*/samples/bpf/bpf_legacy.h",
)
# tar's option, and the package with the program that it starts then: a small Debian lacks xz.
DECOMPRESS = {
    ".xz": ("--xz", "xz-utils"),
    ".bz2": ("--bzip2", "bzip2"),
    ".gz": ("--gzip", "gzip"),
    ".zst": ("--zstd", "zstd"),
}


def folder() -> Path:
    """Where everything is kept, from one start to the next."""
    return cache() / "kernel-sample"


def check_space(needed: int, place: Path) -> None:
    """Errors: FetchError, before anything is fetched."""
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    if free < needed:
        raise FetchError(
            f"The disk has {free / 1e9:.1f} GB free at {place}, and this takes {needed / 1e9:.1f} "
            "GB: free some, or set XDG_CACHE_HOME to a folder on another disk."
        )


def tree(short: bool) -> Path:
    """The unpacked source; for the short way only the FEW files of it.

    What is there already is not fetched again; what was interrupted is done anew.
    Errors: FetchError, PackageError.
    """
    place = folder()
    with alone(place):
        for found in sorted(place.glob("few-linux-source-*" if short else "linux-source-*")):
            if found.is_dir():
                print(f"the source is there already: {found}")
                return found
        check_space(SHORT if short else FULL, place)
        return unpack(tarball(place), place, short)


def tarball(place: Path) -> Path:
    """The packed source, from the cache or fetched now: about 140 MB."""
    for found in sorted(place.glob("linux-source-*.tar.*")):
        if found.is_file():  # and not a link that leads nowhere
            print(f"the package is there already: {found}")
            return found
    with workplace(place) as scratch:
        apt = PrivateApt(scratch / "apt")
        apt.update()
        name = package(apt)
        print(f"fetching {name}, about 140 MB ...", flush=True)
        (file,) = apt.download([name])
        packed = taken_out(file, scratch / "root")
        return packed.rename(place / packed.name)


def taken_out(package: Path, into: Path) -> Path:
    """The packed source out of a Debian package. Errors: FetchError."""
    command = ["dpkg-deb", "-x", package, into]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if result.returncode:
        reason = (result.stderr.strip() or "dpkg-deb gave no reason").splitlines()[-1]
        raise FetchError(
            f"{package.name} cannot be unpacked ({reason}): is the disk full? Then free "
            f"{SHORT / 1e9:.1f} GB at {into.parent.parent}, and start again."
        )
    # On Ubuntu a link lies beside the folder that holds the file itself.
    found = (into / "usr/src").rglob("linux-source-*.tar.*")
    packed = next((path for path in found if not path.is_symlink()), None)
    if packed is None:
        raise FetchError(
            f"{package.name} holds no packed source: clone the kernel's source with git, and "
            "start ./course kernel-sample --source FOLDER (chapter 02 says how)."
        )
    return packed


def package(apt: PrivateApt) -> str:
    """The package with the running kernel's source, or else with the distribution's kernel's."""
    major, minor = kernel.version()
    wanted = [f"linux-source-{major}.{minor}", f"linux-source-{major}.{minor}.0"]
    found = [name for name in wanted if apt.has(name)] or [
        name for name in apt.depends("linux-source") if name.startswith("linux-source-")
    ]
    if not found:
        raise FetchError(
            "apt knows no package linux-source here: clone the kernel's source with git, and "
            "start ./course kernel-sample --source FOLDER (chapter 02 says how)."
        )
    return found[0]


def unpack(packed: Path, place: Path, short: bool) -> Path:
    """Unpack with the share that is done on the screen; the folder appears when it is whole."""
    name = packed.name.partition(".tar")[0]
    target = place / (f"few-{name}" if short else name)
    option, decompressor = DECOMPRESS[packed.suffix]
    packages.need(decompressor)
    with workplace(place) as scratch:
        command = ["tar", "-x", option, "-C", scratch]
        command += ["--wildcards", *FEW] if short else []
        # FEW names two places for one file; tar's status tells of the one that is not there.
        status, complaint = tar(command, packed)
        if re.search("No space left|quota exceeded", complaint):
            raise FetchError(
                f"The disk is full at {place}: free {(SHORT if short else FULL) / 1e9:.1f} GB, or "
                f"set XDG_CACHE_HOME to a folder on another disk; {packed.name} is kept, so start "
                "again."
            )
        if status < 0:  # a signal, as Ctrl-C sends one: the package may be whole
            raise FetchError(f"tar was interrupted: {packed.name} is kept, so start again.")
        unpacked = next(iter(scratch.iterdir()), None)
        wanted = unpacked and (unpacked / "samples/bpf/sockex1_kern.c").is_file()
        if not wanted or (status and not short):
            packed.unlink()
            reason = (complaint.strip().splitlines() or ["sockex1 is not in it"])[-1]
            raise FetchError(
                f"{packed.name} cannot be unpacked ({reason}): it is removed, start again."
            )
        unpacked.rename(target)
    return target


def tar(command: list, packed: Path) -> tuple[int, str]:
    """Run tar on the packed file; its status, and its complaints in English."""
    environment = os.environ | {"LC_ALL": "C"}
    # In memory: a full disk has no room for the complaints, one for every file, nor has a pipe.
    with os.fdopen(os.memfd_create("complaints"), "w+b") as errors:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=errors, env=environment
        ) as running:
            feed(packed, running)
        errors.seek(0)
        return running.returncode, errors.read().decode(errors="replace")


def feed(packed: Path, tar: subprocess.Popen) -> None:
    """Hand the packed file to tar piece by piece, and say how far that is."""
    size, done, shown = packed.stat().st_size, 0, -1
    try:
        with packed.open("rb") as file, tar.stdin:
            while piece := file.read(1 << 20):
                tar.stdin.write(piece)
                done += len(piece)
                if (percent := 100 * done // size) != shown and sys.stderr.isatty():
                    shown = percent
                    print(f"\runpacking ... {percent}%", end="", file=sys.stderr, flush=True)
    except BrokenPipeError:  # tar has stopped, and says why
        return
    print(f"{os.linesep if sys.stderr.isatty() else ''}unpacked", file=sys.stderr)
