"""The course's Python environment, made: uv installs into it, or pip where uv cannot.

Laboratory equipment. ./course starts this with the Python that it has found. A new environment is
made beside the old one, and takes its place when it is finished: .venv is a link to one of two
folders. Standard library only: it runs before anything is installed.
Source: venv, ensurepip and sysconfig in Python's documentation; uv's "The pip interface".
"""

from __future__ import annotations

import configparser
import ensurepip
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from chapters.ch00 import checkout, surroundings
from helpers import places
from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import package_sources
from tools.environment import SetupError

UV = "uv~=0.13.0"
LOG = COURSE / "course.log"
VENV = COURSE / ".venv"
PLACES = (COURSE / ".venv-a", COURSE / ".venv-b")
ASIDE = COURSE / ".venv-old"  # a .venv that is no link, as older versions made it
OURS = "course-packages"  # the names of what the set-up has installed, in the environment
FULL = 20 << 20  # bytes: with less than that left, a disk counts as full
INDEX = "https://pypi.org/simple"  # where packages come from if no setting says otherwise
SECONDS_TO_ANSWER = 10.0
SEE_LOG = "the end of the log says why; mend that"


class StepError(Exception):
    """A program that was started failed; what it said is the end of the log.

    cause: why, as "cause: cure", if that is known; "" if not.
    """

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause)
        self.cause = cause.rstrip(".")


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def execute(command: Iterable[str | Path], environ: Mapping[str, str]) -> None:
    """Run a program, what it says in the log. Errors: StepError."""
    words, kills = [str(word) for word in command], places.memory_kills()
    try:
        with LOG.open("a", encoding="utf-8") as log:
            print("\n==", *words, file=log, flush=True)
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
            status = subprocess.run(words, env=environ, **streams).returncode
    except OSError as error:
        if error.filename != words[0]:
            raise StepError(places.unwritable(LOG, error)) from error
        with LOG.open("a", encoding="utf-8") as log:
            print(error, file=log)
        raise StepError(places.exhausted(error)) from error
    if status < 0:
        name = "pip" if "pip" in words[1:] else Path(words[0]).name
        raise StepError(places.ended(name, -status, kills))
    if status:
        raise StepError(no_room() or no_answer())


def no_room() -> str:
    """Where there is no room left for packages, as "cause: cure."; "" if there is."""
    there = (COURSE, Path(tempfile.gettempdir()))
    return next(filter(None, (places.no_room(each, FULL) for each in there)), "")


def no_answer() -> str:
    """Why packages cannot be fetched from where they are, as "cause: cure"; "" if that answers.

    It is tried: the settings' index, or the proxy in front of it, is connected to.
    """
    given = package_sources.for_pip(os.environ, wheel=pip_wheel())
    if given.get("PIP_NO_INDEX"):
        return ""
    index = urlsplit(given.get("PIP_INDEX_URL") or INDEX)
    bypassed = urllib.request.proxy_bypass(index.hostname or "")
    known = {} if bypassed else urllib.request.getproxies()
    proxy = given.get("PIP_PROXY") or known.get(index.scheme) or known.get("all")
    asked = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else index
    if not asked.hostname:
        return ""
    said = surroundings.silent(asked, SECONDS_TO_ANSWER)
    if not said:
        return ""
    if proxy:
        return f"the proxy {asked.hostname} does not answer ({said}): correct https_proxy"
    return (
        f"the network did not answer, {asked.hostname} cannot be reached ({said}): connect "
        "this machine, or set https_proxy"
    )


def pip_wheel() -> Path | None:
    """pip as it comes with this Python, one file that can be run; None if it does not."""
    bundled = Path(ensurepip.__file__).parent / "_bundled"
    for folder in (sysconfig.get_config_var("WHEEL_PKG_DIR"), bundled):
        for wheel in sorted(Path(folder).glob("pip-*.whl")) if folder else ():
            return wheel
    return None


def requirements(need: str) -> list[str]:
    """What is installed for `lab` or `test`, as pyproject.toml pins it; pip is for %pip."""
    project = package_sources.read_toml(COURSE / "pyproject.toml", pip_wheel())["project"]
    extra = project["optional-dependencies"]["test"] if need == "test" else []
    return [*project["dependencies"], *extra, "pip"]


