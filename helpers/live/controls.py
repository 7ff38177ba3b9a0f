"""The controls beside the moving plot: they hold what is chosen, and ask the plot to act on it.

Laboratory equipment, first used in chapter 00, explained in chapter 04. The widgets' values are
the only state there is; whoever changes one, a learner or a cell, asks for a new picture by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets
from traitlets import TraitError

from helpers.live.task import LiveError
from helpers.live.widgets import TitledImage, button, choice, retire, row, sentence
from helpers.table import Table

INTERVALS = (0.1, 0.25, 0.5, 1.0, 2.0)


class Controls:
    """The plot's picture with its controls: `.view` is the widget to display, `.sentence` what
    it says at the moment.

    Arguments:
        protocols: the lines that there are; shown: those chosen at first.
        interfaces: labels of what can be looked at. traffic: labels of the buttons that send.
        interval: seconds between readings.
        act: called as act(what) by buttons and changes, on any thread: "start", "stop", "save",
            "clear", "redraw", "interface"; and as act("send", label).
    """

    def __init__(
        self,
        protocols: Sequence[str],
        shown: Sequence[str],
        interfaces: Sequence[str],
        traffic: Sequence[str],
        interval: float,
        act: Callable[..., None],
    ) -> None:
        self._act = act
        self.sentence = ""
        self.image = TitledImage(format="png", width=800, height=400)
        self.image.layout.max_width = "100%"
        self.image.tooltip = "Moving chart of bytes per protocol; the newest values are below it."
        self.numbers = widgets.HTML()
        self.message = widgets.HTML()
        self.below = widgets.HTML()
        self.interval = self._choice(
            "Interval", [(f"{each:g} s", each) for each in sorted({*INTERVALS, interval})], interval
        )
        self.quantity = self._choice("Show", [("rate", "rate"), ("total so far", "total")], "rate")
        self.scale = self._choice("Scale", ["linear", "log", "stacked"], "linear")
        self.interface = self._choice(
            "Interface", list(interfaces), interfaces[0] if interfaces else None, "interface"
        )
        self.protocols = [
            widgets.Checkbox(
                name in shown, description=name, indent=False, layout={"width": "auto"}
            )
            for name in protocols
        ]
        for box in self.protocols:
            box.observe(lambda change: act("redraw"), "value")
        first = [self._button("Start", "start", "play"), self._button("Stop", "stop", "stop")]
        self.start, self.stop = first
        last = [
            self._button("Save CSV", "save", "download"),
            self._button("Clear", "clear", "eraser"),
        ]
        sends = [self._button(f"Send {label}", "send", "", label) for label in traffic]
        chosen = [self.interval, self.quantity, self.scale]
        self.view = widgets.VBox(
            [
                row([*first, *sends, *last]),
                row([*chosen, self.interface] if interfaces else chosen),
                row(self.protocols),
                self.message,
                self.image,
                self.numbers,
            ]
        )

    def _choice(self, text: str, options: Sequence, value: object, what: str = "redraw"):
        return choice(text, options, value, lambda change: self._act(what))

    def _button(self, text: str, what: str, icon: str, *label: str) -> widgets.Button:
        return button(text, icon, lambda _: self._act(what, *label))

    @property
    def shown(self) -> tuple[str, ...]:
        """The protocols whose boxes are ticked."""
        return tuple(box.description for box in self.protocols if box.value)

    @property
    def chosen(self) -> tuple[tuple[str, ...], str, str]:
        """What to draw: the protocols shown, "rate" or "total", "linear", "log" or "stacked"."""
        return self.shown, self.quantity.value, self.scale.value

    def choose(self, name: str, value: object) -> None:
        """Set one control, as a hand would: interval, quantity, scale, interface, protocols.

        Errors: LiveError if there is no such control or choice.
        """
        if name not in ("interval", "quantity", "scale", "interface", "protocols"):
            raise LiveError(f"There is no control {name!r} to choose.")
        if name == "protocols" and set(value) <= {box.description for box in self.protocols}:
            for box in self.protocols:
                box.value = box.description in value
            return
        try:
            getattr(self, name).value = value
        except (AttributeError, TraitError) as error:
            raise LiveError(f"{value!r} is not a choice for {name} here.") from error

    def show_below(self, table: Table) -> None:
        """Show a table under everything else, in place of the one before."""
        if self.below not in self.view.children:
            self.view.children = [*self.view.children, self.below]
        self.below.value = table._repr_html_()

    def say(self, text: str, running: bool, error: bool = False) -> None:
        """Show one sentence, and by the colour of Start whether the plot runs."""
        self.sentence = text
        self.message.value = sentence(text, error)
        self.start.button_style = "success" if running else ""

    def retire(self, text: str) -> None:
        """Leave the last picture with a sentence, and take the controls away."""
        self.say(text, running=False)
        retire(self.view)
