"""Counting in traffic control: the same bytes as at a packet socket, and nothing stays behind."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from stored import COURSE

from chapters.ch12 import attach, classes
from chapters.playground import Playground
from chapters.playground.breakdown import BREAKDOWNS
from chapters.playground.program import Counting
from helpers import capabilities, cbpf, live, loader, sockets, tc, toolchain, traffic, uapi
from helpers.live.attachment import AT_TC

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        "CAP_NET_ADMIN" not in capabilities.held(), reason="tc is for those with CAP_NET_ADMIN"
    ),
]
WAYS = pytest.mark.parametrize("links", [True, False], ids=["tcx", "clsact"])


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory):
    return toolchain.compile_bpf("protocols_tc_kern.c", tmp_path_factory.mktemp("bpf") / "tc.o")


@contextmanager
def with_links(links: bool, monkeypatch: pytest.MonkeyPatch):
    """Or as on a kernel that knows of no tcx."""
    if not links:
        monkeypatch.setattr(uapi, "BPF_TCX", dict.fromkeys(uapi.BPF_TCX, 0xFFFF))
    yield


def sent(net) -> None:
    """Frames of several kinds, the same ones each time."""
    traffic.udp(net, 20)
    traffic.echo(net, 3)
    traffic.echo(net, 3, to="::1")


@WAYS
@pytest.mark.own_network
def test_nothing_is_counted_after_it_is_closed_however_often(net, compiled, links, monkeypatch):
    receiver = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(receiver.getsockname())
    with with_links(links, monkeypatch), loader.load(compiled) as loaded, receiver, sender:
        for _ in range(200):
            with tc.Place(net, loaded.program("count_bytes").fd, "lo", ["egress"]):
                sender.send(bytes(100))
            for _ in range(30):
                sender.send(bytes(100))
        assert classes.totals(loaded) == {"UDP": 200 * 142}


@WAYS
@pytest.mark.own_network
def test_a_program_counts_until_it_is_closed_and_leaves_nothing(net, compiled, links, monkeypatch):
    with with_links(links, monkeypatch), loader.load(compiled) as loaded:
        program = loaded.program("count_bytes").fd
        with tc.Place(net, program, "lo", ["egress"]) as place:
            assert place.standing() == (0, "lo")
            sent(net)
            assert classes.totals(loaded) == {"UDP": 2840, "ICMP": 588, "ICMPv6": 708}
        sent(net)
        assert sum(classes.totals(loaded).values()) == 2840 + 588 + 708
    assert "clsact" not in net.run(["tc", "qdisc", "show", "dev", "lo"], check=True).stdout


@pytest.mark.own_network
def test_a_clsact_of_somebody_else_serves_and_stays(net, compiled, monkeypatch):
    net.run(["tc", "qdisc", "add", "dev", "lo", "clsact"], check=True)
    with with_links(False, monkeypatch), loader.load(compiled) as loaded:
        program = loaded.program("count_bytes").fd
        with (
            tc.Place(net, program, "lo", ["egress"]),
            tc.Place(net, program, "lo", ["ingress"]),
        ):
            traffic.udp(net, 1)
            assert classes.totals(loaded) == {"UDP": 2 * 142}
    assert "clsact" in net.run(["tc", "qdisc", "show", "dev", "lo"]).stdout
    assert net.run(["tc", "filter", "show", "dev", "lo", "egress"]).stdout == ""


@WAYS
@pytest.mark.own_network
def test_what_becomes_of_the_interface_is_told(net, compiled, links, monkeypatch):
    net.run(["ip", "link", "add", "short", "type", "dummy"])
    net.add_veth("short", "other")
    with with_links(links, monkeypatch), loader.load(compiled) as loaded:
        place = tc.Place(net, loaded.program("count_bytes").fd, "other", ["ingress"])
        net.run(["ip", "link", "set", "other", "name", "renamed"], check=True)
        net.run(["ip", "link", "set", "renamed", "down"], check=True)
        assert place.standing()[0] != 0
        net.run(["ip", "link", "delete", "renamed"], check=True)
        assert place.standing()[0] != 0
        place.close()


def test_a_refusal_is_one_sentence(net, compiled, sockex1):
    with loader.load(compiled) as loaded:
        program = loaded.program("count_bytes").fd
        with pytest.raises(tc.AttachError, match="There is no such interface"):
            tc.Place(net, program, "none", ["egress"])
        with pytest.raises(tc.AttachError, match="no hook 'middle'"):
            tc.Place(net, program, "lo", ["egress", "middle"])
    with (
        pytest.raises(tc.AttachError, match="is it of the right type"),
        attach.tc(net, sockex1.program("count_bytes").fd, "lo"),
    ):
        pass


KILLED = """
import os, signal, sys
from helpers import loader, tc, uapi
if sys.argv[2] == "clsact":
    uapi.BPF_TCX = dict.fromkeys(uapi.BPF_TCX, 0xFFFF)
