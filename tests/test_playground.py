"""The playground on the real kernel: exact counts by every breakdown, filters against tcpdump,
capture files, a full map, an interface that goes away, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
import tshark
from kinds import FRAMES
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from test_live import held_by_us, only_this_task, until

from chapters.playground import Playground, open_playground, pcap
from chapters.playground.breakdown import BREAKDOWNS, NO_ROOM
from chapters.playground.capture import CaptureError
from chapters.playground.history import History
from chapters.playground.traffic import PORTS, datagram
from helpers import netlab, sockets, toolchain, traffic
from helpers.cbpf.expression import ExpressionError
from helpers.live.attachment import Interfaces, Tap
from helpers.live.task import LiveError

pytestmark = pytest.mark.kernel

FAST = 0.05  # seconds between readings
MACS = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b")


@pytest.fixture(autouse=True)
def no_playground_is_left() -> Iterator[None]:
    yield
    if Playground._current:
        Playground._current.close()


def at_left(net: netlab.Network, name: str = "left") -> Callable[[int], Interfaces]:
    """The end of the cable where frames are counted by the time that they are sent."""
    return lambda fd: {name: Tap(net, fd, name)}


def on_the_cable(net: netlab.Network, **options: object) -> Playground:
    return Playground(net, at_left(net), **{"interval": FAST} | options)


def counted(play: Playground, net: netlab.Network, frames: list[bytes]) -> None:
    """Send frames while it counts."""

    async def main() -> None:
        play.start()
        assert play.running, play.controls.sentence
        traffic.frames(net, frames, "left")
        play.stop()
        assert await only_this_task()

    asyncio.run(main())


def by(play: Playground, breakdown: str) -> dict[str, tuple[int, int]]:
    play.choose(breakdown=breakdown)
    return {name: (packets, size) for name, packets, size in play.rows()}


def four(sender: str, receiver: str, inside: Packet) -> bytes:
    return raw(MACS / IP(src=sender, dst=receiver) / inside)


KNOWN = [
    *[four("192.0.2.1", "192.0.2.2", UDP(sport=5000, dport=53) / Raw(bytes(8)))] * 3,  # 50 bytes
    *[four("192.0.2.2", "192.0.2.1", UDP(sport=53, dport=5000) / Raw(bytes(158)))] * 2,  # 200
    four("192.0.2.1", "192.0.2.3", TCP(sport=6000, dport=443)),  # 54
    four("192.0.2.1", "192.0.2.2", ICMP() / Raw(bytes(56))),  # 98
    raw(MACS / IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1, dport=53)),  # 62
    *[raw(MACS / ARP())] * 4,  # 42
]
EXPECTED = {
    "protocol": {
        "UDP": (6, 612),
        "ARP": (4, 168),
        "ICMP": (1, 98),
        "TCP": (1, 54),
    },
    "port": {
        "UDP 53": (5, 550),
        "ARP": (4, 168),
        "ICMP": (1, 98),
        "UDP 1": (1, 62),
        "TCP 443": (1, 54),
    },
    "sender": {
        "192.0.2.2": (2, 400),
        "192.0.2.1": (5, 302),
        "no IP address": (4, 168),
        "2001:db8::1": (1, 62),
    },
    "receiver": {
        "192.0.2.1": (2, 400),
        "192.0.2.2": (4, 248),
        "no IP address": (4, 168),
        "2001:db8::2": (1, 62),
        "192.0.2.3": (1, 54),
    },
    "size": {
        "under 64 bytes": (9, 434),
        "64 to 127 bytes": (1, 98),
        "128 to 255 bytes": (2, 400),
    },
    "flow": {
        "UDP 192.0.2.2:53 > 192.0.2.1:5000": (2, 400),
        "ARP": (4, 168),
        "UDP 192.0.2.1:5000 > 192.0.2.2:53": (3, 150),
        "ICMP 192.0.2.1 > 192.0.2.2": (1, 98),
        "UDP [2001:db8::1]:1 > [2001:db8::2]:53": (1, 62),
        "TCP 192.0.2.1:6000 > 192.0.2.3:443": (1, 54),
    },
}


def test_every_breakdown_is_exact(veth):
    with on_the_cable(veth) as play:
        counted(play, veth, KNOWN)
        for breakdown in BREAKDOWNS:
            rows = by(play, breakdown)
            assert rows == EXPECTED[breakdown]
            assert list(rows) == list(EXPECTED[breakdown])  # the largest first, sizes in order
        assert play.controls.numbers.value == "12 frames, 932 bytes."


def test_a_frame_of_each_kind_is_what_tshark_says_on_a_cable_and_from_a_file(veth, tmp_path):
    path = tshark.write_pcap(tmp_path / "all.pcap", list(FRAMES.values()))
    wanted: dict[str, tuple[int, int]] = {}
    for name, length in tshark.classes(path):
        packets, size = wanted.get(name, (0, 0))
        wanted[name] = packets + 1, size + length
    with on_the_cable(veth) as play:
        counted(play, veth, list(FRAMES.values()))
        alive = [by(play, each) for each in BREAKDOWNS]
        asyncio.run(play.count_file(path))
        filed = [by(play, each) for each in BREAKDOWNS]
    assert alive[0] == wanted
    assert filed == alive


FILTERS = [
    "icmp or icmp6",
    "udp port 40001",
    "ip6",
    "not ip",
    "src net 192.0.2.0/24 and not udp",
    "greater 100",
    "less 60 or ip6 proto 58",
    "tcp[tcpflags] & tcp-syn != 0",
    "len > 60 and ip[8] = 64",
    "ip6[6] = 44 or arp",
    "vlan",
]


@pytest.mark.parametrize("expression", FILTERS)
def test_a_filter_lets_through_what_tcpdump_does(tmp_path, expression):
    """Also where frames were cut when they were captured: a filter asks for their whole length."""
    frames = list(FRAMES.values())
    path = tmp_path / "cut.pcap"
    write(path, [(len(frame), frame[:60]) for frame in frames] + [(len(f), f) for f in frames])
    wanted = tshark.taken_by_tcpdump(path, expression, tmp_path / "kept.pcap")
    assert 0 < len(wanted) < 2 * len(frames)
    with open_playground() as play:
        play.choose(filter=expression)
        asyncio.run(play.count_file(path))
        assert play.reading.seen == 2 * len(frames)
        assert play.reading.packets == len(wanted)
        assert play.reading.bytes == sum(wanted)


def write(path: Path, records: list[tuple[int, bytes]], link: int = 1) -> Path:
    """A capture file: the length of each frame on the wire, and what was kept of it."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, link))
        for number, (length, frame) in enumerate(records):
            file.write(struct.pack("<IIII", number, 0, len(frame), length) + frame)
    return path