def name_of(requirement: str) -> str:
    """The name that a requirement or a wheel begins with, in the one spelling of PEP 503."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]*\w", requirement)[0]).lower()


def installed(environment: Path) -> list[Path]:
    """The folders in which an environment keeps what it knows of each package."""
    return sorted(environment.glob("lib/python3*/site-packages/*.dist-info"))


def own_packages(environment: Path) -> tuple[list[str], list[str]]:
    """What the learner has installed here: by name and version, and names that no index has.

    Packages that pip brought along with others do not count. Source: the files REQUESTED and
    direct_url.json in PyPA's "Recording installed projects".
    """
    stored = environment / OURS
    ours = stored.read_text("utf-8").split() if stored.exists() else ["packet-tracing-with-bpf"]
    found: tuple[list[str], list[str]] = ([], [])
    for info in installed(environment):
        name, _, version = info.stem.partition("-")
        if name == "bcc":  # PyPI's, which would take the place of the distribution's again
            say("Left out: bcc of PyPI, which has nothing to do with BPF (chapter 05).")
        elif name_of(name) not in ours and (info / "REQUESTED").exists():
            elsewhere = (info / "direct_url.json").exists()
            found[elsewhere].append(name if elsewhere else f"{name}=={version}")
    return found


def settings() -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The environments that pip and uv are started in, and options for uv. Errors: SetupError."""
    wheel = pip_wheel()
    try:
        return (
            package_sources.for_pip(os.environ, wheel=wheel),
            *package_sources.for_uv(os.environ, wheel=wheel),
        )
    except (configparser.Error, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SetupError(f"Your settings for pip or uv cannot be read: {reason}") from error


def install(python: Path, packages: Sequence[str], compiled: bool) -> None:
    """Install packages into the environment of `python`, by uv, or else by pip.

    compiled: also compile them, which takes as long again; otherwise each is when it is first used.
    Errors: StepError of pip; SetupError.
    """
    wheel, uv = pip_wheel(), python.with_name("uv")
    pip = [python, *([wheel / "pip"] if wheel else ["-m", "pip"]), "install"]
    for_pip, for_uv, options = settings()
    home = Path(os.environ.get("HOME") or "/")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    if not places.may(places.existing(cache), os.W_OK | os.X_OK):  # uv would not begin
        for_uv = {"UV_NO_CACHE": "1"} | for_uv
    try:
        if not uv.exists():
            binary = ["--no-deps", "--no-compile", "--only-binary=:all:"]
            execute([*pip, *binary, UV], {"PIP_RETRIES": "1"} | for_pip)
        options += ["--compile-bytecode"] if compiled else []
        execute([uv, "pip", "install", "--python", python, *options, *packages], for_uv)
    except StepError:
        say("uv did not do it (course.log says why): pip tries, which takes longer ...")
        execute([*pip, *packages], for_pip)


def keep_own(old: Path, python: Path, need: str) -> None:
    """Install what the learner had in the old environment, or say that it is gone."""
    packages, elsewhere = own_packages(old)
    if packages:
        say(f"Installing your own packages, too: {', '.join(packages)} ...")
        try:
            install(python, [*requirements(need), *packages], compiled=False)
        except StepError:
            elsewhere += packages
    if elsewhere:
        say(f"Not in the new .venv, install again what you need: {', '.join(elsewhere)}.")


def finish(python: Path, need: str) -> None:
    """Let the environment finish itself, from inside. Errors: SetupError, in its own words."""
    command = [python, "-m", "tools.environment", "finish", need]
    environ = package_sources.without_how(os.environ)
    result = subprocess.run(command, cwd=COURSE, env=environ, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        said = result.stderr.strip() or "it said nothing"
        raise SetupError(said.splitlines()[-1].removeprefix("course: "))


def remove(folder: Path) -> None:
    """Remove what an environment's folder holds, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def switch(new: Path) -> None:
    """Put the new environment in the old one's place; only then the old one is removed."""
    link = VENV.with_name(".venv-link")
    link.unlink(missing_ok=True)
    link.symlink_to(new.name)
    if VENV.is_dir() and not VENV.is_symlink():
        VENV.rename(ASIDE)
    link.replace(VENV)
    for folder in (*PLACES, ASIDE):
        if folder != new:
            remove(folder)


def make(need: str) -> None:
    """Make .venv, anew if there is one. Errors: StepError, SetupError."""
    if ASIDE.exists() and not VENV.exists():
        ASIDE.rename(VENV)  # switch() was killed half-way
    old = VENV.resolve() if VENV.exists() else None
    if old and (reason := checkout.why_anew(COURSE, old)):
        say(reason)
    need = "test" if old and (old / "course-test").exists() else need
    new = PLACES[1] if old == PLACES[0] else PLACES[0]
    try:
        remove(new)
        bare = ["--without-pip"] if pip_wheel() else []
        environ = package_sources.without_how(os.environ)
        execute([sys.executable, "-m", "venv", *bare, new], environ)
        python = new / "bin/python"
        install(python, requirements(need), compiled=need == "test")
        finish(python, need)
        names = [name_of(info.name.partition("-")[0]) for info in installed(new)]
        (new / OURS).write_text("\n".join(names), "utf-8")
        if old:
            keep_own(old, python, need)
        switch(new)
    except OSError as error:
        raise StepError(places.unwritable(Path(error.filename or COURSE), error)) from error
    finally:
        if VENV.resolve() != new:
            shutil.rmtree(new, ignore_errors=True)


def into_conda(environment: Path, need: str) -> None:
    """Install what is missing into a conda environment, with its own pip. Errors: as make()."""
    python = environment / "bin/python"
    environ, _, _ = settings()
    try:
        execute([python, "-m", "pip", "--version"], environ)
    except StepError:
        raise SetupError(
            f"{environment} has no pip: run conda env update -f environment.yml"
        ) from None
    execute([python, "-m", "pip", "install", *requirements(need)], environ)
    finish(python, need)


def main(arguments: list[str]) -> int:
    """The environment's folder, and `lab` or `test`."""
    environment, need = Path(arguments[0]), arguments[1]
    say("Installing Python packages, a minute or less on a quick network ...")
    try:
        if environment == VENV:
            make(need)
        else:
            into_conda(environment, need)
    except StepError as error:
        say(
            f'course: "Installing Python packages" failed: {error.cause or SEE_LOG}, then start '
            f"again. The details are in {LOG}"
        )
        return 1
    except CourseError as error:
        say(f"course: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
