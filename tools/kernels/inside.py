"""python -m tools.kernels.inside SET [machine]: try the course on the kernel that runs.

In a virtual machine this is all that happens; on this machine it gives the column of the running
kernel. It prints a line of JSON for each thing that it has found. As root it tries what root can,
and then starts itself again as an ordinary user with the capabilities that ./course hands over.
Laboratory equipment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from helpers import capabilities, features, kernel
from helpers.errors import CourseError
from helpers.toolchain import BUILD, COURSE
from tools import privileges
from tools.kernels import attempts, clinic, refusals, settings, stations

NOBODY = 65534
SMALL_LIMIT = 64 << 10  # of a login, before 5.11
SOME = 4  # a quick run shows the kernel every fourth of the refused programs


def in_machine(wanted: str, course: Path = COURSE, python: str = sys.executable) -> list[str]:
    """The command that starts this in a virtual machine.

    course, python: where they are in its files.
    """
    return [*python_in_machine(course, python), "-m", "tools.kernels.inside", wanted, "machine"]


def python_in_machine(course: Path = COURSE, python: str = sys.executable) -> list[str]:
    """What begins a command of Python's in a virtual machine, where nothing is set."""
    environment = {
        "PATH": f"{Path(python).parent}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "CI": "true",
        "PYTHONPATH": str(course),
    }
    return ["env", *(f"{name}={value}" for name, value in environment.items()), python]


def report(what: str, **found: object) -> None:
    """Print one finding."""
    role = "root" if is_root() else "user"
    print(json.dumps({"what": what, "role": role} | found), file=reports, flush=True)


def is_root() -> bool:
    """Whether we hold what root does, CAP_SYS_ADMIN for one."""
    return "CAP_SYS_ADMIN" in capabilities.held()


def as_user(elsewhere: bool) -> list[str]:
    """What goes before a command to run it with no more than ./course hands over.

    elsewhere: in a virtual machine, where that is another user, who first has to get at our files.
    On this machine the user stays who it is, and loses the other capabilities.
    """
    if elsewhere:
        for path in (Path(sys.executable).resolve(), Path(sys.executable), COURSE / "course"):
            for folder in path.parents:
                folder.chmod(folder.stat().st_mode | 0o555)
        BUILD.mkdir(exist_ok=True)
        theirs = (COURSE, COURSE / "course.log", BUILD, *BUILD.rglob("*"), COURSE / "work")
        for path in theirs:  # whose owner a learner is
            if path.exists():
                os.chown(path, NOBODY, NOBODY)
        return privileges.handing_over(privileges.needed(), NOBODY, NOBODY)
    names = privileges.for_setpriv(privileges.needed())
    return ["setpriv", f"--bounding-set=-all,{names}", f"--inh-caps=-all,{names}"]


def tried_by_everybody() -> None:
    for feature in features.FEATURES:
        report("feature", name=feature.name, answer=feature.attempt())
    try:
        report("five lines", lines=attempts.five_lines())
    except CourseError as error:
        report("five lines", lines=[str(error)])


def the_course(wanted: str) -> None:
    for what, attempt in (
        ("exact", attempts.exact),
        ("filters", attempts.filters),
        ("refusal", attempts.refusal),
        ("memory", attempts.memory),
        ("links", attempts.links),
        ("monitor", attempts.monitor),
    ):
        report(what, answer=attempt())
    if wanted == "full":
        at_length(attempts.TESTS)


def at_length(tests: tuple[str, ...], chapters: tuple[str, ...] = ("",)) -> None:
    """Run these tests, and execute the chapters whose numbers begin so."""
    report("tests", **attempts.tests(tests))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(COURSE / "notebooks", Path(scratch) / "work"))
        for path in sorted((COURSE / "notebooks").glob("[0-9]*.ipynb")):
            if path.name.startswith(chapters):
                start = time.monotonic()
                answer = attempts.chapter(path, folder)
                seconds = round(time.monotonic() - start)
                report("chapter", name=path.stem, answer=answer, seconds=seconds)


def main(wanted: str, where: str = "here") -> None:
    """wanted: quick, refusals, full, or features alone; settings or stations, alone, in a machine.

    where: here, machine, or user (within the latter).
    """
    if wanted == "settings":
        start_as_user(wanted, True) if where == "machine" else report(wanted, **settings.tried())
        return
    if wanted == "stations":
        report(wanted, **stations.report())
        return
    if where != "user":
        report("kernel", release=os.uname().release, version=kernel.version())
    tried_by_everybody()
    if is_root():
        report("stations", **stations.report())
        report("refusals", **refusals.report(SOME if wanted == "quick" else 1))
        if wanted != "quick":
            report("clinic", cases=clinic.tried())
            report("functions", **stations.script("entered.py"))
        start_as_user("features" if where == "here" else wanted, where == "machine")
    if wanted != "features" and where != "machine":
        the_course(wanted)
    elif wanted == "full":
        at_length(attempts.TESTS_OF_ROOT, attempts.CHAPTERS_OF_ROOT)


def start_as_user(wanted: str, elsewhere: bool) -> None:
    command = [sys.executable, "-m", "tools.kernels.inside"]
    become = as_user(elsewhere)
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        environment = os.environ | {"HOME": home, "CI": "true"}
        if elsewhere and privileges.memory_counts():  # what a login gives, and what we say then
            small = ["prlimit", f"--memlock={SMALL_LIMIT}", *become[2:], *command, "memory"]
            subprocess.run(small, env=environment, stdout=reports, check=True)
        again = [*become, *command, wanted, "user"]
        subprocess.run(again, env=environment, stdout=reports, check=True)


if __name__ == "__main__":
    # Whatever else is printed is not a report: it goes where errors go.
    reports = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if sys.argv[1] == "memory":
        report("small memory", answer=attempts.memory())
    else:
        main(*sys.argv[1:])
