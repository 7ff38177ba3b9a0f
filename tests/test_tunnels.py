"""Interfaces without an Ethernet header: every packet in its class, as tshark says of the same."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tshark
import waiting
from kinds import FRAMES

from chapters.ch12 import attach, classes
from chapters.playground.program import Counting
from helpers import (
    capabilities,
    cbpf,
    counters,
    flows,
    links,
    live,
    loader,
    netlab,
    protocols,
    sockets,
    toolchain,
)
from tools.kernels.attempts import LINKS, make_link

pytestmark = [pytest.mark.kernel, pytest.mark.own_network]

RAW = 101  # the link type of packets without a link header, in a capture file
# Every kind of frame that carries IP, without its Ethernet header and its tags.
PACKETS: dict[str, bytes] = {}
for name, frame in FRAMES.items():
    kind, at = links.network(links.EN10MB, frame)
    if kind in (links.IPV4, links.IPV6):
        PACKETS[name] = frame[at:]
# From 0800 on, as if it were an EtherType: a source address that lies at bytes 12 and 13.
for name, at, misleading in (("UDP", 12, b"\x08\x00"), ("UDP over IPv6", 12, b"\x86\xdd")):
    packet = bytearray(PACKETS[name])
    packet[at : at + 2] = misleading
    PACKETS[f"{name}, from a misleading address"] = bytes(packet)
# Of fewer than 8 bytes tshark does not look at the version.
AT_LEAST = 8
EVERYTHING = [p[:length] for p in PACKETS.values() for length in range(AT_LEAST, len(p) + 1)]
privileged = pytest.mark.skipif(
    not {"CAP_NET_ADMIN", "CAP_SYS_ADMIN"} <= set(capabilities.held()),
    reason="XDP and tc are for root",
)


@pytest.fixture
def tunnel(net: netlab.Network) -> Iterator[io.FileIO]:
    with net.add_tun() as file:
        yield file


def sorted_out(loaded: loader.LoadedObject) -> dict[str, int]:
    with counters.Counters(loaded.map("bytes_by_protocol")) as counted:
        values = counted.read()
    return {protocols.name(int(slot)): int(values[slot]) for slot in np.flatnonzero(values)}


def came_in(net: netlab.Network, tunnel: io.FileIO, packets: list[bytes]) -> dict[str, int]:
    """What is counted of packets that come in through the file."""
    with (
        classes.load() as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, "tun0", outgoing=False),
    ):
        for packet in packets:
            assert tunnel.write(packet) == len(packet)
        waiting.until(lambda: sum(sorted_out(loaded).values()) >= sum(map(len, packets)))
        return sorted_out(loaded)


def send(net: netlab.Network, packets: list[bytes], kind: int, interface: str = "tun0") -> None:
    """Send packets as they are, with an EtherType beside them; 0 leaves that to the kernel."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        for packet in packets:
            sender.sendto(packet, (interface, kind))


def went_out(net: netlab.Network, packets: list[bytes], kind: int) -> dict[str, int]:
    """What is counted of packets that a packet socket sends."""
    with (
        classes.load() as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, "tun0"),
    ):
        send(net, packets, kind)
        return sorted_out(loaded)


def test_every_kind_comes_in_cut_off_at_every_length(net, tunnel, tmp_path):
    assert came_in(net, tunnel, EVERYTHING) == tshark.totals(EVERYTHING, tmp_path, RAW)


@pytest.mark.parametrize("kind", [0, sockets.ETH_P_ALL, links.IPV4, links.IPV6])
def test_every_kind_goes_out_whatever_its_sender_calls_it(net, tunnel, tmp_path, kind):
    packets = [*PACKETS.values()]
    assert went_out(net, packets, kind) == tshark.totals(packets, tmp_path, RAW)


def test_the_shortest_are_truncated(net, tunnel):
    shortest = [packet[:length] for packet in PACKETS.values() for length in range(1, AT_LEAST)]
    assert came_in(net, tunnel, shortest) == {"truncated": sum(map(len, shortest))}


def test_what_is_no_ip_is_counted_as_such(net, tunnel):
    """GRE and PPP carry others, too; the first byte of such a packet may look like IP's."""
    label = PACKETS["UDP"]
    assert went_out(net, [label], 0x8847) == {"not IP": len(label)}  # MPLS
    assert went_out(net, [label], links.ARP) == {"ARP": len(label)}


@pytest.mark.parametrize("first", [0x44, 0x65, 0x15])
def test_a_version_or_a_length_that_cannot_be(net, tunnel, first):
    packet = bytes([first]) + PACKETS["UDP"][1:]
    expected = "truncated" if first == 0x65 else "malformed"  # of IPv6 it would be the beginning
    assert went_out(net, [packet], links.IPV4) == {expected: len(packet)}


def test_a_packet_in_several_pieces(net, tunnel):
    """sendfile() leaves the data where they are: the kernel reads behind the header elsewhere."""
    net.run(["ip", "address", "add", "8.0.0.1/24", "dev", "tun0"], check=True)
    with (
        classes.load() as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, "tun0"),
        net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        Path("/proc/self/exe").open("rb") as file,
    ):
        sender.connect(("8.0.0.2", 9))
        assert os.sendfile(sender.fileno(), file.fileno(), 0, 1000) == 1000
        assert sorted_out(loaded) == {"UDP": 1028}
    assert len(tunnel.read(2000)) == 1028


