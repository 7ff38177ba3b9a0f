"""The playground's controls: what is looked at, through which filter, and broken down by what.

Laboratory equipment. As in helpers.live, the widgets' values are the only state there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets
from traitlets import TraitError

from chapters.playground.breakdown import BREAKDOWNS
from helpers.live.task import LiveError
from helpers.live.widgets import TitledImage, button, choice, retire, row, sentence
from helpers.table import Table

INTERVALS = (0.5, 1.0, 2.0, 5.0)
CHOICES = ("interface", "filter", "breakdown", "interval", "quantity", "scale")


class Controls:
    """Picture and table with their controls: `.view` is the widget to display.

    Arguments:
        interfaces: labels of what can be looked at. traffic: labels of the buttons that send.
        interval: seconds between readings.
        act: called as act(what) by buttons and changes, on any thread: "start", "stop", "redraw",
            "again", "file", "csv", "png"; and as act("send", label).
    """

    def __init__(
        self,
        interfaces: Sequence[str],
        traffic: Sequence[str],
        interval: float,
        act: Callable[..., None],
    ) -> None:
        self._act, self.sentence = act, ""
        self.image = TitledImage(format="png", width=800, height=400)
        self.image.layout.max_width = "100%"
        self.image.tooltip = "Moving chart of bytes per group; the table below has the numbers."
        self.message, self.numbers, self.below = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.interface = self._choice("Interface", interfaces, interfaces[0], "again")
        self.filter = self._text("Filter", "everything; or: icmp or port 53")
        self.filter.observe(lambda change: act("again"), "value")
        self.breakdown = self._choice("Breakdown", BREAKDOWNS, "protocol")
        self.quantity = self._choice("Show", [("rate", "rate"), ("total so far", "total")], "rate")
        self.scale = self._choice("Scale", ["linear", "log", "stacked"], "linear")
        every = sorted({*INTERVALS, interval})
        self.interval = self._choice(
            "Interval", [(f"{each:g} s", each) for each in every], interval
        )
        self.path = self._text("Capture file", "name.pcap")
        self.start, stop = (
            self._button("Start", "start", "play"),
            self._button("Stop", "stop", "stop"),
        )
        saves = [self._button(f"Save {what}", what.lower(), "download") for what in ("CSV", "PNG")]
        sends = [self._button(f"Send {label}", "send", "", label) for label in traffic]
        self.view = widgets.VBox(
            [
                row([self.interface, self.filter, self.breakdown]),
                row([self.start, stop, *sends, *saves]),
                row([self.quantity, self.scale, self.interval]),
                row([self.path, self._button("Count file", "file", "folder-open")]),
                self.message,
                self.numbers,
                self.image,
                self.below,
            ]
        )

    def _choice(self, text: str, options: Sequence, value: object, what: str = "redraw"):
        return choice(text, options, value, lambda change: self._act(what))

    def _button(self, text: str, what: str, icon: str, *label: str) -> widgets.Button:
        return button(text, icon, lambda _: self._act(what, *label))

    @staticmethod
    def _text(text: str, example: str) -> widgets.Text:
        """A line of text; it counts once Enter is pressed or the line is left."""
        found = widgets.Text(description=text, placeholder=example, continuous_update=False)
        found.style.description_width = "initial"
        found.layout.width = "22em"
        return found

    def choose(self, name: str, value: object) -> None:
        """Set one control, as a hand would. Errors: LiveError if there is no such choice."""
        if name not in CHOICES:
            raise LiveError(
                f"There is no control {name!r} to choose; there is: {', '.join(CHOICES)}."
            )
        try:
            getattr(self, name).value = value
        except TraitError as error:
            raise LiveError(f"{value!r} is not a choice for {name} here.") from error

    def say(self, text: str, running: bool, error: bool = False) -> None:
        """Show one sentence, and by the colour of Start whether it runs."""
        self.sentence = text
        self.message.value = sentence(text, error)
        self.start.button_style = "success" if running else ""

    def show(self, picture: bytes, numbers: str, table: Table) -> None:
        """A new picture, how much was counted in words, and a new table."""
        self.image.value, self.numbers.value = picture, numbers
        self.below.value = table._repr_html_()

    def retire(self, text: str) -> None:
        """Leave the last picture and table with a sentence, and take the controls away."""
        self.say(text, running=False)
        retire(self.view)
