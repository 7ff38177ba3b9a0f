"""What the playground shows of a history: picture, table, words, and the same as files.

Laboratory equipment.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from chapters.playground.controls import Controls
from chapters.playground.history import KEPT, History, Lines
from chapters.playground.looks import Looks
from helpers.live import still
from helpers.live.picture import Picture
from helpers.pictures import small_png

LEGEND = 2  # names beside each other
INTERVALS = 60  # so many are in the moving picture; a still one has all that is kept


class Screen:
    """Draws into the controls' picture and table, as the controls say."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._drawn: tuple[str, float, History] | None = None

    def draw(self, history: History, moving: bool) -> None:
        """A new picture, a new table, and how much that is in words.

        Arguments: moving: the picture ends now, and moves on; else it is all that is kept.
        """
        if moving or not history.newest:
            lines, quantity, scale = self._lines(history)
            shown = self._looks.arrange(lines.protocols)
            picture = self._picture.draw(lines, shown, quantity, scale, KEPT)
        else:
            memory = io.BytesIO()
            self.still(history).figure.savefig(memory, format="png")
            picture = memory.getvalue()
        table = history.table(self._controls.breakdown.value)
        self._controls.show(picture, in_words(history), table)

    def still(self, history: History) -> still.Still:
        """A still figure of what was recorded."""
        lines, quantity, scale = self._lines(history)
        shown = self._looks.arrange(lines.protocols)
        return still.draw(lines, shown, quantity, scale, self._looks, LEGEND)

    def _lines(self, history: History) -> tuple[Lines, str, str]:
        """What to draw, and how; new looks for another breakdown or another history."""
        by, interval = self._controls.breakdown.value, self._controls.interval.value
        if (by, interval, history) != self._drawn:
            self._drawn, self._looks = (by, interval, history), Looks(by)
            self._picture = Picture(INTERVALS * interval, self._looks, LEGEND)
        return history.lines(by), self._controls.quantity.value, self._controls.scale.value

    def save(self, history: History, kind: str, path: str | Path) -> Path:
        """Write all groups of the breakdown as "csv", or the picture as "png".

        Result: the path. Errors: OSError. Source: RFC 4180.
        """
        by, path = self._controls.breakdown.value, Path(path)
        if kind == "png":
            path.write_bytes(small_png(self.still(history).figure))
            return path
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([by, "packets", "bytes"])
            writer.writerows(history.rows(by))
        return path


def in_words(history: History) -> str:
    """How many frames were counted, and how many the filter kept out."""
    reading = history.newest
    if not reading:
        return ""
    found = f"{reading.packets:,} frames, {reading.bytes:,} bytes"
    if history.expression:
        found = f"{reading.packets:,} of {reading.seen:,} frames pass the filter"
        if reading.seen and not reading.packets:
            return f"{found}: is “{history.expression}” what you are looking for?"
        found += f", {reading.bytes:,} bytes"
    missed = int(reading.missed["packets"])
    return f"{found}; {missed:,} frames found no room in the map." if missed else f"{found}."
