"""One packet's path: what is attached where sees what, and why a packet was dropped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tshark
import waiting
from kinds import FRAMES
from stored import COURSE
from unwelcome import ordinary_user

from chapters.ch12 import attach, bpffs, drops
from helpers import (
    capabilities,
    counters,
    features,
    loader,
    netlab,
    protocols,
    sockets,
    toolchain,
    traffic,
)

pytestmark = pytest.mark.kernel

privileged = pytest.mark.skipif(
    not {"CAP_NET_ADMIN", "CAP_SYS_ADMIN"} <= set(capabilities.held()),
    reason="XDP, tc, pinning and drop reasons are for root",
)
CLASS = "bytes_by_protocol"
GIVES_REASONS = features.try_reasons() == features.WORKS
DENIED = "Loading a raw tracepoint program wants CAP_BPF and CAP_PERFMON"
OLDER = "This kernel gives no reasons for its drops: that takes Linux 5.17"


@contextmanager
def as_this_kernel_can() -> Iterator[None]:
    """A kernel that gives no reasons for its drops must say so."""
    if GIVES_REASONS:
        yield
        return
    with pytest.raises(drops.TracingError, match=OLDER):
        yield


@contextmanager
def counting(net: netlab.Network, where: str, folder: Path) -> Iterator[Callable[[], dict]]:
    """Attach a program at "XDP right", "tc ingress right", "socket left" or the like."""
    place, *hook, interface = where.split()
    source = {"socket": "protocols_kern.c"}.get(place, f"protocols_{place.lower()}_kern.c")
    with loader.load(toolchain.compile_bpf(source, folder / f"{place}.o")) as loaded:
        fd = loaded.program("count_bytes").fd
        attached = {
            "XDP": lambda: attach.xdp(net, fd, interface),
            "tc": lambda: attach.tc(net, fd, interface, *hook),
            "socket": lambda: sockets.packet_socket(net, fd, interface),
        }[place]
        with attached(), counters.Counters(loaded.map(CLASS)) as values:

            def read() -> dict[str, int]:
                seen = values.read()
                return {protocols.name(int(n)): int(seen[n]) for n in np.flatnonzero(seen)}

            yield read


PLACES = ["socket left", "tc egress left", "XDP right", "socket right", "tc ingress right"]


@privileged
@pytest.mark.parametrize("where", PLACES)
def test_every_place_counts_what_tshark_counts(veth, tmp_path, where):
    expected = tshark.totals(list(FRAMES.values()), tmp_path)
    with counting(veth, where, tmp_path) as read:
        sent = traffic.frames(veth, FRAMES.values(), "left")
        waiting.until(lambda: sum(read().values()) >= sent)
        assert read() == expected
    with counting(veth, where, tmp_path) as read:  # and can be attached again
        traffic.frames(veth, [FRAMES["UDP"]], "left")
        assert waiting.until(lambda: read() == {"UDP": len(FRAMES["UDP"])})


@privileged
def test_xdp_sees_what_comes_in_only(veth, tmp_path):
    with (
        counting(veth, "XDP left", tmp_path) as left,
        counting(veth, "XDP right", tmp_path) as right,
    ):
        traffic.frames(veth, [FRAMES["UDP"]] * 5, "left")
        assert waiting.until(lambda: right() == {"UDP": 5 * len(FRAMES["UDP"])})
        assert left() == {}


@privileged
def test_xdp_sees_a_tag_that_is_cut_off_and_the_tap_does_not(veth, tmp_path):
    cut, whole = FRAMES["VLAN"][:17], FRAMES["UDP"]
    with (
        counting(veth, "XDP right", tmp_path) as xdp,
        counting(veth, "socket right", tmp_path) as tap,
    ):
        traffic.frames(veth, [cut, whole], "left")
        assert waiting.until(lambda: tap() == {"UDP": len(whole)})
        assert xdp() == {"truncated": 17, "UDP": len(whole)}


STOPPER = """
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
SEC("{section}")
int stop(void *context) {{ return {verdict}; }}
char LICENSE[] SEC("license") = "GPL";
"""


@contextmanager
def stopping(net: netlab.Network, where: str, folder: Path) -> Iterator[None]:
    place, *hook, interface = where.split()
    section, verdict = {"XDP": ("xdp", "XDP_DROP"), "tc": ("tc", "TC_ACT_SHOT")}[place]
    source = folder / "stop_kern.c"
    source.write_text(STOPPER.format(section=section, verdict=verdict))
    with loader.load(toolchain.compile_bpf(source, folder / "stop.o")) as loaded:
        fd = loaded.program("stop").fd
        with (
            attach.xdp(net, fd, interface)
            if place == "XDP"
            else attach.tc(net, fd, interface, *hook)
        ):
            yield


@privileged
@pytest.mark.parametrize(
    ("stopped", "sees"),
    [
        ("tc egress left", []),
        ("XDP right", ["socket left"]),
        ("tc ingress right", ["socket left", "socket right"]),
    ],
)
def test_what_is_dropped_in_one_place_is_seen_in_those_before_it(veth, tmp_path, stopped, sees):
    frame = FRAMES["UDP"]
    with (
        counting(veth, "socket left", tmp_path) as left,
        counting(veth, "socket right", tmp_path) as right,
        counting(veth, "socket lo", tmp_path) as lo,
    ):
        with stopping(veth, stopped, tmp_path):
            traffic.frames(veth, [frame] * 10, "left")
            traffic.udp(veth, 1, 8)
            places, whole = {"socket left": left, "socket right": right}, {"UDP": 10 * len(frame)}
            assert waiting.until(lambda: all(places[place]() == whole for place in sees))
            assert waiting.until(lambda: lo() == {"UDP": 2 * 50})
        seen = {place: found() for place, found in places.items()}
        assert seen == {place: whole if place in sees else {} for place in places}
        assert lo() == {"UDP": 2 * 50}


@privileged
def test_seven_datagrams_to_a_closed_port(net):
    with as_this_kernel_can(), drops.counting(net) as dropped:
        with net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(7):
                sender.sendto(b"anybody?", ("127.0.0.1", 9))
        assert waiting.until(lambda: dropped.read() == {"NO_SOCKET": 7})
        traffic.udp(net, 3)
        assert dropped.read() == {"NO_SOCKET": 7}


def test_a_closed_network_has_no_drops_to_count():
    with netlab.open_network() as net:
        pass
    with pytest.raises(netlab.NetworkError, match="is closed"), drops.counting(net):
        pass


@privileged
def test_a_firewall_is_another_reason(net):
    net.run(["nft", "add table inet t"])
    net.run(["nft", "add chain inet t c { type filter hook input priority 0; policy drop; }"])
    with as_this_kernel_can(), drops.counting(net) as dropped:
        with net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(4):
                sender.sendto(b"anybody?", ("127.0.0.1", 9))
        assert dropped.read() == {"NETFILTER_DROP": 4}


def test_reasons_come_from_this_kernel():
    with as_this_kernel_can():
        named = set(drops.reasons().values())
        assert {"NOT_SPECIFIED", "NO_SOCKET", "NETFILTER_DROP"} <= named


def test_a_kernel_without_reasons_or_types_is_one_sentence(tmp_path):
    with pytest.raises(drops.TracingError, match="own types cannot be read"):
        drops.reasons(tmp_path / "vmlinux")
    (tmp_path / "vmlinux").write_bytes(b"\x9f\xeb" + bytes(22))
    with pytest.raises(drops.TracingError, match=r"takes Linux 5\.17 or later"):
        drops.reasons(tmp_path / "vmlinux")


@privileged
def test_an_interface_that_is_not_there(veth, tmp_path):
    with loader.load(toolchain.compile_bpf("protocols_xdp_kern.c", tmp_path / "x.o")) as loaded:
        fd = loaded.program("count_bytes").fd
        for attached in (attach.xdp, attach.tc):
            with pytest.raises(attach.AttachError, match="no such interface .*eth77"):
                attached(veth, fd, "eth77").__enter__()
        with pytest.raises(attach.AttachError, match="right type"):
            attach.tc(veth, fd, "right").__enter__()
        with pytest.raises(attach.AttachError, match="no hook 'sideways'"):
            attach.tc(veth, fd, "right", "sideways").__enter__()
        with attach.xdp(veth, fd, "right"):
            pass
    links = json.loads(veth.run(["ip", "-j", "link", "show", "right"]).stdout)
    assert "xdp" not in links[0]
    assert "clsact" not in veth.run(["tc", "qdisc", "show"]).stdout


ASK = """
import sys
from pathlib import Path
from chapters.ch12 import attach, bpffs, drops
from helpers import loader, netlab, toolchain
from helpers.errors import CourseError
def attempt(what):
    try:
        what()
        print("works")
    except CourseError as error:
        print(type(error).__name__, error)
