"""The course's pictures: current, readable in black and white and by a screen reader, and right."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib import colors, textpath
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from helpers import pictures, protocols
from tools import draw
from tools.draw import __main__ as writer
from tools.draw import shapes

SVG = "{http://www.w3.org/2000/svg}"
HEADERS_OF_ETHERNET = {"IPv4": b"\x08\x00", "IPv6": b"\x86\xdd"}


def frame(version: str, length: int) -> bytes:
    """A frame whose every byte is its own offset, but for the EtherType."""
    return bytes(range(12)) + HEADERS_OF_ETHERNET[version] + bytes(range(14, length))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, 1.4.3)."""

    def luminance(color: str) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in colors.to_rgb(color)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def words_on_rectangles(svg: str) -> Iterator[tuple[ElementTree.Element, ElementTree.Element]]:
    """Each <text>, with the topmost <rect> painted before it that its anchor lies on."""
    seen: list[ElementTree.Element] = []
    for element in ElementTree.fromstring(svg).iter():
        if element.tag == f"{SVG}rect":
            seen.append(element)
        if element.tag == f"{SVG}text":
            x, y = (float(element.attrib[axis]) for axis in "xy")
            yield element, [rect for rect in seen if covers(rect, x, y)][-1]


def covers(rect: ElementTree.Element, x: float, y: float) -> bool:
    left, top, width, height = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
    return left <= x <= left + width and top <= y <= top + height


@cache
def drawn_width(words: str, size: float, weight: int, mono: bool) -> float:
    """The width of a text in DejaVu, the widest of the fonts that a reader may have."""
    family = "DejaVu Sans Mono" if mono else "DejaVu Sans"
    font = FontProperties(family=family, weight=weight)
    return textpath.TextPath((0, 0), words, size=size, prop=font).get_extents().width


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_stored_diagrams_are_what_the_command_writes():
    stored = {path.name: path.read_text("utf-8") for path in writer.IMAGES.glob("*.svg")}
    assert stored == draw.pictures(), "run: python -m tools.draw"


def test_the_command_writes_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(writer, "IMAGES", tmp_path / "images")
    assert writer.main() == 0
    assert {path.name for path in writer.IMAGES.iterdir()} == set(draw.pictures())


@pytest.mark.parametrize("name", draw.pictures())
def test_a_diagram_speaks_to_a_screen_reader(name: str):
    root = ElementTree.fromstring(draw.pictures()[name])
    parts = {root.find(f"{SVG}{tag}").attrib["id"]: tag for tag in ("title", "desc")}
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == list(parts)
    assert all(len(root.find(f"{SVG}{tag}").text) > 20 for tag in parts.values())


@pytest.mark.parametrize("name", draw.pictures())
def test_the_words_of_a_diagram_stand_out_and_fit(name: str):
    for text, rect in words_on_rectangles(draw.pictures()[name]):
        assert contrast(text.attrib["fill"], rect.attrib["fill"]) >= 4.5, text.text
        size, weight = float(text.attrib["font-size"]), int(text.get("font-weight", 400))
        assert size >= 11, text.text
        mono = "monospace" in text.get("font-family", "")
        half = drawn_width(text.text, size, weight, mono) / 2 + 3
        x, y = (float(text.attrib[axis]) for axis in "xy")
        assert covers(rect, x - half, y) and covers(rect, x + half, y), text.text


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("road_00.svg", []),
        ("road_02.svg", ["C source", "object file"]),
        ("road_04.svg", ["counters", "picture"]),
        ("road_06.svg", ["program and", "maps, loaded"]),
        ("road_12.svg", ["C source", "attached", "to a socket"]),
        ("path.svg", []),
        ("path_xdp.svg", ["XDP"]),
        ("path_tc.svg", ["tc egress", "tc ingress"]),
        ("path_tap.svg", ["tap", "tap", "packet socket"]),
        ("path_tunnel.svg", ["tap", "tap", "packet socket"]),
    ],
)
def test_a_diagram_marks_its_stage(name: str, marked: list[str]):
    names = [
        text.text
        for text, rect in words_on_rectangles(draw.pictures()[name])
        if rect.attrib["fill"] == shapes.MARK and text.get("font-weight") == "600"
    ]
    assert names == marked


def test_every_protocol_has_a_look_of_its_own():
    assert set(protocols.NUMBERS) <= set(pictures.STYLE)
    assert len(set(pictures.STYLE.values())) == len(pictures.STYLE)
    assert [pictures.STYLE[name].color for name in ("TCP", "UDP", "ICMP", "ICMPv6")] == [
        "#0072B2",
        "#E69F00",
        "#009E73",
        "#CC79A7",
    ]
    assert len({pictures.STYLE[name].dashes for name in ("TCP", "UDP", "ICMP", "ICMPv6")}) == 4


