"""A packet's journey from its events: put together, as a table, as a picture, and to walk through.

Built in chapter 13, one_packets_journey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ipywidgets as widgets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from chapters.ch13.recording import STATIONS, Event
from helpers import page
from helpers.errors import CourseError
from helpers.live.controls import TitledImage, row
from helpers.pictures import INK, QUIET, small_png
from helpers.table import Table

# On its way out, coming in, at its end: the colour of Okabe and Ito's palette, and the marker.
OUT, IN, USED, DROPPED = ("#E69F00", "v"), ("#0072B2", "^"), ("#009E73", "s"), ("#D55E00", "X")
LOOKS = {
    "net_dev_queue": OUT,
    "net_dev_start_xmit": OUT,
    "net_dev_xmit": OUT,
    "skb_copy_datagram_iovec": USED,
    "consume_skb": USED,
    "kfree_skb": DROPPED,
}
WIDTH = 760  # pixels, of a picture
STATIONS_SHOWN = 8  # of a film's list at once
WORDS = {OUT: "going out", IN: "coming in", USED: "used", DROPPED: "dropped"}


class FilmError(CourseError):
    """There is no journey to show."""


@dataclass(frozen=True)
class Journey:
    """What one skb passed, oldest first. number: counts the journeys of a recording from 1.

    clone_of: the number of a journey under way that had the same bytes; 0: none.
    """

    number: int
    events: tuple[Event, ...]
    clone_of: int = 0

    @property
    def stations(self) -> list[str]:
        """The names of the stations, in order."""
        return [event.station for event in self.events]

    @property
    def dropped(self) -> Event | None:
        """The event that dropped it, if it was."""
        return self.events[-1] if self.stations[-1] == "kfree_skb" else None

    def __repr__(self) -> str:
        first, last = self.events[0], self.events[-1]
        clone = f", a clone of {self.clone_of}" if self.clone_of else ""
        reason = f" ({last.reason})" if last.reason else ""
        return (
            f"journey {self.number}{clone}: {len(self.events)} stations in "
            f"{(last.time - first.time) / 1000:.1f} µs, from {first.station} to "
            f"{last.station}{reason}"
        )


# chapter 13: begin join
def join(events):
    """The events of each packet: by the address of its skb, as long as it is the packet's."""
    under_way, found = {}, []
    for event in events:
        mine = under_way.get(event.skb)
        if mine is None or begins_anew(event, mine):
            mine = under_way[event.skb] = []
            found.append(mine)
        mine.append(event)
        if event.station in ("consume_skb", "kfree_skb"):
            del under_way[event.skb]
    return found


def begins_anew(event, before):
    """A socket sends: no packet that has arrived already, even if its end was not told."""
    arrived = any(each.station == "netif_receive_skb" for each in before)
    return event.station == "net_dev_queue" and event.socket != 0 and arrived


# chapter 13: end join


def journeys(events: Iterable[Event]) -> list[Journey]:
    """The journeys in a recording's events, in the order in which they begin.

    A clone has an skb of its own and the bytes of another: `data` tells. Built in chapter 13.
    """
    found: list[Journey] = []
    for number, mine in enumerate(join(events), 1):
        data, sent = mine[0].data, mine[0].station == "net_dev_queue"
        same = (
            j.clone_of or j.number for j in reversed(found) if data and j.events[0].data == data
        )
        found.append(Journey(number, tuple(mine), 0 if sent else next(same, 0)))
    return found


def table(journey: Journey) -> Table:
    """A journey as a table. Built in chapter 13."""
    first, rows = journey.events[0], []
    for before, event in zip((first, *journey.events), journey.events, strict=False):
        rows.append(
            (
                event.station,
                f"{(event.time - first.time) / 1000:.1f}",
                str(event.cpu),
                event.interface or "-",
                f"{event.length}",
                f"{event.length - before.length:+}" if event.length != before.length else "",
                f"socket {event.socket}" if event.socket else "-",
                " in ".join(filter(None, (event.reason, event.place))) or STATIONS[event.station],
            )
        )
    head = ("station", "µs", "CPU", "interface", "bytes", "change", "owner", "what happens")
    return Table(f"Skb {first.skb}: {journey!r}", head, rows)


def side_by_side(journeys: Sequence[Journey]) -> Table:
    """Several journeys: for each station, how many µs after the first of all each passes it."""
    start = min(journey.events[0].time for journey in shown(journeys))
    passed = sorted((e.time, j.number, e.station) for j in journeys for e in j.events)
    rows = [
        (
            station,
            *(f"{(time - start) / 1000:.1f}" if number == j.number else "" for j in journeys),
        )
        for time, number, station in passed
    ]
    head = ("station", *(f"journey {journey.number}" for journey in journeys))
    return Table("Microseconds since the first station of all", head, rows)