with loader.load(sys.argv[1]) as loaded:
    place = tc.Place(None, loaded.program("count_bytes").fd, "lo", ["ingress", "egress"])
    os.kill(os.getpid(), signal.SIGKILL)
"""
SWEPT = "from helpers import tc; print(tc.sweep())"


@pytest.mark.skipif("CAP_SYS_ADMIN" not in capabilities.held(), reason="XDP and tc are for root")
@pytest.mark.parametrize(("way", "left"), [("tcx", 0), ("clsact", 2)])
def test_what_a_killed_process_leaves_goes_at_the_next_start(compiled, way, left):
    """On an interface that stays: this machine's own, here that of a namespace for both."""
    python = f"'{sys.executable}' -c"
    script = f"""
        ip link set lo up
        {python} '{KILLED}' {compiled} {way}
        tc filter show dev lo egress | grep -c 'course [0-9]'
        {python} '{SWEPT}'
        {python} '{SWEPT}'
        tc qdisc show dev lo | grep -c clsact
    """
    command = ["unshare", "-n", "bash", "-c", script]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True)
    assert done.stdout.split() == [str(left // 2), str(left), "0", "0"], done.stderr


def test_the_playground_sees_the_same_at_tc_through_every_filter_and_breakdown(net):
    async def counted(label: str, expression: str) -> list:
        with Playground(net) as playground:
            playground._owns.clear()  # the network is the test's
            playground.choose(interface=label, filter=expression)
            playground.start()
            sent(net)
            playground.stop()
            rows = []
            for by in BREAKDOWNS:
                playground.choose(breakdown=by)
                rows.append(playground.rows())
            return [playground.reading.seen, rows]

    home = "private lo"
    for expression, packets in (("", 32), ("udp", 20), ("icmp or ip6", 12), ("greater 120", 20)):
        at_socket = asyncio.run(counted(home, expression))
        at_tc = asyncio.run(counted(home + AT_TC, expression))
        assert at_tc[0] == at_socket[0] == 32
        # Sizes and protocols have no name that changes from run to run; ports and flows have.
        assert at_tc[1][0] == at_socket[1][0] and at_tc[1][4] == at_socket[1][4]
        sums = [[sum(row[2] for row in rows) for rows in each[1]] for each in (at_socket, at_tc)]
        assert sums[0] == sums[1]
        assert sum(row[1] for row in at_tc[1][0]) == packets


def test_a_filter_that_asks_for_the_direction_is_refused_at_tc():
    with pytest.raises(cbpf.FilterError, match="which way a frame goes"):
        Counting("inbound", at_tc=True)


def test_the_moving_plot_counts_on_where_it_is_moved_to():
    async def moved() -> list[int]:
        with live.open_plot() as plot:
            found = []
            for label in ("private lo", "private lo" + AT_TC):
                plot.choose(interface=label)
                before = plot._source.read().sum()
                sent(plot._net)
                found.append(int(plot._source.read().sum() - before))
            return found

    at_socket, at_tc = asyncio.run(moved())
    assert at_socket == at_tc == 20 * 142 + 6 * 98 + 6 * 118


def test_without_the_right_tc_is_not_offered(net, monkeypatch):
    monkeypatch.setattr("helpers.live.attachment.rights.lacking", lambda names: list(names))
    offered = live.interfaces(net, -1, at_tc=lambda: -1)
    assert not any(label.endswith(AT_TC) for label in offered)
    assert offered


def test_a_frame_goes_on_as_if_the_program_were_not_there(net):
    """Even where another program of traffic control is behind it."""
    net.add_veth()
    frame = bytes.fromhex("02000000000b02000000000a88b5") + bytes(46)
    with (
        Counting("len > 10", at_tc=True) as counting,
        loader.load(toolchain.compile_bpf("protocols_tc_kern.c")) as behind,
        tc.Place(net, counting.program.fd, "left", ["egress"]),
        tc.Place(net, behind.program("count_bytes").fd, "left", ["egress"]),
        loader.load(toolchain.compile_bpf("protocols_kern.c")) as arrived,
        sockets.packet_socket(net, arrived.program("count_bytes").fd, "right"),
    ):
        assert traffic.frames(net, [frame], "left") == 60
        assert classes.totals(arrived, expected=60) == classes.totals(behind) == {"not IP": 60}
        assert counting.read().bytes == 60
