"""python -m helpers.commands.kernels.inside SET [machine]: try the course on the kernel that runs.

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
from functools import partial
from pathlib import Path

from helpers import features, kernel, loader, netlab, probes, sockets, traffic
from helpers.commands import privileges
from helpers.errors import CourseError
from helpers.toolchain import BUILD, COURSE

OBJECT = BUILD / "sockex1_kern.o"
NOBODY = 65534
# A login's limit on memory before 5.11, and more objects than it has room for.
SMALL_LIMIT, OBJECTS = 64 << 10, 40
TESTS = ("test_kernel.py", "test_loader.py", "test_road.py", "test_counters.py")
# Compiled before the machine starts.
BLOOM_FILTER, NEWER = 30, BUILD / "newer_kern.o"
NEWER_SOURCE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1);
	__type(value, __u64);
} seen SEC(".maps");
"""


def report(what: str, **found: object) -> None:
    """Print one finding."""
    role = "root" if privileges.CAP_SYS_ADMIN in held() else "user"
    print(json.dumps({"what": what, "role": role} | found), file=reports, flush=True)


def held() -> set[int]:
    return {probes.CAPABILITIES[name] for name in probes.capabilities()}


def five_lines() -> list[str]:
    """The five lines of sockex1, from an object that was compiled before this kernel started."""
    with (
        loader.load(OBJECT) as loaded,
        netlab.open_network() as net,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
    ):
        counters, lines = loaded.map("bytes_by_protocol"), []
        for number in range(5):
            if number:
                net.run(["ping", "-4", "-c", "1", "127.0.0.1"])
            tcp, udp, icmp = map(counters.counter, (6, 17, 1))
            lines.append(f"TCP {tcp} UDP {udp} ICMP {icmp} bytes")
        return lines


def exact() -> str:
    """Whether known traffic is counted to the byte; "works", or what was counted instead."""
    with loader.load(OBJECT) as loaded, netlab.open_network() as net:
        with sockets.packet_socket(net, loaded.program("count_bytes").fd):
            traffic.echo(net, count=3, size=56)
            traffic.udp(net, count=10, size=100)
            traffic.echo(net, count=2, size=56, to="::1")
        counter = loaded.map("bytes_by_protocol").counter
        grown = {slot: counter(slot) for slot in range(256) if counter(slot)}
    # Echoes and replies; datagrams; ::1 has a zero where IPv4 has its protocol.
    expected = {1: 3 * 2 * 98, 17: 10 * 142, 0: 2 * 2 * 118}
    return features.WORKS if grown == expected else f"{grown} instead of {expected}"


def refusal() -> str:
    """What the loader says of a map of a type that came with Linux 5.16, or "works"."""
    attempt = partial(probes.try_map, BLOOM_FILTER, 0, 8, 1)
    newer = features.Feature("bloom filter maps", "5.16", attempt, "map", BLOOM_FILTER)
    features.FEATURES += (newer,)
    try:
        loader.load(NEWER).close()
    except loader.LoadError as error:
        return str(error)
    return features.WORKS


def memory() -> str:
    """What happens when OBJECTS objects are loaded at a time."""
    loaded = []
    try:
        for _ in range(OBJECTS):
            loaded.append(loader.load(OBJECT))
    except loader.LoadError as error:
        return str(error)
    finally:
        for each in loaded:
            each.close()
    return features.WORKS


def tests(names: tuple[str, ...]) -> dict[str, object]:
    """Run the kernel tests of these files; how many passed, and which did not."""
    import pytest

    class Outcomes:
        passed, failed, skipped = 0, [], []

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                self.failed.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")
            elif report.skipped:
                self.skipped.append(report.nodeid)
            else:
                self.passed += report.when == "call"

    found = Outcomes()
    files = [str(COURSE / "tests" / name) for name in names]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other packages' take seconds to import
    options = ["-m", "kernel", "-p", "no:cacheprovider", "-p", "pytest_timeout", "--timeout=600"]
    pytest.main([*options, "--tb=short", *files], plugins=[found])
    return {"passed": found.passed, "failed": found.failed, "skipped": found.skipped}


def chapter(path: Path, folder: Path) -> str:
    """Execute a chapter from top to bottom in a fresh kernel; "works", or what stopped it."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    from helpers.commands import render

    # An emulated processor takes its time.
    render.SECONDS_PER_CELL = render.SECONDS_TO_START = 900
    try:
        render.execute(nbformat.read(path, as_version=4), folder)
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}".splitlines()[0]
    except (RuntimeError, TimeoutError) as error:  # the notebook's kernel died, or is too slow
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return features.WORKS


def as_user(in_machine: bool) -> list[str]:
    """What goes before a command to run it with no more than ./course hands over.

    In the machine that is another user, who first has to get at our files. On this machine the
    user stays who it is, and loses the other capabilities.
    """
    if in_machine:
        for path in (Path(sys.executable).resolve(), Path(sys.executable), COURSE / "course"):
            for folder in path.parents:
                folder.chmod(folder.stat().st_mode | 0o555)
        BUILD.mkdir(exist_ok=True)
        for folder in (COURSE, BUILD):  # whose owner a learner is
            os.chown(folder, NOBODY, NOBODY)
        return privileges.handing_over(privileges.needed(), NOBODY, NOBODY)
    names = ",".join(f"+cap_{number}" for number in sorted(privileges.needed()))
    return ["setpriv", f"--bounding-set=-all,{names}", f"--inh-caps=-all,{names}"]


def tried_by_everybody() -> None:
    for feature in features.FEATURES:
        report("feature", name=feature.name, answer=feature.attempt())
    try:
        report("five lines", lines=five_lines())
    except CourseError as error:
        report("five lines", lines=[str(error)])


def the_course(wanted: str) -> None:
    for what, attempt in (("exact", exact), ("refusal", refusal), ("memory", memory)):
        report(what, answer=attempt())
    if wanted == "full":
        report("tests", **tests(TESTS))
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(shutil.copytree(COURSE / "notebooks", Path(scratch) / "work"))
            for path in sorted((COURSE / "notebooks").glob("[0-9]*.ipynb")):
                start = time.monotonic()
                answer = chapter(path, folder)
                seconds = round(time.monotonic() - start)
                report("chapter", name=path.stem, answer=answer, seconds=seconds)


def main(wanted: str, where: str = "here") -> None:
    """wanted: quick, full, or features alone; where: here, machine, or user (within the latter)."""
    if where != "user":
        report("kernel", release=os.uname().release, version=kernel.version())
    tried_by_everybody()
    is_root = privileges.CAP_SYS_ADMIN in held()
    if is_root:
        start_as_user("features" if where == "here" else wanted, where == "machine")
    if wanted != "features" and where != "machine":
        the_course(wanted)


def start_as_user(wanted: str, in_machine: bool) -> None:
    command = [sys.executable, "-m", "helpers.commands.kernels.inside"]
    become = as_user(in_machine)
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        environment = os.environ | {"HOME": home, "CI": "true"}
        if in_machine and privileges.memory_counts():  # what a login gives, and what we say then
            small = ["prlimit", f"--memlock={SMALL_LIMIT}", *become[2:], *command, "memory"]
            subprocess.run(small, env=environment, stdout=reports, check=True)
        again = [*become, *command, wanted, "user"]
        subprocess.run(again, env=environment, stdout=reports, check=True)


if __name__ == "__main__":
    # Whatever else is printed is not a report: it goes where errors go.
    reports = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if sys.argv[1] == "memory":
        report("small memory", answer=memory())
    else:
        main(*sys.argv[1:])
