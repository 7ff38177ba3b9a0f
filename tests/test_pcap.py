"""Capture files: read in every form there is, and refused in one sentence."""

from __future__ import annotations

import re
import struct

import captures
import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from chapters.playground import pcap
from chapters.playground.pcap import PacketFileError

FRAMES = [bytes(range(60)), b"\xff" * 14, bytes(1500)]
SOME = captures.frames(FRAMES)
# Every frame of captures.ALL, as it is.
WHOLE = [
    name
    for name in captures.FILES
    if name.endswith(("little-endian", "gzip", "parts", "zstd", "modified", "blocks", "comments"))
    and not name.endswith("simple packet blocks")
]


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


@pytest.mark.parametrize("whole", [captures.pcap(SOME), captures.pcapng(SOME, ">")])
def test_of_every_file_that_is_cut_off_what_stands_before_is_read(tmp_path, whole):
    path = tmp_path / "a.pcap"
    path.write_bytes(whole)
    with pcap.CaptureFile(path) as file:
        ends = [run.end for run in file]
    assert file.damage == ""
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length < (24 if ends == [len(whole) - 24] else 4):
            assert "no capture file" in str(refusal(tmp_path, whole[:length])) or length >= 4
            continue
        with pcap.CaptureFile(path) as file:
            frames = [frame for _, frame, _ in file.frames_and_lengths()]
        assert frames == FRAMES[: len(frames)]
        if file.damage:
            left = int(re.search(r"([\d,]+) bytes are left over", file.damage)[1].replace(",", ""))
            if left == length:  # not even the beginning of the file was whole
                continue
            path.write_bytes(whole[: length - left])
            with pcap.CaptureFile(path) as file:
                assert [frame for _, frame, _ in file.frames_and_lengths()] == frames
            assert file.damage == ""


def test_a_file_that_is_cut_off_is_read_with_a_warning(tmp_path):
    (tmp_path / "a.pcap").write_bytes(captures.pcap(SOME)[:-5])
    with pytest.warns(UserWarning, match="1,511 bytes are left over: what stands before .* 2 fr"):
        assert pcap.read(tmp_path / "a.pcap") == FRAMES[:2]


def test_another_link_type(tmp_path):
    assert "link type 113, not Ethernet" in str(refusal(tmp_path, file(link=113)))


@pytest.mark.parametrize("name", captures.FILES)
def test_frames_come_as_they_were_written(tmp_path, name):
    """Through every format: what was kept of each frame, and its length."""
    (tmp_path / "a").write_bytes(captures.FILES[name])
    with pcap.CaptureFile(tmp_path / "a") as file:
        found = [(frame, length) for _, frame, length in file.frames_and_lengths()]
    assert len(found) == file.frames > 0
    assert all(len(frame) <= length for frame, length in found)
    assert bool(file.damage) == ("cut off" in name)
    if name in WHOLE:
        assert [frame for frame, _ in found] == captures.ALL


@pytest.mark.parametrize("name", captures.FILES)
@pytest.mark.parametrize("kept", [pcap.STRETCHES_KEPT, 1])
def test_a_file_gone_through_again_is_the_same(tmp_path, monkeypatch, name, kept):
    """The frames, and where a time cuts runs; also where not every place was kept."""
    monkeypatch.setattr(pcap, "STRETCHES_KEPT", kept)
    monkeypatch.setattr(pcap, "AT_ONCE", 512)  # many pieces
    (tmp_path / "a").write_bytes(captures.FILES[name])
    with pcap.CaptureFile(tmp_path / "a") as looked:
        wanted = [(i.link, *rest) for i, *rest in looked.frames_and_lengths()]
    for until in (looked.first, (looked.first + looked.newest) // 2) if looked.newest else (0,):
        found, passed = [], []
        for again in (None, looked):
            with pcap.CaptureFile(tmp_path / "a", looked=again) as file:
                file.until = until
                runs = [run for run in file if run.frames or run.passed]
            found.append([(run.interface.link, *each) for run in runs for each in run])
            ends = [index for index, run in enumerate(runs) if run.passed is not None]
            passed.append([sum(run.frames for run in runs[: end + 1]) for end in ends])
        assert found == [wanted, wanted]
        assert passed[0] == passed[1]


def test_times_interfaces_and_comments(tmp_path):
    for name in ("pcap, little-endian", "pcap, nanoseconds, big-endian", "pcap, modified",
                 "pcapng, obsolete packet blocks", "pcapng, nanoseconds with an offset",
                 "pcapng, comments"):  # fmt: skip
        (tmp_path / "a").write_bytes(captures.FILES[name])
        with pcap.CaptureFile(tmp_path / "a") as file:
            assert sum(run.frames for run in file) == len(captures.ALL)
        assert (file.first, file.newest) == (captures.RECORDS[0].time, captures.RECORDS[-1].time)
    assert [each.name for each in file.interfaces] == ["wlan0"]
    assert file.comments == ["a section", "drei Stück", *["a frame"] * (pcap.COMMENTS_KEPT - 2)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            captures.section() + captures.packet(SOME[0]),
            "is of interface 0, which it does not have",
        ),
        (captures.section() + captures.simple_packet(SOME[0]), "a frame before any interface"),
        (captures.pcapng(SOME) + struct.pack("<3I", 6, 4, 0), "a block of it has 4 bytes"),
        (captures.section()[:8] + bytes(20), "has no byte order"),
        (
            captures.section()[:12] + b"\2" + captures.section()[13:],
            "a section of version 2, which",
        ),
        (captures.pcap(SOME) + struct.pack("<4I", 1, 1, 300_000, 0), "a frame of it has 300,000"),
    ],
)
def test_a_file_that_is_damaged_says_how(tmp_path, data, sentence):
    (tmp_path / "a").write_bytes(data)
    with pcap.CaptureFile(tmp_path / "a") as file:
        frames = [frame for _, frame, _ in file.frames_and_lengths()]
    assert sentence in file.damage and file.damage.endswith(f"counted, {len(frames)} frames.")
    assert frames in ([], FRAMES)


def test_zstd_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    message = str(refusal(tmp_path, captures.FILES["pcap, compressed by zstd"]))
    assert "compressed by zstd, which is not installed" in message


def test_no_file(tmp_path):
    with pytest.raises(PacketFileError, match="no capture file to read at"):
        pcap.read(tmp_path / "none.pcap")
