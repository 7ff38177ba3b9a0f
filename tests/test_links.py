"""Link types: what a frame of each carries, and what a test run is given of it."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
import tshark
from kinds import FRAMES
from stored import COURSE
from test_link_types import ALWAYS, others

from chapters.ch12 import classes
from helpers import links, toolchain
from helpers.syscall.call import ask
from helpers.syscall.forms import Command, ProgTestRun
from tools import marked

# The packets of the kinds that carry IP.
PACKETS = {
    name: frame[at:]
    for name, frame in FRAMES.items()
    for kind, at in [links.network(links.EN10MB, frame)]
    if kind in (links.IPV4, links.IPV6)
}


def ethertype(packet: bytes) -> int:
    return {4: links.IPV4, 6: links.IPV6}[packet[0] >> 4]


def wrapped(link: links.Link, packet: bytes, kind: int | None = None) -> bytes:
    """The packet with a header of that link type in front."""
    kind = ethertype(packet) if kind is None else kind
    two = kind.to_bytes(2, "big")
    family = {links.IPV4: 2, links.IPV6: 30}.get(kind, 7)
    header = {
        links.EN10MB: bytes(12) + two,
        links.NULL: family.to_bytes(4, "little"),
        links.LOOP: family.to_bytes(4, "big"),
        links.LINUX_SLL: bytes([0, 0, 0, 1, 0, 6]) + bytes(8) + two,
        links.LINUX_SLL2: two + bytes(2) + bytes([0, 0, 0, 1, 0, 1, 0, 6]) + bytes(8),
    }.get(link, b"")
    assert len(header) == link.header
    return header + packet


@pytest.mark.parametrize("link", links.LINKS, ids=lambda link: link.name)
def test_a_frame_of_each_link_type_carries_what_its_header_says(link):
    for packet in PACKETS.values():
        if link in (links.IPV4_ONLY, links.IPV6_ONLY) and link.name != f"IPV{packet[0] >> 4}":
            continue
        assert links.network(link, wrapped(link, packet)) == (ethertype(packet), link.header)


def test_a_family_in_either_byte_order():
    for order in ("big", "little"):
        frame = (2).to_bytes(4, order) + PACKETS["UDP"]
        assert links.network(links.NULL, frame) == (links.IPV4, 4)


@pytest.mark.parametrize("link", [links.EN10MB, links.LINUX_SLL, links.LINUX_SLL2])
def test_tags_are_left_behind(link):
    tags = b"\x00\x07\x81\x00\x00\x05\x08\x00"
    frame = wrapped(link, tags + PACKETS["UDP"], 0x88A8)
    assert links.network(link, frame) == (links.IPV4, link.header + 8)
    for length in range(link.header + 1, link.header + 8):
        assert links.network(link, frame[:length])[0] == links.NO_ETHERTYPE


@pytest.mark.parametrize("kind", [0x0001, 0x0004, 0x000C, 0x05FF])
def test_a_number_that_is_no_ethertype_is_other(kind):
    """Cooked captures have such numbers for LLC, CAN and others."""
    frame = wrapped(links.LINUX_SLL, PACKETS["UDP"], kind)
    assert links.network(links.LINUX_SLL, frame) == (links.OTHER, 16)


def counted(pieces: list[bytes], link: links.Link) -> tuple[dict[str, int], int]:
    """Bytes per class of frames in test runs, and how many bytes cb[1] has of them."""
    before = 0
    with classes.load() as loaded:
        for frame in pieces:
            packet, taken = links.for_test_run(link, frame)
            data = ctypes.create_string_buffer(packet, len(packet))
            form = ProgTestRun(loaded.program("count_bytes").fd, repeat=1)
            form.data_in, form.data_size_in = ctypes.addressof(data), len(packet)
            ask(Command.PROG_TEST_RUN, form)
            before += taken
        return classes.totals(loaded), before


# tshark does not look at the version of shorter ones where the link header names no protocol.
WHOLE_ENOUGH = {links.RAW: 8}


@pytest.mark.kernel
@pytest.mark.parametrize("link", links.LINKS, ids=lambda link: link.name)
def test_test_runs_count_what_tshark_counts(link, tmp_path):
    pieces = [
        wrapped(link, packet)[:length]
        for packet in PACKETS.values()
        if link not in (links.IPV4_ONLY, links.IPV6_ONLY) or link.name == f"IPV{packet[0] >> 4}"
        for length in range(link.header + WHOLE_ENOUGH.get(link, 1), link.header + len(packet) + 1)
    ]
    found, before = counted(pieces, link)
    path = tshark.write_pcap(tmp_path / "pieces.pcap", pieces, link.numbers[0])
    expected: dict[str, int] = {}
    for (name, _), piece in zip(tshark.classes(path), pieces, strict=True):
        # This program does not know cb[1]; the playground's does.
        packet, _ = links.for_test_run(link, piece)
        expected[name] = expected.get(name, 0) + len(packet) - links.ETHERNET_HEADER
    assert found == expected
    assert sum(found.values()) + before == sum(map(len, pieces))


@pytest.mark.kernel
@pytest.mark.parametrize("link", links.LINKS, ids=lambda link: link.name)
def test_frames_that_end_before_or_within_their_link_header(link):
    pieces = [wrapped(link, PACKETS["UDP"])[:length] for length in range(link.header + 1)]
    found, before = counted(pieces, link)
    assert set(found) == {"truncated"}
    assert sum(found.values()) + before == sum(map(len, pieces))


def test_every_type_of_interface_is_that_of_the_header(tmp_path: Path):
    known = links.ETHERNET_DEVICES | links.IP_DEVICES | links.OTHER_DEVICES
    assert len(known) == sum(
        map(len, (links.ETHERNET_DEVICES, links.IP_DEVICES, links.OTHER_DEVICES))
    )
    prints = "".join(f'printf("%d\\n", ARPHRD_{name});' for name in known.values())
    source = tmp_path / "types.c"
    source.write_text(
        "#include <stdio.h>\n#include <sys/socket.h>\n#include <linux/if_arp.h>\n"
        f"int main(void) {{ {prints} return 0; }}\n"
    )
    subprocess.run(["gcc", source, "-o", tmp_path / "types"], check=True)
    said = subprocess.check_output([tmp_path / "types"]).split()
    assert list(map(int, said)) == list(known)


def test_the_comment_of_the_sources_names_the_contract():
    assert "helpers/links.py" in (toolchain.SOURCES / "network_layer.h").read_text()


def test_the_page_has_every_type_and_no_difference():
    page = COURSE / "docs" / "links.md"
    rows = [
        row[2:-2].split(" | ")
        for part in ("files", "interfaces")
        for row in marked.part(page, part).splitlines()[2:]
    ]
    assert all(ours == theirs for _, _, ours, theirs in rows)
    assert len(rows) >= len(links.BY_NUMBER) + len(ALWAYS)
    assert marked.part(page, "others") == others()