def test_a_filter_stands_in_front_on_a_cable_too(veth):
    with on_the_cable(veth) as play:
        play.choose(filter="udp port 53 and ip")
        counted(play, veth, KNOWN)
        assert by(play, "protocol") == {"UDP": (5, 550)}
        assert play.controls.numbers.value == "5 of 12 frames pass the filter, 550 bytes."


def test_a_filter_that_matches_nothing_says_so(veth):
    with on_the_cable(veth) as play:
        play.choose(filter="tcp port 4711")
        counted(play, veth, KNOWN)
        assert play.rows() == []
        assert play.controls.numbers.value == (
            "0 of 12 frames pass the filter: is “tcp port 4711” what you are looking for?"
        )
        assert "no byte was counted" in play.figure().alt


def test_a_wrong_filter_is_refused_with_its_place(veth):
    async def main() -> None:
        with on_the_cable(veth) as play:
            with pytest.raises(ExpressionError, match="offset 9") as refused:
                play.choose(filter="udp port ) 5")
            assert refused.value.place == 9
            assert play.controls.filter.value == ""
            # By hand, while it runs: it runs on as it was.
            play.start()
            play.controls.filter.value = "tcp prot 5"
            assert "'prot', offset 4" in play.controls.sentence
            assert play.running
            traffic.frames(veth, KNOWN, "left")
            play.stop()
            assert play.reading.packets == len(KNOWN)
            # And such a filter starts nothing.
            with pytest.raises(ExpressionError):
                play.start()
            assert not play.running

    asyncio.run(main())


