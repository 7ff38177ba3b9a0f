"""The moving plot: its arithmetic with a made-up clock, its pictures, starting and stopping,
errors, and what it holds in the kernel."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from helpers import live, sockets
from helpers.counters import CounterError, Counters
from helpers.errors import CourseError
from helpers.live import picture as live_picture
from helpers.live import series as live_series
from helpers.live import still as live_still
from helpers.live.picture import Chart, Picture
from helpers.live.series import Series
from helpers.pictures import style
from helpers.protocols import NUMBERS, ProtocolError
from helpers.table import Table

FAST = 0.05  # seconds between readings


class Growing:
    """A source without a kernel: the named counters grow by so much at each reading."""

    def __init__(self, **step: int) -> None:
        self.values = np.zeros(256, dtype=np.uint64)
        self.step = step
        self.failure: Exception | None = None

    def read(self) -> np.ndarray:
        if self.failure:
            raise self.failure
        for name, size in self.step.items():
            self.values[NUMBERS[name]] += np.uint64(size)
        return self.values.copy()


class Clock:
    """Time that passes by the given steps, one at each look, the last one again and again."""

    def __init__(self, *steps: float) -> None:
        self.now, self.steps = 100.0, list(steps)

    def __call__(self) -> float:
        self.now += self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return self.now


class Held:
    """Something that a plot may own."""

    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def no_plot_is_left() -> Iterator[None]:
    yield
    if live.LivePlot._current:
        live.LivePlot._current.close()


def plot_of(source: Growing, **options: object) -> live.LivePlot:
    return live.LivePlot(source, **({"interval": FAST} | options))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def has(picture: np.ndarray, color: str) -> np.ndarray:
    return np.all(picture == ImageColor.getrgb(color), axis=-1)


# What is recorded


def test_rates_are_exact_whatever_the_intervals():
    series, source, clock = Series(("TCP", "other")), Growing(TCP=1000, UDP=50), Clock(0.5, 2, 0.25)
    for _ in range(3):
        series.add(clock(), source.read())
    curves = series.curves()
    assert curves.times.tolist() == [100.5, 102.5, 102.75]
    assert np.isnan(curves.rates[0]).all()
    assert curves.rates[1:].tolist() == [[500, 25], [4000, 200]]
    assert curves.totals.tolist() == [[1000, 50], [2000, 100], [3000, 150]]
    assert curves.values("total", ("other", "TCP")).tolist() == [
        [50, 1000],
        [100, 2000],
        [150, 3000],
    ]
    assert curves.values("rate", ("other",))[1:].tolist() == [[25], [200]]


def test_a_window_holds_its_seconds_and_the_reading_before_them():
    series, source = Series(("TCP",)), Growing(TCP=1000)
    assert len(series.curves(2.0).times) == 0
    for second in (0, 1, 2, 3, 3.5):
        series.add(second, source.read())
    assert series.curves(1.5).times.tolist() == [1, 2, 3, 3.5]
    assert series.curves(1.4).times.tolist() == [2, 3, 3.5]
    assert series.curves(99).times.tolist() == [0, 1, 2, 3, 3.5]
    assert series.curves(0).rates.tolist() == [[1000], [2000]]


def test_other_is_everything_without_a_line():
    series = Series(("ICMP", "other", "TCP"))
    series.add(0.0, np.arange(256, dtype=np.uint64))
    assert series.curves().totals.tolist() == [[1, sum(range(256)) - 1 - 6, 6]]


def test_the_record_is_bounded():
    series, source = Series(("UDP",)), Growing(UDP=1)
    for second in range(live_series.READINGS_KEPT + 10):
        series.add(second, source.read())
    assert len(series.times) == len(series.totals) == len(series.rates) == live_series.READINGS_KEPT
    table = series.table()
    assert table["seconds"][0] == 10
    assert table["UDP"][-1] == live_series.READINGS_KEPT + 10


def test_the_csv_is_exact(tmp_path):
    series, source, clock = Series(("UDP", "other")), Growing(UDP=142, SCTP=1), Clock(0.25)
    for _ in range(3):
        series.add(clock(), source.read())
    path = series.table().save_csv(tmp_path / "series.csv")
    assert path.read_bytes().decode() == (
        "seconds,UDP,other\r\n0.000000,142,1\r\n0.250000,284,2\r\n0.500000,426,3\r\n"
    )
    with path.open(newline="") as file:
        assert [row["UDP"] for row in csv.DictReader(file)] == ["142", "284", "426"]


def test_a_table_reads_well_and_is_short_however_long_the_series():
    series, source, clock = Series(("UDP",)), Growing(UDP=142), Clock(1)
    for _ in range(100):
        series.add(clock(), source.read())
    text = repr(series.table())
    assert text.startswith("100 readings")
    assert "14200" in text
    assert len(text.splitlines()) < 15
    assert series.table()._repr_html_().count("<tr>") < 15


# What is drawn


def drawn(series: Series, shown: list[str], quantity: str = "rate", scale: str = "linear"):
    picture, chart = Picture(), Chart(tuple(shown), quantity, scale, window=10)
    return picture, pixels(picture.draw(series.curves(), chart))


@pytest.mark.parametrize("name", ["TCP", "UDP", "ICMP", "ICMPv6", "HOPOPT", "other"])
def test_a_line_has_its_protocols_color_and_lies_at_its_height(name):
    series = Series(("TCP", "UDP", "ICMP", "ICMPv6", "HOPOPT", "other"))
    source, clock = Growing(**{"SCTP" if name == "other" else name: 600}), Clock(1)
    for _ in range(8):
        series.add(clock(), source.read())
    picture, image = drawn(series, ["TCP", name] if name != "TCP" else ["TCP"])
    assert image.shape == (400, 800, 3)
    left, height = picture.axes.transData.transform([(-6, 600)])[0]
    row = 400 - round(height)
    line = has(image[row - 2 : row + 3, round(left) : 780], style(name).color)
    assert line.any(axis=0).mean() > 0.2  # it may be dotted
    assert tuple(image[0, 0]) == (255, 255, 255)


def test_only_the_chosen_lines_are_drawn():
    series, source, clock = Series(("TCP", "UDP")), Growing(TCP=500, UDP=800), Clock(1)
    for _ in range(5):
        series.add(clock(), source.read())
    _, image = drawn(series, ["UDP"])
    assert has(image, style("UDP").color).any()
    assert not has(image, style("TCP").color).any()


@pytest.mark.parametrize(
    ("highest", "before", "scale", "top"),
    [
        (0, 1000, "linear", 1000),
        (999, 1000, "linear", 1000),
        (1001, 1000, "linear", 2000),
        (4800, 1000, "linear", 10_000),
        (300, 1000, "linear", 1000),
        (1200, 5000, "linear", 2000),
        (1250, 5000, "linear", 5000),
        (4800, 1000, "log", 10_000),
        (4800, 5000, "log", 10_000),
    ],
)
def test_the_axis_ends_at_a_round_number_and_changes_seldom(highest, before, scale, top):
    assert live_picture.top_of_axis(highest, before, scale) == top


def test_the_background_is_drawn_only_when_an_axis_changes(monkeypatch):
    backgrounds = []
    original = live_picture.decorate

    def counting(*arguments):
        backgrounds.append(arguments)
        original(*arguments)

    monkeypatch.setattr(live_picture, "decorate", counting)
    source = Growing(UDP=500)
    plot = plot_of(source, clock=Clock(1))
    for _ in range(20):
        plot._step()
    assert len(backgrounds) == 1
    source.step = {"UDP": 5000}
    plot._step()
    plot._step()
    assert len(backgrounds) == 2
    plot.choose(scale="log")
    assert len(backgrounds) == 3


def test_the_still_figure_says_in_words_what_it_shows():
    plot = plot_of(Growing(UDP=500, TCP=20_000), clock=Clock(0.5))
    for _ in range(5):
        plot._step()
    still = plot.figure()
    for words in ("2.0 seconds", "UDP peaks at 1.0 kB/s", "TCP peaks at 40.0 kB/s", "ICMP stays"):
        assert words in still.alt
    assert "UDP ends at 2.5 kB" in plot.figure(quantity="total", protocols=["UDP"]).alt
    assert "TCP" not in plot.figure(protocols=["UDP"]).alt
    with pytest.raises(live.LiveError, match="no line XYZ"):
        plot.figure(protocols=["XYZ"])


def test_a_still_figure_of_nothing_is_possible():
    assert "fewer than two" in plot_of(Growing()).figure().alt


# Start, stop, run


def test_run_records_for_a_while_and_stops():
    async def main() -> None:
        plot = plot_of(Growing(UDP=10))
        assert plot.controls.sentence == "Press Start."
        await plot.run(seconds=0.2)
        assert not plot.running
        assert plot.controls.sentence == "Stopped."
        table = plot.table()
        assert 2 <= len(table) <= 5
        assert table["seconds"][-1] >= 0.2
        assert table["UDP"].tolist() == [10 * (n + 1) for n in range(len(table))]
        assert await only_this_task()

    asyncio.run(main())


async def only_this_task() -> bool:
    """Give what was cancelled its last turn; then this task is alone."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return asyncio.all_tasks() == {asyncio.current_task()}


