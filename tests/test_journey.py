"""Chapter 13: its stations are those of the kernel's own trace, and what is lost is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import compared
import pytest
import traces
from stored import COURSE
from unwelcome import ordinary_user

from chapters.ch08 import verifier
from chapters.ch13 import film, functions, mysteries, recording, store, ways
from chapters.ch13.recording import Event
from helpers import capabilities, features, libbpf, netlab, toolchain, tracepoints, traffic

pytestmark = pytest.mark.kernel

tracing = pytest.mark.skipif(
    not {"CAP_PERFMON", "CAP_SYS_ADMIN"} & set(capabilities.held()),
    reason="tracepoints are for those with CAP_PERFMON",
)
by_root = pytest.mark.skipif(
    "CAP_SYS_ADMIN" not in capabilities.held(), reason="tracefs is root's to mount"
)
GIVES_REASONS = features.try_reasons() == features.WORKS
# What one packet passes on lo, where these stations are there.
ON_LO = ["net_dev_queue", "net_dev_start_xmit", "netif_rx_entry", "netif_rx", "net_dev_xmit"]
ON_LO += ["netif_receive_skb"]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("tracefs")
    script = COURSE / "tests" / "inside" / "traced.py"
    command = ["unshare", "-m", "--propagation", "private", sys.executable, script, folder]
    return json.loads(subprocess.check_output(command, text=True))


@by_root
@pytest.mark.parametrize("run", traces.RUNS)
def test_the_stations_are_those_of_the_kernels_own_trace(traced, run):
    begun = traces.compare(traced, run)
    compared.counts["packets whose stations were compared with tracefs"] += begun


@by_root
def test_a_station_can_be_attached_to_where_tracefs_has_it(traced):
    assert list(traced["stations"]) == list(recording.STATIONS)
    assert all(attached == there for attached, there in traced["stations"].values())


@by_root
def test_a_trace_that_hides_its_addresses_tells_the_same(traced):
    """As before Linux 5.12; here the addresses of a real trace are changed for others."""
    hidden = {name: dict(traced[name]) for name in traces.RUNS} | {"hidden": True}
    for name in traces.RUNS:
        events = hidden[name]["theirs"]
        hidden[name]["theirs"] = [[station, at ^ 0xABCDEF, more] for station, at, more in events]
        assert traces.compare(hidden, name) == traces.compare(traced, name)


def test_an_event_that_is_missing_or_in_another_order_is_seen():
    theirs = [("net_dev_queue", 98), ("netif_rx", 84), ("consume_skb", 0), ("consume_skb", 0)]
    assert traces.others(theirs[:3], theirs) == [("consume_skb", "consume_skb")]
    assert traces.others(theirs[:1] + theirs[2:3], theirs)[0] == ("net_dev_queue", "netif_rx")
    with pytest.raises(AssertionError):
        traces.others([theirs[1], theirs[0]], theirs)
    with pytest.raises(AssertionError):
        traces.others([*theirs[:3], ("kfree_skb", "NO_SOCKET")], theirs)


@tracing
def test_three_pings_at_one_tracepoint(net):
    seen = recording.record(net, lambda: traffic.echo(net, 3), ["netif_receive_skb"])
    assert [event.length for event in seen.events] == [84] * 6
    assert seen.lost == 0


@tracing
def test_a_datagram_passes_the_stations_of_lo_in_order(net):
    seen = recording.record(net, lambda: traffic.udp(net, 20))
    here = [name for name in ON_LO if name not in seen.missing]
    packets = film.journeys(seen.events)
    assert len(packets) == 20
    assert all(packet.stations[: len(here)] == here for packet in packets)
    assert {packet.events[0].length for packet in packets} == {142}


@tracing
def test_nobody_elses_packets_are_seen(net):
    with netlab.open_network() as other:
        seen = recording.record(net, lambda: (traffic.udp(other, 50), traffic.echo(other, 5)))
    assert seen.events == []


@tracing
def test_what_finds_no_room_is_counted(net):
    everything = recording.record(net, lambda: traffic.udp(net, 200))
    little = recording.record(net, lambda: traffic.udp(net, 200), room=4096)
    assert everything.lost == 0 < little.lost
    assert len(little.events) + little.lost == len(everything.events)


@tracing
def test_a_clone_has_the_bytes_of_its_packet(net):
    seen = film.journeys(recording.record(net, lambda: ways.with_tap(net)).events)
    assert [journey.clone_of for journey in seen] == [0, 1, 1]
    assert len({journey.events[0].data for journey in seen}) == 1


REASONS = {
    "closed port": "NO_SOCKET",
    "firewall": "NETFILTER_DROP",
    "full buffer": "SOCKET_RCVBUFF",
    "wrong checksum": "UDP_CSUM",
    "socket filter": "SOCKET_FILTER",
    "wrong machine": "OTHERHOST",
    "broken header": "IP_CSUM",
    "wrong side": "IP_RPFILTER",
    "too long": "PKT_TOO_BIG",
}


@tracing
@pytest.mark.own_network
@pytest.mark.parametrize("way", ways.WAYS)
def test_each_way_to_lose_a_packet_is_told_by_its_reason(net, way):
    ways.prepare(net)
    journeys = film.journeys(recording.record(net, lambda: ways.WAYS[way](net)).events)
    ends = [journey.dropped for journey in journeys if journey.dropped]
    assert ends
    named = set(tracepoints.reasons().values()) if GIVES_REASONS else set()
    if REASONS.get(way) in named:
        assert {end.reason for end in ends} == {REASONS[way]}
    if "CAP_SYS_ADMIN" in capabilities.held():
        assert all(end.place for end in ends)


@pytest.mark.own_network
def test_what_the_course_brings_is_what_is_recorded_here(net):
    """Each stored recording has the stations that this kernel passes, as far as it has them."""
    ways.prepare(net)
    for name, action in store.actions(net).items():
        brought = recording.read(recording.stored(name))
        assert brought.events and brought.lost == 0
        if "CAP_PERFMON" in capabilities.held() and GIVES_REASONS:
            here = recording.record(net, action)
            gone = {*here.missing, *brought.missing, "consume_skb", "icmp_send"}
            passed = [
                [(e.station, e.length) for e in each.events if e.station in (*ON_LO, "kfree_skb")]
                for each in (brought, here)
            ]
            assert [p for p in passed[0] if p[0] not in gone] == [
                p for p in passed[1] if p[0] not in gone
            ]


def test_a_recording_is_the_same_after_it_was_saved(tmp_path):
    ping = recording.read(recording.stored("ping"))
    ping.save(tmp_path / "again.json")
    assert recording.read(tmp_path / "again.json") == ping
    with pytest.raises(tracepoints.TracingError, match="cannot be written"):
        ping.save(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"events": [1]}', '{"events": [{"x": 1}]}'])
def test_a_file_that_is_no_recording_is_one_sentence(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(tracepoints.TracingError, match="it is no recording"):
        recording.read(path)
    with pytest.raises(tracepoints.TracingError, match="No such file"):
        recording.read(tmp_path / "none.json")


def test_a_station_that_the_course_does_not_know_is_named(net):
    with pytest.raises(tracepoints.TracingError, match="no station 'netif_rxx'"):
        recording.record(net, lambda: None, ["netif_rxx"])


@tracing
def test_a_tracepoint_that_this_kernel_lacks_is_named_and_the_rest_recorded(net, monkeypatch):
    attached = tracepoints.attached
    gone = "netif_rx_entry"
    monkeypatch.setattr(
        recording, "attached", lambda fd, name: attached(fd, "not_" * (name == gone) + name)
    )
    seen = recording.record(net, lambda: traffic.udp(net), ["netif_rx_entry", "netif_rx"])
    assert seen.missing == [gone]
    assert [event.station for event in seen.events] == ["netif_rx"]
    with pytest.raises(tracepoints.MissingError, match="has no tracepoint not_netif_rx_entry"):
        recording.record(net, lambda: None, [gone])


@tracing
@pytest.mark.own_network
def test_an_interface_that_goes_takes_nothing_from_what_was_recorded(net):
    ways.prepare(net)

    def action() -> None:
        ways.wrong_machine(net)
        net.run(["ip", "link", "delete", "left"], check=True)

    (journey,) = film.journeys(recording.record(net, action).events)
    assert {event.interface for event in journey.events} == {"left", "right"}
    assert journey.dropped
    for way in ("wrong machine", "no route", "wrong side"):
        with pytest.raises(netlab.NetworkError, match="No such device|Directory nonexistent"):
            ways.WAYS[way](net)


@tracing
def test_everything_is_given_back_whatever_happens(net):
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(ZeroDivisionError):
        recording.record(net, lambda: 1 // 0)
    assert set(Path("/proc/self/fd").iterdir()) == before


@tracing
def test_a_ring_that_cannot_be_read_is_one_sentence(net, monkeypatch):
    monkeypatch.setattr(libbpf.library(), "ring_buffer__new", lambda *_: None)
    with pytest.raises(tracepoints.TracingError, match="ring buffer cannot be read"):
        recording.record(net, lambda: None)


ASK = """
import sys
from pathlib import Path
from chapters.ch13 import mysteries, recording
from helpers import netlab, toolchain, traffic
toolchain.BUILD = Path(sys.argv[1])
toolchain.compile_bpf = lambda source, output, options: output
with netlab.open_network() as net:
    seen = recording.recorded(net, lambda: traffic.udp(net), "ping")
