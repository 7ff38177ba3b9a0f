"""The pieces that controls are made of: buttons, choices, rows, a sentence, a picture with a title.

Laboratory equipment, used by helpers.live and chapters.playground.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as widgets
from traitlets import Unicode


class TitledImage(widgets.Image):
    """An Image whose tooltip becomes its title, which screen readers take for alternative text.

    ipywidgets 8.1 has no alternative text for an Image, and shows the tooltip of widgets with
    a description only; without one, even an empty one, it fails in the browser.
    """

    description = Unicode("").tag(sync=True)


def choice(
    text: str, options: Sequence, value: object, chosen: Callable[[object], None]
) -> widgets.Dropdown:
    """A drop-down list with a description; chosen(change) is called when another is chosen."""
    found = widgets.Dropdown(
        description=text, options=options, value=value, style={"description_width": "initial"}
    )
    found.layout.width = "auto"
    found.observe(chosen, "value")
    return found


def button(text: str, icon: str, pressed: Callable[[object], None]) -> widgets.Button:
    """A button as wide as its text; pressed(button) is called on a click."""
    found = widgets.Button(description=text, icon=icon, layout={"width": "auto"})
    found.on_click(pressed)
    return found


def row(children: Sequence[widgets.Widget]) -> widgets.HBox:
    """Widgets side by side, in as many lines as they need."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 12px")
    return widgets.HBox(list(children), layout=layout)


def sentence(text: str, error: bool = False) -> str:
    """One sentence as HTML that screen readers read out when it changes."""
    role, look = ("alert", "color:#b00020;font-weight:bold") if error else ("status", "")
    return f'<span role="{role}" style="{look}">{escape(text)}</span>'


def retire(view: widgets.Box) -> None:
    """Take the rows of controls out of a view, and leave what else it shows."""
    gone = [child for child in view.children if isinstance(child, widgets.HBox)]
    view.children = [child for child in view.children if child not in gone]
    for each in gone:
        for child in each.children:
            child.close()
        each.close()
