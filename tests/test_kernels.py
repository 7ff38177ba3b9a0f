"""./course test --kernels: the course on other kernels, in virtual machines, and on this one.

`--kernels` alone takes a minute or two for each kernel, and shows it some of the refused programs;
`--kernels=refusals` shows it all of them, and chapter 08's clinic; `--kernels=full` also runs the
kernel tests and every chapter, on the oldest and the newest of them and on the running one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import pytest
import traces

from chapters.ch14 import packed
from helpers import features, kernel, toolchain
from tools import packages
from tools.kernels import attempts, clinic, fetch, inside, machine, refusals, results, stations

HERE = ""
MOST_SAID = 2000  # letters of a finding: a trace has more
OLDEST, NEWEST = fetch.SUITES[0], fetch.SUITES[-1]
pytestmark = [
    pytest.mark.kernels,
    pytest.mark.timeout(7200),
]
full = pytest.mark.kernels("full")
every_refusal = pytest.mark.kernels("refusals", "full")


@pytest.fixture(scope="module")
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the machines load, compiled here, where the processor is real."""
    witness = [] if request.config.getoption("--kernels") == "quick" else ["bpftrace"]
    packages.need("qemu-system-x86", "debian-archive-keyring", *witness)
    newer = tmp_path_factory.mktemp("newer") / "newer_kern.c"
    newer.write_text(attempts.NEWER_SOURCE)
    refusals.compile()
    clinic.compile()
    for source in attempts.FILTERS:  # sockex1_kern.c, too: attempts.OBJECT
        toolchain.compile_bpf(source)
    toolchain.compile_bpf(newer, attempts.NEWER)
    monitor = newer.with_name("monitor_kern.c")
    monitor.write_text(packed.references()["socket"])
    toolchain.compile_bpf(monitor, attempts.MONITOR)


def in_machine(suite: str, wanted: str) -> Iterator[str]:
    """What `inside` prints in a virtual machine with the kernel of a suite."""
    many = {"seconds": 7000, "memory": "4G", "processors": 2} if wanted == "full" else {}
    yield from machine.run(
        fetch.kernel(suite), inside.in_machine(wanted), **{"seconds": 1500} | many
    )


def on_this_machine(wanted: str) -> Iterator[str]:
    command = [sys.executable, "-m", inside.__name__, wanted]
    yield from subprocess.check_output(
        command, cwd=toolchain.COURSE, env=os.environ | {"CI": "true"}, text=True
    ).splitlines()


class Attempt:
    """One kernel that is tried in a thread: its lines, as they come."""

    def __init__(self, suite: str, wanted: str) -> None:
        asked_less = wanted == "full" and suite not in (OLDEST, NEWEST, HERE)
        self.suite, self.wanted = suite, "refusals" if asked_less else wanted
        self.printed: SimpleQueue[str | None] = SimpleQueue()
        self.end: Future | None = None

    def run(self) -> None:
        start = in_machine if self.suite else lambda _, wanted: on_this_machine(wanted)
        try:
            for line in start(self.suite, self.wanted):
                self.printed.put(line)
        finally:
            self.printed.put(None)

    def findings(self, say: Callable[[str], None]) -> Iterator[dict]:
        """What it reports, each as soon as it is known; then its error, if there was one."""
        say(f"\n{self.suite or 'this machine'} ({self.wanted}) ...")
        for line in iter(self.printed.get, None):
            assert line.startswith("{"), line
            finding = json.loads(line)
            if finding["what"] != "feature":
                say(f"  {line[:MOST_SAID]}")
            yield finding
        self.end.result()


@pytest.fixture(scope="module")
def attempted(request: pytest.FixtureRequest, objects: None) -> Iterator[dict[str, Attempt]]:
    """Every kernel that is asked for, as many at a time as there are processors for."""
    params = [getattr(item, "callspec", None) for item in request.session.items]
    suites = dict.fromkeys(each.params["found"] for each in params if each)
    wanted = request.config.getoption("--kernels")
    with ThreadPoolExecutor(1 if wanted == "full" else os.cpu_count()) as pool:
        tried = {suite: Attempt(suite, wanted) for suite in suites}
        for each in tried.values():
            each.end = pool.submit(each.run)
        yield tried
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", params=[*fetch.SUITES, HERE], ids=lambda suite: suite or "here")
def found(request: pytest.FixtureRequest, attempted: dict[str, Attempt]) -> dict:
    """What one kernel was found to do; the table keeps it."""

    def say(text: str) -> None:  # progress, past what pytest keeps of a test's output
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(text, flush=True)

    suite = request.param
    findings = list(attempted[suite].findings(say))
    accelerator = machine.fastest(fetch.kernel(suite)) if suite else "none"
    entry = results.entry(suite, accelerator, findings)
    results.keep(entry)
    return entry


def test_it_counts_and_prints_the_five_lines(found):
    assert found["checks"]["five lines"] == features.WORKS
    assert found["checks"]["exact"] == features.WORKS


