"""The course on processors of other kinds: Debian's own kernel and files for them, emulated.

A root file system is unpacked from Debian's packages; none of its programs runs before the virtual
machine does. The course's files are copied into it, with the object files compiled here: an object
file of BPF is the same on each of these. What is tried there is the matrix' quick set.
Laboratory equipment. Source: mmdebstrap(1), variant extract.
"""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from helpers.features import WORKS
from helpers.toolchain import BUILD, COURSE
from tools import marked, packages
from tools.debian import settings
from tools.debian.roots import ALONE
from tools.kernels import fetch, inside, machine
from tools.private_apt import FetchError, alone, cache, mirror, workplace

PAGE = COURSE / "docs" / "machines.md"
PART = "processors"
ARCHITECTURES = ("i386", "arm64")
SUITE = "bookworm"
INCLUDED = ("dash", "coreutils", "mount", "util-linux", "python3", "python3-pyelftools", "libbpf1")
INCLUDED += ("python3-ipython", "iputils-ping", "iproute2", "libpcap0.8", "bash", "base-files")
PLACE = Path("opt/packet-tracing-with-bpf")  # the course, in there
COPIED = ("course", "helpers", "chapters", "tools", "bpf", "notebooks/00_start_here.ipynb")
PROGRAMS = {"i386": ["qemu-system-x86"], "arm64": ["qemu-system-arm"]}


def need(architecture: str) -> None:
    """Have the packages that emulate a processor and make its files. Errors: PackageError."""
    packages.need(*PROGRAMS[architecture], "mmdebstrap", "debian-archive-keyring")


def root(architecture: str, suite: str = SUITE) -> Path:
    """The folder with a Debian's files, from the cache or unpacked now, and the course as it is.

    Errors: FetchError.
    """
    target = cache() / "kernels" / suite / f"root-{architecture}"
    with alone(target.parent):
        if not target.is_dir():
            unpack(architecture, suite, target)
        course = target / PLACE
        shutil.rmtree(course, ignore_errors=True)
        for name in COPIED:
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (COURSE / name).is_dir() else shutil.copy2
            copy(COURSE / name, course / name)
        (course / BUILD.name).mkdir()
        for path in BUILD.glob("*.o"):
            shutil.copy2(path, course / BUILD.name)
        for folder in ("refused", "clinic"):
            if (BUILD / folder).is_dir():
                shutil.copytree(BUILD / folder, course / BUILD.name / folder)
    return target


def unpack(architecture: str, suite: str, target: Path) -> None:
    """Make the folder `target`, which appears when it is whole. Errors: FetchError."""
    print(f"unpacking a Debian {suite} for {architecture}, a minute ...", flush=True)
    with workplace(target.parent) as scratch:
        made = scratch / "root"
        options = ["--mode=root", "--variant=extract", "--format=directory"]
        options += [f"--architectures={architecture}", f"--include={','.join(INCLUDED)}"]
        options += [f"--aptopt={line}" for line in settings.apt()]
        command = [*ALONE, "mmdebstrap", *options, suite, made, mirror()]
        result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if result.returncode:
            errors = re.findall(r"^E: (.*)", result.stderr, re.MULTILINE) or ["it was killed"]
            raise FetchError(
                f"mmdebstrap could not unpack a Debian for {architecture} ({errors[0]}): is the "
                "network there, and are you root? Then start again."
            )
        for folder in ("proc", "sys", "dev", "tmp", "root", "run"):
            (made / folder).mkdir(exist_ok=True)
        if not (made / "bin/sh").exists():
            (made / "bin/sh").symlink_to("dash")
        (made / "etc/passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
        )
        (made / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        (made / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        made.chmod(0o755)
        made.rename(target)


def tried(architecture: str, suite: str = SUITE) -> Iterator[str]:
    """What `inside` prints in such a machine, line by line. Errors: FetchError, BootError."""
    command = inside.in_machine("quick", Path("/", PLACE), "/usr/bin/python3")
    kernel = fetch.kernel(suite, architecture)
    yield from machine.run(kernel, command, 1500, root=root(architecture, suite))


def row(architecture: str, entry: dict, today: str) -> str:
    """A machine's row. entry: as results.entry() puts findings in order."""
    features, checks = entry["features"], entry["checks"]
    lacking = [
        f"{name} ({'; '.join(sorted({*roles.values()}))})"
        for name, roles in features.items()
        if WORKS not in roles.values()
    ]
    cells = [architecture, entry["release"], checks["five lines"], checks["exact"]]
    cells += [checks["filters"], "; ".join(lacking) or "nothing", today]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def keep(architecture: str, entry: dict, page: Path = PAGE) -> None:
    """Put a machine's row in place of its older one. Errors: MarkError."""
    head = ("processor", "kernel", "the five lines", "exact counts", "every socket filter of bpf/")
    head += ("what that kernel has not", "date")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    new = row(architecture, entry, datetime.date.today().isoformat())
    older = [each for each in marked.part(page, PART).splitlines() if each.startswith("| ")]
    kept = [each for each in older if each.split(" | ")[0][2:] in ARCHITECTURES]
    kept = [each for each in kept if each.split(" | ")[0] != new.split(" | ")[0]]
    marked.put(page, PART, "\n".join([*lines, *sorted([*kept, new])]))
