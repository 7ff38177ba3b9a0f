"""One update of the playground with many flows: the map read, added up, drawn, and the table.

Laboratory equipment, used by ./course bench. The flows come from test runs of the playground's own
program, in the same process and outside of what is timed.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from itertools import count

from chapters.ch11.measuring import take_turns
from chapters.playground.breakdown import BREAKDOWNS
from chapters.playground.controls import PlaygroundControls
from chapters.playground.feeder import Feeder
from chapters.playground.history import READINGS_KEPT, History
from chapters.playground.program import Counting
from chapters.playground.screen import Screen
from chapters.playground.traffic import datagram
from tools.bench.rows import Row, compared, verdict

AGAIN, NEW = 100, 5  # frames of known flows, and of new ones, each time
UPDATE_LIMIT = 200e6  # nanoseconds that one update may take
RATE, HALF_A_CORE = 2, 0.5  # updates a second
ALONE = "reading the map alone"


def way(by: str) -> str:
    """The name of a row."""
    return f"an update by {by}"


class Traffic:
    """A program that counts, and frames for it: so many flows at once, and more each time."""

    def __init__(self, feeder: Feeder, flows: int) -> None:
        self._feeder, self._numbers = feeder, count()
        self._known = [self._new() for _ in range(flows)]
        self._feeder.report()

    def _new(self) -> bytes:
        frame = datagram(next(self._numbers))
        self._feeder.feed(frame, len(frame))
        return frame

    def go_on(self) -> None:
        """Some frames of flows that are known, and some new flows."""
        for frame in self._known[:AGAIN]:
            self._feeder.feed(frame, len(frame))
        for _ in range(NEW):
            self._new()
        self._feeder.report()


class Updates:
    """The playground's screen for one breakdown, after a minute of readings."""

    def __init__(self, by: str, counting: Counting, traffic: Traffic) -> None:
        self._counting, self._traffic, self._history = counting, traffic, History()
        controls = PlaygroundControls(["none"], [], 0.5, lambda *asked: None)
        controls.choose("breakdown", by)
        self._screen, self._readings = Screen(controls), count()
        self.cpu: list[int] = []
        for _ in range(READINGS_KEPT):
            self._read()
        self.update()
        self.cpu.clear()

    def _read(self) -> None:
        self._history.add(next(self._readings) / RATE, self._counting.read())

    def update(self) -> float:
        """One update; the nanoseconds that it took. The CPU time is kept in `cpu`."""
        self._traffic.go_on()
        began, worked = time.perf_counter_ns(), time.process_time_ns()
        self._read()
        self._screen.draw(self._history, moving=True)
        self.cpu.append(time.process_time_ns() - worked)
        return time.perf_counter_ns() - began


def reading_alone(counting: Counting) -> float:
    """Nanoseconds to read the maps once."""
    began = time.perf_counter_ns()
    counting.read()
    return time.perf_counter_ns() - began


def measure(repeats: int, flows: int) -> list[Row]:
    """The rows about the playground: one update by each breakdown in turns, `repeats` times.

    flows: how many there are at first.
    """
    with Counting() as counting, Feeder(counting.program) as feeder:
        traffic = Traffic(feeder, flows)
        screens = {way(by): Updates(by, counting, traffic) for by in reversed(BREAKDOWNS)}
        ways = {name: screen.update for name, screen in screens.items()}
        ways[ALONE] = partial(reading_alone, counting)
        times = take_turns(ways, repeats, "The playground")
    medians = {name: statistics.median(times[name]) for name in screens}
    slowest = max(medians, key=medians.get)
    share = RATE * max(statistics.median(screen.cpu) for screen in screens.values()) / 1e9
    target = (
        f"{verdict('each within 200 ms', medians[slowest] <= UPDATE_LIMIT)}; "
        f"{verdict('2 a second within half a core', share <= HALF_A_CORE)} ({share:.1%})"
    )
    heading = Row(f"**Playground** {flows:,} flows and more, {repeats} times")
    return [heading, *compared(times, target)]