def test_stop_always_stops():
    async def main() -> None:
        plot = plot_of(Growing(UDP=10))
        plot.stop()
        for _ in range(3):
            plot.start()
            plot.start()
            assert plot.running
            plot.stop()
            assert not plot.running
            plot.stop()
        readings = len(plot.table())
        assert await only_this_task()
        assert len(plot.table()) == readings == 3

    asyncio.run(main())


def test_stop_ends_a_run_early():
    async def main() -> None:
        plot = plot_of(Growing(UDP=10))
        asyncio.get_running_loop().call_later(0.1, plot.stop)
        await asyncio.wait_for(plot.run(seconds=60), timeout=5)
        assert not plot.running

    asyncio.run(main())


def test_buttons_may_be_pressed_on_any_thread():
    """And whatever they cause happens on the loop's thread."""
    threads = set()

    class Noting(Growing):
        def read(self) -> np.ndarray:
            threads.add(threading.current_thread())
            return super().read()

    async def main() -> None:
        plot = plot_of(Noting(UDP=10))
        controls = plot.controls
        await asyncio.to_thread(controls.start.click)
        await until(lambda: len(plot.table()) >= 2)
        assert plot.running
        before = controls.image.value
        await asyncio.to_thread(setattr, controls.scale, "value", "log")
        await until(lambda: controls.image.value != before)
        await asyncio.to_thread(controls.stop.click)
        await until(lambda: not plot.running)

    asyncio.run(main())
    assert threads == {threading.main_thread()}


