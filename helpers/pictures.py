"""How the course's pictures look: one look per protocol, and alternative text for every figure.

Used from chapter 00 on, first explained in chapter 04, live_plot (the last stage of the road).
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape

from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from helpers.frame_picture import frame_picture

__all__ = ["STYLE", "Style", "frame_picture", "show", "small_png", "style"]


@dataclass(frozen=True)
class Style:
    """The look of one protocol's line: `color` as "#rrggbb", `dashes` in points on, off, on, ...

    No dashes is a solid line. Lines differ in dashes as well as in colour, so that nobody
    has to tell colours apart.
    """

    color: str
    dashes: tuple[float, ...] = ()

    @property
    def linestyle(self) -> str | tuple[int, tuple[float, ...]]:
        """The same dashes as Matplotlib wants them: plot(..., linestyle=style.linestyle)."""
        return (0, self.dashes) if self.dashes else "-"


DASHED, DASH_DOT, DOTTED, LONG = (5, 2), (6, 2, 1.2, 2), (1.2, 1.8), (10, 3)

# The palette of Okabe and Ito (Color Universal Design, 2008), without its yellow, which is
# too pale for a line on white.
STYLE = {
    "TCP": Style("#0072B2"),
    "UDP": Style("#E69F00", DASHED),
    "ICMP": Style("#009E73", DASH_DOT),
    "ICMPv6": Style("#CC79A7", DOTTED),
    "HOPOPT": Style("#56B4E9", LONG),
    "IGMP": Style("#D55E00"),
    "IPv6": Style("#000000"),
    "GRE": Style("#000000", DASHED),
    "ESP": Style("#D55E00", DASHED),
    "OSPF": Style("#56B4E9", DASH_DOT),
    "SCTP": Style("#D55E00", DASH_DOT),
    "ARP": Style("#D55E00", LONG),
    "not IP": Style("#000000", DOTTED),
}
OTHER = "#999999"


def style(protocol: str) -> Style:
    """The look of a protocol, known or not: the same name gives the same look, always.

    Arguments:
        protocol: a name as counters.name gives it: "TCP", or "200" for a number without a name.
    Result: its entry in STYLE, or a grey line whose dashes follow from the number.
    Source: Okabe and Ito, Color Universal Design. Built in chapter 04.
    """
    if protocol in STYLE:
        return STYLE[protocol]
    dashes = ((), DASHED, DASH_DOT, DOTTED)
    return Style(OTHER, dashes[int(protocol) % 4] if protocol.isdigit() else ())


def small_png(figure: Figure) -> bytes:
    """The figure as a PNG at twice its size, in 128 colours: a third of the bytes, no visible loss.

    A stored notebook carries each picture twice, see show. Built in chapter 00.
    """
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=2 * figure.dpi)
    with Image.open(full) as picture:
        picture.convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook, with alternative text for those who do not see it.

    The output metadata {"image/png": {"alt": ...}} would be the place, but JupyterLab 4.6 never
    reads it (its renderImage sets src, width and height alone), nor does nbconvert's lab template
    (7.17; only the classic one does). Both keep the alt of an <img> in HTML and prefer HTML to
    PNG, so that is what they get. The PNG beside it, with that metadata, is for readers of stored
    notebooks that do not show HTML.

    Arguments:
        figure: a Matplotlib figure; it is shown at its size in inches times its dpi, in pixels,
            and rendered at twice that, for dense screens.
        alt: what the picture shows, in one or two sentences.
    Source: Jupyter messaging, display_data. Built in chapter 00.
    """
    width = round(figure.get_figwidth() * figure.dpi)
    png = base64.b64encode(small_png(figure)).decode()
    picture = f'<img src="data:image/png;base64,{png}" alt="{escape(alt)}" width="{width}">'
    display(
        {"text/html": picture, "image/png": png, "text/plain": alt},
        metadata={"image/png": {"alt": alt, "width": width}},
        raw=True,
    )