def test_another_filter_counts_anew_and_another_breakdown_does_not(veth):
    async def main() -> None:
        with on_the_cable(veth) as play:
            play.start()
            traffic.frames(veth, KNOWN, "left")
            play.choose(breakdown="port")
            play.stop()
            assert len(play.rows()) == 5
            play.start()
            traffic.frames(veth, KNOWN, "left")
            play.choose(filter="icmp")
            traffic.frames(veth, KNOWN * 2, "left")
            play.stop()
            assert play.rows() == [("ICMP", 2, 196)]

    asyncio.run(main())


def test_a_full_map_says_so_and_counts_what_it_dropped(veth):
    frames = [datagram(number) for number in range(1000)]
    with on_the_cable(veth, flows=64) as play:

        async def main() -> None:
            play.start()
            traffic.frames(veth, frames, "left")
            await until(lambda: "room for 64 flows" in play.controls.sentence)
            assert play.running
            assert 'role="alert"' in play.controls.message.value
            play.stop()

        asyncio.run(main())
        assert "936 frames found no room in the map" in play.controls.numbers.value
        flows = by(play, "flow")
        assert flows.pop(NO_ROOM) == (936, 936 * 42)
        assert len(flows) == 64
        assert set(flows.values()) == {(1, 42)}
        assert by(play, "protocol") == {"UDP": (64, 64 * 42), NO_ROOM: (936, 936 * 42)}
        assert by(play, "size") == {"under 64 bytes": (1000, 42_000)}


def test_ten_thousand_flows_add_up_by_every_breakdown(veth):
    sent = [datagram(number) for number in range(10_000)] + [datagram(77)] * 50
    with on_the_cable(veth) as play:
        counted(play, veth, sent)
        for breakdown in BREAKDOWNS:
            rows = by(play, breakdown)
            assert sum(packets for packets, _ in rows.values()) == len(sent)
            assert sum(size for _, size in rows.values()) == 42 * len(sent)
        assert by(play, "protocol") == {"UDP": (10_050, 10_050 * 42)}
        assert by(play, "port") == {"UDP 9": (10_050, 10_050 * 42)}
        assert len(by(play, "flow")) == len(play.reading.keys) == 10_000
        assert play.rows()[0] == ("UDP 192.0.2.1:1101 > 192.0.2.2:9", 51, 51 * 42)
        play.choose(quantity="total")
        assert "everything else ends at 419.8 kB" in play.figure().alt
        assert play.table(3).caption == "By flow, the 3 largest of 10,000"
    assert PORTS >= 10_000


def test_an_interface_that_disappears_is_named_and_its_counts_stay(veth):
    async def main() -> None:
        with on_the_cable(veth) as play:
            play.start()
            traffic.frames(veth, KNOWN, "left")
            veth.run(["ip", "link", "delete", "left"])
            await until(lambda: not play.running)
            assert "left is down or gone" in play.controls.sentence
            assert by(play, "protocol") == EXPECTED["protocol"]
            with pytest.raises(sockets.SocketError, match="no interface left"):
                play.start()
            assert "left is down" in play.controls.sentence
            play.controls.start.click()
            assert "no interface left" in play.controls.sentence
            veth.add_veth()
            play.start()
            traffic.frames(veth, KNOWN[:3], "left")
            play.stop()
            assert by(play, "protocol") == {"UDP": (3, 150)}
            assert await only_this_task()

    asyncio.run(main())


