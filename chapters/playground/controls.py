"""The playground's controls: what is looked at, through which filter, and broken down by what.

Laboratory equipment. As in helpers.live, the widgets' values are the only state there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from chapters.playground.breakdown import BREAKDOWNS
from helpers.live.controls import Controls, row

INTERVALS = (0.5, 1.0, 2.0, 5.0)  # seconds


class PlaygroundControls(Controls):
    """Picture and table with their controls: `.view` is the widget to display.

    Arguments:
        interfaces: labels of what can be looked at. sends: labels of the buttons that send.
        interval: seconds between readings.
        act: called as act(what) by buttons and changes, on any thread: "start", "stop", "redraw",
            "interface", "filter", "file", "csv", "png"; and as act("send", label).
    """

    CHOICES = ("interface", "filter", "breakdown", "interval", "quantity", "scale")

    def __init__(
        self,
        interfaces: Sequence[str],
        sends: Sequence[str],
        interval: float,
        act: Callable[..., None],
    ) -> None:
        alt = "Moving chart of bytes per group; the table below has the numbers."
        super().__init__(interfaces, sends, interval, INTERVALS, alt, act)
        self.filter = line_of_text("Filter", "everything; or: icmp or port 53")
        self.filter.observe(lambda change: act("filter"), "value")
        self.breakdown = self.choice("Breakdown", BREAKDOWNS)
        self.path = line_of_text("Capture file", "name.pcap")
        count = self.button("Count file", "file", "folder-open")
        saves = [self.button(f"Save {what}", what.lower(), "download") for what in ("CSV", "PNG")]
        self.view = widgets.VBox(
            [
                row([self.interface, self.filter, self.breakdown]),
                row([self.start, self.stop, *self.sends, *saves]),
                row([self.quantity, self.scale, self.interval]),
                row([self.path, count]),
                self.message,
                self.numbers,
                self.image,
                self.below,
            ]
        )


def line_of_text(description: str, example: str) -> widgets.Text:
    """A line of text; it counts once Enter is pressed or the line is left."""
    line = widgets.Text(description=description, placeholder=example, continuous_update=False)
    line.style.description_width = "initial"
    line.layout.width = "22em"
    return line
