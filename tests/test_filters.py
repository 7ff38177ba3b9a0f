"""Filters mean what tcpdump means: the same counts of the same packets, live and from files."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

import compared
import pytest

from chapters.ch09.check import waiting
from helpers import cbpf, netlab, sockets, traffic
from helpers.cbpf import Instruction, cooked
from helpers.cbpf import expression as expressions
from helpers.cbpf import instruction as c
from helpers.cbpf.cooked import CookedError
from helpers.cbpf.expression import MetadataError, UserSpaceError
from helpers.libpcap import LOOKUP_SECONDS, PcapError
from tools import marked
from tools.filters import files, live
from tools.filters.__main__ import PAGE
from tools.filters.expressions import EXPRESSIONS
from tools.filters.inside import IN_USER_SPACE

kernel = pytest.mark.kernel
# At the receiving end all of them; where nothing is hidden, and on any, some.
PLACES = [("right", slice(None)), ("left", slice(1, None, 3)), ("any", slice(2, None, 6))]


@kernel
@pytest.mark.parametrize(("place", "some"), PLACES, ids=[place for place, _ in PLACES])
def test_live_each_expression_selects_what_tcpdump_selects(place, some):
    rows = live.compare(list(EXPRESSIONS)[some], (place,))
    assert [row for row in rows if not row.agrees] == []
    for row in rows:
        by_itself = IN_USER_SPACE in str(row.theirs)
        assert by_itself == ("tcpdump runs such a filter by itself" in str(row.classic)), row
    counted = [row for row in rows if isinstance(row.theirs, int)]
    assert len({row.theirs for row in counted}) > len(counted) / 6
    compared.counts["filter expressions that select what tcpdump selects, live"] += len(rows)


def test_on_files_each_expression_selects_what_tcpdump_selects(tmp_path):
    rows = files.compare(tmp_path, every=4)
    assert len(rows) > 2 * len(EXPRESSIONS)
    assert [row for row in rows if not live.agree(row.theirs, row.ours)] == []
    refused = {row.expression for row in rows if isinstance(row.ours, str)}
    assert {"inbound", "outbound", "ifindex 2"} <= refused
    assert {row.file for row in rows} == set(files.FILES)
    compared.counts["filter expressions that select what tcpdump -r selects"] += len(rows)


def test_the_table_holds_what_was_measured():
    text = marked.part(PAGE, "summary")
    for same, of_all in re.findall(r"([\d,]+) of\s+([\d,]+)", text):
        assert same == of_all
    assert marked.part(PAGE, "filters").count("\n") > 60


def lengths(net: netlab.Network, program: list[Instruction], interface: str) -> list[int]:
    """What a socket with this filter gets of three tagged and one untagged datagram."""
    datagram = b"\2\0\0\0\0\x0b\2\0\0\0\0\x0a\x08\0" + traffic_datagram()
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sockets.attach_filter(sock, cbpf.encode(program))
        sock.bind((interface, sockets.ETH_P_ALL))
        tags = [b"\x81\0\0\5", b"\x81\0\0\5", b"\x81\0\0\7", b""]
        traffic.frames(net, [datagram[:12] + tag + datagram[12:] for tag in tags], "left")
        return [len(frame) for frame in waiting(sock)]


def traffic_datagram() -> bytes:
    header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 17, 0) + bytes([192, 0, 2, 1] * 2)
    return header + struct.pack("!HHHH", 1, 53, 20, 0) + bytes(12)


@kernel
@pytest.mark.parametrize(("text", "tagged"), [("vlan", 3), ("vlan 5", 2), ("vlan 5 and udp", 2)])
def test_a_tag_that_the_kernel_has_taken_off_is_found(veth, text, tagged):
    dead, alive = cbpf.compile_expression(text), cbpf.compile_for_interface(text, "right", veth)
    assert lengths(veth, dead, "right") == []
    assert lengths(veth, alive, "right") == [54] * tagged
    assert lengths(veth, alive, "left") == [58] * tagged


@kernel
def test_inside_and_outside_of_a_private_network_libpcap_makes_the_same(veth):
    for text in ("vlan and udp", "inbound", "greater 100 and ip broadcast"):
        ours = cbpf.compile_for_interface(text, "left", veth)
        command = ["tcpdump", "-p", "-ddd", "-i", "left", text]
        theirs = veth.run(command, check=True).stdout.split("\n")[1:-1]
        assert [f"{i.code} {i.jt} {i.jf} {i.k}" for i in ours] == theirs
    assert cbpf.compile_for_interface("vlan", "lo") == cbpf.compile_for_interface(
        "vlan", "lo", veth
    )
    with pytest.raises(PcapError, match="^libpcap cannot listen at nowhere: "):
        cbpf.compile_for_interface("vlan", "nowhere", veth)
    with pytest.raises(expressions.ExpressionSyntaxError, match="'and', offset 9"):
        cbpf.compile_for_interface("vlan and and", "left", veth)


@kernel
@pytest.mark.parametrize("text", ["ip6 protochain 17", "ip protochain 17 and not tcp"])
def test_a_loop_is_named_for_what_it_is(net, text):
    with pytest.raises(UserSpaceError, match=r"jumps back, to \d+: .* forward only.* by itself"):
        cbpf.compile_for_interface(text, "lo", net)
    program = cbpf.compile_expression(text)
    assert "ja       4" in cbpf.listing(program)
    for attempt in (cbpf.check, cbpf.translate, lambda program: cbpf.run(program, bytes(80))):
        with pytest.raises(cbpf.FilterError, match="^Instruction 1[89] jumps back, to 4: "):
            attempt(program)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own,
        pytest.raises(cbpf.FilterError, match="jumps back"),
    ):
        sockets.attach_filter(own, cbpf.encode(program))
    assert cbpf.compile_for_file(text, 1)  # libpcap's own machine runs it


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("inbound", "inbound", 0),
        ("udp and outbound", "outbound", 8),
        ("ip or ifindex 3", "ifindex", 6),
    ],
)
@pytest.mark.parametrize("link", [1, 101, 0, 228])
def test_a_file_does_not_know_what_the_kernel_knew(text, word, place, link):
    with pytest.raises(MetadataError, match=f"A capture file does not say what '{word}'") as raised:
        cbpf.compile_for_file(text, link)
    assert raised.value.place == place


def test_what_a_cooked_header_has_kept_and_what_the_kernel_can_be_asked():
    for link, header in ((113, 16), (276, 20)):
        program = cbpf.compile_for_file("inbound and udp port 53", link)
        moved = cooked.for_kernel(program, link)
        names = {c.auxiliary(i) for i in moved}
        assert names == {None, "type", "proto"}
        places = {i.k for i in program if i.mode == c.ABS and i.opcode_class == c.LD}
        assert header + 9 in places
        assert 9 in {i.k for i in moved if i.mode == c.ABS and i.opcode_class == c.LD}
    with pytest.raises(CookedError, match="^Instruction 0 loads from offset 6, out of the header"):
        cooked.for_kernel([Instruction(c.LD | c.B | c.ABS, k=6)], 113)
    other = [Instruction(c.LD | c.B | c.ABS, k=6)]
    assert cooked.for_kernel(other, 1) == other


def asked_of_its_own_server(mode: str, text: str) -> dict:
    """See tests/inside/names.py."""
    script = Path(__file__).with_name("inside") / "names.py"
    command = [sys.executable, str(script), mode, text]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_name_that_nobody_answers_is_given_up():
    found = asked_of_its_own_server("silent", "udp and host nas.example and and")
    assert found["said"] == (
        "No name server has answered within 5 seconds, asked for nas.example: write the address in "
        "place of the name."
    )
    assert LOOKUP_SECONDS <= found["seconds"] < 2 * LOOKUP_SECONDS
    assert found["asked"] > 0


@pytest.mark.parametrize("text", ["host nas.example", "udp and host nas.example and and"])
def test_a_name_that_is_unknown_is_asked_for_as_often_as_tcpdump_asks(text):
    found = asked_of_its_own_server("unknown", text)
    assert found["said"].startswith("Nobody here knows the host nas.example, offset ")
    assert found["asked"] == found["tcpdump"] > 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("host nas.example and port http", ["nas.example"]),
        ("ether host printer or ip6 net a-b.c", ["printer", "a-b.c"]),
        ("tcp[tcpflags] & tcp-syn != 0 and icmp[icmptype] = icmp-echo", []),
        ("ip proto \\\\tcp and len = 0x40 and type mgt", []),
        ("10.0.0.1 or nas", ["nas"]),
    ],
)
def test_which_words_are_names(text, names):
    found = cbpf.hosts(text)
    assert [name for _, name in found] == names
    assert all(text[start:].startswith(name) for start, name in found)