def test_an_interface_that_disappears_ends_a_run(veth):
    async def main() -> None:
        with on_the_cable(veth) as play:
            gone = ["ip", "link", "delete", "left"]
            asyncio.get_running_loop().call_later(0.1, veth.run, gone)
            with pytest.raises(LiveError, match="left is down or gone"):
                await play.run(seconds=60)

    asyncio.run(main())


def test_moving_to_an_interface_that_is_missing_says_so(veth):
    def at(fd: int) -> Interfaces:
        return {**at_left(veth)(fd), **at_left(veth, "nowhere")(fd)}

    async def main() -> None:
        with Playground(veth, at, interval=FAST) as play:
            play.start()
            with pytest.raises(LiveError, match="no interface nowhere"):
                play.choose(interface="nowhere")
            assert not play.running

    asyncio.run(main())


# Capture files


def test_long_frames_and_frames_cut_short_keep_their_length(tmp_path):
    big = four("192.0.2.1", "192.0.2.2", UDP(sport=1, dport=2) / Raw(bytes(60_000)))
    records = [(len(big), big), (9000, big[:60]), (0, b""), (60, bytes(60)), (0, big[:42])]
    with open_playground() as play:
        asyncio.run(play.count_file(write(tmp_path / "long.pcap", records)))
        assert by(play, "port") == {
            "UDP 1": (3, 60_042 + 9000 + 42),
            "not IP": (1, 60),
            "truncated": (1, 0),
        }
        assert by(play, "size") == {
            "under 64 bytes": (3, 102),
            "8,192 to 16,383 bytes": (1, 9000),
            "32,768 to 65,535 bytes": (1, 60_042),
        }
        assert "5 frames" in play.controls.sentence
        assert "over 4.0 seconds" in play.figure().alt


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("short.pcap", -99, "is cut off in the middle of a frame, 17 bytes are left over"),
        ("radio.pcap", 127, "of link type IEEE802_11_RADIO"),
        ("empty.pcap", 0, "not one frame in empty.pcap"),
        ("text.pcap", b"hello", "no capture file"),
        ("none.pcap", None, "There is no capture file"),
    ],
)
def test_a_file_that_cannot_be_counted_is_one_sentence(tmp_path, name, data, sentence):
    path, two = tmp_path / name, [(42, datagram(1)), (42, datagram(2))]
    if isinstance(data, bytes):
        path.write_bytes(data)
    elif data is not None:
        write(path, two if data else [], link=data if data > 0 else 1)
        path.write_bytes(path.read_bytes()[: data if data < 0 else None])

    async def main() -> None:
        with open_playground() as play:
            with pytest.raises((pcap.PacketFileError, CaptureError), match=sentence):
                await play.count_file(path)
            play.controls.path.value = str(path)
            play._act("file")
            await until(lambda: 'role="alert"' in play.controls.message.value)
            assert sentence in play.controls.sentence
            assert play.reading is None

    asyncio.run(main())


def test_what_stands_in_the_box_is_counted_however_late_it_comes(tmp_path):
    """ipywidgets keeps a line back until the kernel has answered to the one before: a press on a
    button may overtake it."""
    first = write(tmp_path / "first.pcap", [(42, datagram(1))])
    second = write(tmp_path / "second.pcap", [(42, datagram(1)), (62, KNOWN[7])])

    async def main() -> None:
        with open_playground() as play:
            play.controls.path.value = str(first)
            assert play.controls.sentence == "Press Start."  # nothing is looked at yet
            play._act("file")
            play._act("file")  # pressed for the second, whose name comes now
            play.controls.path.value = str(second)[:-4]
            play.controls.path.value = str(second)
            await until(lambda: play.controls.sentence.startswith("Counted second.pcap, 2 frames"))
            assert await only_this_task()
            play.controls.filter.value = "ip6"
            await until(lambda: play.controls.numbers.value.startswith("1 of 2 frames pass"))
            assert await only_this_task()
            play.start()
            play.controls.path.value = str(first)
            assert play.running
            play.stop()

    asyncio.run(main())


async def all_else_ends() -> None:
    own = asyncio.current_task()
    await until(lambda: asyncio.all_tasks() <= {own, asyncio.current_task()})


