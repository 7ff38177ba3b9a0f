"""What chapter 12 brings with it: frames made by hand, steps of the parser, events in two ways."""

from __future__ import annotations

import difflib
import os
import socket
import subprocess
import sys

import pytest
import tshark
from kinds import FRAMES

from chapters.ch12 import announce, classes
from helpers import frames, libbpf, loader, netlab, sockets, source, toolchain, traffic
from helpers.capabilities import held

STEPS = ["steps/1_ethertype.h", "steps/2_tags.h", "steps/3_extensions.h", "steps/4_fragments.h"]
STEPS += ["steps/5_tunnels.h", "protocols.h"]
DATAGRAM = frames.udp(b"twelve bytes")
UDP4 = frames.ethernet(frames.IPV4, frames.ipv4(17, DATAGRAM))


def six(following: int, payload: bytes) -> bytes:
    return frames.ethernet(frames.IPV6, frames.ipv6(following, payload))


MADE = {
    "UDP": [
        UDP4,
        frames.tagged(UDP4),
        frames.tagged(frames.tagged(UDP4), 7, frames.OUTER_TAG),
        frames.ethernet(frames.IPV4, frames.ipv4(17, DATAGRAM, offset=3, more=True)),
        six(17, DATAGRAM),
        six(0, frames.extension(60, frames.extension(17, DATAGRAM))),
        six(43, frames.extension(44, frames.fragment(17, DATAGRAM, more=True))),
        six(44, frames.fragment(17, DATAGRAM, offset=5)),
    ],
    "ARP": [frames.ethernet(frames.ARP, frames.arp())],
}


@pytest.mark.parametrize("name", MADE)
def test_a_frame_made_by_hand_is_what_it_is_meant_to_be(name, tmp_path):
    path = tshark.write_pcap(tmp_path / "made.pcap", MADE[name])
    assert tshark.classes(path) == [(name, len(frame)) for frame in MADE[name]]


def test_a_datagram_made_by_hand_has_good_checksums_and_its_data(tmp_path):
    path = tshark.write_pcap(tmp_path / "made.pcap", [UDP4])
    check = ["-o", "ip.check_checksum:TRUE", "-e", "ip.checksum.status"]
    fields = [*check, "-e", "ip.src", "-e", "ip.dst", "-e", "udp.dstport", "-e", "udp.length"]
    said = tshark.run("-r", path, "-T", "fields", "-E", "separator=,", *fields)
    assert said.strip() == "1,192.0.2.1,192.0.2.2,40001,20"


def test_a_question_by_arp_made_by_hand(tmp_path):
    path = tshark.write_pcap(tmp_path / "made.pcap", MADE["ARP"])
    wanted = ["arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"]
    fields = [option for name in wanted for option in ("-e", name)]
    said = tshark.run("-r", path, "-T", "fields", "-E", "separator=,", *fields)
    assert said.strip() == "1,02:00:00:00:00:0a,192.0.2.1,192.0.2.2"


@pytest.mark.parametrize(("before", "after"), list(zip(STEPS[:-2], STEPS[1:-1], strict=True)))
def test_each_step_is_a_small_one_and_adds(before, after):
    old, new = (source.body(toolchain.SOURCES / step) for step in (before, after))
    lines = list(difflib.ndiff(old, new))
    assert sum(line.startswith("+ ") for line in lines) <= 33
    assert sum(line.startswith("- ") for line in lines) <= 7


@pytest.mark.kernel
@pytest.mark.parametrize("step", STEPS)
def test_each_step_counts_a_plain_frame_and_every_byte(net, step):
    net.add_veth()
    with (
        classes.load(parser=step) as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, "left"),
    ):
        sent = traffic.frames(net, [UDP4], "left")
        assert classes.totals(loaded, sent) == {"UDP": len(UDP4)}
        sent += traffic.frames(net, FRAMES.values(), "left")
        assert sum(classes.totals(loaded, sent).values()) == sent


@pytest.mark.kernel
def test_totals_do_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(classes, "TIMEOUT_SECONDS", 0.05)
    with classes.load() as loaded:
        assert classes.totals(loaded, expected=1) == {}


