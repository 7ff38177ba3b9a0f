"""How this machine reaches packages: what is handed over to a root file system that knows nothing.

Mirrors, proxies, indexes and certificates, and no setting that says how to install.
Source: apt.conf(5), apt-transport-http(1).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools import package_sources, setup
from tools.private_apt import mirror

PLACE = "handed-over"  # where local folders and files that a setting names are, in there
APT = re.compile(r"^Acquire::(https?::.+|Check-Valid-Until|Check-Date|Retries) \"")
ENVIRONMENT = re.compile("(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY|CI|TERM")
# What this module reads, and whatever says where the course's cache is.
READ = re.compile("(PIP|UV|SSL_CERT|REQUESTS|CURL)_.+|HOME|XDG_.+")
# A local folder or file in a setting: a path by itself, or a file: URL.
LOCAL = re.compile(r"(?<![\w:/.])(file://)?(/[^\s\"';]+)")


def apt() -> list[str]:
    """The lines of this machine's apt.conf that say how packages are reached."""
    command = ["apt-config", "dump", "Acquire"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if APT.match(line)]


def pip(environment: Mapping[str, str], root: Path = Path("/")) -> str:
    """pip.conf for in there, which ./course reads for uv, too: what pip and uv are told here.

    Arguments: the environment; where the file system begins.
    """
    told = package_sources.merged(
        package_sources.of_pip(environment, root),
        package_sources.of_uv(environment, root, setup.pip_wheel()),
        environment,
    )
    lines = (
        f"{name} = {' '.join(package_sources.plain(each, environment) for each in values)}\n"
        for name, values in sorted(told.items())
    )
    return "[global]\n" + "".join(lines)


def is_kept(name: str) -> bool:
    """Whether sudo has to leave a variable."""
    return bool(ENVIRONMENT.fullmatch(name) or READ.fullmatch(name))


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in there: the system's own, and what says where packages come from."""
    own = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    return own | {name: text for name, text in environment.items() if ENVIRONMENT.fullmatch(name)}


def moved(text: str, local: set[Path]) -> str:
    """A setting with the local paths in it as they are in there; `local` gathers them."""

    def place(found: re.Match[str]) -> str:
        path = Path(found[2])
        if not path.exists():
            return found[0]
        # The pages of an index in simple/ refer to files beside that folder.
        local.add(path.parent if path.name == "simple" else path)
        return f"{found[1] or ''}/{PLACE}{path}"

    return LOCAL.sub(place, text)


def handed_over(
    suite: str, environment: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], set[Path]]:
    """All of it: files by their path in there, variables, and the local paths that they name.

    A local path is to appear below /PLACE in there.
    """
    local: set[Path] = set()
    files = {
        "etc/apt/sources.list": f"deb {mirror()} {suite} main\n",
        "etc/apt/apt.conf.d/90handed-over": "".join(f"{line}\n" for line in apt()),
        "etc/pip.conf": pip(environment),
    }
    files = {name: moved(text, local) for name, text in files.items()}
    given = variables(environment)
    for name in given.keys() - {"PATH", "HOME", "TERM"}:
        given[name] = moved(given[name], local)
    for name in ("etc/resolv.conf", "etc/hosts"):
        files[name] = Path("/", name).read_text()
    return files, given, local