async def until(condition: Callable[[], bool]) -> None:
    async def turns() -> None:
        while not condition():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(turns(), timeout=5)


def test_other_things_run_while_it_moves():
    async def main() -> int:
        plot, turns = plot_of(Growing(UDP=10)), 0
        plot.start()
        while len(plot.table()) < 4:
            await asyncio.sleep(0.005)
            turns += 1
        plot.stop()
        return turns

    assert asyncio.run(main()) > 5


def test_without_an_event_loop_it_says_so():
    plot = plot_of(Growing())
    with pytest.raises(live.LiveError, match="no event loop"):
        plot.start()
    assert not plot.running


def test_a_class_that_the_program_does_not_count_is_one_sentence():
    with pytest.raises(CounterError, match=r"none of the classes of chapter 12: .* leave them out"):
        Series(("TCP", "ARP")).add(0.0, np.zeros(256, dtype=np.uint64))


def test_stacked_areas_lie_on_each_other():
    series = Series(("TCP", "UDP", "other"))
    values = np.zeros(256, dtype=np.uint64)
    for now in range(4):
        series.add(now, values)
        values = values.copy()
        values[NUMBERS["TCP"]] += np.uint64(400)
        values[NUMBERS["UDP"]] += np.uint64(200)
    chart = Chart(("TCP", "UDP"), "rate", "stacked", window=3.0)
    picture = pixels(Picture().draw(series.curves(), chart))
    # The axis has 1000 bytes per second: TCP fills 400 of them, and UDP the 200 above.
    tcp, udp = (np.flatnonzero(has(picture, style(n).color)[60:, 400]) for n in ("TCP", "UDP"))
    assert udp.max() < tcp.min()
    assert len(tcp) == pytest.approx(0.4 * 0.74 * 400, abs=4)
    assert len(udp) == pytest.approx(0.2 * 0.74 * 400, abs=15)  # less its white hatches
    still = live_still.draw(series.curves(), chart)
    assert "TCP peaks at 400 B/s" in still.alt


def test_a_table_below_the_picture_is_new_at_every_reading():
    seen = []

    def below() -> Table:
        seen.append(len(seen))
        return Table("flows", ("number",), [(str(seen[-1]),)])

    async def main() -> None:
        plot = plot_of(Growing(UDP=10), below=below)
        await plot.run(seconds=0.2)
        assert len(seen) == len(plot.table()) >= 2
        last = plot.controls.view.children[-1]
        assert f">{seen[-1]}<" in last.value
        plot.close()
        assert plot.controls.view.children[-1] is last

    asyncio.run(main())