def test_an_ordinary_user_may_load_every_socket_filter(found):
    assert found["checks"]["filters"] == features.WORKS


def test_a_monitor_of_chapter_14_counts_every_class_of_frames(found):
    assert found["checks"]["monitor"] == features.WORKS


def test_it_has_what_its_version_promises(found):
    for feature in features.FEATURES:
        answers = found["features"][feature.name]
        promised = tuple(found["version"]) >= kernel.version(feature.since)
        # Kernels of a distribution may have more than their version says, and not less.
        assert features.WORKS in answers.values() or not promised, feature.name


def test_an_ordinary_user_has_what_the_course_hands_over(found):
    refused = {
        name
        for name, answers in found["features"].items()
        if answers["user"] != features.WORKS and answers.get("root", "") == features.WORKS
    }
    assert refused == {"sched_cls (tc) programs", "XDP programs", "raw tracepoint programs"}


def test_a_user_can_load_many_objects_where_memory_is_counted(found):
    assert found["checks"]["memory"] == features.WORKS
    counted = found["features"]["memory for BPF beyond RLIMIT_MEMLOCK"]["user"] != features.WORKS
    assert counted == (tuple(found["version"]) < (5, 11))
    if counted and found["suite"]:
        assert re.search("no more memory.* than 64 KB", found["checks"]["small memory"])


def test_a_kernel_of_debian_makes_every_link(found):
    """So its kernel tests are those of every link; the running kernel may know fewer."""
    if found["suite"]:
        assert found["checks"]["links"] == features.WORKS


def test_an_older_kernel_says_which_is_needed(found):
    if tuple(found["version"]) >= (5, 16):
        assert found["checks"]["refusal"] == features.WORKS
    else:
        assert "does not know bloom filter maps" in found["checks"]["refusal"]
        assert "Linux 5.16" in found["checks"]["refusal"]


def test_the_reader_of_refusals_is_never_wrong(found):
    judged = found["refusals"]
    if judged is None:  # on this machine, by somebody who may not load all types of programs
        assert not found["suite"]
        return
    assert judged["wrong"] == []
    assert set(judged["other"]) <= refusals.BOTH_TRUE
    assert len(judged["right"]) >= 3 * len(judged["none"])


def test_the_stations_are_those_of_the_kernels_own_trace(found):
    told = found["stations"]
    if told is None:  # on this machine, by somebody who is not root
        assert not found["suite"]
        return
    traced = told["traced"]
    assert all(attached == there for attached, there in traced["stations"].values())
    told["compared"] = sum(traces.compare(traced, run, stations.PART) for run in traces.RUNS)
    assert told["compared"] > 150
    stations.keep(found["suite"], told)


@every_refusal
def test_the_functions_of_a_packet_are_those_that_bpftrace_sees(found):
    """Where the kernel has fentry and bpf_get_func_ip: Debian's have, from 6.1 on."""
    told = found["functions"]
    if not found["suite"]:  # more than one processor may tell in another order
        return
    if tuple(found["version"]) < (5, 15):
        assert told["refused"]
        return
    assert told["mine"] == told["theirs"]
    assert len(told["mine"]) >= 5 * 20  # of 20 datagrams
    assert {name for name, _ in told["mine"]} == set(told["names"])


# The clinic's cases: the line that is refused, and those that the chain names, the first one first;
# 0 is no line of C.
CLINIC = {
    "null_check": (9, [7]),
    "bounds": (8, [6]),
    "second_argument": (4, [0]),
    "padding": (23, [0, 22]),
    "key_size": (7, [0, 6]),
    "loop": (8, []),
    "stack": (15, []),
    "wrong_type": (8, []),
    "licence": (14, []),
    "pointer": (10, [0, 4]),
}


@every_refusal
@pytest.mark.parametrize("name", CLINIC)
def test_the_clinic_is_traced_to_the_same_lines_and_proposals_are_accepted(found, name):
    if found["clinic"] is None:  # on this machine, by somebody who is not root
        assert not found["suite"]
        return
    case = found["clinic"][name]
    assert case["key"]
    if name == "bounds" and tuple(found["version"]) < (6, 1):  # which refuses every comparison
        assert not case["proposed"]
        return
    assert (case["line"], case["chain"]) == CLINIC[name]
    assert case["proposed"] and case["accepted"]


@full
def test_the_kernel_tests_pass(found):
    if found["suite"] in (OLDEST, NEWEST, HERE):
        assert found["tests"]["failed"] == found["tests"]["skipped"] == []
        assert found["tests"]["passed"] > 300


@full
def test_every_chapter_runs(found):
    if found["suite"] in (OLDEST, NEWEST, HERE):
        chapters = {path.stem for path in (toolchain.COURSE / "notebooks").glob("[0-9]*.ipynb")}
        assert set(found["chapters"]) == chapters
        stopped = {name: why for name, why in found["chapters"].items() if why != features.WORKS}
        assert stopped == {}
