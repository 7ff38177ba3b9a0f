"""The widgets of the moving plot: its picture, what it says, and the controls beside it.

Laboratory equipment, first used in chapter 00, explained in chapter 04. The widgets' values are
the only state there is; whoever changes one, a learner or a cell, asks for a new picture by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import ipywidgets as widgets
from traitlets import TraitError, Unicode

from helpers import page
from helpers.live.task import LiveError
from helpers.table import Table

INTERVALS = (0.1, 0.25, 0.5, 1.0, 2.0)  # seconds


class TitledImage(widgets.Image):
    """An Image whose tooltip becomes its title, which screen readers take for alternative text.

    ipywidgets 8.1 has no alternative text for an Image, and shows the tooltip of widgets with
    a description only; without one, even an empty one, it fails in the browser.
    """

    description = Unicode("").tag(sync=True)


class Controls:
    """What every moving plot has: `.view` is the widget to display, `.sentence` what it says at
    the moment. LivePlot and the playground add controls of their own, and put all into a view.

    Arguments:
        interfaces: labels of what can be looked at. sends: labels of the buttons that send.
        interval: seconds between readings, at first; intervals: what else there is to choose.
        alt: the alternative text of the picture.
        act: called as act(what) by buttons and changes, on any thread: "start", "stop", "redraw",
            "interface", and what the plot adds; and as act("send", label).
    """

    # What choose() can set.
    CHOICES: ClassVar[tuple[str, ...]] = ("interface", "interval", "quantity", "scale")
    # What the page calls it.
    NOUN: ClassVar[str] = "plot"
    view: widgets.VBox

    def __init__(
        self,
        interfaces: Sequence[str],
        sends: Sequence[str],
        interval: float,
        intervals: Sequence[float],
        alt: str,
        act: Callable[..., None],
    ) -> None:
        self._act, self.sentence, self._running = act, "", False
        self.image = TitledImage(format="png", width=800, height=400)
        self.image.layout.max_width = "calc(100% - 4px)"  # there are 2 around it
        self.image.tooltip = alt
        self.image.add_class("course-picture")
        self.message, self.numbers, self.below = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.interface = self.choice("Interface", interfaces, "interface")
        self.quantity = self.choice("Show", [("rate", "rate"), ("total so far", "total")])
        self.scale = self.choice("Scale", ["linear", "log", "stacked"])
        seconds = [(f"{each:g} s", each) for each in sorted({*intervals, interval})]
        self.interval = self.choice("Interval", seconds, value=interval)
        self.start = self.button("Start", "start", "play")
        self.stop = self.button("Stop", "stop", "stop")
        self.sends = [self.button(f"Send {label}", "send", "", label) for label in sends]

    def choice(
        self, text: str, options: Sequence, what: str = "redraw", value: object = None
    ) -> widgets.Dropdown:
        """A drop-down list that asks for `what` when another option is chosen.

        Arguments: value: chosen at first; None: the first option, if there is one.
        """
        dropdown = widgets.Dropdown(
            description=text, options=options, style={"description_width": "initial"}
        )
        if value is not None:
            dropdown.value = value
        dropdown.layout.width = "auto"
        dropdown.observe(lambda change: self._act(what), "value")
        return dropdown

    def button(self, text: str, what: str, icon: str, *label: str) -> widgets.Button:
        """A button as wide as its text that asks for `what`."""
        button = widgets.Button(description=text, icon=icon, layout={"width": "auto"})
        button.on_click(lambda _: self._act(what, *label))
        return button

    def choose(self, name: str, value: object) -> None:
        """Set one control, as a hand would. Errors: LiveError if there is no such choice."""
        if name not in self.CHOICES:
            raise LiveError(
                f"There is no control {name!r} to choose; there is: {', '.join(self.CHOICES)}."
            )
        try:
            getattr(self, name).value = value
        except TraitError as error:
            raise LiveError(f"{value!r} is not a choice for {name} here.") from error

    def say(self, text: str, running: bool, error: bool = False) -> None:
        """Show one sentence, which screen readers read out, and by the colour of Start whether the
        plot runs."""
        self.sentence, self._running = text, running
        self.message.value = page.sentence(text, self.NOUN, error)
        self.start.button_style = "success" if running else ""
        page.beat(self.view, running)

    def show(self, picture: bytes, numbers: str) -> None:
        """Show a picture, as PNG, and numbers in words, in place of those before."""
        self.image.value, self.numbers.value = picture, numbers
        page.beat(self.view, self._running)

    def show_below(self, table: Table) -> None:
        """Show a table under everything else, in place of the one before."""
        if self.below not in self.view.children:
            self.view.children = [*self.view.children, self.below]
        self.below.value = table._repr_html_()

    def remove(self, text: str) -> None:
        """Take the controls away, and leave a sentence; neither kernel nor page keeps a widget."""
        self.say(text, running=False)
        for widget in (self.view, self.interface, self.below):  # the view has not always all
            page.close(widget)
        self.view.children = [
            child for child in self.view.children if not isinstance(child, widgets.HBox)
        ]


class PlotControls(Controls):
    """The controls of LivePlot: a box for each protocol, and buttons to save and to clear.

    Arguments:
        protocols: the lines that there are; shown: those chosen at first.
        interfaces: labels of what can be looked at, or none. sends: labels of the buttons that
            send. interval: seconds between readings.
        act: see Controls; asked for "save" and "clear", too.
    """

    CHOICES = (*Controls.CHOICES, "protocols")

    def __init__(
        self,
        protocols: Sequence[str],
        shown: Sequence[str],
        interfaces: Sequence[str],
        sends: Sequence[str],
        interval: float,
        act: Callable[..., None],
    ) -> None:
        alt = "Moving chart of bytes per protocol; the newest values are below it."
        super().__init__(interfaces, sends, interval, INTERVALS, alt, act)
        self.protocols = [
            widgets.Checkbox(
                name in shown, description=name, indent=False, layout={"width": "auto"}
            )
            for name in protocols
        ]
        for box in self.protocols:
            box.observe(lambda change: act("redraw"), "value")
        save = self.button("Save CSV", "save", "download")
        clear = self.button("Clear", "clear", "eraser")
        choices = [self.interval, self.quantity, self.scale]
        self.view = page.column(
            [
                row([self.start, self.stop, *self.sends, save, clear]),
                row([*choices, self.interface] if interfaces else choices),
                row(self.protocols),
                self.message,
                self.image,
                self.numbers,
            ]
        )

    @property
    def shown(self) -> tuple[str, ...]:
        """The protocols whose boxes are ticked."""
        return tuple(box.description for box in self.protocols if box.value)

    def choose(self, name: str, value: object) -> None:
        """Set one control, as a hand would; of "protocols" those in `value` are ticked, no others.

        Errors: LiveError if there is no such choice.
        """
        if name != "protocols":
            super().choose(name, value)
            return
        if not set(value) <= {box.description for box in self.protocols}:
            raise LiveError(f"{value!r} is not a choice for protocols here.")
        for box in self.protocols:
            box.value = box.description in value


def row(children: Sequence[widgets.Widget]) -> widgets.HBox:
    """Widgets side by side, in as many lines as they need."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 12px")
    return widgets.HBox(list(children), layout=layout)