def test_a_table_of_places():
    text = repr(classes.table({"left": {"UDP": 1234}, "right": {"ARP": 5}}))
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["class", "left", "right"],
        ["UDP", "1,234", "0"],
        ["ARP", "0", "5"],
    ]


def test_a_diff_shows_what_comes_in(capsys):
    source.diff("steps/1_ethertype.h", "steps/2_tags.h")
    shown = capsys.readouterr().out
    assert "+static __always_inline int is_tag" in shown
    assert "Chapter 12, step" not in shown
    assert "@@" not in shown


def test_a_macro_is_shown_with_its_backslashes_right_behind_the_code():
    lines = source.lines_of(toolchain.SOURCES / "journey_kern.c")
    macro = [line for line in lines if line.endswith("\\")]
    assert len(macro) > 5
    assert not any(line.endswith("  \\") for line in macro)


@pytest.mark.kernel
def test_events_from_two_processors(net):
    net.add_veth()
    if not {"CAP_PERFMON", "CAP_SYS_ADMIN"} & set(held()):
        with pytest.raises(announce.AnnounceError, match="perf event wants CAP_PERFMON"):
            announce.announced(net)
        return
    ring, perf = announce.announced(net, count=12)
    assert ring == list(range(12))
    several = len(os.sched_getaffinity(0)) > 1
    assert perf == ([*range(0, 12, 2), *range(1, 12, 2)] if several else list(range(12)))


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("ring", "error", "freed"),
    [(None, announce.AnnounceError, ["perf"]), (1, ZeroDivisionError, ["ring", "perf"])],
)
def test_buffers_are_given_back_whatever_happens(net, monkeypatch, ring, error, freed):
    given_back = []
    for name, stand_in in {
        "perf_buffer__new": lambda *_: 1,
        "ring_buffer__new": lambda *_: ring,
        "perf_buffer__free": lambda _: given_back.append("perf"),
        "ring_buffer__free": lambda _: given_back.append("ring"),
    }.items():
        monkeypatch.setattr(libbpf.library(), name, stand_in)
    monkeypatch.setattr(announce, "send_in_turn", lambda *_: 1 // 0)
    net.add_veth()
    with pytest.raises(error):
        announce.announced(net)
    assert given_back == freed


@pytest.mark.kernel
def test_a_bulk_transfer_makes_segments_longer_than_the_mtu(net):
    net.run(["ip", "link", "set", "lo", "mtu", "1500"])
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as witness:
        witness.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        witness.bind(("lo", sockets.ETH_P_ALL))
        traffic.bulk(net, 1_000_000)
        witness.setblocking(False)
        lengths = []
        while True:
            try:
                lengths.append(witness.recv_into(bytearray(1), 0, socket.MSG_TRUNC))
            except BlockingIOError:
                break
    assert max(lengths) > 1514


@pytest.mark.kernel
def test_the_programs_need_no_more_than_the_course_has(tmp_path):
    for name in ("protocols_kern.c", "flows_kern.c", "announce_kern.c"):
        loader.load(toolchain.compile_bpf(name, tmp_path / f"{name}.o")).close()


@pytest.mark.kernel
def test_a_cable_is_quiet_where_settings_are_read_only():
    # As in a container: IPv6 cannot be turned off there, and an address of it would send frames.
    script = """
from helpers import netlab
with netlab.open_network() as net:
    net.add_veth()
    print(net.run(["ip", "-6", "-o", "address", "show", "dev", "left"], check=True).stdout, end="")
    print(net.kind)
"""
    read_only = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"
    refused = "! 2>/dev/null echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6"
    command = f'{read_only} && {refused} && exec "$@"'
    result = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command, "sh", sys.executable, "-c", script],
        capture_output=True,
        text=True,
    )
    assert (result.stderr, result.stdout) == ("", "user namespace\n")


@pytest.mark.parametrize("kind", ["own lo", "shared lo"])
def test_a_cable_needs_a_network_namespace(net, monkeypatch, kind):
    monkeypatch.setattr(net, "kind", kind)
    with pytest.raises(netlab.NetworkError, match="needs a network namespace"):
        net.add_veth()
