"""What a widget of the course shows and says on the page by itself, without a line of script.

Laboratory equipment. A kernel that has ended can send nothing more, so the page has been told
before: ipywidgets marks a widget whose kernel was restarted, and a running plot sets the class of
its view anew at every reading, which begins the wait for the next one again.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import ipywidgets as widgets

WIDGET = "course-widget"  # the class of everything that a cell of the course shows as a widget
BEATS = ("course-tick", "course-tock")  # the classes of a running one, in turn
SECONDS_OF_SILENCE = 10  # as in page.css
STYLE = f"<style>{Path(__file__).with_suffix('.css').read_text('utf-8')}</style>"


def sentence(text: str, noun: str, error: bool = False) -> str:
    """A sentence as HTML, which screen readers read out, and beside it what the page says in its
    place when the kernel sends nothing more.

    Arguments: noun: what the widget is called: "plot", "stepper".
    """
    role, look = ("alert", " course-error") if error else ("status", "")
    return f'<span role="{role}" class="course-now{look}">{escape(text)}</span>{notices(noun)}'


def notices(noun: str) -> str:
    """What the page says of a widget, by itself, when its kernel is silent or has ended."""
    return (
        f'{STYLE}<span class="course-notice course-silent">No news from the kernel for '
        f"{SECONDS_OF_SILENCE} seconds: another cell keeps it busy, or it has ended. "
        f"If it has ended, {again(noun)}</span>"
        f'<span class="course-notice course-ended">The kernel of this {noun} has ended, so it '
        f"does not move any more. To have a new one, {again(noun)}</span>"
    )


def paragraph(text: str) -> str:
    """A sentence that stands alone, once there is no widget any more."""
    return f'<p role="status">{escape(text)}</p>'


def again(noun: str) -> str:
    """What to run for a new one."""
    return (
        "click into this cell, choose Run → Run All Above Selected Cell, and then run the cell: "
        f"it makes a new {noun}."
    )


def column(children: Sequence[widgets.Widget]) -> widgets.VBox:
    """Widgets below each other, as the one widget that a cell shows."""
    view = widgets.VBox(list(children))
    view.add_class(WIDGET)
    return view


def beat(view: widgets.DOMWidget, running: bool) -> None:
    """A widget was given something new: if it runs, the page waits for the next from now on."""
    before = view._dom_classes
    now = (BEATS[BEATS[0] in before],) if running else ()
    view._dom_classes = (*(each for each in before if each not in BEATS), *now)


def close(widget: widgets.Widget) -> None:
    """Close a widget with everything in it: neither the kernel nor the page keeps any of it."""
    for child in getattr(widget, "children", ()):
        close(child)
    for name in ("layout", "style"):
        if isinstance(part := getattr(widget, name, None), widgets.Widget):
            part.close()
    widget.close()
