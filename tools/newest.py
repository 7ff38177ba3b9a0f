"""./course test --newest: notebooks, widgets and plots with the newest packages that PyPI has.

Laboratory equipment. pyproject.toml pins minor versions; here nothing is pinned, in an environment
of its own, .venv-newest, made anew each time. What breaks there is what a later set-up will meet. A
run without further arguments writes its row of docs/machines.md.
"""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked, package_sources, setup
from tools.debian import inside

ENVIRONMENT = COURSE / ".venv-newest"
PAGE = COURSE / "docs/machines.md"
PART = "newest"
# The tests of what stands on those packages.
TESTS = ("notebooks", "widgets", "live", "stepper", "classic_stepper", "playground", "page", "lab")
TESTS += ("pictures", "contents", "browser", "browser_playground")
SHOWN = ("jupyterlab", "ipykernel", "ipywidgets", "matplotlib", "numpy", "nbclient", "scapy")


def unpinned() -> list[str]:
    """The names of the packages that the course and its tests need, each once."""
    return sorted({setup.name_of(each) for each in setup.requirements("test")})


def make() -> Path:
    """Make the environment anew. Result: its Python. Errors: StepError, SetupError."""
    setup.remove(ENVIRONMENT)
    environ = package_sources.without_how(os.environ)
    command = [sys._base_executable, "-m", "venv", "--without-pip", ENVIRONMENT]
    setup.execute(command, environ)
    python = ENVIRONMENT / "bin/python"
    setup.install(python, unpinned(), compiled=True)
    setup.finish(python, "test")
    return python


def versions(environment: Path = ENVIRONMENT) -> dict[str, str]:
    """What is installed there, by name."""
    folders = [str(path) for path in environment.glob("lib/python3*/site-packages")]
    return {setup.name_of(each.name): each.version for each in distributions(path=folders)}


def row(found: dict, installed: dict[str, str], today: str) -> str:
    """A run's row. found: as tools.debian.inside counts tests."""
    broken = [name.rpartition("tests.")[2].replace("::", " ") for name in found["failed"]]
    counts = [f"{found['passed']:,} passed"]
    counts += [f"{len(found[what])} {what}" for what in ("failed", "skipped") if found[what]]
    parts = [today, *(installed[name] for name in SHOWN), ", ".join(counts)]
    return f"| {' | '.join([*parts, '; '.join(broken) or 'nothing'])} |"


def keep(new: str, page: Path = PAGE) -> None:
    """Put a run's row on top of the table, in place of one of the same day."""
    head = ("date", *SHOWN, "tests", "broken")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    older = [each for each in marked.part(page, PART).splitlines() if each.startswith("| 2")]
    older = [each for each in older if each.split(" | ")[0] != new.split(" | ")[0]]
    marked.put(page, PART, "\n".join([*lines, new, *older]))


def run(python: Path, arguments: list[str]) -> int:
    """The tests; a run of all that are meant is kept. Result: pytest's exit status."""
    environ = os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    files = [f"tests/test_{name}.py" for name in TESTS]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "tests.xml")
        command = [python, "-m", "pytest", *(arguments or [*files, f"--junitxml={report}"])]
        status = subprocess.run(command, cwd=COURSE, env=environ).returncode
        if report.exists():
            new = row(inside.tests(report), versions(), datetime.date.today().isoformat())
            keep(new)
            print(new)
    return status


def main(arguments: list[str]) -> int:
    """`--newest`, then what pytest gets."""
    setup.say("Installing the newest packages into .venv-newest, a minute ...")
    try:
        return run(make(), arguments[1:])
    except setup.StepError as error:
        setup.say(f"course: that failed: {error.cause or setup.SEE_LOG}. The log: {setup.LOG}")
    except CourseError as error:
        setup.say(f"course: {error}")
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
