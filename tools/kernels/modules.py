"""The kernel modules that a virtual machine needs, with those that they need, in loading order.

Laboratory equipment. What modprobe does with depmod's index is done here from the modules' own
words, for Debian's packages bring no index, and not every machine has kmod.
Source: modinfo(8); elf(5), section .modinfo.
"""

from __future__ import annotations

import io
import lzma
from pathlib import Path

from elftools.elf.elffile import ELFFile

from helpers.errors import CourseError


class ModuleError(CourseError):
    """The kernel's package has not the modules that the virtual machine needs."""


def find(folder: Path) -> dict[str, Path]:
    """Every module below lib/modules/RELEASE, by name, with _ for the - of file names."""
    return {path.name.split(".ko")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}


def read(path: Path) -> bytes:
    """A module as the kernel wants it: newer kernels' packages have them compressed."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def depends(module: bytes) -> list[str]:
    """The names of the modules that this one needs to be there first."""
    section = ELFFile(io.BytesIO(module)).get_section_by_name(".modinfo")
    fields = dict(line.split(b"=", 1) for line in section.data().split(b"\0") if b"=" in line)
    return [name.replace("-", "_") for name in fields[b"depends"].decode().split(",") if name]


def closure(folder: Path, wanted: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, bytes]:
    """Modules by name, each after those that it needs.

    Arguments: the folder lib/modules/RELEASE; names that have to be there or built in; names that
        some kernels have and others have not.
    Errors: ModuleError.
    """
    files = find(folder)
    built_in = (folder / "modules.builtin").read_text().replace("-", "_")
    loaded: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in loaded or f"/{name}.ko" in built_in:
            return
        if name not in files:
            raise ModuleError(
                f"The kernel {folder.name} has no module {name}: another package of it may."
            )
        data = read(files[name])
        for other in depends(data):
            add(other)
        loaded[name] = data

    for name in wanted:
        add(name)
    for name in optional:
        if name in files:
            add(name)
    return loaded
