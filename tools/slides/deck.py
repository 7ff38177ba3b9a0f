"""The slides of one chapter, as HTML: what it is for, its pictures, listings and predictions."""

from __future__ import annotations

import html
import re
from pathlib import Path

from helpers import progress
from tools import teaching

LONGEST = 20  # lines of a listing that a slide has room for
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
PICTURE = re.compile(r"!\[(.*?)\]\((images/.*?)\)")
ROAD = re.compile(r"images/road_")
SHOWN = re.compile(r'<img[^>]*src="(data:[^"]*)"[^>]*>')
ALTERNATIVE = re.compile(r'alt="([^"]*)"')
LISTING = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
OPTION = re.compile(r"\(([a-e])\) ")


def plain(text: str) -> str:
    """A text without links, which lead nowhere from a slide, and as HTML."""
    from nbconvert.filters import markdown2html  # takes a second to load

    return markdown2html(teaching.LINK.sub(r"\1", text))


def slide(heading: str, body: str, notes: str = "") -> str:
    aside = f'<aside class="notes">{notes}</aside>' if notes else ""
    title = re.sub(r"^\d+\. ", "", teaching.LINK.sub(r"\1", heading))
    title = re.sub(r"`(.*?)`", r"<code>\1</code>", html.escape(title, quote=False))
    return f"<section><h2>{title}</h2>\n{body}\n{aside}</section>"


def opening(chapter: Path, text: str) -> list[str]:
    """The first two: what it is about, with the road; and what one will do."""
    title, sentence = re.match(r"# (.*)\n\n(.*)", text).groups()
    alternative, road = PICTURE.search(text).groups()
    will = re.search(r"In this chapter you will\*\*\n\n((?:- .*\n)+)", text)[1]
    notes = plain("\n".join(teaching.advice(chapter)))
    return [
        slide(title, plain(sentence) + image(road, alternative), notes),
        slide("In this chapter you will", plain(will)),
    ]


def image(source: str, alternative: str) -> str:
    return f'<img class="picture" src="{source}" alt="{html.escape(html.unescape(alternative))}">'


def question(each: teaching.Asked) -> str:
    """A prediction: the question and what there is to choose; then, asked for, what happened."""
    before, *rest = OPTION.split(each.question)
    options = list(zip(rest[::2], rest[1::2], strict=True))
    items = "\n".join(f"- ({letter}) {text.strip(' ,')}" for letter, text in options)
    happened = plain(f"**({each.letter})**: {each.because}")
    return slide("Predict", f'{plain(before)}{plain(items)}<div class="fragment">{happened}</div>')


def shown(cell: dict, heading: str) -> list[str]:
    """What a code cell shows that can be projected: pictures, and listings of C."""
    found: list[str] = []
    for data in (output.get("data", {}) for output in cell["outputs"]):
        picture = SHOWN.search("".join(data.get("text/html", "")))
        listing = LISTING.fullmatch("".join(data.get("text/markdown", "")).strip())
        if picture:
            alternative = ALTERNATIVE.search(picture[0])[1]
            found.append(slide(heading, image(picture[1], alternative)))
        elif listing and len(listing[2].splitlines()) <= LONGEST:
            code = html.escape(listing[2])
            found.append(slide(heading, f"<pre><code>{code}</code></pre>"))
    return found


def slides(chapter: Path, cells: list[dict]) -> list[str]:
    """All slides of a stored chapter, in the order of its cells."""
    asked = {each.cell: each for each in teaching.asked(cells)}
    exercises = iter(progress.exercises(chapter))
    found = opening(chapter, "".join(cells[0]["source"]))
    heading = ""
    for number, cell in enumerate(cells):
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found += shown(cell, heading)
            if "exercise" in cell["metadata"].get("tags", []):
                found.append(slide(next(exercises).heading, "<p>Now you.</p>"))
            continue
        heads = HEADING.findall(text)
        heading = heads[-1] if heads else heading
        pictures = [each for each in PICTURE.findall(text) if not ROAD.match(each[1])]
        found += [slide(heading, image(source, words)) for words, source in pictures]
        if number in asked:
            found.append(question(asked[number]))
        if heads and heads[-1] == "You have":
            done = re.search(r"## You have\n\n((?:- .*\n)+)", text)[1]
            found.append(slide("You have", plain(done)))
    return found
