"""Step a program over a packet, forwards and backwards, and see all that it does.

Laboratory equipment, first used in chapter 07, inside_the_bytecode. `view` has the dataclasses
that a machine fills (Walk, View, Line, Cell, Group); `ebpf` fills them for eBPF programs and
`classic` for the filters of chapter 09; `text` writes a walk line by line; Stepper, here, is the
widget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ipywidgets as widgets

from helpers import page as on_page
from helpers.errors import CourseError
from helpers.stepper import page, text
from helpers.stepper.view import View, Walk

__all__ = ["Stepper", "StepperError"]


THE_END = -1  # the choice of no place at all


class StepperError(CourseError):
    """The stepper was asked for a packet or an instruction that there is not."""


class Stepper:
    """A program that runs over one packet at a time, by buttons or by these methods.

    Arguments:
        packets: the packets to choose from, by name; the first is taken at first.
        walk: makes a new Walk for one of them, such as ebpf.walk over a machine that nothing
            else runs meanwhile. It is called anew when a packet is chosen or the run is reset.
    """

    def __init__(self, packets: Mapping[str, object], walk: Callable[[object], Walk]) -> None:
        if not packets:
            raise StepperError("There is no packet to step over: pass at least one, with a name.")
        self._packets, self._walk_of = dict(packets), walk
        self._page, self._message = widgets.HTML(), widgets.HTML()
        self._packet = widgets.Dropdown(options=list(self._packets), description="Packet")
        self._packet.observe(lambda change: self.reset(), "value")
        self._place = widgets.Dropdown(description="to", layout={"width": "260px"})
        self._place.style.description_width = "initial"
        row = [
            self._button("Step", "step-forward", self.step),
            self._button("Back", "step-backward", self.back),
            self._button("Run", "fast-forward", self._run),
            self._place,
            self._button("Reset", "refresh", self.reset),
            self._packet,
        ]
        layout = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 8px")
        self._remark = ""
        self.widget = on_page.column([widgets.HBox(row, layout=layout), self._message, self._page])
        self.reset()
        lines = [(f"{line.number}: {line.text}", line.number) for line in self.walk.lines]
        self._place.options = [("the end", THE_END), *lines]
        self._place.value = THE_END

    @property
    def view(self) -> View:
        """What is shown now."""
        return self.walk.view(self.steps)

    def step(self) -> None:
        """Run one instruction; at the end nothing happens."""
        if self.walk.view(self.steps + 1) is not None:
            self.steps += 1
        self._show()

    def back(self) -> None:
        """Undo one instruction; at the beginning nothing happens."""
        self.steps = max(0, self.steps - 1)
        self._show()

    def run_to(self, place: int | None = None) -> None:
        """Run until the instruction at that place is next, or (None, or if it never is) to the
        end. If it is behind, and does not come again, nothing runs, and the sentence says so.

        Errors: StepperError if the program has no such place.
        """
        if place is not None and self.walk.line(place) is None:
            raise StepperError(f"The program has no instruction at place {place}.")
        end = self.steps
        while (following := self.walk.view(end + 1)) is not None:
            end += 1
            if place is not None and following.following == place:
                break
        else:
            behind = range(self.steps + 1) if place is not None else ()
            if any(self.walk.view(step).following == place for step in behind):
                self._remark = (
                    f"Instruction {place} is behind already, and does not come again: press Back "
                    "or Reset."
                )
                end = self.steps
        self.steps = end
        self._show()

    def reset(self) -> None:
        """Begin again before the first instruction, with a new walk."""
        self.walk, self.steps = self._walk_of(self._packets[self._packet.value]), 0
        self._show()

    def choose(self, name: str) -> None:
        """Take another packet, and begin again. Errors: StepperError, naming those there are."""
        if name not in self._packets:
            raise StepperError(
                f"There is no packet {name!r} here; there is: {', '.join(self._packets)}."
            )
        self._packet.value = name

    def _run(self) -> None:
        self.run_to(None if self._place.value == THE_END else self._place.value)

    def _show(self) -> None:
        view = self.view
        self._page.value = page.html(self.walk, view)
        self._message.value = on_page.sentence(self.sentence, "stepper")
        self._remark = ""  # said once

    @property
    def sentence(self) -> str:
        """How far the run is, and what the last instruction did."""
        view = self.view
        if self._remark:
            return self._remark
        if view.executed is None:
            return "Before the first instruction: press Step."
        done = f"{self.steps} instruction{'s' if self.steps > 1 else ''} done."
        if view.ending:
            return f"{done} {view.ending}"
        if self.walk.view(self.steps + 1) is None:
            return f"{done} The stepper follows no further."
        changes = ", ".join(filter(None, [text.changes(view), view.note]))
        return f"{done} {self.walk.line(view.executed).text}" + (f": {changes}" if changes else "")

    def _button(self, label: str, icon: str, act: Callable[[], None]) -> widgets.Button:
        button = widgets.Button(description=label, icon=icon, layout={"width": "auto"})
        button.on_click(lambda _: act())
        return button

    def __repr__(self) -> str:
        return f"{self._packet.value}: {self.sentence}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self.widget._repr_mimebundle_() | {"text/plain": repr(self)}
