"""Capture files of every kind: by class, what the playground counts in them is what tshark says.

It also writes the table in docs/captures.md:
CAPTURES_TABLE=docs/captures.md ./course test -n 0 tests/test_captures.py
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import captures
import pytest
import tshark
import waiting
from kinds import FRAMES
from stored import COURSE

from chapters.playground import feeder, open_playground, pcap, traffic
from chapters.playground.capture import Capture
from chapters.playground.feeder import Feeder, FeederError
from chapters.playground.history import History
from chapters.playground.program import Counting
from helpers import cbpf, toolchain
from tools import marked

pytestmark = pytest.mark.kernel


def counted(path: Path, expression: str = "") -> tuple[History, Capture]:
    """What the playground's program counts in a file."""
    with Counting() as counting:
        history, capture = History(), Capture(path)
        capture.looked()
        filters = {each: cbpf.compile_for_file(expression, *each) for each in capture.beginnings}
        last = None
        fed = capture.feed(counting.program, filters if expression else None, counting.room)
        for progress in fed:
            if progress.seconds is not None:
                history.add(progress.seconds, counting.read())
                last = progress
        assert last.frames == capture.frames
        return history, capture


def by_tshark(path: Path) -> dict[str, tuple[int, int]]:
    wanted: dict[str, tuple[int, int]] = {}
    for name, length in tshark.classes(path):
        packets, size = wanted.get(name, (0, 0))
        wanted[name] = packets + 1, size + length
    return wanted


def write(folder: Path, name: str) -> Path:
    path = folder / "capture"
    path.write_bytes(captures.FILES[name])
    return path


def summed(rows: dict[str, tuple[int, int]]) -> str:
    """Frames, bytes of all of them, and classes."""
    packets, size = (sum(each[at] for each in rows.values()) for at in (0, 1))
    return f"{packets:,} / {size:,} / {len(rows)}"


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, tuple[str, str]]]:
    """What was counted in each file, and what tshark said; written where that is asked for."""
    rows: dict[str, tuple[str, str]] = {}
    yield rows
    if page := os.environ.get("CAPTURES_TABLE"):
        assert set(rows) == set(captures.FILES)
        version = tshark.run("--version").splitlines()[0].rstrip(".")
        lines = [f"| {name} | {ours} | {theirs} |" for name, (ours, theirs) in rows.items()]
        where = f"{date.today()}, Linux {platform.release()}, {version}."
        head = ["| kind | the playground: frames / bytes / classes | tshark |", "|---|---|---|"]
        marked.put(Path(page), "captures", "\n".join([where, "", *head, *lines]))


@pytest.mark.parametrize("name", captures.FILES)
def test_what_is_counted_in_a_file_is_what_tshark_says(tmp_path, table, name):
    path = write(tmp_path, name)
    history, _ = counted(path)
    rows = {group: (packets, size) for group, packets, size in history.rows("protocol")}
    wanted = by_tshark(path)
    table[name] = summed(rows), summed(wanted)
    assert rows == wanted


def test_frames_cut_at_every_length_have_the_class_that_can_be_known(tmp_path):
    cuts = [(name, cut) for name, frame in FRAMES.items() for cut in range(len(frame))]
    # Here tshark calls the Ethernet header truncated, which is all there; after it comes 802.2.
    cuts.remove(("a length for a type", 18))
    path, whole = tmp_path / "cut.pcap", FRAMES
    records = [captures.Frame(0, len(whole[name]), whole[name][:cut]) for name, cut in cuts]
    path.write_bytes(captures.pcap(records))
    history, _ = counted(path)
    rows = {group: (packets, size) for group, packets, size in history.rows("protocol")}
    assert rows == by_tshark(path)


FLOWS = 40_000


@pytest.fixture(scope="module")
def many_flows(tmp_path_factory) -> Path:
    """Each flow has two frames, one after all the others."""
    path = tmp_path_factory.mktemp("many") / "flows.pcap"
    path.write_bytes(captures.pcap(captures.frames([*map(traffic.datagram, range(FLOWS))] * 2)))
    return path


