"""The emulator from npm, the guest booted in it, and its memory: each kept in the course's cache.

What is there is not made again, so that an interrupted start goes on. Laboratory equipment.
Source: npm-pack(1), v86's own v86.d.ts.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tools import packages
from tools.debian.roots import WITH_STARTER
from tools.private_apt import FetchError, alone, workplace
from tools.site import guest

V86 = "0.5.462"
V86_SUM = "1384ad8bbe80aa4f6cd43f43bd16ddbd7495931df833f038a27fcdc8b9a31351"  # SHA-256
VGA_MEGABYTES = 2
COMMAND_LINE = (
    "console=ttyS0 rootfstype=ramfs tsc=reliable mitigations=off random.trust_cpu=on nosmp noapic "
    "nolapic panic=-1 quiet"
)
PATIENCE = 2400  # seconds until a guest has booted, and done what it does before its memory is kept


class SiteError(FetchError):
    """The site cannot be built, or shown."""


@dataclass(frozen=True)
class Machine:
    """What a page needs to go on where the guest stood: the kernel's name, and a file of memory.

    For a guest whose files come over 9p: the folder that they are in, and their names.
    """

    name: str
    megabytes: int
    kernel: str
    state: Path
    files: Path | None = None
    file_names: tuple[str, ...] = ()


def digest(data: bytes) -> str:
    """SHA-256, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def emulator(folder: Path) -> Path:
    """npm's package v86, unpacked. Errors: SiteError, PackageError."""
    target = folder / f"v86-{V86}"
    if target.is_dir():
        return target
    if not all(map(shutil.which, ("node", "npm"))):
        packages.need("nodejs", "npm")
    print(f"v86 {V86} from npm ...", flush=True)
    with alone(folder), workplace(folder) as scratch:
        command = ["npm", "pack", "--silent", f"v86@{V86}"]
        result = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
        found = next(scratch.glob("*.tgz"), None)
        if result.returncode or found is None:
            said = (result.stderr.strip() or "it said nothing").splitlines()[-1]
            raise SiteError(f"npm could not bring v86 ({said}): is the network there?")
        unpack(found, scratch, V86_SUM)
        (scratch / "package").rename(target)
    return target


def unpack(file: Path, folder: Path, expected: str) -> None:
    """Unpack a package whose sum is known. Errors: SiteError."""
    if digest(file.read_bytes()) != expected:
        raise SiteError(f"{file.name} is not the file it was: nothing of it was used; start again.")
    with tarfile.open(file) as tar:
        if hasattr(tarfile, "data_filter"):  # Debian 12's Python has it, the first 3.11s not
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(folder)


def for_run(folder: Path) -> Machine:
    """The first page's guest, which has all its files in memory. Errors: as machine()."""
    first_files = guest.image(guest.unpacked(folder, "guest"))
    return machine(folder, "run", 256, first_files)


def machine(
    folder: Path,
    name: str,
    megabytes: int,
    first_files: bytes,
    index: bytes = b"",
    files: Path | None = None,
    file_names: tuple[str, ...] = (),
) -> Machine:
    """A guest, booted and ready, from the cache or made now. Errors: SiteError, CompileError.

    Arguments: the cache's folder; the guest's name; its memory; its first file system; for one
        whose files come over 9p, the index, the folder that they are in, and their names.
    """
    v86 = emulator(folder) / "build"
    kernel, bios = guest.unpacked(folder, "kernel"), guest.unpacked(folder, "bios")
    told = {"megabytes": megabytes, "vga_megabytes": VGA_MEGABYTES, "cmdline": COMMAND_LINE}
    if files:
        told["files"] = f"{files}/"
    parts = {
        "initrd": first_files,
        "bzimage": guest.member(kernel, "boot/vmlinuz-.*")[1],
        "bios.bin": guest.member(bios, "usr/share/seabios/bios.bin")[1],
        "vgabios.bin": guest.member(bios, "usr/share/seabios/vgabios-stdvga.bin")[1],
        "libv86.mjs": (v86 / "libv86.mjs").read_bytes(),
        "v86.wasm": (v86 / "v86.wasm").read_bytes(),
        "machine.json": json.dumps(told).encode(),
        "index.json": index,
    }
    booting = Path(__file__).with_name("snapshot.mjs").read_bytes()
    sums = [digest(data) for data in (*parts.values(), booting)]
    target = folder / f"machine-{name}-{digest(' '.join(sums).encode())[:16]}"
    if not target.is_dir():
        with alone(folder), workplace(folder) as scratch:
            boot(parts, scratch)
            remove_older(folder, name)
            (scratch / "made").rename(target)
    return Machine(
        name,
        megabytes,
        (target / "kernel").read_text(),
        target / "state.zst",
        files,
        file_names,
    )


def remove_older(folder: Path, name: str) -> None:
    """Memories of this guest that were made of something else."""
    for old in folder.glob(f"machine-{name}-*"):
        shutil.rmtree(old)


def boot(files: dict[str, bytes], scratch: Path) -> None:
    """Boot the guest, and keep its memory, compressed, in made/. Errors: SiteError."""
    made = scratch / "made"
    made.mkdir()
    for name, data in files.items():
        (scratch / name).write_bytes(data)
    kernel, said, began = "", [], time.monotonic()
    command = [*WITH_STARTER, "node", Path(__file__).with_name("snapshot.mjs")]
    print("booting the guest, some minutes ...", flush=True)
    command += [scratch, scratch / "state"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as booting:
        enough = threading.Timer(PATIENCE, booting.kill)
        enough.start()
        try:
            for line in booting.stdout:
                said.append(line.strip())
                if found := re.match("agent: kernel (.*)", line):
                    kernel = found[1]
                if line.startswith("agent: "):
                    print(f"  {time.monotonic() - began:.0f} s: {line.strip()}", flush=True)
        finally:
            enough.cancel()
    if booting.returncode:
        tail = " | ".join(said[-3:])
        raise SiteError(f"The guest did not come up (status {booting.returncode}): {tail}")
    (made / "kernel").write_text(kernel)
    print("compressing its memory ...", flush=True)
    command = ["zstd", "-q", "-19", "-T0", scratch / "state", "-o", made / "state.zst"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=sys.stderr)
