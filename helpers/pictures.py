"""How the course's pictures look: one look per protocol, and alternative text for every figure.

Used from chapter 00 on, first explained in chapter 04, live_plot (the last stage of the road).
"""

from __future__ import annotations

import base64
import ctypes
import gc
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from helpers import protocols
from helpers.errors import CourseError


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
        protocol: a name as protocols.name gives it: "TCP", or "200" for a number without a name.
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
    kept, canvas = figure.canvas, FigureCanvasAgg(figure)
    try:
        canvas.print_figure(full, format="png", dpi=2 * figure.dpi)
        # Every text keeps what it was drawn on, 5 MB, as long as the figure lives. Drawn once more,
        # in 160 x 80 pixels, it keeps only that.
        canvas.print_figure(io.BytesIO(), format="png", dpi=20)
    finally:
        figure.set_canvas(kept)
    with Image.open(full) as picture:
        picture.convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


def give_back() -> None:
    """Give back the memory of pictures that are over, 4 MB each: Python looks seldom for what
    refers to each other in circles, and the C library keeps it. Source: malloc_trim(3)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def bundle(figure: Figure, alt: str, words: str = "") -> tuple[dict, dict]:
    """A figure as Jupyter shows it: data by MIME type, and metadata; see show().

    Arguments: words: a sentence to stand below it.
    """
    below = f'<p role="status">{escape(words)}</p>' if words else ""
    width = round(figure.get_figwidth() * figure.dpi)
    png = base64.b64encode(small_png(figure)).decode()
    source = f'src="data:image/png;base64,{png}" alt="{escape(alt)}" width="{width}"'
    picture = f'<img class="course-picture" {source}>'
    data = {"text/html": picture + below, "image/png": png, "text/plain": f"{alt} {words}".strip()}
    return data, {"image/png": {"alt": alt, "width": width}}


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
    data, metadata = bundle(figure, alt)
    display(data, metadata=metadata, raw=True)
    del figure
    give_back()


# One captured frame, drawn as a grid of bytes: which part of it each byte belongs to. Chapter 00
# draws one ping, chapter 03 IPv4 and IPv6.
INK, QUIET, PANEL, EDGE = "#1F2933", "#4A5560", "#FAFAF8", "#8A949E"
MARK, ON_MARK = "#1B4965", "#FFFFFF"

# In pixels of a figure 760 wide, y downwards. The gutter after the eighth byte is as in a hex dump.
WIDTH, PER_ROW, LEFT, TOP, GUTTER = 760, 16, 52, 70, 12
CELL_WIDTH, CELL_HEIGHT, CELL_GAP, ROW_STEP = 27, 24, 2, 37
ROUNDED = {"boxstyle": "round,pad=0,rounding_size=3", "linewidth": 0.6}


class PictureError(CourseError):
    """A frame that cannot be drawn as asked."""


@dataclass(frozen=True)
class Part:
    """A run of bytes of a frame: its name, its length in bytes (None: all the rest), its colour."""

    name: str
    length: int | None
    color: str


# ICMP and ICMPv6 are pale tints of their own colours in helpers.pictures.STYLE.
IPV4_PING = (
    Part("Ethernet header", 14, "#DDE1E5"),
    Part("IPv4 header", 20, "#FBF0A8"),
    Part("ICMP header", 8, "#A9DFCF"),
    Part("data", None, "#FFFFFF"),
)
IPV6_PING = (
    Part("Ethernet header", 14, "#DDE1E5"),
    Part("IPv6 header", 40, "#FBF0A8"),
    Part("ICMPv6 header", 8, "#EFCFE0"),
    Part("data", None, "#FFFFFF"),
)


def is_ipv6(frame: bytes) -> bool:
    return frame[12:14] == b"\x86\xdd"


def meaning_of(frame: bytes, mark: int) -> str:
    """What one byte of an IP frame is, as far as chapters 00 to 03 look at it."""
    if is_ipv6(frame) and 22 <= mark < 38:
        return f"the source address, byte {mark - 21} of 16"
    if not is_ipv6(frame) and mark == 23:
        number = frame[mark]
        known = number in protocols.NAMES
        return f"the protocol, {number} is {protocols.name(number)}" if known else "the protocol"
    return f"{frame[mark]} in decimal"


def corner(offset: int) -> tuple[float, float]:
    """The upper left corner of a byte's cell."""
    row, column = divmod(offset, PER_ROW)
    x = LEFT + column * (CELL_WIDTH + CELL_GAP) + GUTTER * (column >= PER_ROW // 2)
    return x, TOP + row * ROW_STEP


def write(axes: Axes, x: float, y: float, words: str, size: int = 13, **style: str) -> None:
    """Words centred in height on y; `size` in pixels."""
    axes.text(x, y, words, fontsize=size * 0.72, va="center_baseline", **{"color": INK} | style)


def draw_bytes(axes: Axes, frame: bytes, start: int, end: int, color: str, mark: int) -> None:
    """The cells of the bytes from start up to end."""
    for offset in range(start, end):
        x, y = corner(offset)
        here = offset == mark
        look = {"fc": MARK if here else color, "ec": MARK if here else EDGE} | ROUNDED
        axes.add_patch(FancyBboxPatch((x, y), CELL_WIDTH, CELL_HEIGHT, **look))
        write(
            axes,
            x + CELL_WIDTH / 2,
            y + CELL_HEIGHT / 2,
            f"{frame[offset]:02x}",
            12,
            ha="center",
            family="DejaVu Sans Mono",
            color=ON_MARK if here else INK,
            weight="bold" if here else "normal",
        )


def draw_parts(axes: Axes, frame: bytes, parts: Sequence[Part], mark: int) -> None:
    """Every byte in its part's colour, and each part's name beside the row of its middle."""
    start, row, x = 0, -1, corner(PER_ROW - 1)[0] + CELL_WIDTH + 20
    for part in parts:
        end = len(frame) if part.length is None else min(start + part.length, len(frame))
        draw_bytes(axes, frame, start, end, part.color, mark)
        row = max(row + 1, (start + end - 1) // 2 // PER_ROW)
        y = TOP + row * ROW_STEP + CELL_HEIGHT / 2
        axes.add_patch(FancyBboxPatch((x, y - 7), 14, 14, fc=part.color, ec=EDGE, **ROUNDED))
        write(axes, x + 22, y, f"{part.name}, {end - start} bytes")
        start = end


def draw_offsets(axes: Axes, length: int) -> None:
    """The offset of each row's first byte on its left, and what each column adds above it."""
    for column in range(PER_ROW):
        x, y = corner(column)
        write(axes, x + CELL_WIDTH / 2, y - 22, f"+{column}", 11, ha="center", color=QUIET)
    for offset in range(0, length, PER_ROW):
        y = corner(offset)[1] + CELL_HEIGHT / 2
        write(axes, LEFT - 10, y, str(offset), 11, ha="right", color=QUIET)


def draw_mark(axes: Axes, mark: int, words: str) -> None:
    """The words above the grid, and an arrow down the gutter to the marked byte."""
    x, y = corner(mark)
    gutter = corner(PER_ROW // 2)[0] - (GUTTER + CELL_GAP) / 2
    turn = y - ROW_STEP + CELL_HEIGHT + 3
    middle = x + CELL_WIDTH / 2
    write(axes, gutter, 20, words, 14, ha="center", weight="bold", color=MARK)
    axes.plot([gutter, gutter, middle, middle], [32, turn, turn, y - 6], color=MARK, linewidth=1.4)
    axes.fill([middle - 4.5, middle + 4.5, middle], [y - 7, y - 7, y], color=MARK, linewidth=0)


def frame_picture(
    frame: bytes,
    parts: Sequence[Part] | None = None,
    mark: int = 23,
    meaning: str | None = None,
) -> Figure:
    """Draw a frame as a grid of bytes in hex, 16 to a row, coloured by part, one byte marked.

    Arguments:
        frame: the bytes as a packet socket gives them, from the Ethernet header on.
        parts: what they are, from the first byte on; None takes IPV6_PING when the EtherType
            says IPv6, and IPV4_PING otherwise.
        mark: the offset of the byte to mark, from 0.
        meaning: what that byte is, in a few words; None for what the frame itself tells.
    Result: a Matplotlib figure, 760 pixels wide; give it to helpers.pictures.show.
    Errors: PictureError when the frame has no such byte.
    Source: RFC 791, 3.1 (IPv4 header); RFC 8200, 3 (IPv6 header). Built in chapter 00.
    """
    if not 0 <= mark < len(frame):
        raise PictureError(
            f"The frame has {len(frame)} bytes, so there is no byte {mark} to mark: count from 0."
        )
    height = corner(len(frame) - 1)[1] + CELL_HEIGHT + 16
    figure = Figure(figsize=(WIDTH / 100, height / 100), dpi=100, facecolor=PANEL)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    axes.set_axis_off()
    draw_parts(axes, frame, parts or (IPV6_PING if is_ipv6(frame) else IPV4_PING), mark)
    draw_offsets(axes, len(frame))
    words = meaning or meaning_of(frame, mark)
    draw_mark(axes, mark, f"byte {mark} is {frame[mark]:02x}: {words}")
    return figure
