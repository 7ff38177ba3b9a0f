"""What measures, in chapter 11 and in the benchmark: turns, spread, words, two CPUs, the flood."""

from __future__ import annotations

import os
import signal
import statistics
import sys
from pathlib import Path

import pytest
import waiting

from chapters.ch11 import flood, lookups, measuring, spread, two_cpus
from helpers import loader, syscall, toolchain
from helpers.counters import Counters


def test_ways_take_turns():
    order = []
    ways = {name: lambda name=name: order.append(name) or len(order) for name in "ab"}
    assert measuring.take_turns(ways, 3) == {"a": [1, 4, 5], "b": [2, 3, 6]}
    assert order == list("abbaab")  # every other turn in reverse


def test_progress_is_one_line_on_stderr(capsys):
    assert list(measuring.progress("Sending", 3)) == [1, 2, 3]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("Sending: 3 of 3 \n")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ns"), (-12.4, "-12 ns"), (2870, "2,870 ns"), (12_345, "12.3 µs"), (190e3, "190 µs")]
    + [(999_600, "1 ms"), (2.613e6, "2.61 ms"), (47e6, "47 ms"), (1_234e6, "1,234 ms")],
)
def test_a_time_in_words(nanoseconds, text):
    assert measuring.duration(nanoseconds) == text


def test_a_ratio_and_a_spread_in_words():
    ratios = [measuring.times_as_much(value, 2) for value in (2, 3.8, 34, 3441)]
    assert ratios == ["1.0", "1.9", "17", "1,720"]
    assert measuring.times_as_much(5, -1) == "unknown"
    assert measuring.middle_half([400, 100, 300, 200, 500]) == "200 ns to 400 ns"


def test_a_picture_shows_every_value_and_tells_them():
    seen = spread.Panel("seen", {"kernel": [100, 100, 100], "scapy": [3, 4, 8]})
    cost = spread.Panel("cost", {"kernel": [-20, 400, 500], "scapy": [1e5, 2e5, 3e5]}, True)
    figure = spread.spread(seen, cost)
    for axes, panel in zip(figure.axes, (seen, cost), strict=True):
        drawn = [line for line in axes.lines if len(line.get_xdata()) == 1]
        values = [value for row in panel.values.values() for value in row]
        assert [line.get_xdata()[0] for line in drawn] == [max(v, panel.start) for v in values]
        medians = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
        assert medians == [statistics.median(row) for row in panel.values.values()]
    assert cost.start == 100
    assert "kernel 400 (from -20 to 500)" in spread.alternative(seen, cost)


def test_both_processors_work_at_once_and_the_caller_stays_where_it_was():
    allowed = os.sched_getaffinity(0)
    where = two_cpus.at_once(lambda: os.sched_getaffinity(0))
    assert sorted(cpu for cpus in where for cpu in cpus) == sorted(two_cpus.two_cpus())
    assert os.sched_getaffinity(0) == allowed


def test_a_failure_on_a_processor_is_raised():
    with pytest.raises(ZeroDivisionError):
        two_cpus.at_once(lambda: 1 // 0)


@pytest.mark.kernel
def test_every_reader_counts_a_slow_flood_whole(net, tmp_path):
    """Few enough datagrams for every queue: then nobody may lose one."""
    with flood.Sender(net) as sender:
        for way in ("loop", "tcpdump", "scapy"):
            with flood.in_python(net, sender, way, str(tmp_path)) as seen:
                sender.flood(50)
                found = seen()
            assert (found.packets, found.bytes) == (50, 50 * flood.FRAME), way
            assert found.cpu > 0


@pytest.mark.kernel
def test_no_tcpdump_outlives_its_reader(net, tmp_path):
    with flood.Sender(net) as sender, flood.in_python(net, sender, "tcpdump", str(tmp_path)):
        reader, of = children(net._control.pid, "python")[0], "tcpdump"
        assert waiting.until(lambda: children(reader, of))
        tcpdump = children(reader, of)[0]
        os.kill(reader, signal.SIGKILL)
        assert waiting.until(lambda: not Path(f"/proc/{tcpdump}").exists())


def children(pid: int, name: str) -> list[int]:
    """The processes that one has started whose command's name begins like that."""
    numbers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(n) for n in numbers if Path(f"/proc/{n}/comm").read_text().startswith(name)]


@pytest.mark.kernel
def test_the_kernel_counts_a_fast_flood_whole(net, sockex1):
    with flood.Sender(net) as sender:
        ways = {"kernel": lambda: flood.in_the_kernel(net, sockex1)}
        runs = flood.in_pairs(sender, ways, 3_000, 3)["kernel"]
    assert [run.seen for run in runs] == [flood.Seen(3_000, 3_000 * flood.FRAME, 0)] * 3
    assert flood.whole_cost(runs) == statistics.median(run.added for run in runs)


@pytest.mark.kernel
def test_a_sender_that_dies_is_named(net):
    with flood.Sender(net) as sender:
        sender._process.kill()
        sender._process.wait()
        with pytest.raises(measuring.MeasuringError, match="has ended by itself"):
            sender.flood(1)


@pytest.mark.kernel
def test_a_closed_sender_says_so(net):
    with flood.Sender(net) as sender:
        pass
    with pytest.raises(measuring.MeasuringError, match="is closed: open a new one"):
        sender.flood(1)


@pytest.mark.kernel
def test_three_ways_to_read_agree(sockex1, net):
    counter_map = sockex1.map("bytes_by_protocol")
    with flood.Sender(net) as sender, flood.in_the_kernel(net, sockex1):
        sender.flood(10)
    with Counters(counter_map) as counters:
        memory = counters.read().tolist()
    assert memory[17] == 10 * flood.FRAME
    assert lookups.one_by_one(counter_map)().tolist() == memory
    assert lookups.in_one_batch(counter_map)().tolist() == memory


@pytest.mark.kernel
def test_three_adds_count_a_test_run_alike_and_on_two_cpus_only_plain_may_lose(tmp_path):
    repeat, frame = 100_000, (bytes(23) + b"\x11").ljust(142, b"\0")
    packet = b"\xff" * 6 + bytes(8) + frame
    with loader.load(toolchain.compile_bpf("three_adds_kern.c", tmp_path / "adds.o")) as adds:
        for way in ("plain", "atomic", "per_cpu"):
            program, counters = adds.program(f"count_{way}"), adds.map(way)
            syscall.test_run(program, packet)
            assert udp(counters) == 142
            two_cpus.at_once(lambda: syscall.test_run(program, packet, repeat))  # noqa: B023
            counted = udp(counters) // 142 - 1
            assert 0 < counted <= 2 * repeat
            assert way == "plain" or counted == 2 * repeat
            syscall.test_run(program, syscall.frame_for_test_run(frame))  # for this machine
            assert udp(counters) // 142 - 1 == counted


def udp(counters: loader.Map) -> int:
    """The UDP counter of a map; a per-CPU map has one for each processor."""
    raw = counters.lookup((17).to_bytes(4, sys.byteorder))
    assert len(raw) == counters.slots_size
    return sum(int.from_bytes(raw[at : at + 8], sys.byteorder) for at in range(0, len(raw), 8))


@pytest.mark.kernel
def test_a_flood_leaves_nothing_behind(net):
    def held() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    before = held()
    with flood.Sender(net) as sender:
        sender.flood(5)
    assert held() == before