def test_a_new_plot_takes_the_place_of_the_old_one():
    async def main() -> None:
        owned = Held()
        first = plot_of(Growing(UDP=10), owns=[owned])
        first.start()
        second = plot_of(Growing(UDP=10))
        assert not first.running
        assert owned.closed
        assert "newer plot" in first.controls.sentence
        assert len(first.controls.view.children) == 3  # no button is left to be pressed in vain
        with pytest.raises(live.LiveError, match="closed"):
            first.start()
        assert not second.running
        await second.run(seconds=0.1)
        second.close()
        second.close()

    asyncio.run(main())


def test_pause_loses_no_byte():
    async def main() -> None:
        plot = plot_of(Growing(UDP=10), clock=Clock(1, 1, 60, 1))
        for _ in range(3):
            plot.start()
            plot.stop()
        rates = plot._series.curves().values("rate", ["UDP"])
        assert rates[1:, 0].tolist() == [10, pytest.approx(10 / 60)]

    asyncio.run(main())


# Choices


def test_choices_are_what_the_controls_hold():
    plot = plot_of(Growing(UDP=10), clock=Clock(1))
    plot.choose(interval=1.0, scale="log", quantity="total", protocols=["UDP", "other"])
    assert plot._chart() == Chart(("UDP", "other"), "total", "log", window=30.0)
    assert plot.controls.interval.value == 1.0


@pytest.mark.parametrize(
    "choice",
    [
        {"scale": "loud"},
        {"interval": "fast"},
        {"protocols": ["TPC"]},
        {"color": 1},
        {"interface": "x"},
    ],
)
def test_a_choice_that_there_is_not(choice):
    plot = plot_of(Growing())
    with pytest.raises(live.LiveError, match=next(iter(choice))):
        plot.choose(**choice)


def test_bad_arguments():
    with pytest.raises(live.LiveError, match="too short"):
        plot_of(Growing(), interval=0.0)
    with pytest.raises(ProtocolError, match="TPC"):
        plot_of(Growing(), protocols=["TPC"])


def test_a_protocol_by_its_number_gets_a_line():
    plot = plot_of(Growing(SCTP=7), protocols=["SCTP", "200"])
    plot._step()
    assert plot.table()["SCTP"].tolist() == [7]
    assert plot.protocols[-3:] == ("SCTP", "200", "other")


def test_clear_forgets_what_was_recorded():
    plot = plot_of(Growing(UDP=10), clock=Clock(1))
    plot._step()
    plot.clear()
    assert len(plot.table()) == 0
    plot._step()
    assert plot.table()["UDP"].tolist() == [20]


def test_the_save_button_tells_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plot = plot_of(Growing(UDP=10), clock=Clock(1))
    plot._step()
    plot._act("save")
    (saved,) = tmp_path.glob("*.csv")
    assert str(saved) in plot.controls.sentence
    assert saved.read_text().startswith("seconds,TCP,UDP,ICMP,ICMPv6,HOPOPT,other\n0.000000,0,10")


def test_a_stored_notebook_gets_a_sentence():
    bundle = plot_of(Growing())._repr_mimebundle_(include=None, exclude=None)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"].endswith(".")
    assert "widgets" not in bundle["text/plain"]


def test_the_picture_and_every_control_have_words():
    controls = plot_of(Growing(), at={"here": Held}).controls
    assert controls.image.tooltip
    rows = [row for row in controls.view.children if hasattr(row, "children")]
    assert all(widget.description for row in rows for widget in row.children)


# Errors


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (CounterError("The counters of m are closed: load the program again."), "are closed"),
        (OSError("the table is gone"), "OSError: the table is gone"),
    ],
)
def test_an_error_shows_and_stops(failure, sentence):
    async def main() -> None:
        source = Growing(UDP=10)
        plot = plot_of(source)
        asyncio.get_running_loop().call_later(0.1, setattr, source, "failure", failure)
        with pytest.raises(CourseError, match=sentence):
            await plot.run(seconds=60)
        assert not plot.running
        assert sentence in plot.controls.sentence
        assert 'role="alert"' in plot.controls.message.value
        assert await only_this_task()
        source.failure = None
        await plot.run(seconds=0.05)
        assert plot.controls.sentence == "Stopped."

    asyncio.run(main())


