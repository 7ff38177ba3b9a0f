"""Flows, the ring buffer, and what happens where there is no room; on the real kernel."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tshark
from kinds import FRAMES
from scapy.compat import raw
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from helpers import flows, loader, netlab, protocols, sockets, toolchain, traffic
from helpers.syscall import possible_cpus

pytestmark = pytest.mark.kernel

PACKET = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=1, dport=2, chksum=0)
DATAGRAM = raw(Ether(dst="02:00:00:00:00:0b") / PACKET)
PORTS = ("TCP", "UDP", "SCTP")
TYPES = ["HASH", "LRU_HASH", "PERCPU_HASH", "LRU_PERCPU_HASH"]


@contextmanager
def counting(
    net: netlab.Network, folder: Path, options: list[str], interface: str = "lo"
) -> Iterator[tuple[flows.Flows, flows.Arrivals]]:
    compiled = toolchain.compile_bpf("flows_kern.c", folder / "flows.o", options)
    with (
        loader.load(compiled) as loaded,
        flows.Arrivals(loaded) as arrivals,
        # On lo each frame also comes back in: there only that is counted. Elsewhere what goes out
        # is counted by the time that it is sent.
        sockets.packet_socket(net, loaded.program("count_flows").fd, interface, interface != "lo"),
    ):
        yield flows.Flows(loaded), arrivals


def datagram(number: int, size: int = 0) -> bytes:
    """A frame of one flow among 65,536."""
    frame = bytearray(DATAGRAM + bytes(size))
    frame[34:36] = struct.pack("!H", number)
    return bytes(frame)


@pytest.mark.parametrize("kind", TYPES)
def test_flows_are_counted_exactly_whatever_the_map(veth, tmp_path, kind):
    options = [f"-DFLOWS_TYPE=BPF_MAP_TYPE_{kind}"]
    with counting(veth, tmp_path, options, "left") as (found, arrivals):
        traffic.frames(veth, [datagram(number % 100, number % 7) for number in range(1000)], "left")
        reading = found.read()
        came = arrivals.read()
    assert len(reading.keys) == len(came) == 100
    assert (reading.missed, reading.unannounced) == (0, 0)
    assert set(reading.traffic["packets"]) == {10}
    expected = {number: sum(42 + n % 7 for n in range(number, 1000, 100)) for number in range(100)}
    ports = reading.keys["from_port"].tolist()
    assert dict(zip(ports, reading.traffic["bytes"].tolist(), strict=True)) == expected
    assert np.all(reading.traffic["first"] <= reading.traffic["last"])
    assert np.all(reading.traffic["first"] > 0)
    assert [arrival.flow.from_port for arrival in came] == list(range(100))
    assert [arrival.first for arrival in came] == [datagram(n, n % 7) for n in range(100)]


@pytest.mark.parametrize("kind", TYPES)
def test_a_flow_begins_once_on_however_many_processors_it_goes_on(veth, tmp_path, kind):
    processors = os.sched_getaffinity(0)
    with counting(veth, tmp_path, [f"-DFLOWS_TYPE=BPF_MAP_TYPE_{kind}"], "left") as (found, _):
        began = time.monotonic_ns()
        try:
            for processor in processors:
                os.sched_setaffinity(0, {processor})
                traffic.frames(veth, [datagram(1)], "left")
        finally:
            os.sched_setaffinity(0, processors)
        (flow,) = found.read().traffic
    assert flow["packets"] == len(processors)
    assert began < flow["first"] <= flow["last"] < time.monotonic_ns()


def test_a_frame_of_each_kind_is_in_the_flow_that_tshark_says(veth, tmp_path):
    fields = ["ip.src", "ipv6.src", "ip.dst", "ipv6.dst"]
    fields += [f"{name}.{side}port" for name in ("tcp", "udp", "sctp") for side in ("src", "dst")]
    path = tshark.write_pcap(tmp_path / "all.pcap", list(FRAMES.values()))
    options = [option for field in fields for option in ("-e", field)]
    lines = tshark.run("-r", path, "-T", "fields", "-E", "occurrence=f", *options).splitlines()
    with counting(veth, tmp_path, [], "left") as (found, _):
        frames = zip(FRAMES.items(), tshark.classes(path), lines, strict=True)
        for (name, frame), (protocol, length), line in frames:
            before = packets(found)
            traffic.frames(veth, [frame], "left")
            after = packets(found)
            changed = [flow for flow in after if after[flow] != before.get(flow)]
            if protocol in protocols.CLASSES:
                assert changed == [], name
                continue
            (flow,) = changed
            count, size = before.get(flow, (0, 0))
            assert after[flow] == (count + 1, size + length), name
            four_from, six_from, four_to, six_to, *ports = line.split("\t")
            assert flow.protocol == protocol, name
            # A packet in a packet has both: the outer one is the flow's.
            assert flow.sender in (four_from, six_from), name
            assert flow.receiver in (four_to, six_to), name
            assert (":" in flow.sender) == (outermost(frame) == 6), name
            numbers = [int(port) for port in ports if port] if flow.protocol in PORTS else []
            assert [flow.from_port, flow.to_port] == (numbers or [0, 0]), name


def outermost(frame: bytes) -> int:
    """The version in the outermost IP header, by the place of its EtherType."""
    at = next(at for at in (12, 16, 20) if frame[at : at + 2] in (b"\x08\x00", b"\x86\xdd"))
    return frame[at + 2] >> 4


def packets(found: flows.Flows) -> dict[flows.Flow, tuple[int, int]]:
    return {flow: (int(t["packets"]), int(t["bytes"])) for flow, t in found.read().top(1000)}


@pytest.mark.parametrize("kind", ["HASH", "PERCPU_HASH"])
def test_a_full_map_says_what_it_missed(veth, tmp_path, kind):
    options = ["-DFLOWS=64", f"-DFLOWS_TYPE=BPF_MAP_TYPE_{kind}"]
    with counting(veth, tmp_path, options, "left") as (found, arrivals):
        traffic.frames(veth, [datagram(number) for number in range(1000)], "left")
        reading = found.read()
        assert reading.missed + int(reading.traffic["packets"].sum()) == 1000
        assert len(reading.keys) == len(arrivals.read()) == 64
    assert reading.missed == 936
    assert "936 packets of others found no room" in repr(reading.table())


def test_an_lru_map_forgets_the_oldest_and_misses_nothing(veth, tmp_path):
    with counting(veth, tmp_path, ["-DFLOWS=256"], "left") as (found, arrivals):
        traffic.frames(veth, [datagram(number) for number in range(3000)], "left")
        reading = found.read()
        assert reading.missed == 0
        assert 0 < len(reading.keys) <= 256
        # Each was new once, and may have been forgotten since; the newest is there.
        assert len(arrivals.read()) + reading.unannounced == 3000
    assert 2999 in reading.keys["from_port"]


def test_ten_thousand_flows_are_read_and_shown(veth, tmp_path):
    with counting(veth, tmp_path, [], "left") as (found, _):
        traffic.frames(veth, [datagram(number) for number in range(10_000)], "left")
        traffic.frames(veth, [datagram(77, 1000)] * 3, "left")
        reading = found.read()
    assert len(reading.keys) == 10_000
    table = reading.table(5)
    assert len(table.rows) == 5
    assert table.rows[0] == ("UDP 192.0.2.1:77 > 192.0.2.2:2", "4", "3,168")
    assert reading.top(1, "packets")[0][0].from_port == 77


def test_a_full_ring_buffer_loses_announcements_and_no_count(veth, tmp_path):
    with counting(veth, tmp_path, [], "left") as (found, arrivals):
        traffic.frames(veth, [datagram(number) for number in range(4000)], "left")
        reading = found.read()
        came = arrivals.read()
        assert reading.unannounced > 0
        assert len(came) + reading.unannounced == len(reading.keys) == 4000
        assert arrivals.read() == []
        traffic.frames(veth, [datagram(9999)], "left")
        assert [arrival.flow.from_port for arrival in arrivals.read()] == [9999]


def test_of_a_long_frame_the_first_bytes_come(veth, tmp_path):
    with counting(veth, tmp_path, [], "left") as (_, arrivals):
        traffic.frames(veth, [datagram(5, 1000)], "left")
        (arrival,) = arrivals.read()
    assert (arrival.length, arrival.first) == (1042, datagram(5, 1000)[:96])


def test_two_directions_are_two_flows(net, tmp_path):
    with counting(net, tmp_path, []) as (found, _):
        traffic.echo(net, 3, to="127.0.0.9")
        lines = {str(flow): int(seen["packets"]) for flow, seen in found.read().top()}
    assert sorted(lines.values()) == [3, 3]
    assert "ICMP 127.0.0.9 > 127.0.0.1" in lines


def test_a_closed_ring_buffer_says_so(net, tmp_path):
    with counting(net, tmp_path, []) as (_, arrivals):
        arrivals.close()
        with pytest.raises(flows.FlowError, match="load the program again"):
            arrivals.read()


@pytest.mark.parametrize(
    ("address", "port", "text"),
    [("192.0.2.1", 0, "192.0.2.1"), ("192.0.2.1", 53, "192.0.2.1:53"), ("::1", 53, "[::1]:53")],
)
def test_an_end_as_text(address, port, text):
    assert flows.end(address, port) == text


def test_the_layout_is_that_of_the_c_file(tmp_path):
    with loader.load(toolchain.compile_bpf("flows_kern.c", tmp_path / "f.o")) as loaded:
        found = loaded.map("flows")
    assert (found.key_size, found.value_size) == (flows.FLOW.itemsize, flows.TRAFFIC.itemsize)
    assert possible_cpus() >= 1
