"""./course bench runs and its table is whole, with tiny numbers: what it measures is no test."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from chapters.ch11 import flood, measuring
from helpers import netlab
from helpers.capabilities import held as held_now
from tools import marked
from tools.bench import (
    classes,
    counting,
    doors,
    files,
    logs,
    machines,
    memory,
    places,
    playground,
    rows,
    two_senders,
    with_bcc,
)
from tools.bench.__main__ import COSTS, NOTES, README, main
from tools.bench.short import in_short

# One run of every part serves the whole file: minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)
DATAGRAMS, REPEATS = 40, 2
SMALL = {"datagrams": DATAGRAMS, "reads": 2, "updates": 1, "repeats": REPEATS, "flows": 300}
SMALL |= {"frames": 3000, "lines": 3000, "chapters": (), "plots": 4}


@dataclass(frozen=True)
class Measured:
    """One whole run. printed, shown: its stdout and stderr. costs, readme: the files that it may
    write to. held: what this process has open afterwards."""

    status: int
    printed: str
    shown: str
    costs: Path
    readme: Path
    held: tuple[int, str]


def run(arguments: list[str], folder: Path) -> Measured:
    """./course bench with these arguments, and small numbers."""
    costs, readme = folder / "costs.md", folder / "README.md"
    costs.write_text("before\n<!-- costs: begin -->\nold\n<!-- costs: end -->\nafter\n")
    readme.write_text("<!-- short: begin -->\nold\n<!-- short: end -->\n")
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as shown:
        status = main(arguments, **SMALL, costs=costs, readme=readme)
    return Measured(status, printed.getvalue(), shown.getvalue(), costs, readme, held())


def held() -> tuple[int, str]:
    """How many descriptors this process has, and its children."""
    tasks = Path("/proc/self/task").glob("*/children")
    children = " ".join(path.read_text() for path in tasks)
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), children.strip()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measured, Measured]:
    """Two runs, the first with --keep; it also opens what matplotlib keeps open."""
    first = run(["--keep"], tmp_path_factory.mktemp("first"))
    return first, run([], tmp_path_factory.mktemp("second"))


def cells(output: str) -> dict[str, list[str]]:
    """The table's rows by the text of their first cell."""
    lines = [line for line in output.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in (line[2:-2].split(" | ") for line in lines)}


def as_rows(output: str) -> list[rows.Row]:
    """The rows of a printed table."""
    lines = [line for line in output.splitlines() if line.startswith("| ")]
    return [rows.Row(*map(str.strip, line[2:-2].split(" | "))) for line in lines]


@pytest.mark.kernel
def test_the_table_is_whole_and_the_course_misses_nothing(runs):
    _, measured = runs
    assert measured.status == 0
    output, shown = measured.printed, measured.shown
    assert output.startswith(f"Measured on {len(os.sched_getaffinity(0))} cores")
    found = cells(output)
    assert {counting.NONE, counting.COURSE, *counting.READERS, *two_senders.NAMES.values()} <= set(
        found
    )
    assert {"256 lookups", "one batch lookup", "clearing and plotting anew"} <= set(found)
    assert {"compile", "load", "attach", "all three"} <= set(found)
    assert {with_bcc.START, with_bcc.SHIPPED, with_bcc.BATCH} <= set(found)
    assert {classes.NOTHING, classes.SOCKEX1, classes.CLASSES} <= set(found)
    assert {machines.STEPPED, machines.TRANSLATED, machines.IN_KERNEL} <= set(found)
    assert {playground.way("flow"), playground.way("size"), playground.ALONE} <= set(found)
    assert {files.OURS, files.TSHARK, files.CAPINFOS} <= set(found)
    assert "at most 100 MB of memory: " in found[files.OURS][-1]
    assert found[logs.SHOWN][-1].startswith("within 2 s: met; at most 200 MB of memory: met (")
    assert "at most 5 MB: met" in found["grown by 4 plots, opened and closed"][-1]
    assert found[machines.STEPPED][-1].startswith("at least 50,000 a second: ")
    assert found[machines.TRANSLATED][-1].startswith("at least 4 times as many: ")
    assert "under 100 ms: met" in [row[-1] for row in found.values() if row]
    assert all(len(row) == len(rows.HEAD) - 1 for name, row in found.items() if name.strip("|-"))
    assert {f"`import helpers.{door}`" for door in doors.DOORS} <= set(found)
    assert found["`import helpers.toolchain`"][2] == "3 modules"
    sent = DATAGRAMS * REPEATS
    assert found[counting.COURSE][0].startswith(f"{sent} of {sent} seen, bytes exact")
    assert found[counting.COURSE][-1] == "misses nothing: met"
    for reader in counting.READERS:
        assert 0 < int(re.match(rf"(\d+) of {sent} seen", found[reader][0])[1]) <= sent
    for part in (
        "Counting a flood",
        "Reading all counters",
        "Drawing the plot",
        "Compile, load",
        "A click",
    ):
        assert part in shown


