"""Every frame lands in exactly one class, and tshark says the same of the same frames."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tshark
from kinds import FRAMES, cut

from chapters.playground import pcap
from helpers import counters, loader, netlab, protocols, sockets, toolchain, traffic

pytestmark = pytest.mark.kernel

EVERYTHING = [piece for frame in FRAMES.values() for piece in cut(frame)]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toolchain.compile_bpf("protocols_kern.c", tmp_path_factory.mktemp("bpf") / "p.o")


class Counted:
    """A program attached to one interface, and by how many bytes each class has grown."""

    def __init__(self, loaded: loader.LoadedObject) -> None:
        self._counters = counters.Counters(loaded.map("bytes_by_protocol"))

    def once(self, total: int) -> dict[str, int]:
        """The classes, once there are `total` bytes in all of them; or after five seconds."""
        deadline = time.monotonic() + 5
        while self._counters.read().sum() < total and time.monotonic() < deadline:
            time.sleep(0)
        values = self._counters.read()
        return {protocols.name(int(slot)): int(values[slot]) for slot in np.flatnonzero(values)}


@contextmanager
def counting(
    net: netlab.Network, compiled: Path, interface: str, outgoing: bool = True
) -> Iterator[Counted]:
    with (
        loader.load(compiled) as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd, interface, outgoing),
    ):
        yield Counted(loaded)


@pytest.fixture(scope="session")
def by_tshark(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, int]]:
    """For each kind of frame its class and its bytes, as tshark says."""
    path = tshark.write_pcap(tmp_path_factory.mktemp("kinds") / "each.pcap", [*FRAMES.values()])
    return dict(zip(FRAMES, tshark.classes(path), strict=True))


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_each_kind(veth, compiled, by_tshark, name):
    expected = dict([by_tshark[name]])
    with counting(veth, compiled, "left") as left, counting(veth, compiled, "right") as right:
        sent = traffic.frames(veth, [FRAMES[name]], "left")
        assert sent == len(FRAMES[name])
        assert left.once(sent) == right.once(sent) == expected


def arrives(frame: bytes) -> bool:
    """Whether a frame gets as far as the receiving tap.

    The kernel takes the outer VLAN tag off before that, and throws the frame away if the tag or
    the two bytes after it are not whole (skb_vlan_untag in net/core/skbuff.c).
    """
    return frame[12:14] not in (b"\x81\x00", b"\x88\xa8") or len(frame) >= 20


def test_every_kind_cut_off_at_every_length(veth, compiled, tmp_path):
    arriving = [frame for frame in EVERYTHING if arrives(frame)]
    sent, received = sum(map(len, EVERYTHING)), sum(map(len, arriving))
    with (
        counting(veth, compiled, "left") as left,
        counting(veth, compiled, "right") as right,
        counting(veth, compiled, "lo", outgoing=False) as lo,
    ):
        assert traffic.frames(veth, EVERYTHING, "left") == sent
        assert traffic.frames(veth, EVERYTHING, "lo") == sent
        assert left.once(sent) == tshark.totals(EVERYTHING, tmp_path)
        assert right.once(received) == lo.once(received) == tshark.totals(arriving, tmp_path)


@pytest.fixture(scope="session")
def recorded() -> list[bytes]:
    """What comes in on a private lo: pings, datagrams, fragments, and TCP in large segments."""
    frames = []
    with (
        netlab.open_network() as net,
        net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as witness,
    ):
        witness.setsockopt(sockets.SOL_PACKET, sockets.PACKET_IGNORE_OUTGOING, 1)
        witness.bind(("lo", sockets.ETH_P_ALL))
        witness.setblocking(False)
        net.run(["ip", "link", "set", "lo", "mtu", "20000"])
        for to in ("127.0.0.1", "::1"):
            # Read after each: the 400 KB that an older kernel lets wait here are soon used up.
            for send, *arguments in (
                (traffic.echo, 5),
                (traffic.udp, 2, 50_000),
                (traffic.tcp, 100_000),
            ):
                send(net, *arguments, to=to)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        frames.append(witness.recv(1 << 17))
    return frames


def test_a_capture_file_replayed(net, compiled, recorded, tmp_path):
    net.add_veth(mtu=65_535)
    path = tshark.write_pcap(tmp_path / "recorded.pcap", recorded)
    expected = tshark.totals(recorded, tmp_path)
    assert set(expected) == {"ICMP", "ICMPv6", "UDP", "TCP"}
    assert max(map(len, recorded)) > 19_000  # a network card would be given smaller ones
    with counting(net, compiled, "left") as left, counting(net, compiled, "right") as right:
        sent = traffic.frames(net, pcap.read(path), "left")
        assert left.once(sent) == right.once(sent) == expected
    assert tshark.statistics(recorded, tmp_path) == expected


def test_of_a_capture_file_that_is_cut_off_what_is_whole_is_sent(veth, compiled, tmp_path):
    path = tshark.write_pcap(tmp_path / "cut.pcap", [FRAMES["UDP"], FRAMES["TCP"]])
    path.write_bytes(path.read_bytes()[:-1])
    with counting(veth, compiled, "left") as left:
        with pytest.warns(UserWarning, match="cut.pcap"):
            frames = pcap.read(path)
        assert left.once(traffic.frames(veth, frames, "left")) == {"UDP": len(FRAMES["UDP"])}


@pytest.mark.parametrize(
    ("kind", "byte", "value"),
    [("UDP", 14, 0x44), ("UDP", 14, 0x65), ("ICMPv6", 14, 0x45), ("VLAN", 18, 0x40)],
)
def test_a_version_or_a_length_that_cannot_be(veth, compiled, kind, byte, value):
    """The kernel throws such a packet away; tshark guesses on, so it is no witness here."""
    frame = bytearray(FRAMES[kind])
    frame[byte] = value
    with counting(veth, compiled, "left") as left, counting(veth, compiled, "right") as right:
        sent = traffic.frames(veth, [frame], "left")
        assert left.once(sent) == right.once(sent) == {"malformed": len(frame)}


@pytest.mark.parametrize("length", [0, 13, 1515 + 4, 70_000])
def test_a_frame_that_cannot_be_sent_is_named(veth, length):
    with pytest.raises(traffic.TrafficError, match=f"Frame 1 has {length} bytes, and left"):
        traffic.frames(veth, [bytes(60), bytes(length)], "left")


def test_nothing_travels_on_a_new_cable(veth, compiled):
    with counting(veth, compiled, "left") as left, counting(veth, compiled, "right") as right:
        traffic.echo(veth, 3)  # on lo
        assert left.once(0) == right.once(0) == {}


def test_a_second_cable_of_the_same_name_is_the_first(veth):
    before = veth.run(["ip", "link"]).stdout
    veth.add_veth()
    assert veth.run(["ip", "link"]).stdout == before


def test_a_cable_that_cannot_be_is_refused_in_one_sentence(net):
    with pytest.raises(netlab.NetworkError, match="No veth pair can be made here"):
        net.add_veth(left="lo2", right="lo")
