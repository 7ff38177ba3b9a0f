"""./course uninstall: take away what ./course has brought, and leave what is the learner's.

Laboratory equipment. Standard library only, and all imported at once: the last thing to go may be
the Python that this runs in. It can be interrupted and started again: what is gone is gone, and the
list of packages goes after the packages.
Source: apt-get(8) and apt-mark(8), "autoremove"; apt.conf(5); dpkg-query(1).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from helpers import places
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import apparmor
from tools.packages import RECORD
from tools.private_apt import cache

HELP = """\
Usage: ./course uninstall [--dry-run] [--yes]

Takes away the Python environment (.venv), build/, course.log, compiled Python, what the course
keeps in its cache, its profile in AppArmor, and, after a question, the system packages that
./course has installed and that no other package needs. work/ stays. --dry-run only shows it; --yes
answers the question."""
# What the set-up, the verbs and the tests write into the course's folder.
WRITTEN = (
    ".venv",
    ".venv-link",
    ".venv-a",
    ".venv-b",
    ".venv-old",
    ".venv-newest",
    "build",
    "site",
    "notebooks/build",
)
WRITTEN += ("course.log", ".hypothesis", ".pytest_cache", ".ruff_cache")
LOG = COURSE / "course.log"
LEARNERS = ("work", "classroom", "course-report.txt")
# What apt shall not look at: this machine's own rules of what is never removed by itself.
APT = """\
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
APT::Protect-Kernels "false";
APT::AutoRemove::SuggestsImportant "false";
"""


# An apt that was interrupted wants this first.
PURGE = """export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; dpkg --configure -a
exec apt-get purge -y -o DPkg::Lock::Timeout=600 "$@\""""


class UninstallError(CourseError):
    """Something cannot be taken away."""


@dataclass(frozen=True)
class Packages:
    """The packages that ./course has installed, and are still there."""

    free: list[str] = field(default_factory=list)  # that nothing else needs
    needed: list[str] = field(default_factory=list)  # that some other package needs, or recommends


def say(sentence: str) -> None:
    print(sentence, flush=True)


def output(*command: str, **more: str) -> str:
    """What a program says; more: variables of its environment. Errors: UninstallError."""
    environ = os.environ | {"LC_ALL": "C.UTF-8"} | more
    streams = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    result = subprocess.run(command, env=environ, **streams)
    if result.returncode:
        last = (result.stderr.strip() or "it said nothing").splitlines()[-1]
        name = "apt-get" if command[0] == "sudo" else command[0]
        raise UninstallError(f"{name} failed ({last}): mend that, then start again.")
    return result.stdout


def removed_by(said: str) -> list[str]:
    """The packages that apt-get -s would remove."""
    words = (line.split() for line in said.splitlines())
    return sorted(each[1] for each in words if each and each[0] in ("Remv", "Purg"))


def recorded(record: Path = RECORD) -> dict[str, bool]:
    """The packages that ./course has installed: whether each was asked for, or came along."""
    lines = record.read_text().splitlines() if record.exists() else []
    found: dict[str, bool] = {}
    for name, _, how in (line.partition(" ") for line in lines):
        found[name] = found.get(name, False) or how == "asked"
    return found


def with_status(names: Iterable[str], status: str) -> list[str]:
    """Those of the packages of which dpkg says this, "installed" or "config-files"."""
    form = "${Package} ${Package}:${Architecture} ${db:Status-Status}\n"
    lines = map(str.split, output("dpkg-query", "-W", "-f", form).splitlines())
    there = {name for *both, said in lines if said == status for name in both}
    return sorted(there.intersection(names))


def packages(record: Path = RECORD) -> Packages:
    """What has become of the packages that ./course has installed. Errors: UninstallError.

    What came along, and was asked for by somebody since, is not the course's any more. apt says
    which of the others nothing needs: to it they are the only ones that came by themselves.
    """
    asked = recorded(record)
    if not asked or shutil.which("apt-get") is None:
        return Packages()
    by_hand = set(output("apt-mark", "showmanual").split())
    names = with_status(asked, "installed")
    ours = [name for name in names if asked[name] or name not in by_hand]
    architecture = output("dpkg", "--print-architecture").strip()
    with tempfile.TemporaryDirectory() as scratch:
        states, configuration = Path(scratch, "states"), Path(scratch, "apt.conf")
        configuration.write_text(f'{APT}Dir::State::extended_states "{states}";\n')
        parts = (name.partition(":") for name in ours)
        states.write_text(
            "".join(
                f"Package: {name}\nArchitecture: {foreign or architecture}\nAuto-Installed: 1\n\n"
                for name, _, foreign in parts
            )
        )
        free = removed_by(output("apt-get", "-s", "autoremove", APT_CONFIG=str(configuration)))
    needed = [name for name in ours if name not in free]
    # Removed, and their settings still there: by hand, or by an uninstall that was interrupted.
    return Packages(free + with_status(asked, "config-files"), needed)