@pytest.mark.parametrize(
    ("family", "address", "to", "header"),
    [
        (socket.AF_INET, "192.0.2.1/24", "192.0.2.2", 28),
        (socket.AF_INET6, "2001:db8::1/64", "2001:db8::2", 48),
    ],
)
def test_a_datagram_of_the_kernels_own(net, tunnel, family, address, to, header):
    nodad = ["nodad"] if family == socket.AF_INET6 else []
    net.run(["ip", "address", "add", address, "dev", "tun0", *nodad], check=True)
    with (
        classes.load() as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, "tun0"),
        net.socket(family, socket.SOCK_DGRAM) as sender,
    ):
        for _ in range(10):
            sender.sendto(bytes(100), (to, 9))
        assert sorted_out(loaded) == {"UDP": 10 * (header + 100)}
    assert len(tunnel.read(2000)) == header + 100


def test_the_flows_of_a_tunnel(net, tunnel, tmp_path):
    with (
        loader.load(toolchain.compile_bpf("flows_kern.c", tmp_path / "flows.o")) as loaded,
        sockets.packet_socket(net, loaded.program("count_flows").fd, "tun0"),
        flows.Arrivals(loaded) as arrivals,
    ):
        send(net, [PACKETS["UDP"]] * 3, links.IPV4)
        send(net, [PACKETS["UDP over IPv6"]] * 2, links.IPV6)
        found = {str(flow): int(seen["bytes"]) for flow, seen in flows.Flows(loaded).read().top()}
        (first, second) = arrivals.read()
    assert found == {
        "UDP 192.0.2.1:40000 > 192.0.2.2:40001": 3 * 36,
        "UDP [2001:db8::1]:40000 > [2001:db8::2]:40001": 2 * 56,
    }
    assert (first.first, second.first) == (PACKETS["UDP"], PACKETS["UDP over IPv6"])


def test_the_playground_on_a_tunnel(net, tunnel, tmp_path):
    packets = [*PACKETS.values()]
    with (
        Counting() as counting,
        sockets.packet_socket(net, counting.program.fd, "tun0"),
    ):
        send(net, packets, 0)
        reading = counting.read()
    found: dict[str, int] = {}
    for key, seen in zip(reading.keys, reading.traffic, strict=True):
        name = flows.decode(key).protocol
        found[name] = found.get(name, 0) + int(seen["bytes"])
    assert found == tshark.totals(packets, tmp_path, RAW)
    assert reading.bytes == sum(map(len, packets))


@pytest.mark.parametrize(
    "expression",
    [
        "udp",
        "ip",
        "ip6",
        "tcp or sctp",
        "host 192.0.2.1",
        "portrange 1-65535",
        "ip[0] & 0xf > 5",
        "len > 80",
    ],
)
def test_a_filter_on_a_tunnel_takes_what_tcpdump_takes(net, tunnel, tmp_path, expression):
    packets = [*PACKETS.values()]
    path = tshark.write_pcap(tmp_path / "tunnel.pcap", packets, RAW)
    taken = tshark.taken_by_tcpdump(path, expression, tmp_path / "taken.pcap")
    compiles = partial(cbpf.compile_for_interface, interface="tun0", net=net)
    with (
        Counting(expression, compiles=compiles) as counting,
        sockets.packet_socket(net, counting.program.fd, "tun0"),
    ):
        send(net, packets, 0)
        reading = counting.read()
    assert 0 < len(taken) < len(packets)
    assert (reading.packets, reading.bytes) == (len(taken), sum(taken))
    assert reading.seen == len(packets)


def test_the_moving_plot_on_a_tunnel(net, tunnel):
    loaded = classes.load()
    at = {"tun0": partial(sockets.packet_socket, net, loaded.program("count_bytes").fd, "tun0")}
    counted = counters.Counters(loaded.map("bytes_by_protocol"))

    async def watched() -> int:
        with live.LivePlot(counted, at=at, interval=0.05, owns=[counted, loaded]) as plot:
            running = asyncio.ensure_future(plot.run(1))
            while not len(plot.table()["seconds"]):
                await asyncio.sleep(0)
            send(net, [PACKETS["UDP"]] * 10, links.IPV4)
            await running
            return int(plot.table()["UDP"][-1])

    assert asyncio.run(watched()) == 10 * len(PACKETS["UDP"])