@pytest.mark.kernel
@pytest.mark.skipif("CAP_NET_ADMIN" not in held_now(), reason="tc and XDP are for root")
def test_five_places_and_both_tools_count_the_same_bytes(net):
    found = cells(rows.table(places.measure(net, DATAGRAMS, REPEATS)))
    at = [places.SOCKET, places.TCX, places.CLSACT, places.GENERIC, places.DRIVER, places.CGROUP]
    assert set(at) <= set(found)
    for name in at:
        assert "bytes exact" in found[name][0] or found[name][0].startswith("not measured")
    for who in (places.PLOT, places.PLAYGROUND):
        for where in ("a packet socket", "tc"):
            assert found[f"{who}, at {where}"][0].endswith("; bytes exact")
        assert found[f"{who}, at tc"][-1].startswith("at most a quarter: ")
    assert "qdisc clsact" not in net.run(["tc", "qdisc", "show"]).stdout


def test_the_memory_of_a_kernel_is_what_its_notebook_has_taken(tmp_path):
    taken = []
    for size in (0, 50_000_000):
        cell = nbformat.v4.new_code_cell(f"kept = b'\\1' * {size}")
        path = tmp_path / "notebook.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        taken.append(memory.chapter(path))
    assert 49e6 < taken[1] - taken[0] < 52e6


@pytest.mark.kernel
def test_two_senders_lose_nothing_but_where_the_add_is_plain(net):
    each = 2 * (DATAGRAMS + DATAGRAMS // 10)  # two senders; a tenth more as warm-up
    found = {row.name: row for row in two_senders.measure(net, DATAGRAMS, REPEATS)}
    for way in ("atomic", "per_cpu"):
        measured = found[two_senders.NAMES[way]].measured
        assert measured.startswith(f"{each * REPEATS} of {each * REPEATS} counted")
    assert found[two_senders.NAMES["atomic"]].target == "misses nothing: met"
    plain = int(found[two_senders.NAMES["plain"]].measured.split()[0])
    assert 0 < plain <= each * REPEATS


@pytest.mark.kernel
def test_the_plot_is_drawn_and_told_in_words(tmp_path, capsys):
    target = tmp_path / "cost.png"
    assert main(["--plot"], datagrams=DATAGRAMS, repeats=REPEATS, target=target) == 0
    with Image.open(target) as picture:
        assert picture.size[0] > picture.size[1] > 300
    told = capsys.readouterr().out
    assert f"{counting.COURSE} 100 (from 100 to 100)" in told
    assert all(name in told for name in counting.READERS)


def test_an_argument_that_bench_does_not_know(capsys):
    assert main(["--fast"]) == 2
    assert capsys.readouterr().err == "course: bench takes nothing, or --keep, or --plot.\n"


@pytest.mark.kernel
def test_what_is_kept_is_what_was_printed(runs):
    kept, not_kept = runs
    assert kept.status == 0
    whole = kept.printed.strip()
    assert marked.part(kept.costs, "costs") == whole
    assert marked.part(kept.readme, "short") == in_short(as_rows(whole))
    assert marked.part(not_kept.costs, "costs") == marked.part(not_kept.readme, "short") == "old"


def test_the_readmes_three_numbers_are_those_of_the_table():
    written = marked.part(COSTS, "costs")
    assert written.startswith("Measured on ") and written.endswith(NOTES)
    assert marked.part(README, "short") == in_short(as_rows(written))


@pytest.mark.kernel
def test_nothing_is_left_behind(runs):
    first, second = runs
    assert second.held == first.held


@pytest.mark.kernel
def test_a_reader_that_does_not_start_is_named(net, monkeypatch, tmp_path):
    broken = tmp_path / "readers.py"
    broken.write_text("raise SystemExit('no such luck')")
    monkeypatch.setattr(flood, "READERS", broken)
    with (
        flood.Sender(net) as sender,
        pytest.raises(measuring.MeasuringError, match=r"loop did not start \(no such luck\)"),
        flood.in_python(net, sender, "loop", str(tmp_path)),
    ):
        pass


def test_a_refusal_is_one_sentence(monkeypatch, capsys):
    def refuse() -> None:
        raise netlab.NetworkError("No network to experiment in.")

    monkeypatch.setattr(netlab, "open_network", refuse)
    assert main(**SMALL) == 1
    assert capsys.readouterr() == ("", "course: No network to experiment in.\n")


def test_a_target_in_words():
    assert rows.verdict("at least 4", False) == "at least 4: missed"
