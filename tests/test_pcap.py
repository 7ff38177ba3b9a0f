"""Capture files: read in every form there is, and refused in one sentence."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from helpers import pcap
from helpers.pcap import PacketFileError

FRAMES = [bytes(range(60)), b"\xff" * 14, bytes(1500)]


def file(order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1, frames=FRAMES) -> bytes:
    data = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, frame in enumerate(frames):
        data += struct.pack(f"{order}IIII", number, 5, len(frame), len(frame)) + frame
    return data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
@pytest.mark.parametrize("link", [1, 1 | 0x14000000])
def test_both_byte_orders_and_both_clocks(tmp_path, order, magic, link):
    (tmp_path / "a.pcap").write_bytes(file(order, magic, link))
    assert pcap.read(tmp_path / "a.pcap") == FRAMES


def test_what_scapy_writes(tmp_path):
    packets = [Ether() / IP(dst="127.0.0.1") / ICMP(seq=n) / bytes(n) for n in range(5)]
    wrpcap(str(tmp_path / "a.pcap"), packets)
    assert pcap.read(tmp_path / "a.pcap") == [bytes(packet) for packet in packets]


def test_a_file_without_packets(tmp_path):
    (tmp_path / "a.pcap").write_bytes(file(frames=[]))
    assert pcap.read(tmp_path / "a.pcap") == []


def refusal(tmp_path, data: bytes) -> PacketFileError:
    (tmp_path / "a.pcap").write_bytes(data)
    with pytest.raises(PacketFileError) as caught:
        pcap.read(tmp_path / "a.pcap")
    assert str(caught.value).endswith(".")
    return caught.value


def test_every_truncated_file_says_where(tmp_path):
    whole = file()
    ends, at = {24}, 24
    for frame in FRAMES:
        at += 16 + len(frame)
        ends.add(at)
    for length in range(len(whole)):
        if length in ends:
            continue
        error = refusal(tmp_path, whole[:length])
        if length < 4:
            assert "is no capture file" in str(error)
        else:
            assert "is truncated" in str(error)
            assert error.offset == max([0, *(end for end in ends if end < length)])


def test_another_link_type(tmp_path):
    error = refusal(tmp_path, file(link=113))
    assert "link type 113, not Ethernet" in str(error)
    assert error.offset == 20


def test_the_newer_format(tmp_path):
    assert "pcapng: convert it" in str(refusal(tmp_path, bytes.fromhex("0a0d0d0a") + bytes(60)))


def test_no_file(tmp_path):
    with pytest.raises(PacketFileError, match="no capture file to read at"):
        pcap.read(tmp_path / "none.pcap")
