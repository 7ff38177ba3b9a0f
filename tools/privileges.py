"""Become a command, as this user, with the capabilities that BPF needs; ./course starts all so.

Laboratory equipment. Standard library only: ./course doctor runs before anything is installed.
Source: capabilities(7), "Ambient"; setpriv(1). Chapter 10 takes capabilities apart.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from helpers import capabilities, kernel, places, uapi
from helpers.toolchain import BUILD, COURSE
from tools import apparmor

LAST = Path("/proc/sys/kernel/cap_last_cap")
# ./course lab with this word hands over CAP_PERFMON as well.
TRACING = "--tracing"
# What sudo would take away, and a browser, a terminal, an engine of containers or a test asks for.
# Nothing secret: the command line, where these go, is there for everybody to see.
KEPT_VARIABLES = re.compile(
    "HOME|USER|LOGNAME|PATH|SHELL|LANG|LANGUAGE|LC_.*|TERM|COLORTERM|TMPDIR|CI|BROWSER|DISPLAY|"
    "WAYLAND_DISPLAY|XAUTHORITY|XDG_.*|DBUS_SESSION_BUS_ADDRESS|CONDA_PREFIX|CONDA_DEFAULT_ENV|"
    "JUPYTER_(DATA|RUNTIME)_DIR|IPYTHONDIR|MPLCONFIGDIR|"
    "DOCKER_(HOST|CONTEXT|CONFIG|TLS_VERIFY|CERT_PATH)|CONTAINER_HOST|PLAYGROUND_PICTURE"
)


def needed(tracing: bool = False) -> int:
    """The capabilities that the course needs here; before Linux 5.8 there is no CAP_BPF.

    tracing: whether chapter 13 shall be able to record, too.
    """
    known = int(LAST.read_text()) >= uapi.CAP_BPF
    names = ("CAP_BPF", *["CAP_PERFMON"] * tracing) if known else ("CAP_SYS_ADMIN",)
    return capabilities.mask("CAP_NET_RAW", *names)


def memory_counts() -> bool:
    """Whether the kernel counts BPF's memory against RLIMIT_MEMLOCK, as it did before Linux 5.11.

    The limit is often 64 KB, a handful of small programs. Source: getrlimit(2).
    """
    return kernel.version() < (5, 11)


def for_setpriv(mask: int) -> str:
    """A set of capabilities as setpriv(1) takes it, by number: not every one knows CAP_BPF."""
    return ",".join(f"+cap_{number}" for number in capabilities.numbers(mask))


def handing_over(mask: int, user: int | None = None, group: int | None = None) -> list[str]:
    """The command that root uses to become a user, by default this one, and hand over a set of
    capabilities; on an old kernel also memory for BPF.
    """
    names = for_setpriv(mask)
    ids = [os.getuid() if user is None else user, os.getgid() if group is None else group]
    # Of who has no entry in the password database no group is known.
    groups = "--init-groups" if places.has_entry(ids[0]) else "--clear-groups"
    become = ["--reuid", str(ids[0]), "--regid", str(ids[1]), groups]
    memory = ["prlimit", "--memlock=unlimited:unlimited"] if memory_counts() else []
    become += apparmor.option()
    return [*memory, "setpriv", *become, "--inh-caps", names, "--ambient-caps", names]


def raise_memory_limit() -> None:
    """Where BPF's memory counts, let this process have as much as root may."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    if memory_counts():
        # Root without CAP_SYS_RESOURCE may not; if the limit is reached, the loader says so.
        with contextlib.suppress(ValueError, PermissionError):
            resource.setrlimit(resource.RLIMIT_MEMLOCK, unlimited)


def writable(folder: Path) -> bool:
    """Whether this user can write to a folder, or make it."""
    return places.may(places.existing(folder), os.W_OK | os.X_OK)


def give_jupyter_a_folder() -> None:
    """Where Jupyter, IPython or matplotlib cannot write to its own folders, one of the course's.

    Jupyter once started with sudo leaves them to root, and says so in a traceback; a HOME that is
    not there, or read-only, is another reason.
    Source: Jupyter's "Common directories and file locations"; IPython's and matplotlib's settings.
    """
    home = Path(os.environ.get("HOME") or "/")
    shared = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share", "jupyter")
    data = Path(os.environ.get("JUPYTER_DATA_DIR") or shared)
    runtime = Path(os.environ.get("JUPYTER_RUNTIME_DIR") or data / "runtime")
    if not writable(data) or not writable(runtime):
        os.environ["JUPYTER_DATA_DIR"] = str(BUILD / "jupyter")
        os.environ["JUPYTER_RUNTIME_DIR"] = str(BUILD / "jupyter/runtime")
    for name, folder in (("IPYTHONDIR", ".ipython"), ("MPLCONFIGDIR", ".config/matplotlib")):
        if name not in os.environ and not writable(home / folder):
            os.environ[name] = str(BUILD / "jupyter" / folder.rpartition("/")[2].strip("."))


def may_sudo() -> bool:
    """Whether sudo lets this user be root; it asks for the password in the terminal."""
    if shutil.which("sudo") is None:
        return False
    print("CAP_BPF and CAP_NET_RAW are root's to give: asking sudo.", file=sys.stderr, flush=True)
    return subprocess.run(["sudo", "true"]).returncode == 0


def for_root(verb: str, tracing: bool = False) -> str:
    """What root has to run where there is no sudo, as a line for a shell."""
    asked = [str(COURSE / "course"), verb, *[TRACING] * tracing]
    return shlex.join([*handing_over(needed(tracing)), "--reset-env", *asked])


def main(verb: str, *command: str) -> None:
    """Become `command`; `verb` is what ./course was asked for."""
    wanted = needed(verb == "lab" and TRACING in command)
    missing = wanted & ~capabilities.ambient()
    give_jupyter_a_folder()
    if os.geteuid() == 0:
        raise_memory_limit()
    if os.geteuid() != 0 and missing:
        handing = handing_over(wanted)
        if may_sudo():
            kept = [
                f"{name}={os.environ[name]}"
                for name in os.environ
                if KEPT_VARIABLES.fullmatch(name)
            ]
            command = ("sudo", *handing, "--", "env", "-i", *kept, *command)
        elif verb != "doctor":  # which reports that, too
            why = "" if places.has_entry(os.getuid()) else ", who have no entry in /etc/passwd"
            asked = for_root(verb, verb == "lab" and TRACING in command)
            sys.exit(
                "course: loading BPF programs takes capabilities that only root can hand over, and "
                f"there is no sudo for you here{why}: let root run {asked}"
            )
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
