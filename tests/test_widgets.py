"""What the course's widgets keep, and what they say when something under them goes away."""

from __future__ import annotations

import asyncio
import gc
import re

import ipywidgets
import numpy as np
import pytest
import stored
from matplotlib.figure import Figure
from test_live import Clock, Growing, Held, plot_of

from chapters.playground import open_playground
from helpers import live, pictures, sockets
from helpers.counters import Counters
from helpers.live.picture import Chart, Picture, decorate, new_figure
from helpers.live.series import Series
from helpers.stepper import Stepper
from helpers.stepper.view import Cell, Line, View, Walk
from helpers.table import Table


def figures() -> int:
    gc.collect()
    return sum(isinstance(each, Figure) for each in gc.get_objects())


# What is kept


def test_fifty_plots_opened_and_closed_leave_nothing():
    def one() -> live.LivePlot:
        plot = plot_of(Growing(UDP=500), clock=Clock(0.5))
        for _ in range(4):
            plot._step()
        plot._ipython_display_()
        plot.close()
        return plot

    first = [one() for _ in range(3)][0]
    drawn = figures()
    widgets = dict(ipywidgets.widget._instances)
    for _ in range(50):
        one()
    assert figures() == drawn
    assert ipywidgets.widget._instances == widgets
    assert "UDP peaks at 1.0 kB/s" in first.figure().alt


def test_a_plot_keeps_one_figure_however_often_its_axes_change():
    plot = plot_of(Growing(UDP=500), clock=Clock(0.5))
    before = figures()
    gc.disable()  # Python would find the others some day; they are gone at once
    try:
        for scale in ("log", "stacked", "linear"):
            plot.choose(scale=scale)
            assert sum(isinstance(each, Figure) for each in gc.get_objects()) == before
    finally:
        gc.enable()


def test_a_shown_figure_keeps_nothing_of_what_it_was_drawn_on():
    canvas, axes = new_figure()
    axes.set_title("a title")
    pictures.small_png(canvas.figure)
    gc.collect()
    large = [
        each
        for each in gc.get_objects()
        if type(each).__name__ == "RendererAgg" and each.width >= 1600
    ]
    assert large == []


def test_a_closed_plot_shows_as_a_still_with_its_sentence():
    plot = plot_of(Growing(UDP=500), clock=Clock(0.5))
    for _ in range(5):
        plot._step()
    plot.close()
    bundle = plot._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" not in bundle
    assert "image/png" in bundle
    assert 'alt="Line chart of bytes per second over 2.0 seconds' in bundle["text/html"]
    assert "This plot is closed: run its cell again for a new one." in bundle["text/plain"]
    empty = plot_of(Growing())
    empty.close()
    assert "image/png" not in empty._repr_mimebundle_()


# What it says


def test_saving_nothing_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plot = plot_of(Growing())
    plot._act("save")
    assert plot.controls.sentence.startswith("Nothing is recorded yet")
    assert list(tmp_path.iterdir()) == []


def test_a_sentence_that_is_over_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        at = {"here": Held, "there": Held}
        plot = plot_of(Growing(UDP=10), at=at, clock=Clock(1))
        monkeypatch.setattr(plot, "_look", lambda: plot._unsay(10))
        plot.start()
        plot._act("save")
        assert plot.controls.sentence.startswith("Saved 1 readings to ")
        plot._remarked -= 9
        plot._step()
        assert plot.controls.sentence.startswith("Saved")
        plot._remarked -= 1
        plot._step()
        assert plot.controls.sentence == "Running."
        plot._act("save")
        plot.choose(scale="log")
        assert plot.controls.sentence == "Running."
        plot.close()

    asyncio.run(main())


@pytest.mark.own_network
@pytest.mark.kernel
def test_what_is_said_of_sending_goes_when_it_was_sent(net, sockex1):
    async def main() -> None:
        at = live.interfaces(net, sockex1.program("count_bytes").fd)
        with Counters(sockex1.map("bytes_by_protocol")) as source:
            plot = live.LivePlot(source, at, net, interval=0.05)
            monkeypatched = plot.send
            plot.send = lambda kind: monkeypatched(kind, 0.1)
            plot._act("send", "UDP")
            assert "Press Start to see it" in plot.controls.sentence
            await asyncio.gather(*plot._tasks)
            await asyncio.sleep(0)
            assert plot.controls.sentence == "Press Start."
            plot.close()

    asyncio.run(main())


@pytest.mark.own_network
@pytest.mark.kernel
def test_a_private_network_that_has_ended_stops_the_plot(net, sockex1):
    async def main() -> None:
        at = live.interfaces(net, sockex1.program("count_bytes").fd)
        with Counters(sockex1.map("bytes_by_protocol")) as source:
            plot = live.LivePlot(source, at, net, interval=0.05)
            asyncio.get_running_loop().call_later(0.1, net._control._child.kill)
            with pytest.raises(live.LiveError, match="private network has ended.*a new plot"):
                await plot.run(seconds=60)
            assert not plot.running
            assert "private network has ended" in plot.controls.sentence
            plot.close()

    asyncio.run(main())


