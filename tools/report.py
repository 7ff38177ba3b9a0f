"""./course doctor --report: this machine in one text, to send to somebody who helps.

Laboratory equipment. Standard library only. Names of people and machines, addresses and home
folders are left out, of the log as well; a test looks for them.
"""

from __future__ import annotations

import importlib.metadata
import ipaddress
import os
import platform
import pwd
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from chapters.ch00 import readiness
from helpers import capabilities, kernel
from helpers.toolchain import COURSE

TARGET = COURSE / "course-report.txt"
LOG = COURSE / "course.log"
LOG_LINES = 60
FIRST_PERSON = 1000  # user numbers below are the system's own, and named alike everywhere
ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F.]*)(?![\w.])"
)
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
URL = re.compile(r"(\b[a-z][a-z+]*://)[^/\s'\")\]]+", re.IGNORECASE)
SETTINGS = (
    "kernel/unprivileged_bpf_disabled",
    "kernel/unprivileged_userns_clone",
    "kernel/apparmor_restrict_unprivileged_userns",
    "user/max_user_namespaces",
    "net/core/bpf_jit_enable",
    "net/core/bpf_jit_harden",
    "net/ipv6/conf/all/disable_ipv6",
)


def people(environ: Mapping[str, str]) -> set[str]:
    """The names of this machine's people, and of who runs this."""
    known = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid >= FIRST_PERSON}
    known |= {environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    return known - {"", "root", "nobody"}


def machines(environ: Mapping[str, str], root: Path = Path("/")) -> set[str]:
    """The names of this machine, its domain, and the machines that its settings name."""
    known = {socket.gethostname(), environ.get("HOSTNAME", "")}
    for name in ("etc/hostname", "etc/hosts", "etc/resolv.conf"):
        text = (root / name).read_text(errors="replace") if os.access(root / name, os.R_OK) else ""
        words = (line.partition("#")[0].split() for line in text.splitlines())
        known |= {word for line in words for word in line if word[:1].isalpha()}
    links = [*urllib.request.getproxies().values(), environ.get("PIP_INDEX_URL", "")]
    known |= {urlsplit(each if "://" in each else f"//{each}").hostname or "" for each in links}
    known |= {name.partition(".")[0] for name in known}
    unspecific = {"", "localhost", "ip6-localhost", "ip6-loopback", "search", "domain", "options"}
    return known - unspecific - {"nameserver", "sortlist", "edns0", "trust-ad"}


def homes(environ: Mapping[str, str]) -> set[str]:
    """The home folders of this machine's people, and of who runs this."""
    known = {entry.pw_dir for entry in pwd.getpwall() if entry.pw_uid >= FIRST_PERSON}
    return {each.rstrip("/") for each in known | {environ.get("HOME", "")} if len(each) > 1}


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return bool(re.fullmatch(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", text))
    return text not in ("::1", "127.0.0.1")


def left_out(text: str, environ: Mapping[str, str], root: Path = Path("/")) -> str:
    """The text without names of people and machines, addresses, and the way to the course."""
    text = URL.sub(r"\1HOST", text)
    text = MAIL.sub("ADDRESS", text)
    for path, word in ((str(COURSE), "COURSE"), *((home, "~") for home in homes(environ))):
        text = text.replace(path, word)
    for names, word in ((machines(environ, root), "HOST"), (people(environ), "USER")):
        for name in sorted(names, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", word, text)
    return ADDRESS.sub(lambda at: "ADDRESS" if is_address(at[0]) else at[0], text)


def system() -> Iterable[str]:
    """What kind of machine this is, a line for each fact."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    yield f"system: {release.get('PRETTY_NAME', 'not known')}"
    yield f"kernel: {os.uname().release} on {os.uname().machine}"
    yield f"Python: {platform.python_version()} of {sys.prefix}"
    yield f"course: {commit()}"
    yield f"processors: {os.cpu_count()}"
    yield f"room: {shutil.disk_usage(COURSE).free >> 20} MB free where the course is"
    status = capabilities.status(Path("/proc"))
    yield f"capabilities: {', '.join(capabilities.held()) or 'none'}; Seccomp: {status['Seccomp']}"
    for name in ("/proc/self/uid_map", "/sys/kernel/security/lsm", "/sys/kernel/security/lockdown"):
        yield f"{name}: {one_line(Path(name))}"
    for name in SETTINGS:
        yield f"{name.replace('/', '.')}: {one_line(Path('/proc/sys', name))}"
    for name in ("LANG", "LC_ALL", "CONDA_DEFAULT_ENV", "COURSE_IMAGE", "WSL_DISTRO_NAME"):
        yield f"{name}: {os.environ.get(name, 'not set')}"


def one_line(path: Path) -> str:
    """What a file of the kernel's says, or that it does not."""
    try:
        return " ".join(path.read_text(errors="replace").split())
    except OSError as error:
        return error.strerror or "not to be read"


def commit() -> str:
    """The version of the course: git's commit, if this is a clone."""
    command = ["git", "-C", COURSE, "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        said = ""
    return said or "no clone of git's"


def versions() -> list[str]:
    """The Python packages here, by name and version."""
    found = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
    return [f"{name} {found[name]}" for name in sorted(filter(None, found), key=str.lower)]


def end_of_log() -> list[str]:
    """The last lines of course.log, which the set-up wrote."""
    if not os.access(LOG, os.R_OK):
        return ["there is none"]
    return LOG.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES:]


def text(found: readiness.Report) -> str:
    """All of it, with nothing left out yet."""
    parts = {
        "The readiness report": repr(found).splitlines(),
        "The machine": system(),
        "The kernel's configuration": options(),
        "Python packages": versions(),
        "The end of course.log": end_of_log(),
    }
    return "\n".join(f"# {name}\n\n{chr(10).join(lines)}\n" for name, lines in parts.items())


def options() -> list[str]:
    """The options that chapter 01 is about."""
    try:
        config = kernel.config()
    except kernel.KernelError as error:
        return [str(error)]
    return [f"{option.name}: {config.value(option.name)}" for option in kernel.OPTIONS]


def write(found: readiness.Report) -> str:
    """Write the report, and say where it is, in a sentence; print it where it cannot be written."""
    said = left_out(text(found), os.environ)
    try:
        TARGET.write_text(said, "utf-8")
    except OSError as error:
        return (
            f"{said}\n{TARGET.name} cannot be written ({error.strerror}): send what stands above."
        )
    return (
        f"Written: {TARGET.name}. Names, addresses and home folders are left out; look through it "
        "before you send it."
    )
