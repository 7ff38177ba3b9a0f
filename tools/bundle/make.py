"""What a bundle holds, gathered in a folder and written to one file.

SHA256SUMS lists everything else; contents.json says what it is. Who gives a bundle on tells its own
sum, too: a bundle is as trustworthy as whoever made it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from helpers.toolchain import COURSE
from tools import image, packages, setup
from tools.debian.roots import SUITES
from tools.private_apt import PrivateApt

PYTHONS = {"12": "3.11", "13": "3.13"}  # of the releases that are tested
SUMS, CONTENTS = "SHA256SUMS", "contents.json"
LISTED = (
    "Package",
    "Version",
    "Architecture",
    "Installed-Size",
    "Depends",
    "Pre-Depends",
    "Provides",
    "Conflicts",
)
LISTED += ("Breaks", "Replaces", "Multi-Arch", "Essential", "Priority", "Maintainer", "Description")
# The C libraries that wheels may be made for, on a Debian 12 and later.
OLDEST, NEWEST = 5, 36


def machine() -> str:
    """This machine's architecture, in Debian's word."""
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def wanted() -> list[str]:
    """The packages of Debian that ./course installs for `lab`, as the script lists them."""
    text = (COURSE / "course").read_text("utf-8")
    listed = re.search(r"^packages=\((.*?)\)", text, re.MULTILINE | re.DOTALL)[1].split()
    return [*listed, f"linux-headers-cloud-{machine()}"]


@dataclass
class Release:
    """What a bundle has for one release of Debian; bytes as they are fetched."""

    python: str
    packages: int
    package_bytes: int
    wheels: int
    wheel_bytes: int


def entry(deb: Path) -> str:
    """A package as a list of packages tells of it. Errors: CalledProcessError."""
    command = ["dpkg-deb", "--field", deb, *LISTED]
    fields = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    place = f"Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest(deb)}\n"
    return fields.rstrip("\n") + "\n" + place


def debian(name: str, into: Path, scratch: Path) -> tuple[int, int]:
    """Fetch a release's packages, and list them for apt. Result: how many, and their bytes.

    Errors: FetchError, CalledProcessError.
    """
    into.mkdir(parents=True)
    apt = PrivateApt(scratch / name, SUITES[name], newest=True)
    apt.update()
    for deb in apt.closure(wanted()):
        shutil.move(deb, into / deb.name.replace("%3a", "_"))
    debs = sorted(into.glob("*.deb"))
    (into / "Packages").write_text("\n".join(map(entry, debs)), "utf-8")
    return len(debs), sum(each.stat().st_size for each in debs)


def wheels(python: str, into: Path) -> list[Path]:
    """Fetch the wheels that ./course lab installs on a Python, such as "3.11".

    Errors: StepError, SetupError.
    """
    processor = os.uname().machine
    into.mkdir(exist_ok=True)
    listed, chosen = into / "wanted.txt", into / "chosen.txt"
    listed.write_text("\n".join([*setup.requirements("lab"), setup.UV]), "utf-8")
    for_pip, for_uv, options = setup.settings()
    uv = [Path(sys.executable).with_name("uv"), "pip", "compile", *options, listed, "-o", chosen]
    uv += ["--python-version", python, "--python-platform", f"{processor}-manylinux_2_36"]
    setup.execute([*uv, "--only-binary", ":all:", "--no-annotate", "--no-header"], for_uv)
    kinds = [f"manylinux_2_{n}_{processor}" for n in range(OLDEST, NEWEST + 1)]
    kinds += [f"manylinux{year}_{processor}" for year in ("1", "2010", "2014")]
    platforms = [word for kind in kinds for word in ("--platform", kind)]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    pip += ["--python-version", python, *platforms, "--dest", into, "-r", chosen]
    setup.execute(pip, for_pip)
    names = {setup.name_of(line) for line in chosen.read_text("utf-8").splitlines() if line}
    for each in (listed, chosen):
        each.unlink()
    return [e for e in sorted(into.glob("*.whl")) if fits(e, python, names)]


def fits(wheel: Path, python: str, names: Iterable[str]) -> bool:
    """Whether a wheel is one of these packages, and for this Python. Source: PEP 427."""
    name, *_, tag, abi, _ = wheel.stem.split("-")
    its = f"cp{python.replace('.', '')}" in tag or "py3" in tag or abi == "abi3"
    return its and setup.name_of(name) in names


def container(into: Path) -> str:
    """Save the course's image, if there is an engine that has it. Result: what to say of it."""
    try:
        engine = image.engine()
    except image.ImageError as error:
        return f"No container image: {error}"
    saved = image.call(engine, "save", "-o", str(into / "image.tar"), image.NAME)
    if saved.returncode:
        (into / "image.tar").unlink(missing_ok=True)
        return f"No container image: {engine} has none (./course image build makes it)."
    return f"With the container image: {engine} load -i image.tar, once it is unpacked."


def digest(file: Path) -> str:
    with file.open("rb") as content:
        sums = hashlib.sha256()
        while block := content.read(1 << 20):
            sums.update(block)
    return sums.hexdigest()


def written(folder: Path, target: Path) -> None:
    """Write a folder to one file, its sums first; there is never half a file. Errors: OSError."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    lines = [f"{digest(each)}  ./{each.relative_to(folder)}\n" for each in files]
    (folder / SUMS).write_text("".join(lines), "utf-8")
    unfinished = target.with_name(f"{target.name}.unfinished")
    with tarfile.open(unfinished, "w") as tar:
        for each in (folder / SUMS, *files):
            tar.add(each, str(each.relative_to(folder)))
    unfinished.replace(target)


def make(target: Path, scratch: Path, releases: Iterable[str] = PYTHONS) -> dict[str, Release]:
    """Make a bundle. Arguments: its file; an empty folder. Result: what it has by release.

    Errors: CourseError, StepError, OSError, CalledProcessError.
    """
    packages.need("debian-archive-keyring")
    folder = scratch / "bundle"
    found: dict[str, Release] = {}
    for name in releases:
        setup.say(f"Gathering what Debian {name} takes ...")
        count, size = debian(name, folder / "debian" / name, scratch)
        files = wheels(PYTHONS[name], folder / "wheels")
        weight = sum(each.stat().st_size for each in files)
        found[name] = Release(PYTHONS[name], count, size, len(files), weight)
    if (COURSE / "site").is_dir():
        shutil.copytree(COURSE / "site", folder / "site")
    setup.say(container(folder))
    about = {"architecture": machine(), "releases": {n: asdict(e) for n, e in found.items()}}
    (folder / CONTENTS).write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    written(folder, target)
    return found
