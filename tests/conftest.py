"""What the tests share: when a kernel test may run, and how many did."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import compared
import pytest

from helpers import loader, netlab, sockets, toolchain
from helpers.errors import CourseError
from tools.kernels import attempts

# The fixtures lab and page; the course's image with its tests has no playwright, and no browser.
pytest_plugins = ["browser"] if find_spec("playwright") else []
COURSE = Path(__file__).resolve().parent.parent
on_the_kernel = 0
# Where this is there, jsonschema (nbformat stands on it) builds 38 grammars while it is imported: a
# second or two in every process, for a form of address that no notebook has. None: not there.
sys.modules.setdefault("rfc3987_syntax", None)


@cache
def refusal() -> str | None:
    """Why no BPF program can be loaded and attached here, or None if it can."""
    try:
        with (
            loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
            netlab.open_network() as net,
            sockets.packet_socket(net, loaded.program("count_bytes").fd),
        ):
            return None
    except CourseError as error:
        return str(error)


@cache
def shared() -> str | None:
    """Why no test may change its network here, or None if it may."""
    with netlab.open_network() as network:
        if network.kind.endswith("namespace"):
            return None
        return f"needs a network namespace, and here is {network.kind} only"


# Tests that take much of a machine: they run with an option of their name, and then alone.
APART = {
    "containers": "build the image and run it with the engine that docker or podman reaches; "
    "=full: with every chapter and the kernel tests in it",
    "kernels": "boot other kernels and run the course in them; =refusals: with every refused "
    "program, =full: with these and every chapter",
    "processors": "boot kernels for i386 and arm64, emulated, and run the course in them",
    "site": "build the site, and run in a browser what its page runs; =full: and chapter 03 there",
    "room": "a room of ten learners at once, and what it takes; =full: of thirty",
    "settings": "boot one kernel with each setting that a learner's machine may have",
}


# What takes longest begins first, or one worker would go on long after the others have ended: the
# beginnings of names, the longest first. All else keeps its order.
LONGEST = (
    "test_browser",
    "test_axe",
    "test_bench",
    "test_notebooks",
    "test_machine_kernel.py::test_generated",
)
LONGEST += ("test_bcc", "test_cbpf_truth", "test_fuzz_protocols", "test_kernel_matrix")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from workers import OneByOne  # where xdist runs; some runs do without

    return OneByOne(config, log)


def place(item: pytest.Item) -> int:
    """Where in the order a test belongs."""
    name = item.nodeid.removeprefix("tests/")
    return next((at for at, long in enumerate(LONGEST) if name.startswith(long)), len(LONGEST))


MORE = {"kernels": ("refusals", "full")} | dict.fromkeys(("containers", "room", "site"), ("full",))


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, what in APART.items():
        choices = {"nargs": "?", "const": "quick", "choices": ("quick", *MORE.get(name, ()))}
        parser.addoption(f"--{name}", help=what, **choices)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Such tests share what they have built or booted: one process, before xdist starts more."""
    if any(config.getoption(f"--{name}") for name in APART):
        config.option.numprocesses, config.option.dist = 0, "no"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = {name for name in APART if config.getoption(f"--{name}")}
    left_out = [item for item in items if not is_asked_for(item, asked, config)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = sorted((item for item in items if item not in left_out), key=place)


@cache
def makes(link: str) -> bool:
    """Whether this kernel makes such links; those of Debian do, see test_kernels."""
    with netlab.open_network() as network:
        return not network.private or attempts.make_link(network, link).returncode == 0


def has_links(item: pytest.Item) -> bool:
    """Whether the links that a test needs can be made, or nothing can be tried at all."""
    needed = [name for mark in item.iter_markers("link") for name in mark.args]
    return not needed or refusal() is not None or all(map(makes, needed))


def is_asked_for(item: pytest.Item, asked: set[str], config: pytest.Config) -> bool:
    apart = {name for name in APART if item.get_closest_marker(name)}
    if not asked or not apart:
        return not asked and not apart and has_links(item)
    # A mark may name the values of its option that it takes: kernels("refusals", "full").
    named = [(name, mark.args) for name in apart for mark in item.iter_markers(name) if mark.args]
    return bool(apart & asked) and all(config.getoption(f"--{n}") in values for n, values in named)


def pytest_runtest_setup(item: pytest.Item) -> None:
    reason = refusal() if item.get_closest_marker("kernel") else None
    if reason is None and item.get_closest_marker("own_network"):
        reason = shared()
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"this test needs the kernel, and CI may not do without it: {reason}")
    pytest.skip(reason)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    global on_the_kernel
    on_the_kernel += report.when == "call" and "kernel" in report.keywords and report.passed


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # one of several processes: tell the first one
        session.config.workeroutput["compared"] = dict(compared.counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    compared.counts.update(getattr(node, "workeroutput", {}).get("compared", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"{on_the_kernel} tests passed on the real kernel")
    for what, count in compared.counts.items():
        terminalreporter.write_line(f"{count:,} {what}")


@pytest.fixture
def net() -> Iterator[netlab.Network]:
    with netlab.open_network() as network:
        assert network.private, "exact counts need a network of their own"
        yield network


@pytest.fixture
def veth(net: netlab.Network) -> netlab.Network:
    """A private network with a cable in it: see Network.add_veth."""
    net.add_veth()
    return net


@pytest.fixture(scope="session")
def sockex1_object(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sockex1, compiled once."""
    return toolchain.compile_bpf("sockex1_kern.c", tmp_path_factory.mktemp("bpf") / "sockex1.o")


@pytest.fixture
def sockex1(sockex1_object: Path) -> Iterator[loader.LoadedObject]:
    with loader.load(sockex1_object) as loaded:
        yield loaded