def test_what_an_error_says_is_text_and_not_markup():
    plot = plot_of(Growing())
    plot._say("<b>bold</b>", error=True)
    assert "<b>" not in plot.controls.message.value


def test_an_interface_that_refuses_leaves_the_old_one():
    def refused() -> Held:
        raise sockets.SocketError("This process may not open a raw socket.")

    first = Held()
    plot = plot_of(Growing(UDP=10), at={"here": lambda: first, "there": refused})
    with pytest.raises(live.LiveError, match="may not open"):
        plot.choose(interface="there")
    assert plot.controls.interface.value == "here"
    assert not first.closed


def test_moving_to_another_interface_closes_the_first():
    first, second = Held(), Held()
    plot = plot_of(Growing(UDP=10), at={"here": lambda: first, "there": lambda: second})
    plot.choose(interface="there")
    assert first.closed
    assert not second.closed
    plot.close()
    assert second.closed


# On the real kernel


@pytest.mark.kernel
def test_counts_in_the_plot_are_exact():
    async def main() -> None:
        with live.open_plot(interval=FAST) as plot:
            await asyncio.gather(plot.run(1), plot.send("ping", 0.3), plot.send("UDP", 0.3))
            await plot.run(0)  # one more reading, after all was sent
            table = plot.table()
            assert table["ICMP"][-1] == 3 * 196
            assert table["UDP"][-1] == 3 * 4 * 142
            assert table["TCP"][-1] == table["other"][-1] == 0

    asyncio.run(main())


@pytest.mark.own_network
@pytest.mark.kernel
def test_the_interface_goes_away_while_it_runs(net, sockex1):
    async def main() -> None:
        at = {"private lo": lambda: sockets.packet_socket(net, sockex1.program("count_bytes").fd)}
        with Counters(sockex1.map("bytes_by_protocol")) as source:
            plot = live.LivePlot(source, at, net, interval=FAST)
            down = ["ip", "link", "set", "lo", "down"]
            asyncio.get_running_loop().call_later(0.1, net.run, down)
            with pytest.raises(live.LiveError, match="private lo is down or gone"):
                await plot.run(seconds=60)
            net.run(["ip", "link", "set", "lo", "up"])
            await asyncio.gather(plot.run(seconds=0.5), plot.send("UDP", 0.1))
            await plot.run(0)
            assert plot.table()["UDP"][-1] == 4 * 142

    asyncio.run(main())


@pytest.mark.kernel
def test_closed_counters_while_it_runs(net, sockex1):
    async def main() -> None:
        source = Counters(sockex1.map("bytes_by_protocol"))
        plot = plot_of(source)
        asyncio.get_running_loop().call_later(0.1, source.close)
        with pytest.raises(CounterError, match="are closed"):
            await plot.run(seconds=60)

    asyncio.run(main())


@pytest.mark.kernel
def test_a_send_button_that_cannot_send_says_so():
    async def main() -> None:
        with live.open_plot(interval=FAST) as plot:
            plot._net.close()
            plot._act("send", "UDP")
            await until(lambda: "closed" in plot.controls.sentence)
            with pytest.raises(live.LiveError, match="ping, UDP, TCP"):
                await plot.send("SCTP")

    asyncio.run(main())


def held_by_us() -> tuple[list[str], int]:
    """Ids of the programs and maps that this process has descriptors of; its sockets."""
    ids, opened = [], 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
            info = Path(f"/proc/self/fdinfo/{link.name}").read_text()
        except FileNotFoundError:  # the descriptor of this very listing
            continue
        opened += target.startswith("socket:")
        ids += [line for line in info.splitlines() if line.startswith(("prog_id", "map_id"))]
    return sorted(ids), opened


@pytest.mark.kernel
def test_the_cell_run_again_leaves_one_plot_and_one_program():
    async def main() -> None:
        before = held_by_us()
        first = live.open_plot(interval=FAST)
        first.start()
        ids, opened = held_by_us()
        second = live.open_plot(interval=FAST)
        second.start()
        ids_again, opened_again = held_by_us()
        assert (len(ids_again), opened_again) == (len(ids), opened)
        assert not set(ids) & set(ids_again) - set(before[0])
        assert await only_one_follows()
        second.close()
        assert held_by_us() == before

    asyncio.run(main())


async def only_one_follows() -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return len(asyncio.all_tasks()) == 2  # the plot, and this test
