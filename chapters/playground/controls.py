"""The playground's controls: what is looked at, through which filter, and broken down by what.

Laboratory equipment. As in helpers.live, the widgets' values are the only state there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import ipywidgets as widgets

from chapters.playground.breakdown import BREAKDOWNS
from helpers import page
from helpers.live.controls import Controls, row

CAPTURES = {".pcap", ".pcapng", ".cap", ".dmp"}  # what tcpdump and Wireshark call their files
INTERVALS = (0.5, 1.0, 2.0, 5.0)  # seconds
# Megabytes of a file. It is held several times on its way, by the browser, the server and here.
# What the server lets pass is much more (tools/environment.py), so that a longer file comes as far
# as to be told that it is too long.
LONGEST_UPLOAD = 50


class PlaygroundControls(Controls):
    """Picture and table with their controls: `.view` is the widget to display.

    Arguments:
        interfaces: labels of what can be looked at. sends: labels of the buttons that send.
        interval: seconds between readings.
        act: called as act(what) by buttons and changes, on any thread: "start", "stop", "redraw",
            "interface", "filter", "path", "file", "upload", "csv", "png"; and as act("send",
            label).
    """

    NOUN = "playground"
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
        self.path = line_of_text("Capture file", "choose or write a name", widgets.Combobox)
        self.path.layout.width = "24em"
        # Or else ipywidgets would put what stood there before in the place of what is being
        # written, whenever other files are offered.
        self.path.continuous_update = True
        self.list_captures()
        self.path.observe(lambda change: act("path"), "value")
        count = self.button("Count file", "file", "folder-open")
        self.upload = widgets.FileUpload(
            description=f"Upload, up to {LONGEST_UPLOAD} MB",
            tooltip="A longer file: put it beside the notebook, and write its name.",
            layout={"width": "auto"},
        )
        self.upload.observe(lambda change: act("upload"), "value")
        saves = [self.button(f"Save {what}", what.lower(), "download") for what in ("CSV", "PNG")]
        self.view = page.column(
            [
                row([self.interface, self.filter, self.breakdown]),
                row([self.start, self.stop, *self.sends, *saves]),
                row([self.quantity, self.scale, self.interval]),
                row([self.path, count, self.upload]),
                self.message,
                self.numbers,
                self.image,
                self.below,
            ]
        )

    def list_captures(self, uploaded: Iterable[str] = ()) -> None:
        """Offer what was uploaded, and the capture files beside the notebook, the newest first."""
        files = [path for path in Path().iterdir() if is_capture(path)]
        files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        self.path.options = [*uploaded, *(path.name for path in files)]


def is_capture(path: Path) -> bool:
    """Whether it is called like a capture file; "a.pcap.gz" is."""
    endings = [ending.rstrip("0123456789") for ending in path.suffixes[-2:]]
    return path.is_file() and not CAPTURES.isdisjoint(endings)


def line_of_text(
    description: str, example: str, kind: type[widgets.Text] = widgets.Text
) -> widgets.Text:
    """A line of text; it counts once Enter is pressed or the line is left."""
    line = kind(description=description, placeholder=example, continuous_update=False)
    line.style.description_width = "initial"
    line.layout.width = "22em"
    return line