def counts(path: Path, room: int, together: bool = True) -> dict[bytes, tuple[int, int]]:
    """Packets and bytes of every flow, in a map with so much room; of frames without room, too."""
    with Counting(flows=room) as counting:
        for _ in Capture(path).feed(counting.program, room=counting.room if together else None):
            pass
        reading = counting.read()
        keys = [key.tobytes() for key in reading.keys]
        rows = dict(zip(keys, reading.traffic.tolist(), strict=True))
        return rows | {b"": tuple(reading.missed.tolist())}


def test_two_processors_count_what_one_counts(many_flows):
    found = counts(many_flows, 2 * FLOWS)
    assert found.pop(b"") == (0, 0)
    assert len(found) == FLOWS
    assert {packets for packets, _ in found.values()} == {2}
    assert found == {k: v for k, v in counts(many_flows, FLOWS, together=False).items() if k}


@pytest.mark.parametrize("room", [100, FLOWS - 1, FLOWS * 3 // 4])
def test_which_flows_find_room_does_not_depend_on_how_many_processors_there_are(many_flows, room):
    found = counts(many_flows, room)
    assert len(found) == room + 1
    assert found[b""][0] == 2 * (FLOWS - room)
    assert found == counts(many_flows, room, together=False)


EXPRESSIONS = ["udp", "ip6", "greater 90", "ip6 proto 17 or arp", "ip[9] = 1", "tcp[13] & 2 != 0"]
EXPRESSIONS += ["ip6 protochain 17"]


@pytest.mark.parametrize(
    "name",
    [
        "pcap, little-endian",
        "pcap, frames cut at 40 bytes",
        "pcap, raw IP",
        "pcap, Linux cooked v1",
        "pcap, Linux cooked v2",
        "pcap, BSD loopback",
        "pcap, BSD loopback, big-endian",
        "pcap, OpenBSD loopback",
        "pcapng, little-endian",
        "pcap, frames of 65,549 bytes",
    ],
)
def test_a_filter_takes_of_a_file_what_tcpdump_takes(tmp_path, name):
    path, kept = write(tmp_path, name), tmp_path / "kept"
    for expression in EXPRESSIONS:
        lengths = tshark.taken_by_tcpdump(path, expression, kept)
        history, _ = counted(path, expression)
        reading = history.newest
        assert (reading.packets, reading.bytes) == (len(lengths), sum(lengths)), expression


def test_the_readings_stand_where_the_time_has_come(tmp_path):
    """A hundred steps of the time that the file spans, whatever the order of its frames."""
    for name in ("pcap, little-endian", "pcap, times back and forth", "pcapng, big-endian"):
        history, capture = counted(write(tmp_path, name))
        seconds = list(history.times)
        assert len(seconds) == 101
        assert seconds == pytest.approx([capture.seconds * step / 100 for step in range(101)])
        first, *_, last = history.curves("protocol").totals.sum(axis=1)
        assert (first, last) == (0, sum(len(each) for each in captures.ALL))


@pytest.mark.parametrize("name", ["pcap, one packet", "pcap, ten at the same time"])
def test_without_time_there_is_no_rate(tmp_path, name):
    path = write(tmp_path, name)
    with open_playground() as play:
        asyncio.run(play.count_file(path))
        assert "there is no rate: the picture has totals" in play.controls.sentence
        assert play.figure().alt.startswith("Bar chart of bytes counted so far: ")
        assert "B/s" not in play.figure().alt
        bars = map(int, re.findall(r"(\d+) B\b", play.figure().alt))
        assert sum(bars) == sum(size for _, _, size in play.rows())
        assert {group: rest for group, *rest in play.rows()} == {
            group: list(rest) for group, rest in by_tshark(path).items()
        }


def test_what_a_file_says_of_itself_is_shown(tmp_path):
    with open_playground() as play:
        asyncio.run(play.count_file(write(tmp_path, "pcapng, comments")))
        assert "Interfaces: wlan0." in play.controls.sentence
        assert "Comments: a section | drei Stück | a frame" in play.controls.sentence
        asyncio.run(play.count_file(write(tmp_path, "pcap, cut off")))
        assert "68 bytes are left over" in play.controls.sentence
        assert 'role="alert"' in play.controls.message.value


@pytest.mark.parametrize(
    ("link", "name"), [(195, "IEEE802_15_4"), (127, "IEEE802_11_RADIO"), (60_000, "60000")]
)
def test_another_link_type_is_named(tmp_path, link, name):
    path = tmp_path / "capture"
    path.write_bytes(captures.pcapng(captures.RECORDS, link=link))
    with pytest.raises(pcap.PacketFileError, match=f"of link type {name}") as refused:
        Capture(path).looked()
    assert "counts those of Ethernet" in str(refused.value)


def test_how_a_file_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, "pcap, one packet").rename(tmp_path / "one.pcap")
    assert Capture("~/one.pcap").frames == 1
    for path, sentence in (
        ("", "No capture file is chosen"),
        (" ", "No capture file is chosen"),
        (tmp_path, "is a folder: choose a capture file"),
        ("/dev/null", "is no ordinary file"),
        (tmp_path / "none", "There is no capture file"),
        ("~nobody-of-this-name/a.pcap", "There is no capture file"),
    ):
        with pytest.raises(pcap.PacketFileError, match=sentence):
            Capture(path)


def test_captures_in_the_folder_are_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("a.pcap", "b.pcapng", "c.cap.gz", "d.pcap3", "notes.txt")
    for age, name in enumerate(names):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (age, age))
    with open_playground() as play:
        assert play.controls.path.options == ("d.pcap3", "c.cap.gz", "b.pcapng", "a.pcap")


