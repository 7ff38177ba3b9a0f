"""./course bench runs and its table is whole, with tiny numbers: what it measures is no test."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from helpers import netlab
from helpers.commands.bench import classes, counting, playground, rows, with_bcc
from helpers.commands.bench.__main__ import main

DATAGRAMS, REPEATS = 40, 2


def run() -> int:
    return main(datagrams=DATAGRAMS, reads=2, updates=1, repeats=REPEATS)


def cells(output: str) -> dict[str, list[str]]:
    """The table's rows by the text of their first cell."""
    lines = [line for line in output.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in (line[2:-2].split(" | ") for line in lines)}


@pytest.mark.kernel
def test_the_table_is_whole_and_the_course_misses_nothing(capsys):
    assert run() == 0
    output, shown = capsys.readouterr()
    assert output.startswith(f"Measured on {len(os.sched_getaffinity(0))} cores")
    found = cells(output)
    assert {counting.NONE, counting.COURSE, counting.LOOP, counting.SCAPY} <= set(found)
    assert {"256 lookups", "one batch lookup", "clearing and plotting anew"} <= set(found)
    assert {"compile", "load", "attach", "all three"} <= set(found)
    assert {with_bcc.START, with_bcc.SHIPPED, with_bcc.BATCH} <= set(found)
    assert {classes.SOCKEX1, classes.CLASSES} <= set(found)
    assert {playground.way("flow"), playground.way("size"), playground.ALONE} <= set(found)
    assert all(len(row) == len(rows.HEAD) - 1 for name, row in found.items() if name.strip("|-"))
    sent = DATAGRAMS * REPEATS
    assert found[counting.COURSE][0].startswith(f"{sent} of {sent} seen, bytes exact")
    assert found[counting.COURSE][-1] == "misses nothing: met"
    for reader in (counting.LOOP, counting.SCAPY):
        assert 0 < int(re.match(rf"(\d+) of {sent} seen", found[reader][0])[1]) <= sent
    for part in ("Counting a flood", "Reading all counters", "Drawing the plot", "Compile, load"):
        assert part in shown


@pytest.mark.kernel
def test_without_scapy_its_row_is_left_out_and_a_sentence_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scapy", None)
    assert run() == 0
    output, _ = capsys.readouterr()
    assert cells(output)[counting.SCAPY][0] == "left out"
    assert output.rstrip().endswith(counting.MISSING)


@pytest.mark.kernel
def test_nothing_is_left_behind(capsys):
    def held() -> tuple[int, str]:
        tasks = Path("/proc/self/task").glob("*/children")
        children = " ".join(path.read_text() for path in tasks)
        return sum(1 for _ in Path("/proc/self/fd").iterdir()), children.strip()

    run()  # the first one opens what matplotlib keeps open
    before = held()
    run()
    assert held() == before


@pytest.mark.kernel
def test_a_reader_that_does_not_start_is_named(net, monkeypatch, tmp_path):
    broken = tmp_path / "readers.py"
    broken.write_text("raise SystemExit('no such luck')")
    monkeypatch.setattr(counting, "READERS", broken)
    with (
        counting.Sender(net) as sender,
        pytest.raises(rows.BenchError, match=r"The reader loop did not start \(no such luck\)"),
        counting.in_python(net, sender, "loop", str(tmp_path)),
    ):
        pass


def test_a_refusal_is_one_sentence(monkeypatch, capsys):
    def refuse() -> None:
        raise netlab.NetworkError("No network to experiment in.")

    monkeypatch.setattr(netlab, "open_network", refuse)
    assert run() == 1
    assert capsys.readouterr() == ("", "course: No network to experiment in.\n")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ns"), (-12.4, "-12 ns"), (2870, "2,870 ns"), (12_345, "12.3 µs"), (190e3, "190 µs")]
    + [(999_600, "1 ms"), (2.613e6, "2.61 ms"), (47e6, "47 ms"), (1_234e6, "1,234 ms")],
)
def test_a_time_in_words(nanoseconds, text):
    assert rows.duration(nanoseconds) == text


def test_a_ratio_and_a_spread_in_words():
    assert [rows.times_as_much(value, 2) for value in (2, 3.8, 34, 3441)] == [
        "1.0",
        "1.9",
        "17",
        "1,720",
    ]
    assert rows.times_as_much(5, -1) == "unknown"
    assert rows.middle_half([400, 100, 300, 200, 500]) == "200 ns to 400 ns"
    assert rows.verdict("at least 4", False) == "at least 4: missed"