def test_a_protocol_without_a_name_keeps_its_look():
    assert pictures.style("200") == pictures.style("200") != pictures.style("201")
    assert pictures.style("other").linestyle == "-"
    assert pictures.style("TCP") is pictures.STYLE["TCP"]
    figure = Figure()
    for name in (*pictures.STYLE, "200", "201", "202", "203", "other"):
        look = pictures.style(name)
        figure.add_subplot().plot([0, 1], color=look.color, linestyle=look.linestyle)


@pytest.mark.parametrize(
    ("version", "length", "mark", "headline"),
    [
        ("IPv4", 98, 23, "byte 23 is 17: the protocol"),
        ("IPv6", 118, 23, "byte 23 is 17: the source address, byte 2 of 16"),
        ("IPv4", 98, 0, "byte 0 is 00: 0 in decimal"),
        ("IPv4", 98, 97, "byte 97 is 61: 97 in decimal"),
    ],
)
def test_the_frame_picture_marks_the_right_byte(
    version: str, length: int, mark: int, headline: str
):
    axes = pictures.frame_picture(frame(version, length), mark=mark).axes[0]
    marked = [p for p in axes.patches if colors.to_hex(p.get_facecolor()) == shapes.MARK.lower()]
    cells = [patch for patch in marked if hasattr(patch, "get_boxstyle")]
    assert [(cell.get_x(), cell.get_y()) for cell in cells] == [pictures.corner(mark)]
    on_mark = [text for text in axes.texts if text.get_color() == pictures.ON_MARK]
    assert [text.get_text() for text in on_mark] == [f"{frame(version, length)[mark]:02x}"]
    assert headline in words(axes.figure)
    tip = marked[-1].get_xy()[2]
    x, y = pictures.corner(mark)
    assert tuple(tip) == (x + pictures.CELL_WIDTH / 2, y)


def test_the_frame_picture_names_a_protocol_and_says_what_it_is_told():
    ping = bytearray(frame("IPv4", 98))
    ping[23] = protocols.NUMBERS["ICMP"]
    assert "byte 23 is 01: the protocol, 1 is ICMP" in words(pictures.frame_picture(ping))
    told = pictures.frame_picture(ping, mark=12, meaning="the EtherType")
    assert "byte 12 is 08: the EtherType" in words(told)


@pytest.mark.parametrize(
    ("version", "length", "parts"),
    [
        ("IPv4", 98, ["IPv4 header, 20 bytes", "ICMP header, 8 bytes"]),
        ("IPv6", 118, ["IPv6 header, 40 bytes", "ICMPv6 header, 8 bytes"]),
    ],
)
def test_the_frame_picture_labels_parts_and_keeps_words_inside(
    version: str, length: int, parts: list[str]
):
    figure = pictures.frame_picture(frame(version, length))
    labels = ["Ethernet header, 14 bytes", *parts, "data, 56 bytes"]
    assert [label for label in words(figure) if label.endswith("bytes")] == labels
    figure.draw_without_rendering()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert figure.bbox.containsx(box.x0 - 4) and figure.bbox.containsx(box.x1 + 4), text
        assert figure.bbox.containsy(box.y0 - 4) and figure.bbox.containsy(box.y1 + 4), text


def test_the_words_of_the_frame_picture_stand_out():
    backgrounds = {part.color for part in pictures.IPV4_PING + pictures.IPV6_PING}
    assert all(contrast(pictures.INK, color) >= 4.5 for color in backgrounds)
    assert contrast(pictures.ON_MARK, pictures.MARK) >= 4.5
    for color in (pictures.INK, pictures.QUIET, pictures.MARK):
        assert contrast(color, pictures.PANEL) >= 4.5


@pytest.mark.parametrize("mark", [-1, 98])
def test_a_byte_that_is_not_there_is_refused(mark: int):
    with pytest.raises(pictures.PictureError, match=f"98 bytes.*no byte {mark}"):
        pictures.frame_picture(frame("IPv4", 98), mark=mark)


def test_show_gives_alternative_text_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(pictures, "display", lambda *data, **more: shown.append((data, more)))
    alt = 'Byte 23 of "one" <ping> & its reply'
    pictures.show(pictures.frame_picture(frame("IPv4", 98)), alt)
    (((data,), more),) = shown
    image = ElementTree.fromstring(data["text/html"].replace('">', '"/>'))
    assert (image.tag, image.attrib["alt"], image.attrib["width"]) == ("img", alt, "760")
    assert image.attrib["src"] == f"data:image/png;base64,{data['image/png']}"
    assert data["text/plain"] == more["metadata"]["image/png"]["alt"] == alt
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as png:
        assert png.width == 2 * 760
    assert len(data["text/html"]) < 60_000, "a stored notebook stays under 500 KB"
