"""What the playground has read: flow by flow, so that any breakdown can be asked for afterwards.

Laboratory equipment.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from chapters.playground.breakdown import NO_ROOM, REST, Groups, group
from chapters.playground.program import TRAFFIC, Reading
from helpers.flows import FLOW
from helpers.live.series import Curves
from helpers.table import Table

READINGS_KEPT = 121  # a minute, at two a second
LINES_SHOWN = 5  # groups with a line of their own


class History:
    """Readings in the order in which they were made, the newest READINGS_KEPT of them.

    Arguments: expression: the filter that stood in front, "" for none. without_time: no time lies
        between what was counted, so there is no rate.
    """

    def __init__(self, expression: str = "", without_time: bool = False) -> None:
        self.expression, self.without_time = expression, without_time
        self.times: deque[float] = deque(maxlen=READINGS_KEPT)
        self.newest: Reading | None = None
        # A flow keeps its column, in the order in which flows were first read.
        self._columns: dict[bytes, int] = {}
        self._places: list[int] = []  # the columns of the newest reading's flows
        self._keys = np.empty(0, FLOW)
        self._traffic = np.empty(0, TRAFFIC)
        # A row for each reading. By flow the bytes since the reading before, in numbers as short as
        # can be; by class of sizes and without room the bytes so far, as float64, in which they are
        # exact up to 9 petabytes.
        self._flows: deque[np.ndarray] = deque(maxlen=READINGS_KEPT)
        self._sizes: deque[np.ndarray] = deque(maxlen=READINGS_KEPT)
        self._missed: deque[float] = deque(maxlen=READINGS_KEPT)
        self._groups: Groups | None = None

    def add(self, now: float, reading: Reading, nearest: float = 0.0) -> None:
        """Record one reading, made at `now`, in seconds.

        It takes the place of the one before if that is less than `nearest` seconds old: over so
        short a time the rate would say little.
        """
        more = np.empty(0, "u8")
        if len(self.times) > 1 and now - self.times[-1] < nearest:
            more = self._flows.pop()
            for record in (self.times, self._sizes, self._missed):
                record.pop()
        known, columns = len(self._columns), self._columns
        if not self.newest or reading.keys.tobytes() != self.newest.keys.tobytes():
            keys = reading.keys.view(f"V{FLOW.itemsize}").tolist()
            self._places = [columns.setdefault(key, len(columns)) for key in keys]
        if len(columns) > known:
            self._keys = np.frombuffer(b"".join(columns), FLOW)
            self._groups = None
        before, self._traffic = self._traffic["bytes"], np.zeros(len(columns), TRAFFIC)
        self._traffic[self._places] = reading.traffic
        self.times.append(now)
        came = self._traffic["bytes"].copy()
        came[: len(before)] -= before
        came[: len(more)] += more
        self._flows.append(came.astype(np.min_scalar_type(came.max(initial=0))))
        self._sizes.append(reading.sizes["bytes"].astype(float))
        self._missed.append(float(reading.missed["bytes"]))
        self.newest = reading

    def totals(self, by: str) -> tuple[Groups, np.ndarray]:
        """The groups of a breakdown, and packets and bytes of each: dtype TRAFFIC, no frame twice.

        What found no room is in no group, except by size.
        """
        groups = self._grouped(by)
        if by == "size":
            return groups, self.newest.sizes
        if by == "flow":
            return groups, self._traffic
        sums = np.zeros(len(groups.codes), TRAFFIC)
        for name in TRAFFIC.names:
            np.add.at(sums[name], groups.of, self._traffic[name])
        return groups, sums

    def _grouped(self, by: str) -> Groups:
        if by == "size":
            return group(self.newest.sizes, by)
        if self._groups is None or self._groups.by != by:
            self._groups = group(self._keys, by)
        return self._groups

    def rows(self, by: str, count: int | None = None) -> list[tuple[str, int, int]]:
        """Name, packets and bytes of the largest groups, all without `count`, the largest first.

        Whatever found no room in the map comes last, whatever its size.
        """
        if not self.newest:
            return []
        groups, sums = self.totals(by)
        rows = [
            (groups.label(at), int(sums["packets"][at]), int(sums["bytes"][at]))
            for at in largest(sums, by, count)
        ]
        missed = self.newest.missed
        if missed["packets"] and by != "size":
            rows.append((NO_ROOM, int(missed["packets"]), int(missed["bytes"])))
        return rows

    def table(self, by: str, count: int = 8) -> Table:
        """The largest groups as a table; its caption says how many there are."""
        rows = [(name, f"{packets:,}", f"{size:,}") for name, packets, size in self.rows(by, count)]
        number = np.count_nonzero(self.totals(by)[1]["packets"]) if self.newest else 0
        what = f"the {count} largest of {number:,}" if number > count else f"{number:,} found"
        return Table(f"By {by}, {what}", (by, "packets", "bytes"), rows)

    def curves(self, by: str) -> Curves:
        """What to draw: the largest groups, and everything else."""
        if not self.newest:
            return Curves((), np.empty(0), np.empty((0, 0)), np.empty((0, 0)))
        groups, sums = self.totals(by)
        shown = largest(sums, by, LINES_SHOWN)
        if by == "size":
            values = np.array(self._sizes)
            totals, rest = values[:, shown], np.delete(values, shown, axis=1).sum(axis=1)
        else:
            totals, rest = self._grown(groups, shown)
            rest = rest + np.array(self._missed)
        names = tuple(groups.label(at) for at in shown)
        if rest.any():
            names, totals = (*names, REST), np.column_stack([totals, rest])
        times = np.array(self.times)
        return Curves(names, times, totals, rates(times, totals))

    def _grown(self, groups: Groups, shown: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Bytes so far at each reading: of the groups that are shown, and of all others.

        From the newest reading back, one at a time: all of them together would take much memory.
        """
        number, of = len(groups.codes), groups.of
        totals, rest = np.empty((len(self.times), len(shown))), np.empty(len(self.times))
        now = np.bincount(of, self._traffic["bytes"], number)
        for at in reversed(range(len(self.times))):
            totals[at] = now[shown]
            rest[at] = now.sum() - totals[at].sum()
            came = self._flows[at]
            now -= np.bincount(of[: len(came)], came, number)
        return totals, rest


def rates(times: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Bytes per second since the reading before; the first is not a number, nothing is before it.

    Arguments: times: in seconds, shape (n,). totals: bytes so far, shape (n, names).
    """
    steps = np.diff(totals, axis=0) / np.diff(times)[:, None]
    return np.vstack([np.full((1, totals.shape[1]), np.nan), steps])


def largest(sums: np.ndarray, by: str, count: int | None = None) -> list[int]:
    """Which groups to show: those with the most bytes, the largest first, `count` of them or all.

    Classes of sizes stay in their own order. Nothing without a packet is shown.
    """
    order = np.argsort(-sums["bytes"].astype(np.int64), kind="stable")
    order = order[sums["packets"][order] > 0][:count]
    return sorted(order.tolist()) if by == "size" else order.tolist()
