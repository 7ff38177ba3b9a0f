"""The Linux inside the page: Debian's packages for i386, and the course, in one first file system.

`packages` makes them ready in the course's cache, `image` puts them together. No 9p and no disk:
all files are in the guest's memory, and so in its snapshot. Laboratory equipment.
Source: mmdebstrap(1); Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from helpers import toolchain
from helpers.toolchain import COURSE
from tools import packages
from tools.debian import settings
from tools.debian.roots import ALONE, tracked
from tools.kernels.initramfs import archive
from tools.private_apt import FetchError, alone, mirror, workplace

SUITE = "bookworm"  # the last one with a kernel for i386
PYTHON = "/usr/lib/python3.11"
# Python's modules, compiled once: by their content, since the archive below keeps no times.
COMPILED = f'chroot "$1" python3 -m compileall -q -f --invalidation-mode unchecked-hash {PYTHON}'
# What notebooks need; ipykernel and ipywidgets come from PyPI, for Debian's are older.
NOTEBOOKS = (
    "python3,python3-numpy,python3-matplotlib,python3-ipython,python3-zmq,python3-tornado,"
    "python3-psutil,python3-jupyter-core,python3-jupyter-client,python3-traitlets,"
    "python3-packaging,python3-pyelftools,libbpf1,libpcap0.8,iputils-ping,iproute2,tcpdump,"
    "nftables,bpftool,procps,strace,clang,llvm,binutils,libbpf-dev,linux-libc-dev,libc6-dev"
)
# What is installed, and what is only unpacked: the kernel, and the emulated machine's BIOS.
FILE_SYSTEMS = {
    "guest": (
        "--variant=minbase",
        "--include=python3,libbpf1,iputils-ping",
        f"--customize-hook={COMPILED}",
    ),
    "kernel": ("--variant=extract", "--include=linux-image-686,busybox-static"),
    "bios": ("--variant=extract", "--include=seabios"),
    "notebooks": ("--variant=minbase", f"--include={NOTEBOOKS}"),
}
LEFT_OUT = re.compile(
    r"usr/share/(locale|doc|man|info|perl.*|zoneinfo|keyrings|i18n|common-licenses)/.*"
    r"|(boot|var|media|mnt|dev|proc|sys)/.*|usr/bin/perl.*|usr/lib/(apt|locale)/.*"
    r"|usr/lib/i386-linux-gnu/(perl|perl-base|gconv|e2fsprogs|security|audit)/.*"
    r"|usr/lib/i386-linux-gnu/lib(perl|apt-|icu|gnutls|p11|db-|sqlite|gcrypt|krb5|stdc).*"
    r"|usr/s?bin/(gpgv|ldconfig|tar|bash|dpkg.*|apt.*|e2.*|debugfs|localedef)"
    r"|usr/lib/python3\.11/(idlelib|lib2to3|pydoc_data|unittest|ensurepip|distutils|test)/.*"
)
# Of the course: what is tracked below these.
KEPT = re.compile(r"helpers/.*\.py|bpf/.*\.[ch]|tools/(__init__|demo|site/(__init__|agent))\.py")
INSIDE = Path("course")
OBJECTS = ("sockex1_kern.c",)
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /tmp
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /tmp /dev/shm
mount -t bpf bpf /sys/fs/bpf
export PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8
cd /course
stty -echo -opost </dev/ttyS0
python3 -m tools.site.agent </dev/ttyS0 >/dev/ttyS0 2>&1
echo 'agent: failed: it ended' >/dev/ttyS0
exec sleep infinity
"""


