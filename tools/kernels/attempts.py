"""What is tried on a kernel, apart from its features: one function for each row of the table.

Laboratory equipment; `inside` calls them in a virtual machine, or on this one.
"""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

from chapters.ch14 import acceptance
from helpers import features, loader, netlab, probes, sockets, traffic, uapi
from helpers.errors import CourseError
from helpers.toolchain import BUILD, COURSE, SOURCES

# Compiled before the machine starts.
OBJECT, NEWER = BUILD / "sockex1_kern.o", BUILD / "newer_kern.o"
MONITOR = BUILD / "monitor" / "monitor_kern.o"
# The course's programs that an ordinary user may load.
FILTERS = sorted(p for p in SOURCES.glob("*_kern.c") if 'SEC("socket")' in p.read_text())
# Links that carry IP, which Debian's kernels have as modules, and others may not have: how each is
# made in the private network.
LINKS = {
    "gre": ["type", "gre", "local", "192.0.2.1", "remote", "192.0.2.2"],
    "gre, many ends": ["type", "gre", "local", "192.0.2.1", "key", "7"],
    "ip6gre": ["type", "ip6gre", "local", "2001:db8::1", "remote", "2001:db8::2"],
    "sit": ["type", "sit", "local", "192.0.2.1", "remote", "192.0.2.2"],
    "ipip": ["type", "ipip", "local", "192.0.2.1", "remote", "192.0.2.2"],
    "ip6tnl": ["type", "ip6tnl", "mode", "any", "local", "2001:db8::1", "remote", "2001:db8::2"],
    "wireguard": ["type", "wireguard"],
}
# More than fit into what a login may lock in memory before 5.11.
OBJECTS = 40
TESTS = ("test_kernel.py", "test_loader.py", "test_road.py", "test_counters.py", "test_live.py")
TESTS += ("test_syscall.py", "test_verifier.py", "test_faults.py", "test_classic_sockets.py")
TESTS += ("test_seccomp.py", "test_confined.py", "test_measuring.py", "test_protocols.py")
TESTS += ("test_flows.py", "test_positions.py", "test_chapter12_helpers.py", "test_playground.py")
TESTS += ("test_tunnels.py", "test_link_types.py")
# What shows or tries more if root runs it: runs a second time, as root.
TESTS_OF_ROOT = ("test_road.py", "test_confined.py", "test_positions.py")
CHAPTERS_OF_ROOT = ("10", "12")
NEWER_SOURCE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1);
	__type(value, __u64);
} seen SEC(".maps");
"""


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


def filters() -> str:
    """Whether the verifier takes every socket filter of the course; "works", or what it said."""
    refused = []
    for source in FILTERS:
        try:
            loader.load(BUILD / f"{source.stem}.o").close()
        except loader.LoadError as error:
            refused.append(f"{source.stem}: {error}")
    return " ".join(refused) or features.WORKS


def monitor() -> str:
    """Whether a monitor of chapter 14 loads, and counts all of a traffic; "works", or what not."""
    try:
        wrong = acceptance.counted(MONITOR, "the matrix", 1)
    except CourseError as error:
        return str(error)
    return "; ".join(wrong) or features.WORKS


def refusal() -> str:
    """What the loader says of a map of a type that came with Linux 5.16, or "works"."""
    attempt = partial(probes.try_map, uapi.BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1)
    kind = ("map", uapi.BPF_MAP_TYPE_BLOOM_FILTER)
    newer = features.Feature("bloom filter maps", "5.16", attempt, *kind)
    features.FEATURES += (newer,)
    try:
        loader.load(NEWER).close()
    except loader.LoadError as error:
        return str(error)
    return features.WORKS


def links() -> str:
    """Whether a link of each of LINKS can be made; "works", or which cannot, and why."""
    missing = []
    for name in LINKS:
        with netlab.open_network() as net:
            made = make_link(net, name)
        if made.returncode:
            missing.append(f"{name}: {made.stderr.strip()}")
    return "; ".join(missing) or features.WORKS


def make_link(net: netlab.Network, name: str) -> subprocess.CompletedProcess[str]:
    """Make link0, one of LINKS."""
    return net.run(["ip", "link", "add", "link0", *LINKS[name]])


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


def tests(names: tuple[str, ...]) -> dict[str, list[str]]:
    """Run the kernel tests of these files; which passed, and which did not."""
    import pytest

    class Outcomes:
        passed, failed, skipped = [], [], []

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                self.failed.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")
            elif report.skipped:
                self.skipped.append(report.nodeid)
            elif report.when == "call":
                self.passed.append(report.nodeid)

    found = Outcomes()
    files = [str(COURSE / "tests" / name) for name in names]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other packages' take seconds to import
    options = ["-o", "addopts=", "-m", "kernel", "--tb=short", "--timeout=600"]
    plugins = ["-p", "no:cacheprovider", "-p", "pytest_timeout"]
    pytest.main([*plugins, *options, *files], plugins=[found])
    return {"passed": found.passed, "failed": found.failed, "skipped": found.skipped}


def chapter(path: Path, folder: Path) -> str:
    """Execute a chapter from top to bottom in a fresh kernel; "works", or what stopped it."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    from tools import render

    # An emulated processor takes its time.
    render.SECONDS_PER_CELL = render.SECONDS_TO_START = 900
    try:
        render.execute(nbformat.read(path, as_version=4), folder)
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}".splitlines()[0]
    except (RuntimeError, TimeoutError) as error:  # the notebook's kernel died, or is too slow
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return features.WORKS
