"""What the tests share: when a kernel test may run, and how many did."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import classic_counts
import compared
import pytest

from helpers import loader, netlab, sockets, toolchain
from helpers.errors import CourseError

COURSE = Path(__file__).resolve().parent.parent
on_the_kernel = 0


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


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("kernel") is None or (reason := refusal()) is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"this test needs the kernel, and CI may not do without it: {reason}")
    pytest.skip(reason)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    global on_the_kernel
    on_the_kernel += report.when == "call" and "kernel" in report.keywords and report.passed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"{on_the_kernel} tests passed on the real kernel")
    for what, count in classic_counts.counts.items():
        terminalreporter.write_line(f"{count:,} {what}")
    if compared.programs:
        terminalreporter.write_line(
            f"{compared.programs} programs gave the same in the kernel and in the machine of "
            f"chapter 07, on {compared.packets} packets"
        )


@pytest.fixture
def net() -> Iterator[netlab.Network]:
    with netlab.open_network() as network:
        assert network.private, "exact counts need a network of their own"
        yield network


@pytest.fixture(scope="session")
def sockex1_object(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sockex1, compiled once."""
    return toolchain.compile_bpf("sockex1_kern.c", tmp_path_factory.mktemp("bpf") / "sockex1.o")


@pytest.fixture
def sockex1(sockex1_object: Path) -> Iterator[loader.LoadedObject]:
    with loader.load(sockex1_object) as loaded:
        yield loaded
