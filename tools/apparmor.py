"""./course doctor --apparmor: user namespaces for the course, where AppArmor forbids them.

Ubuntu 24.04 and later let only programs with a profile that says so make one. This profile names no
program: ./course is root for a moment, and asks for it by name when it hands over capabilities. So
it holds for what ./course starts, and for nothing else. ./course uninstall removes it.
Laboratory equipment. Standard library only, as ./course uninstall is.
Source: apparmor.d(5), "Profile flags" and "userns"; apparmor_parser(8); setpriv(1).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from helpers.errors import CourseError

NAME = "packet-tracing-with-bpf"
PROFILE = Path("/etc/apparmor.d", NAME)
TEXT = f"""\
# Lets the processes of a course make user namespaces, and restricts them in nothing.
# ./course doctor --apparmor has installed it, ./course uninstall removes it.
abi <abi/4.0>,
profile {NAME} flags=(unconfined) {{
  userns,
}}
"""
LOADED = Path("/sys/kernel/security/apparmor/policy/profiles")
PARSER = "apparmor_parser"
# Written, loaded, and not left behind if the kernel or an older AppArmor does not take it.
INSTALL = 'set -e; cat >"$1"; apparmor_parser -r "$1" || { rm "$1"; exit 1; }'
REMOVE = 'apparmor_parser -R "$1" || :; rm "$1"'


class AppArmorError(CourseError):
    """The profile cannot be installed or removed."""


def option(loaded: Path = LOADED) -> list[str]:
    """What setpriv(1) gets to put a command under the profile: nothing where it is not loaded."""
    return ["--apparmor-profile", NAME] if any(loaded.glob(f"{NAME}.*")) else []


def as_root(script: str, text: str = "") -> None:
    """Run a script of the shell with the profile's path; sudo asks. Errors: AppArmorError."""
    command = ["sh", "-c", script, "sh", str(PROFILE)]
    if os.geteuid() != 0:
        print("The profile is root's: asking sudo.", file=sys.stderr, flush=True)
        command.insert(0, "sudo")
    try:
        result = subprocess.run(command, input=text, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise AppArmorError(f"there is no sudo here: be root, who may change {PROFILE}.") from error
    if result.returncode:
        last = (result.stderr.strip() or "it said nothing").splitlines()[-1]
        raise AppArmorError(f"{PARSER} failed ({last}): it takes AppArmor 4.0 or later.")


def install(ask: Callable[[str], str]) -> None:
    """Say what is to be installed, ask, and do it. Errors: AppArmorError."""
    print(f"This goes into {PROFILE}, and into the kernel:\n\n{TEXT}")
    if ask("Install it? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing was changed.")
        return
    as_root(INSTALL, TEXT)
    print("Installed. What ./course starts from now on may make user namespaces.")


def remove() -> None:
    """Take it out of the kernel and from the disk. Errors: AppArmorError."""
    as_root(REMOVE)


def main(ask: Callable[[str], str] = input) -> int:
    """Result: the exit status of ./course doctor --apparmor."""
    try:
        install(ask)
    except (CourseError, EOFError) as error:
        print(f"course: {str(error) or 'nobody answered: nothing was changed.'}", file=sys.stderr)
        return 1
    return 0