@pytest.mark.own_network
@pytest.mark.kernel
def test_no_event_of_an_interface_leaves_the_playground_lying(net):
    """Unplugged and started again, put back, renamed."""

    async def main() -> None:
        net.add_veth()
        with open_playground(interval=0.05) as play:
            at = play._at
            own = {"left": "left"}

            def there(fd: int) -> dict:
                taps = {
                    name: lambda name=name: sockets.packet_socket(net, fd, name)
                    for name in own.values()
                }
                return {**at(fd), **taps}

            play._at = there
            play.controls.interface.options = [*there(-1)]
            play.controls.interface.value = "left"
            monkeypatch_filter(play)
            play._act("start")
            assert play.controls.sentence == "Running on left."
            net.run(["ip", "link", "delete", "left"], check=True)
            own.clear()
            with pytest.raises(live.LiveError, match="left is down or gone"):
                while play.running:
                    await asyncio.sleep(0.01)
                raise play._error
            play._act("start")
            assert play.controls.sentence.startswith("The interface left is down or gone: choose")
            assert not play.running
            play.controls.interface.value = "private lo"
            play._act("start")
            assert play.controls.sentence == "Running on private lo."
            play.stop()

    asyncio.run(main())


def monkeypatch_filter(play: object) -> None:
    """Without a filter nobody asks for the interface's link type."""
    play._filter = lambda: ("", lambda expression: [])


# What it looks like


@pytest.mark.parametrize("names", [6, 8, 12])
def test_a_legend_is_never_cut(names):
    shown = ("TCP", "UDP", "ICMP", "ICMPv6", "HOPOPT", "other", "SCTP", "IGMP", "OSPF", "GRE",
             "ESP", "ARP")[:names]  # fmt: skip
    series = Series(tuple(name for name in shown if name != "ARP"))
    series.add(0.0, np.zeros(256, dtype=np.uint64))
    series.add(1.0, np.ones(256, dtype=np.uint64))
    shown = series.protocols
    picture = Picture()
    picture.draw(series.curves(), Chart(shown))
    box = picture.axes.get_legend().get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= 800
    assert box.y1 <= 400
    assert box.y0 >= picture.axes.get_window_extent().y1 - 1


@pytest.mark.parametrize("top", [40, 20e3, 20e6, 200e9])
def test_the_name_of_the_axis_stands_beside_its_numbers(top):
    canvas, axes = new_figure()
    decorate(axes, Chart(("TCP",)), top)
    canvas.draw()
    numbers = [each.get_window_extent().x0 for each in axes.get_yticklabels()]
    name = axes.yaxis.label.get_window_extent()
    assert name.x0 >= 0
    assert name.x1 <= min(numbers) - 1


def test_a_table_that_scrolls_takes_the_focus_and_has_a_name():
    html = Table('What "r0" is', ("name",), [("r0",)])._repr_html_()
    region = (
        '<div tabindex="0" role="group" aria-label="What &quot;r0&quot; is" style="overflow-x: '
    )
    assert html.startswith(f'{region}auto"><table>')
    # And there is no other way to make one.
    sources = [path for path in stored.tracked() if path.suffix == ".py"]
    made = [
        str(path.relative_to(stored.COURSE)) for path in sources if "<table" in path.read_text()
    ]
    assert [name for name in made if not name.startswith("tests/")] == ["helpers/table.py"]


def test_numbers_of_a_table_stand_on_the_right_with_a_gap():
    table = Table("c", ("name", "packets", "share", "at"), [
        ("TCP", "1,200", "7.5", "10.0.0.1"), ("UDP", "…", "", "::1")])  # fmt: skip
    html = table._repr_html_()
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    aligned = [re.findall(r"text-align: (\w+)", row) for row in rows]
    assert aligned == 3 * [["left", "right", "right", "left"]]
    assert html.count("padding-left: 2em") == 6


# The stepper


def walk(_: object) -> Walk:
    lines = tuple(Line(number, f"instruction {number}") for number in range(4))
    moments = [
        View(None if at == 0 else at - 1, at if at < 4 else None, (Cell("r0", str(at)),),
             ending="The program returns 4." if at == 4 else "")
        for at in range(5)
    ]  # fmt: skip
    return Walk(lines, b"\x00" * 16, iter(moments))


def test_running_to_a_place_behind_says_so_and_stays():
    stepper = Stepper({"packet": b""}, walk)
    stepper.run_to(3)
    assert stepper.steps == 3
    stepper.run_to(1)
    assert stepper.steps == 3
    assert "Instruction 1 is behind already" in stepper._message.value
    stepper.step()
    assert "behind" not in stepper._message.value
    assert stepper.sentence == "4 instructions done. The program returns 4."


def test_the_steppers_panes_take_the_focus_and_have_names():
    html = Stepper({"packet": b""}, walk)._page.value
    assert html.count('tabindex="0" role="region" aria-label=') == 2
