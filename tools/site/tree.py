"""The notebooks' guest's files: each a small compressed file of the site, and an index of them all.

v86 gives them to the guest over 9p and fetches a file when it is first read. Laboratory equipment.
Source: v86's docs/filesystem.md and tools/fs2json.py (version 3).
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import re
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.private_apt import workplace

LEVEL = 9  # of zstd
PYTHON = (3, 11)  # of Debian bookworm
AT_ONCE = 500  # files for one start of zstd
LEFT_OUT = re.compile(
    r"usr/share/(?!matplotlib|fonts|iproute2|misc|terminfo|tabset|bpftool|python3|ca-cert).*/.*"
    r"|(boot|var|media|mnt|dev|proc|sys|run|tmp)/.*|usr/bin/(perl|.*lto-dump|.*-gcov).*"
    r"|usr/lib/(apt|locale|udev|systemd|valgrind|girepository.*)/.*"
    r"|usr/include/(boost|c\+\+|X11|GL|python.*)/.*|usr/lib/gcc/.*/(cc1|cc1plus|lto1|plugin/.*)"
    r"|usr/lib/gcc/.*/lib(?!gcc)[^/]*|usr/lib/i386-linux-gnu/(?!libc|libpthread|libbpf).*\.a"
    r"|usr/lib/i386-linux-gnu/(perl|perl-base|gconv|e2fsprogs|security|audit|cmake)/.*"
    r"|usr/lib/i386-linux-gnu/lib(perl|apt-|gnutls|p11|db-|clang-14|[alt]san|ubsan).*"
    r"|usr/lib/llvm-14/(build|cmake|include|share)/.*|usr/lib/llvm-14/lib/(LLVMPolly.*|.*\.a)"
    r"|usr/lib/llvm-14/bin/(?!clang|llvm-objdump|llvm-strip|llvm-mc|llvm-readelf|llvm-readobj|llc).*"
    r"|usr/s?bin/(gpgv|dpkg.*|apt.*|e2.*|debugfs|localedef)"
    r"|usr/lib/python3\.11/(idlelib|lib2to3|pydoc_data|ensurepip|test|config-.*)/.*"
    r"|usr/lib/python3/dist-packages/(sympy|scipy|mpmath|clang|cairo|gi|numpy/f2py)/.*"
    r"|usr/lib/python3/dist-packages/(.*/tests?|mpl_toolkits/tests)/.*"
)


@dataclass(frozen=True)
class Entry:
    """A file, folder or link: its path without a slash before it, and what it is."""

    path: str
    mode: int
    data: bytes = b""
    target: str = ""
    changed: int = 0


def of_tar(file: Path) -> Iterator[Entry]:
    """What Debian's packages brought."""
    contents: dict[str, Entry] = {}
    with tarfile.open(file) as tar:
        for each in tar:
            path = each.name.removeprefix("./").rstrip("/")
            if not path or LEFT_OUT.fullmatch(path):
                continue
            if each.isdir():
                yield Entry(path, stat.S_IFDIR | each.mode)
            elif each.issym():
                yield Entry(path, stat.S_IFLNK | 0o777, target=each.linkname)
            elif each.islnk():
                if first := contents.get(each.linkname.removeprefix("./")):
                    yield Entry(path, first.mode, first.data, changed=first.changed)
            elif each.isfile():
                data = tar.extractfile(each).read()
                entry = Entry(path, stat.S_IFREG | each.mode, data, changed=int(each.mtime))
                contents[path] = entry
                yield entry


def of_wheel(file: Path, folder: str) -> Iterator[Entry]:
    """A pure package of PyPI's, as pip would lay it out; what is only for a server is left out."""
    with zipfile.ZipFile(file) as wheel:
        for each in wheel.infolist():
            if not each.is_dir() and ".data/" not in each.filename:
                yield Entry(f"{folder}/{each.filename}", stat.S_IFREG | 0o644, wheel.read(each))


def with_compiled(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The same, and each module of Python's compiled, where this Python is of the guest's version.

    In the guest, that takes some hundred times as long. By a hash that nobody looks at: PEP 552.
    """
    for entry in entries:
        yield entry
        if sys.version_info[:2] != PYTHON or not entry.path.endswith(".py"):
            continue
        folder, _, name = entry.path.rpartition("/")
        code = marshal.dumps(compile(entry.data, f"/{entry.path}", "exec", dont_inherit=True))
        head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
        data = head + importlib.util.source_hash(entry.data) + code
        tag = "cpython-{}{}".format(*PYTHON)
        place = f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
        yield Entry(place, stat.S_IFREG | 0o644, data)


def blobs(entries: Iterable[Entry], kept: Path) -> tuple[dict, list[str]]:
    """The index, and the names of the files in `kept` that it speaks of; those are made if missing.

    Arguments: the entries, a folder before what is in it or not at all; a folder of the cache.
    """
    kept.mkdir(parents=True, exist_ok=True)
    root: list = []
    folders: dict[str, list] = {"": root}
    size, names, missing = 0, {}, {}

    def folder(path: str) -> list:
        if path not in folders:
            parent, _, name = path.rpartition("/")
            content: list = []
            folder(parent).append([name, 0, 0, stat.S_IFDIR | 0o755, 0, 0, content])
            folders[path] = content
        return folders[path]

    seen = set()
    for entry in entries:
        if entry.path in seen:
            continue
        seen.add(entry.path)
        if stat.S_ISDIR(entry.mode):
            folder(entry.path)
            continue
        parent, _, name = entry.path.rpartition("/")
        row = [name, len(entry.data), entry.changed, entry.mode, 0, 0]
        if stat.S_ISLNK(entry.mode):
            row.append(entry.target)
        else:
            blob = f"{hashlib.sha256(entry.data).hexdigest()[:20]}.zst"
            row.append(blob)
            names[blob] = None
            if not (kept / blob).is_file():
                missing[blob] = entry.data
        size += len(entry.data)
        folder(parent).append(row)
    compress(missing, kept)
    return {"fsroot": root, "version": 3, "size": size}, list(names)


def compress(files: dict[str, bytes], kept: Path) -> None:
    """Write files by name, compressed, into a folder; each appears there when it is whole."""
    names = list(files)
    for at in range(0, len(names), AT_ONCE):
        with workplace(kept) as scratch:
            some = names[at : at + AT_ONCE]
            for name in some:
                (scratch / name.removesuffix(".zst")).write_bytes(files[name])
            plain = [scratch / name.removesuffix(".zst") for name in some]
            subprocess.run(["zstd", "-q", f"-{LEVEL}", "-T0", "--rm", *plain], check=True)
            for name in some:
                (scratch / name).rename(kept / name)
