"""./course classroom: a room of learners on this machine."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import setup
from tools.classroom import clearing, install, needs, room

DEFAULT_MEMORY = "1G"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./course classroom",
        description="A room of learners on this machine, by JupyterHub: they open its address in a "
        "browser, and sign up with the room's code.",
    )
    add = parser.add_argument
    add("--learners", type=int, metavar="N", help="say what N learners take here, and stop")
    add("--port", type=int, default=8443, help="where browsers ask, by HTTPS (default: 8443)")
    add("--memory", default=DEFAULT_MEMORY, help="the most for one learner (default: 1G)")
    add("--idle", type=int, default=7200, metavar="S", help="stop a server idle for S seconds")
    add("--packets", action="store_true", help="CAP_NET_RAW, within each learner's own network")
    add(
        "--tracing",
        action="store_true",
        help="CAP_PERFMON for chapter 13: every learner can then read all of the machine's memory",
    )
    add("--containers", action="store_true", help="each learner in a container, by docker")
    add("--certificate", type=Path, metavar="FILE", help="your own, with --key; PEM")
    add("--key", type=Path, metavar="FILE", help="the key of it")
    add("--new-password", action="store_true", help="a new password for the instructor")
    add("--forget", metavar="NAME", help="a learner's password, also while the room is open")
    add("--folder", type=Path, default=room.FOLDER, help="where the room is kept")
    add("--clear", action="store_true", help="take the room away, with all learners' work")
    return parser


def main(words: list[str]) -> int:
    asked = arguments().parse_args(words)
    if asked.learners is not None:
        print(needs.sentence(asked.learners, asked.containers))
        return 0
    try:
        install.install()
        if os.geteuid() != 0:
            as_root(words)
        become_hub(asked)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
    except setup.StepError as error:
        print(
            f"course: that failed: {error.cause or setup.SEE_LOG}. The log: {setup.LOG}",
            file=sys.stderr,
        )
    except OSError as error:
        print(f"course: {room.trouble(error)}", file=sys.stderr)
    return 1


def as_root(words: list[str]) -> None:
    """Start again as root, who gives each learner a number and a network. Errors: RoomError."""
    if shutil.which("sudo") is None:
        raise room.RoomError(
            "A room is started by root, and there is no sudo here: let root do it."
        )
    print("A room is started by root: asking sudo.", file=sys.stderr, flush=True)
    path = f"PATH={os.environ['PATH']}"
    os.execvp("sudo", ["sudo", "env", path, sys.executable, "-m", "tools.classroom", *words])


def become_hub(asked: argparse.Namespace) -> None:
    """Make the room, say how to get in, and become JupyterHub."""
    from tools.classroom import certificate  # needs what install() installed
    from tools.classroom.authenticator import Accounts

    if asked.containers:
        install.for_containers()
        from tools.classroom import containers

        containers.build()
    here = room.Room(asked.folder.resolve())
    if asked.clear:
        clearing.clear(here)
        print(f"{here.folder} is gone, with accounts, work and progress of all learners.")
        sys.exit(0)
    if asked.forget:
        forget(here, asked.forget)
        sys.exit(0)
    if bool(asked.certificate) != bool(asked.key):
        raise room.RoomError("A certificate of your own takes both, --certificate and --key.")
    here.make()
    before = here.chosen if (here.hub / "room.json").exists() else {}
    made = certificate.make(here.hub) if not asked.key else (asked.certificate, asked.key)
    capabilities = ["bpf", *["net_raw"] * asked.packets, *["perfmon"] * asked.tracing]
    chosen = {
        "port": asked.port,
        "memory": asked.memory,
        "idle": asked.idle,
        "capabilities": capabilities,
        "containers": asked.containers,
        "certificate": str(made[0].resolve()),
        "key": str(made[1].resolve()),
        "code": before.get("code") or room.new_code(),
    }
    here.keep(chosen)
    accounts = Accounts(here.hub / "accounts.json")
    print(f"The room: https://{certificate.address()}:{asked.port}/")
    print(f"The room's code, for learners' first login: {chosen['code']}")
    if asked.new_password or room.INSTRUCTOR not in accounts.read():
        password = secrets.token_urlsafe(12)
        accounts.add(room.INSTRUCTOR, password)
        print(f"You are {room.INSTRUCTOR}, with the password {password} (shown this once).")
    if not asked.key:
        print(
            "Browsers warn of the certificate, which nobody has signed. Its fingerprint, SHA-256:"
        )
        print(certificate.fingerprint(made[0]))
    sys.stdout.flush()
    environ = os.environ | {
        room.VARIABLE: str(here.folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(COURSE),
    }
    os.chdir(here.hub)
    config = str(Path(__file__).with_name("config.py"))
    hub = [sys.executable, "-m", "tools.classroom.quick", "jupyterhub.app", "-f", config]
    os.execve(sys.executable, hub, environ)


def forget(here: room.Room, name: str) -> None:
    """Forget a learner's password. Errors: RoomError if there is nobody of that name."""
    from tools.classroom.authenticator import Accounts

    kept = here.hub / "accounts.json"
    if not kept.exists() or not Accounts(kept).remove(name):
        raise room.RoomError(f"Nobody in this room is called {name}.")
    print(f"{name} gives the room's code and a new password; the work is as it was.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