print(len(seen.events), seen.kernel != "")
"""


def test_who_may_not_trace_is_told_so_and_gets_what_the_course_brings(tmp_path):
    """An ordinary user with the two capabilities that the course hands over."""
    built = toolchain.compile_bpf(
        "journey_kern.c", tmp_path / "journey_kern_4194304.o", [f"-DROOM={recording.ROOM}"]
    )
    tmp_path.chmod(0o777)
    built.chmod(0o644)
    drop = [word + ",+bpf,+net_raw" if "caps=" in word else word for word in ordinary_user()]
    command = [*drop, sys.executable, "-c", ASK, tmp_path]
    said = subprocess.check_output(command, cwd=COURSE, text=True).splitlines()
    assert "wants CAP_BPF and CAP_PERFMON" in said[0]
    assert "was recorded on Linux" in said[1]
    assert said[2].endswith(" True")


@tracing
def test_chapter_08_is_as_strict_where_the_lab_was_started_for_tracing():
    """This process holds CAP_PERFMON, as in such a lab: with it the kernel lets an address out."""
    address_returned = bytes.fromhex("bfa0000000000000 9500000000000000")  # r0 = r10, exit
    with verifier.show_bytes(address_returned) as verdict:
        assert not verdict.accepted
    with verifier.show_bytes(address_returned, holding=("CAP_BPF", "CAP_PERFMON")) as verdict:
        assert verdict.accepted


def made(*passed: tuple) -> list[Event]:
    return [Event(1000 * n, station, *rest) for n, (station, *rest) in enumerate(passed)]


def test_an_address_that_is_sent_again_is_another_packet_even_if_no_end_was_told():
    arrived = [("net_dev_queue", 1, 1, 7), ("netif_receive_skb", 1, 1, 0)]
    assert [len(each) for each in film.join(made(*arrived, *arrived))] == [2, 2]
    passed_on = ("net_dev_queue", 1, 1, 0)  # a router's: no socket owns it
    assert [len(each) for each in film.join(made(*arrived, passed_on))] == [3]
    tunnel = [("net_dev_queue", 1, 1, 7), ("net_dev_queue", 1, 1, 7)]
    assert [len(each) for each in film.join(made(*tunnel))] == [2]


def test_the_film_says_the_same_as_text_as_a_picture_and_step_by_step():
    journeys = film.journeys(recording.read(recording.stored("ping")).events)
    request = journeys[0]
    text = repr(film.table(request))
    words = film.alternative(journeys)
    assert all(station in text and station in words for station in request.stations)
    assert "-14" in text
    assert len(film.picture(journeys).axes[0].get_yticklabels()) == len(
        {station for journey in journeys for station in journey.stations}
    )
    player = film.Player(journeys)
    assert "Station 1 of 7, net_dev_queue at lo" in repr(player)
    player.station.value = 3
    assert "Station 3 of 7, netif_rx_entry" in player.words
    assert "14 fewer than before" in player.words
    assert player.widget.children[3].tooltip == player.words
    before = player.widget.children[3].value
    player.packet.value = 1
    assert player.widget.children[3].value != before
    assert player.station.value == 1
    assert "Station 1 of 7" in player.widget.children[2].value


def test_functions_that_take_a_packet_first_are_found_in_the_kernels_types():
    found = functions.taking_a_packet()
    assert {"ip_rcv", "udp_rcv", "eth_type_trans", "dev_hard_start_xmit"} <= set(found)
    assert not {"ip_output", "netif_receive_skb_list"} & set(found)  # a network, and a list, first
    with pytest.raises(tracepoints.TracingError, match="own types cannot be read"):
        functions.taking_a_packet(Path("/nowhere"))


def test_where_no_function_can_be_watched_debians_is_shown(net, monkeypatch, capsys):
    def refuses(*_: object) -> None:
        raise tracepoints.TracingError("This kernel has no fentry.")

    monkeypatch.setattr(functions, "record", refuses)
    found = functions.recorded(net, lambda: None)
    said = capsys.readouterr().out
    assert said.startswith(
        "This kernel has no fentry.\nSo what you see was recorded on Debian 13's"
    )
    assert f"({found.kernel}), in a virtual machine" in said
    passed = [event.station for event in found.events]
    assert len(passed) == 30 and found.lost == 0
    assert passed.index("__dev_queue_xmit") < passed.index("ip_rcv") < passed.index("udp_rcv")
    text = repr(functions.table(found))
    assert f"30 functions on Linux {found.kernel} are handed this packet" in text
    assert "__udp4_lib_rcv" in text and "-20" in text


@tracing
def test_a_kernel_lets_functions_be_watched_or_says_what_refuses(net):
    """Debian's kernels do, see test_kernels; whichever it is, nothing stays behind."""
    before = set(Path("/proc/self/fd").iterdir())
    try:
        seen = functions.record(net, lambda: traffic.udp(net, 3), ["ip_rcv", "udp_rcv"])
    except tracepoints.TracingError as refusal:
        assert "Operation not permitted" in str(refusal)
    else:
        assert [event.station for event in seen.events] == ["ip_rcv", "udp_rcv"] * 3
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_nothing_to_show_is_one_sentence():
    for show in (film.picture, film.side_by_side, film.alternative, film.Player):
        with pytest.raises(film.FilmError, match="No journey was recorded"):
            show([])


@tracing
@pytest.mark.own_network
def test_the_four_packets_of_the_exercise_are_lost_as_its_check_expects(net):
    ways.prepare(net)
    found = mysteries.made(net)
    assert list(found) == ["A", "B", "C", "D"]
    assert all(journey.dropped for journey in found.values())
    if GIVES_REASONS:
        reasons = [journey.dropped.reason for journey in found.values()]
        assert reasons == ["OTHERHOST", "SOCKET_RCVBUFF", "NO_SOCKET", "UDP_CSUM"]


def test_functions_are_found_only_where_the_kernel_shows_addresses(tmp_path):
    symbols = tmp_path / "kallsyms"
    symbols.write_text("10 T first\n20 t second.cold\n30 D data\n40 T third\t[module]\n")
    assert recording.functions({0x18, 0x25, 0x40, 0x5}, symbols) == {
        0x18: "first",
        0x25: "second",
        0x40: "third",
    }
    hidden = tmp_path / "hidden"
    hidden.write_text("0 T first\n0 t second\n")
    assert recording.functions({0x18}, hidden) == {}
    assert recording.functions({0x18}, tmp_path / "none") == {}