def test_what_is_uploaded_is_counted_and_has_no_name_on_the_disk(tmp_path):
    content = write(tmp_path / "mine.pcap", [(42, datagram(1))]).read_bytes()
    (tmp_path / "mine.pcap").unlink()
    sent = {"name": "mine.pcap", "type": "", "size": len(content), "content": content}
    sent["last_modified"] = datetime.now(timezone.utc)

    async def main() -> None:
        with open_playground() as play:
            for _ in range(2):
                play.controls.upload.value = (sent,)
                await until(
                    lambda: play.controls.sentence.startswith("Counted mine.pcap (uploaded)")
                )
                await all_else_ends()
            assert play.controls.upload.value == ()
            assert play.controls.path.value in play.controls.path.options
            (held,) = play._uploads.values()
            assert Path(held).readlink().name.endswith("(deleted)")
            play._say("")
            play._act("file")
            await until(lambda: play.controls.sentence.startswith("Counted mine.pcap (uploaded)"))
        assert not Path(held).exists() or "(deleted)" not in str(Path(held).readlink())

    asyncio.run(main())


def test_a_file_can_be_stopped_and_something_else_be_started(veth, tmp_path):
    path = write(tmp_path / "many.pcap", [(42, datagram(n)) for n in range(20_000)])

    async def main() -> None:
        with on_the_cable(veth) as play:
            play.controls.path.value = str(path)
            play._act("file")
            await until(lambda: play.controls.sentence.startswith("Counting many.pcap: "))
            play.stop()
            assert "before the end" in play.controls.sentence
            assert await only_this_task()
            play._act("file")
            await until(lambda: play.controls.sentence.startswith("Counting many.pcap: "))
            play.start()
            traffic.frames(veth, KNOWN, "left")
            assert await only_one_follows()
            play.stop()
            assert by(play, "protocol") == EXPECTED["protocol"]

    asyncio.run(main())


async def only_one_follows() -> bool:
    for _ in range(3):
        await asyncio.sleep(0)
    return len(asyncio.all_tasks()) == 2  # the playground, and this test


# Rights, buttons, files, and what is left

LOADED_BY_A_USER = """
import asyncio, sys
from chapters import playground
from chapters.playground import program
from helpers import objfile

program.compiled = lambda built=objfile.read(sys.argv[1]): built
with playground.open_playground() as plot:
    for expression in sys.argv[3:]:
        plot.choose(filter=expression)
        asyncio.run(plot.count_file(sys.argv[2]))
        print(plot.reading.packets, plot.reading.seen)
"""