def files() -> list[Path]:
    """What ./course has written into its folder, and its cache, as far as it is there."""
    inside = [COURSE / name for name in WRITTEN]
    for room in ("helpers", "chapters", "tools", "tests"):
        inside += sorted((COURSE / room).rglob("__pycache__"))
    inside += [*COURSE.glob("*.egg-info"), cache()]
    return [path for path in inside if os.path.lexists(path)]


def running() -> int | None:
    """The process of the course's Python that somebody would miss, such as JupyterLab's."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            program = path.read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:
            continue  # it has ended
        if program.startswith(f"{COURSE}/.venv") and path.parent.name != str(os.getpid()):
            return int(path.parent.name)
    return None


@contextmanager
def alone() -> Iterator[None]:
    """Be the only one at work in the course's folder. Errors: UninstallError."""
    if process := running():
        raise UninstallError(
            f"the course is still running (process {process}): end JupyterLab with Ctrl-C in "
            "its terminal, then start again."
        )
    with ExitStack() as holding:
        try:
            if LOG.exists():
                log = holding.enter_context(LOG.open("a"))
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UninstallError("another ./course is setting up here: let it end.") from error
        except OSError as error:
            raise UninstallError(places.unwritable(LOG, error)) from error
        yield


def remove(path: Path) -> None:
    """Remove a file, a link or a folder. Errors: UninstallError."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        place = error.filename or path
        raise UninstallError(
            f"{place} cannot be removed ({error.strerror}): let root run rm -r '{path}', then "
            "start again."
        ) from error


def purge(names: list[str]) -> None:
    """Remove packages with their settings; sudo asks for the password. Errors: UninstallError."""
    also = set(removed_by(output("apt-get", "-s", "purge", *names))).difference(names)
    if also:
        raise UninstallError(f"apt would remove {', '.join(sorted(also))}, too: nothing is done.")
    command = ["sh", "-c", PURGE, "purge", *names]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise UninstallError(
                f"there is no sudo here: let root run 'apt-get purge {' '.join(names)}', then "
                "start again."
            )
        say("Removing packages is for root: asking sudo.")
        command = ["sudo", *command]
    say(f"Removing {len(names)} packages, a minute ...")
    output(*command)


def agreed(arguments: list[str]) -> bool:
    """Whether the packages may go: --yes says so, or who sits at the terminal, who is asked."""
    if "--yes" in arguments:
        return True
    if os.environ.get("CI") or not sys.stdin.isatty():
        say("They stay, since there is nobody to ask here: --yes takes them away, too.")
        return False
    try:
        answer = input("Remove these packages? [y/N] ").strip().lower()
    except EOFError:  # Ctrl-D
        answer = ""
    if answer in ("y", "yes"):
        return True
    say("They stay; ./course uninstall asks again.")
    return False


def named(path: Path) -> str:
    """A path as it is said: in the course's folder without that."""
    return str(path.relative_to(COURSE) if path.is_relative_to(COURSE) else path)


def uninstall(arguments: list[str]) -> None:
    """Say what is to go, ask about the packages, and remove it. Errors: UninstallError."""
    dry = "--dry-run" in arguments
    there, system = files(), packages()
    compiled = [path for path in there if path.name == "__pycache__"]
    names = [named(path) for path in there if path not in compiled]
    names += [f"compiled Python in {len(compiled)} folders"] if compiled else []
    if names:
        say(f"{'Would remove' if dry else 'Removing'}: {', '.join(names)}.")
    if system.free:
        say(
            f"System packages that ./course has installed and nothing else needs "
            f"({len(system.free)}): {' '.join(system.free)}"
        )
    if system.needed:
        say(f"Staying, since other packages need or recommend them: {' '.join(system.needed)}")
    profile = apparmor.PROFILE.exists()
    if profile:
        say(f"{'Would remove' if dry else 'Removing'} AppArmor's {apparmor.PROFILE}.")
    if not names and not system.free and not profile:
        say(
            "There is nothing to take away: no environment, no build/, and no package that "
            f"{RECORD.name} says ./course has installed."
        )
    if not dry:
        may_go = bool(system.free) and agreed(arguments)
        if profile:
            apparmor.remove()
        for path in there:
            remove(path)
        if may_go:
            purge(system.free)
        if not system.needed and (may_go or not system.free):
            remove(RECORD)
    for path in (COURSE / name for name in LEARNERS):
        if path.exists():
            say(f"{named(path)} stays, it is yours: rm -r '{path}' deletes it.")


def main(arguments: list[str]) -> int:
    """`--dry-run`, `--yes`, or nothing."""
    if not set(arguments) <= {"--dry-run", "--yes"}:
        print(HELP)
        return 0 if {"-h", "--help"} & set(arguments) else 2
    try:
        with ExitStack() as holding:
            if "--dry-run" not in arguments:
                holding.enter_context(alone())
            uninstall(arguments)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse: interrupted: start again, and it goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