@privileged
@pytest.mark.parametrize("place", ["XDP", "tc ingress", "tc egress"])
def test_other_places_on_a_tunnel(net, tunnel, tmp_path, place):
    packets = [*PACKETS.values()]
    source = "protocols_xdp_kern.c" if place == "XDP" else "protocols_tc_kern.c"
    with classes.load(source, ethernet=place != "XDP") as loaded:
        fd = loaded.program("count_bytes").fd
        with (
            attach.xdp(net, fd, "tun0", ethernet=False)
            if place == "XDP"
            else attach.tc(net, fd, "tun0", place.split()[1])
        ):
            if place == "tc egress":
                send(net, packets, 0)
            else:
                for packet in packets:
                    tunnel.write(packet)
            waiting.until(lambda: sum(sorted_out(loaded).values()) >= sum(map(len, packets)))
            assert sorted_out(loaded) == tshark.totals(packets, tmp_path, RAW)


@privileged
def test_xdp_asks_what_comes_first(net, tunnel):
    net.add_veth()
    with classes.load("protocols_xdp_kern.c") as loaded:
        fd = loaded.program("count_bytes").fd
        for interface, ethernet in (("tun0", True), ("left", False)):
            with (
                pytest.raises(attach.AttachError, match=f"ethernet={not ethernet}"),
                attach.xdp(net, fd, interface, ethernet=ethernet),
            ):
                raise AssertionError("it was attached")


CARRIES = {"sit": ["UDP over IPv6", "ICMPv6"], "ipip": ["UDP", "TCP"]}


def add_link(net: netlab.Network, name: str) -> list[bytes]:
    """Make link0, one of LINKS, which sends nothing by itself. Result: packets that it carries."""
    made = make_link(net, name)
    assert made.returncode == 0, made.stderr
    quiet = ["multicast", "off", "addrgenmode", "none"]
    net.run(["ip", "link", "set", "link0", *quiet], check=True)
    net.run(["ip", "link", "set", "link0", "up"], check=True)
    return [PACKETS[kind] for kind in CARRIES.get(name, PACKETS)]


def send_through(net: netlab.Network, name: str, packets: list[bytes]) -> None:
    """Send packets out of link0."""
    # Where it has many ends, the kernel has to be told which, and makes the outer header.
    how = socket.SOCK_DGRAM if "many" in name else socket.SOCK_RAW
    with net.socket(socket.AF_PACKET, how, 0) as sender:
        for packet in packets:
            kind = links.IPV6 if packet[0] >> 4 == 6 else links.IPV4
            end = (bytes([192, 0, 2, 2]),) if "many" in name else ()
            try:
                sender.sendto(packet, ("link0", kind, 0, 0, *end))
            except OSError as error:  # no route to the other end, or nobody there: after the tap
                assert error.errno in (errno.ENOBUFS, errno.ENETUNREACH, errno.ENOKEY)


OTHER_LINKS = [pytest.param(name, marks=pytest.mark.link(name)) for name in LINKS]


@pytest.mark.parametrize("name", OTHER_LINKS)
def test_other_links_that_carry_ip(net, name, tmp_path):
    packets = add_link(net, name)
    assert links.of_device("link0", net) is links.RAW
    with (
        classes.load() as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, "link0"),
    ):
        send_through(net, name, packets)
        assert sorted_out(loaded) == tshark.totals(packets, tmp_path, RAW)


def test_tags_up_to_eight_wherever_the_first_is(veth):
    tag, frame = b"\x81\x00\x00\x05", FRAMES["UDP"]
    tagged = {count: frame[:12] + count * tag + frame[12:] for count in (3, 8, 9)}
    for count, name in ((3, "UDP"), (8, "UDP"), (9, "too many headers")):
        with classes.load() as left, classes.load() as right, ExitStack() as stack:
            for interface, loaded in (("left", left), ("right", right)):
                fd = loaded.program("count_bytes").fd
                stack.enter_context(sockets.packet_socket(veth, fd, interface))
            with veth.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
                sender.bind(("left", 0))
                sender.send(tagged[count])
            length = len(tagged[count])
            assert waiting.until(lambda right=right: sum(sorted_out(right).values()) > 0)
            assert sorted_out(left) == sorted_out(right) == {name: length}


def test_a_type_of_interface_that_is_not_known_is_named(net, monkeypatch, sockex1):
    monkeypatch.setattr(links, "ETHERNET_DEVICES", {1: "ETHER"})
    monkeypatch.setattr(links, "OTHER_DEVICES", {772: "LOOPBACK"})
    with pytest.raises(links.LinkError, match=r"interface lo is of type LOOPBACK \(772\)"):
        sockets.packet_socket(net, sockex1.program("count_bytes").fd)


@pytest.mark.parametrize("name", ["nosuch0", "a_name_that_is_too_long"])
def test_an_interface_that_is_not_there(net, sockex1, name):
    with pytest.raises(sockets.SocketError, match=f"There is no interface {name} here"):
        sockets.packet_socket(net, sockex1.program("count_bytes").fd, name)


def test_sockex1_takes_a_byte_of_the_port_for_the_protocol(net, tunnel, sockex1):
    packet = bytearray(PACKETS["UDP"])
    packet[22:24] = (456).to_bytes(2, "big")  # the port that it goes to
    with sockets.packet_socket(net, sockex1.program("count_bytes").fd, "tun0"):
        send(net, [bytes(packet)], links.IPV4)
        found = sockex1.map("bytes_by_protocol").counter
        assert (found(200), found(17)) == (len(packet), 0)
