"""What the moving plot has read: totals and rates over time, as curves, a table, a CSV file.

The last stage of the road. Built in chapter 04, live_plot.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

import numpy as np

from helpers import counters
from helpers.protocols import number
from helpers.table import Table

# Then the oldest go: over forty minutes of four readings a second.
READINGS_KEPT = 10_000
# Every protocol that has no column of its own.
OTHER = "other"
# A table shows so many rows of its beginning and of its end.
ROWS_SHOWN = 4


@dataclass(frozen=True)
class Curves:
    """Some readings after each other, as a picture needs them.

    Arguments:
        names: of the columns.
        times: when each reading was made, in seconds, shape (n,).
        totals: bytes counted so far, shape (n, names).
        rates: bytes per second since the reading before, of that shape; not a number where there
            is none before.
    Built in chapter 04.
    """

    names: tuple[str, ...]
    times: np.ndarray
    totals: np.ndarray
    rates: np.ndarray

    def values(self, quantity: str, names: Sequence[str]) -> np.ndarray:
        """The columns of these names, shape (n, names): "rate" or "total"."""
        columns = [self.names.index(name) for name in names]
        return (self.rates if quantity == "rate" else self.totals)[:, columns]


class Series:
    """Readings of the counters, in the order in which they were made.

    Arguments:
        protocols: the columns, by name; "other" is the sum of all protocols not among them.
    """

    def __init__(self, protocols: Sequence[str]) -> None:
        self.protocols = tuple(protocols)
        self._slots = [number(name) for name in self.protocols if name != OTHER]
        self.times: deque[float] = deque(maxlen=READINGS_KEPT)
        self.totals: deque[list[int]] = deque(maxlen=READINGS_KEPT)
        self.rates: deque[list[float]] = deque(maxlen=READINGS_KEPT)
        self.began: float | None = None

    def add(self, now: float, values: np.ndarray) -> None:
        """Record one reading: `values` (256 counters, in bytes) at `now`, in seconds.

        The rate is that since the reading before, over the time that really passed; the first
        reading has none (not a number).
        Errors: CounterError if no time has passed, a counter has shrunk, or the program does not
            count one of the protocols.
        """
        row = self._columns(values)
        if self.began is None:
            self.began = now
            rates = np.full(len(row), np.nan)
        else:
            before = np.array(self.totals[-1], dtype=np.uint64)
            rates = counters.rate(before, row, now - self.times[-1])
        self.times.append(now)
        self.totals.append(row.tolist())
        self.rates.append(rates.tolist())

    def _columns(self, values: np.ndarray) -> np.ndarray:
        if max(self._slots, default=0) >= len(values):
            raise counters.CounterError(
                f"The program counts {len(values)} protocols, and none of the classes of "
                "chapter 12: plot what protocols_kern.c counts, or leave them out."
            )
        named = values[self._slots]
        rest = {OTHER: values.sum() - named.sum()}
        by_name = dict(zip((name for name in self.protocols if name != OTHER), named, strict=True))
        return np.array([(by_name | rest)[name] for name in self.protocols], dtype=np.uint64)

    def curves(self, window: float | None = None) -> Curves:
        """The readings of the newest `window` seconds and the one before them; None: all kept."""
        count = len(self.times)
        if window is not None and count:
            start = self.times[-1] - window
            count = 1 + sum(1 for _ in takewhile(lambda time: time >= start, reversed(self.times)))
        times, totals, rates = (
            np.array(list(islice(reversed(kept), count))[::-1], dtype=float)
            for kept in (self.times, self.totals, self.rates)
        )
        shape = len(times), len(self.protocols)
        return Curves(self.protocols, times, totals.reshape(shape), rates.reshape(shape))

    def table(self) -> SeriesTable:
        """What is kept: seconds since the first reading, and the total of each column in bytes."""
        seconds = np.array(self.times, dtype=float) - (self.began or 0.0)
        totals = np.array(self.totals, dtype=np.uint64).reshape(-1, len(self.protocols))
        return SeriesTable({"seconds": seconds} | dict(zip(self.protocols, totals.T, strict=True)))


@dataclass(frozen=True)
class SeriesTable:
    """Columns by name, arrays of one length: table["UDP"] are its bytes, one per reading.

    pandas.DataFrame(table.columns) takes it as it is. Built in chapter 04.
    """

    columns: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["seconds"])

    def rows(self) -> list[tuple[str, ...]]:
        """Every row as text, seconds to the microsecond, bytes as they are."""
        seconds, *others = self.columns.values()
        return [
            (f"{second:.6f}", *map(str, values))
            for second, *values in zip(seconds, *others, strict=True)
        ]

    def save_csv(self, path: str | Path) -> Path:
        """Write a CSV file with one header line. Result: its path. Errors: OSError.

        Source: RFC 4180.
        """
        with Path(path).open("w", newline="", encoding="ascii") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(self.rows())
        return Path(path)

    def _shown(self) -> Table:
        rows, gap = self.rows(), [("…",) * len(self.columns)]
        if len(rows) > 2 * ROWS_SHOWN:
            rows = rows[:ROWS_SHOWN] + gap + rows[-ROWS_SHOWN:]
        return Table(f"{len(self)} readings: bytes counted so far", tuple(self.columns), rows)

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()