def key(parts: Iterable[str]) -> str:
    """What stands for a choice in the name of what was made of it."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def unpacked(folder: Path, name: str) -> Path:
    """One of FILE_SYSTEMS as a tar archive, from the cache or made now. Errors: FetchError."""
    options = FILE_SYSTEMS[name]
    target = folder / f"{name}-{key(options)}.tar"
    if target.is_file():
        return target
    packages.need("mmdebstrap", "arch-test", "debian-archive-keyring")
    print(f"Debian {SUITE} for i386, {name}: less than a minute ...", flush=True)
    with alone(folder), workplace(folder) as scratch:
        made = scratch / "made.tar"
        command = [*(ALONE if os.geteuid() == 0 else ()), "mmdebstrap", *options]
        command += ["--mode=root" if os.geteuid() == 0 else "--mode=unshare"]
        command += ["--architectures=i386", *(f"--aptopt={line}" for line in settings.apt())]
        result = subprocess.run(
            [*command, SUITE, made, mirror()],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if result.returncode:
            errors = re.findall(r"^E: (.*)", result.stderr, re.MULTILINE) or ["it was killed"]
            raise FetchError(
                f"mmdebstrap could not make the guest ({errors[0]}): is the network there, and "
                "does this machine run programs for i386? Then start again."
            )
        made.rename(target)
    return target


def versions(folder: Path, guests: Iterable[str]) -> dict[str, str]:
    """The packages that guests are made of, by name; a kernel and a BIOS are never installed.

    Source: deb-control(5), deb-changelog(5).
    """
    found = {}
    for name in guests:
        status = member(unpacked(folder, name), "var/lib/dpkg/status")[1].decode()
        fields = r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)"
        found |= dict(re.findall(fields, status, re.MULTILINE))
    for name, package in (("kernel", r"linux-image-\d[^/]*"), ("bios", "seabios")):
        changes = rf"usr/share/doc/{package}/changelog(\.Debian)?\.gz"
        path, text = member(unpacked(folder, name), changes)
        newest = gzip.decompress(text).decode().partition("\n")[0]
        found[Path(path).parent.name] = re.search(r"\((\S+)\)", newest)[1]
    return found


def member(tar: Path, name: str) -> tuple[str, bytes]:
    """The one file whose path matches, and its path. Errors: FetchError."""
    with tarfile.open(tar) as archive:
        for each in archive:
            path = each.name.removeprefix("./")
            if each.isfile() and re.fullmatch(name, path):
                return path, archive.extractfile(each).read()
    raise FetchError(f"{tar.name} has no {name}: remove {tar}, and start again.")


def system(guest: Path) -> Iterator[tuple[str, int, bytes, tuple[int, int]]]:
    """The entries of Debian's files, as initramfs.archive takes them."""
    contents: dict[str, bytes] = {}
    with tarfile.open(guest) as tar:
        for each in tar:
            path = each.name.removeprefix("./").rstrip("/")
            if not path or LEFT_OUT.fullmatch(path):
                continue
            if each.isdir():
                yield path, stat.S_IFDIR | each.mode, b"", (0, 0)
            elif each.issym():
                yield path, stat.S_IFLNK | 0o777, each.linkname.encode(), (0, 0)
            elif each.islnk():
                yield path, stat.S_IFREG | each.mode, contents[each.linkname.lstrip("./")], (0, 0)
            elif each.isfile():
                contents[path] = tar.extractfile(each).read()
                yield path, stat.S_IFREG | each.mode, contents[path], (0, 0)


def course() -> Iterator[tuple[str, int, bytes, tuple[int, int]]]:
    """The entries of the course's own files, and of the objects that are made beforehand.

    Errors: CompileError.
    """
    folders = {INSIDE}
    files: dict[Path, bytes] = {}
    for name in filter(KEPT.fullmatch, tracked()):
        files[INSIDE / name] = (COURSE / name).read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        for name in OBJECTS:
            source = toolchain.SOURCES / name
            place = INSIDE / toolchain.made_before(source).relative_to(COURSE)
            files[place] = toolchain.compile_bpf(source, Path(scratch) / "object.o").read_bytes()
    for path in files:
        folders |= {parent for parent in path.parents if INSIDE in (parent, *parent.parents)}
    for folder in sorted(folders):
        yield str(folder), stat.S_IFDIR | 0o755, b"", (0, 0)
    for path, data in files.items():
        yield str(path), stat.S_IFREG | 0o644, data, (0, 0)


def image(guest: Path) -> bytes:
    """The first file system, a cpio archive: Debian's files, the course's, and what starts it."""
    return archive(
        [
            *system(guest),
            *course(),
            ("init", stat.S_IFREG | 0o755, INIT.encode(), (0, 0)),
            ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
        ]
    )
