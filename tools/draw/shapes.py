"""The shapes of the course's diagrams, and their colours, as SVG.

Laboratory equipment.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

WIDTH = 760

# Text and what lies under it; every pair that is used keeps a contrast of 4.5 or more.
PANEL, GROUND, PAPER = "#FAFAF8", "#E9EDF0", "#FFFFFF"
INK, QUIET, LINE = "#1F2933", "#4A5560", "#8A949E"
MARK, ON_MARK = "#1B4965", "#FFFFFF"

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def text(x: float, y: float, words: str, fill: str = INK, size: int = 13, **more: str) -> str:
    """Words centred on x, with their baseline at y; `more` are attributes of <text>."""
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{attributes}>'
        f"{escape(words)}</text>"
    )


def rectangle(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    name: str,
    detail: str = "",
    marked: bool = False,
    detail_font: str = SANS,
) -> str:
    """A box with a name of one or more lines and a smaller line of detail, all centred in it."""
    middle, ink, quiet = x + width / 2, *((ON_MARK, ON_MARK) if marked else (INK, QUIET))
    names = name.split("\n")
    baseline = y + height / 2 + 4.5 - 8 * (len(names) - (not detail))
    parts = [rectangle(x, y, width, height, MARK if marked else PAPER, MARK if marked else LINE)]
    for row, words in enumerate(names):
        parts.append(text(middle, baseline + 16 * row, words, ink, font_weight="600"))
    if detail:
        y_detail = baseline + 16 * len(names)
        parts.append(text(middle, y_detail, detail, quiet, 11, font_family=detail_font))
    return "<g>" + "".join(parts) + "</g>"


def arrow(x1: float, y1: float, x2: float, y2: float, dashes: str = "none") -> str:
    """A horizontal or vertical line from (x1, y1) that ends in a head at (x2, y2)."""
    right, down = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
    base_x, base_y = x2 - 7 * right, y2 - 7 * down
    return (
        f'<path d="M{x1:g} {y1:g}L{base_x:g} {base_y:g}" stroke="{QUIET}" stroke-width="1.5" '
        f'stroke-dasharray="{dashes}"/>'
        f'<path d="M{x2:g} {y2:g}L{base_x - 4 * down:g} {base_y - 4 * right:g}'
        f'L{base_x + 4 * down:g} {base_y + 4 * right:g}Z" fill="{QUIET}"/>'
    )


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """The same without a head."""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{QUIET}" stroke-width="1.5"/>'


def svg(height: int, title: str, description: str, parts: list[str]) -> str:
    """A whole SVG document on a light panel of its own, so that dark pages can show it."""
    body = "\n".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" \
viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title description" \
font-family="{SANS}" text-anchor="middle">
<title id="title">{escape(title)}</title>
<desc id="description">{escape(description)}</desc>
<rect width="{WIDTH}" height="{height}" rx="8" fill="{PANEL}"/>
{body}
</svg>
"""