STAYS = """
import sys, time
from chapters.playground.feeder import Feeder
from chapters.playground.program import Counting
from chapters.playground import pcap

with Counting() as counting, Feeder(counting.program, counting.room) as feeder:
    with pcap.CaptureFile(sys.argv[1]) as file:
        next(iter(file))
        feeder.report()
        print(*feeder.pids, file.pid or 0, flush=True)
        time.sleep(600)
"""


def test_a_killed_notebook_leaves_no_process_behind(tmp_path):
    path, whole = tmp_path / "a.pcap.zst", captures.pcap(captures.RECORDS)
    path.write_bytes(captures.zstd(whole + whole[24:] * 5000))
    code = tmp_path / "stays.py"
    code.write_text(STAYS)
    environment = os.environ | {"PYTHONPATH": str(COURSE)}
    command = [sys.executable, "-B", code, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as stays:
        started = [int(pid) for pid in stays.stdout.readline().split()]
        assert all(Path(f"/proc/{pid}").exists() for pid in started)
        stays.kill()
    assert waiting.until(lambda: not any(waiting.is_running(pid) for pid in started))


def test_a_feeder_that_is_gone_is_named():
    with Counting() as counting, Feeder(counting.program) as feeder:
        feeder.report()
        os.kill(*feeder.pids, signal.SIGKILL)
        with pytest.raises(FeederError, match="ended early .signal 9.: count it again"):
            for number in range(100_000):
                feeder.feed(captures.ALL[0], 60)
                if number % 1000 == 0:
                    feeder.report()


def test_what_clang_refuses_of_the_feeder_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "SOURCES", tmp_path)
    monkeypatch.setattr(toolchain, "BUILD", tmp_path / "build")
    (tmp_path / feeder.SOURCE).write_text("int main(void) { return 0 }\n")
    with pytest.raises(toolchain.CompileError, match="feed_user.c does not compile.*line 1 "):
        feeder.compiled()
    assert list((tmp_path / "build").iterdir()) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(toolchain.CompileError, match="clang is not installed"):
        feeder.compiled()


def test_the_feeder_has_a_descriptor_of_its_own():
    with Counting() as counting, Feeder(counting.program) as feeder:
        counting.program.close()
        feeder.feed(captures.ALL[0], 60)
        assert feeder.report() == 1