def test_it_needs_cap_bpf_and_nothing_more(tmp_path):
    """Without CAP_PERFMON the verifier looks harder than it does at root's programs."""
    built = toolchain.compile_bpf("playground_kern.c", tmp_path / "playground.o")
    path = tshark.write_pcap(tmp_path / "all.pcap", list(FRAMES.values()))
    code = tmp_path / "counts_files.py"
    code.write_text(LOADED_BY_A_USER)
    # By number, because not every setpriv knows CAP_BPF; root's files may lie out of reach (2).
    rights, user = "-all,+cap_39", []
    if os.geteuid() == 0:
        rights, user = f"{rights},+cap_2", ["--reuid=65534", "--regid=65534", "--clear-groups"]
    caps = [f"--inh-caps={rights}", f"--ambient-caps={rights}"]
    folders = {"MPLCONFIGDIR": "/dev/null", "IPYTHONDIR": "/dev/null", "HOME": "/dev/null"}
    expressions = ["", "ip6", "greater 100", "tcp[tcpflags] & tcp-syn != 0 or portrange 1-99"]
    command = ["setpriv", *user, *caps, sys.executable, "-B", code, built, path, *expressions]
    environment = os.environ | folders | {"PYTHONPATH": str(toolchain.COURSE)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    lines = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert [seen for _, seen in lines] == [len(FRAMES)] * 4
    assert lines[0][0] == len(FRAMES)
    assert all(0 < packets < len(FRAMES) for packets, _ in lines[1:])


def test_the_buttons_do_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        with open_playground(interval=FAST) as play:
            controls = play.controls
            assert controls.interface.value == "private lo"
            play._act("send", "UDP")
            assert "Press Start to see it" in controls.sentence
            await asyncio.to_thread(controls.start.click)
            await until(lambda: play.running)
            await play.send("flows", 0.2)
            await until(lambda: play.reading.packets >= 1000)
            before = controls.image.value
            controls.breakdown.value = "flow"
            assert controls.image.value != before
            assert "&gt; 192.0.2.2:9" in controls.below.value
            play._act("stop")
            assert not play.running
            play.choose(breakdown="size")
            controls.quantity.value, controls.scale.value = "total", "stacked"
            for kind in ("csv", "png"):
                play._act(kind)
                (saved,) = tmp_path.glob(f"*.{kind}")
                assert str(saved) in controls.sentence
            with pytest.raises(LiveError, match="ping, UDP, TCP, flows"):
                await play.send("SCTP")

    asyncio.run(main())


def test_what_is_saved_is_all_of_it(veth, tmp_path):
    with on_the_cable(veth) as play:
        counted(play, veth, [datagram(number) for number in range(40)])
        play.choose(breakdown="flow")
        lines = play.save_csv(tmp_path / "flows.csv").read_bytes().decode().split("\r\n")
        assert lines[0] == "flow,packets,bytes"
        flows = Counter(f"UDP 192.0.2.1:{1024 + n} > 192.0.2.2:9,1,42" for n in range(40))
        assert Counter(lines[1:-1]) == flows
        assert play.save_png(tmp_path / "flows.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("choice", [{"breakdown": "color"}, {"scale": "loud"}, {"interface": "x"}])
def test_a_choice_that_there_is_not(veth, choice):
    with on_the_cable(veth) as play, pytest.raises(LiveError, match=next(iter(choice))):
        play.choose(**choice)


def test_a_new_playground_takes_the_place_of_the_old_one_and_nothing_is_left(tmp_path):
    async def main() -> None:
        with open_playground():
            pass  # whatever opens once opens now
        before = held_by_us()
        first = open_playground(interval=FAST)
        first.start()
        held = held_by_us()
        second = open_playground(interval=FAST)
        second.choose(filter="udp")
        second.start()
        again = held_by_us()
        assert not first.running
        assert "newer playground" in first.controls.sentence
        with pytest.raises(LiveError, match="closed"):
            first.start()
        with pytest.raises(LiveError, match="closed: make a new one"):
            first.choose(breakdown="port")
        assert (len(again[0]), again[1]) == (len(held[0]), held[1])
        await second.count_file(write(tmp_path / "a.pcap", [(42, datagram(1))]))
        second.close()
        second.close()
        assert await only_this_task()
        assert held_by_us() == before

    asyncio.run(main())


def test_after_stop_the_kernel_holds_nothing_of_it(veth):
    with on_the_cable(veth) as play:
        before = held_by_us()
        counted(play, veth, KNOWN)
        assert held_by_us() == before


def test_every_control_has_words(veth):
    with on_the_cable(veth) as play:
        rows = [row for row in play.controls.view.children if hasattr(row, "children")]
        assert all(widget.description for row in rows for widget in row.children)
        assert play.controls.image.tooltip
        assert "playground" in play._repr_mimebundle_()["text/plain"]


def test_without_a_reading_there_is_a_picture_and_no_row(veth):
    with on_the_cable(veth) as play:
        assert play.rows() == []
        assert "fewer than two readings" in play.figure().alt
        assert History().table("flow").rows == []


@pytest.mark.parametrize("room", [0, -1, "1000", 1000.0])
def test_room_for_flows_is_a_whole_number(room):
    with pytest.raises(LiveError, match="whole number, 1 or more"):
        open_playground(flows=room)