toolchain.BUILD = Path(sys.argv[1])
net = netlab.open_network()
net.add_veth()
for name in ("xdp", "tc"):
    attempt(lambda: loader.load(toolchain.BUILD / f"{name}.o"))
attempt(bpffs.open_bpffs)
attempt(lambda: drops.counting(net).__enter__())
"""


def test_who_may_not_is_told_in_one_sentence(tmp_path):
    """An ordinary user with the two capabilities that the course hands over."""
    for name in ("xdp", "tc"):
        toolchain.compile_bpf(f"protocols_{name}_kern.c", tmp_path / f"{name}.o")
    tmp_path.chmod(0o777)
    drop = [word + ",+bpf,+net_raw" if "caps=" in word else word for word in ordinary_user()]
    command = [*drop, sys.executable, "-c", ASK, tmp_path]
    lines = subprocess.check_output(command, cwd=COURSE, text=True).splitlines()
    assert len(lines) == 4
    for line in lines[:2]:
        assert line.startswith("LoadError Loading a")
        assert "this process lacks CAP_NET_ADMIN" in line
    assert lines[2].startswith("PinError Pinning needs a BPF file system, and only root")
    assert lines[3].startswith(f"TracingError {DENIED if GIVES_REASONS else OLDER}")


@privileged
def test_a_pinned_map_is_found_by_another_process(sockex1):
    with bpffs.open_bpffs() as pins:
        path = pins.pin(sockex1.map("bytes_by_protocol").fd, "bytes")
        show = ["bpftool", "-j", "map", "show", "pinned", path]
        assert json.loads(subprocess.check_output(show))["max_entries"] == 256
        os.close(bpffs.find(path))
        with pytest.raises(bpffs.PinError, match="Nothing is pinned as packets"):
            bpffs.find(pins.path / "packets")
        with pytest.raises(bpffs.PinError, match="pinned as bytes already"):
            pins.pin(sockex1.map("bytes_by_protocol").fd, "bytes")


def maps_named(name: str) -> set[int]:
    found = json.loads(subprocess.check_output(["bpftool", "-j", "map", "show"]))
    return {each["id"] for each in found if each.get("name") == name}


@privileged
@pytest.mark.parametrize("how", ["close", "kill"])
def test_nothing_stays_pinned(how):
    name = f"pin_{os.getpid()}"
    script = (
        "import sys\n"
        "from chapters.ch12 import bpffs\n"
        "from helpers.syscall import create_map\n"
        f"pins, counts = bpffs.open_bpffs(), create_map(2, 4, 8, 1, name={name!r})\n"
        "pins.pin(counts.fd, 'counts')\n"
        "counts.close()\n"
        "print(flush=True)\n"
        "sys.stdin.readline()\n"
        "pins.close()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=COURSE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stdout.readline()
        assert len(maps_named(name)) == 1  # though no descriptor holds it
        if how == "kill":
            process.send_signal(signal.SIGKILL)
        else:
            print(file=process.stdin, flush=True)
        assert waiting.until(lambda: not maps_named(name))