def shown(journeys: Sequence[Journey]) -> Sequence[Journey]:
    """The same. Errors: FilmError if there is nothing to show."""
    if not journeys:
        raise FilmError("No journey was recorded: send a packet, and record it again.")
    return journeys


def picture(journeys: Sequence[Journey], at: tuple[int, int] | None = None) -> Figure:
    """Journeys as lines from station to station, downwards, over microseconds.

    Arguments: at: journey and station to mark, both counted from 0.
    Errors: FilmError if there are none. Built in chapter 13.
    """
    start = min(journey.events[0].time for journey in shown(journeys))
    present = {station for journey in journeys for station in journey.stations}
    names = [name for name in STATIONS if name in present]
    figure = Figure(figsize=(WIDTH / 100, 0.9 + 0.36 * len(names)), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    used = {}
    for index, journey in enumerate(journeys):
        times = [(event.time - start) / 1000 for event in journey.events]
        rows = [names.index(station) for station in journey.stations]
        axes.plot(times, rows, color=QUIET, linewidth=1, dashes=(4, 1 + 2 * index), zorder=1)
        if len(journeys) > 1:
            axes.annotate(f" {journey.number}", (times[0], rows[0]), color=INK, va="bottom")
        for step, (time, at_row, event) in enumerate(zip(times, rows, journey.events, strict=True)):
            color, marker = look = LOOKS.get(event.station, IN)
            drawn = axes.plot(time, at_row, marker, color=color, markersize=8, zorder=2)[0]
            used.setdefault(WORDS[look], drawn)
            if at == (index, step):
                axes.plot(
                    time, at_row, "o", markersize=17, markerfacecolor="none", markeredgecolor=INK
                )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("microseconds since the first station")
    axes.legend(used.values(), used.keys(), loc="best", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.06, y=0.08)
    figure.tight_layout()
    return figure


def alternative(journeys: Sequence[Journey]) -> str:
    """What the picture shows, in words."""
    told = "; ".join(f"{j!r}: {', '.join(j.stations)}" for j in shown(journeys))
    return f"Stations from top to bottom over microseconds. {told}."


def sentence(journey: Journey, step: int) -> str:
    """One station of a journey in words. Built in chapter 13."""
    event, first = journey.events[step], journey.events[0]
    before = journey.events[max(step - 1, 0)].length
    change = event.length - before
    moved = f", {abs(change)} {'more' if change > 0 else 'fewer'} than before" if change else ""
    where = f" at {event.interface}" if event.interface else ""
    why = f" Reason: {event.reason}." if event.reason else ""
    return (
        f"Station {step + 1} of {len(journey.events)}, {event.station}{where}: "
        f"{STATIONS[event.station]}. {(event.time - first.time) / 1000:.1f} µs since the first, "
        f"CPU {event.cpu}, {event.length} bytes{moved}.{why}"
    )


class Player:
    """A film to walk through: a list of the stations, which arrow keys move; a choice of packet.

    Arguments: journeys: at least one. Errors: FilmError if there is none. Built in chapter 13.
    """

    def __init__(self, journeys: Sequence[Journey]) -> None:
        self.journeys = list(shown(journeys))
        options = [(repr(journey), index) for index, journey in enumerate(self.journeys)]
        wide = {"width": "640px", "max_width": "100%"}
        self.packet = widgets.Dropdown(options=options, description="Packet", layout=wide)
        self.station = widgets.Select(description="Station", rows=STATIONS_SHOWN, layout=wide)
        self._words = widgets.HTML()
        self._picture = TitledImage(format="png", width=WIDTH, layout={"max_width": "100%"})
        self._picture.add_class("course-picture")
        self.packet.observe(lambda change: self._begin(), "value")
        self.station.observe(lambda change: self._draw(), "value")
        notices = widgets.HTML(page.notices("film"))
        rows = [row([self.packet]), row([self.station])]
        self.widget = page.column([*rows, self._words, self._picture, notices])
        self._begin()

    @property
    def words(self) -> str:
        """What it shows now."""
        return sentence(self.journeys[self.packet.value], self.station.value - 1)

    def _begin(self) -> None:
        stations = self.journeys[self.packet.value].stations
        self.station.options = [(f"{n} {name}", n) for n, name in enumerate(stations, 1)]
        self.station.index = 0

    def _draw(self) -> None:
        """The picture is drawn before anything is shown, so that words and picture agree."""
        if self.station.value is None:  # between two packets
            return
        chosen = self.journeys[self.packet.value]
        drawn = small_png(picture([chosen], (0, self.station.value - 1)))
        self._words.value = page.paragraph(self.words)
        self._picture.value, self._picture.tooltip = drawn, self.words

    def __repr__(self) -> str:
        return "A film to walk through where the notebook runs. It begins: " + self.words

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self.widget._repr_mimebundle_() | {"text/plain": repr(self)}
