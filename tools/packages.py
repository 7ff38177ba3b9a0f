"""Packages of Debian and Ubuntu that only one command needs, installed when it is asked for.

Laboratory equipment. What every part of the course needs, ./course installs itself. Both write down
what comes new (install_packages.sh), and ./course uninstall takes that away again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE

INSTALL = Path(__file__).with_name("install_packages.sh")
RECORD = COURSE / "course.packages"


class PackageError(CourseError):
    """A package is missing, and cannot be installed from here."""


def missing(names: Iterable[str]) -> list[str]:
    """Those of the packages that are not installed. Errors: PackageError. Source: dpkg-query(1)."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise PackageError("This command takes Debian or Ubuntu, for it uses their packages.")
    command = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    said = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if f"{name} installed" not in said]


def need(*names: str) -> None:
    """Install those of the packages that are missing; sudo asks for the password, if it must.

    Errors: PackageError, which says what root has to run.
    """
    wanted = missing(names)
    if not wanted:
        return
    again = f"let root run 'apt-get install {' '.join(wanted)}', then start again."
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if sudo and shutil.which("sudo") is None:
        raise PackageError(f"{', '.join(wanted)} missing, and there is no sudo here: {again}")
    print(f"installing {' '.join(wanted)} ...", flush=True)
    with RECORD.open("a") as record:
        result = subprocess.run(
            [*sudo, "sh", INSTALL, *wanted],
            stdin=subprocess.DEVNULL,
            stdout=record,
            stderr=subprocess.PIPE,
            text=True,
        )
    if result.returncode:
        last = (result.stderr.strip() or "it said nothing").splitlines()[-1]
        raise PackageError(f"apt-get could not install {' '.join(wanted)} ({last}): {again}")
