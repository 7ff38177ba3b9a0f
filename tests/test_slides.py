"""The slides in a browser: none overflows, nothing is fetched, the keyboard leads through."""

from __future__ import annotations

from pathlib import Path

import pytest
import stored
from playwright.sync_api import BrowserContext, Page

from tools import teaching
from tools.slides import __main__ as slides
from tools.slides import deck

SIZE = {"width": 1280, "height": 720}
# Of the slide that is seen, with all its fragments: what lies outside of the window, and pictures
# that did not load, by their HTML.
OUTSIDE = """() => {
    const seen = Reveal.getCurrentSlide(), found = [];
    for (const each of seen.querySelectorAll(":scope *:not(aside, aside *)")) {
        const box = each.getBoundingClientRect();
        const low = box.right > innerWidth || box.bottom > innerHeight;
        const out = box.left < 0 || box.top < 0 || low;
        const block = getComputedStyle(each).display == "block";
        const cut = block && each.scrollWidth > each.clientWidth + 1;
        const empty = each.tagName == "IMG" && !each.naturalWidth;
        if (out || cut || empty) found.push(each.outerHTML.slice(0, 120));
    }
    return found;
}"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LOADED = "() => [...document.images].every((each) => each.complete)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    slides.install()
    made = tmp_path_factory.mktemp("slides")
    slides.make(made)
    return made


@pytest.fixture
def page(chromium: BrowserContext) -> Page:
    with chromium.new_page() as page:
        page.set_viewport_size(SIZE)
        yield page


def opened(page: Page, path: Path) -> list[str]:
    """Open a page. Result: the addresses that are asked for from then on, this one first."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    page.wait_for_function(LOADED)
    return asked


@pytest.mark.browser
@pytest.mark.parametrize("number", slides.CHAPTERS)
def test_the_keyboard_leads_through_slides_of_which_none_overflows(page, folder, number):
    (path,) = folder.glob(f"{number}_*.html")
    asked = opened(page, path)
    total = page.evaluate("Reveal.getTotalSlides()")
    seen, outside = [page.evaluate("Reveal.getIndices().h")], page.evaluate(OUTSIDE)
    while not page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
        page.keyboard.press("ArrowRight")
        outside += page.evaluate(OUTSIDE)
        seen.append(page.evaluate("Reveal.getIndices().h"))
    assert outside == []
    assert sorted(set(seen)) == list(range(total)) and seen == sorted(seen)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    assert page.evaluate("Reveal.isOverview()")
    page.keyboard.press("Escape")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(BACKGROUND) == "rgb(26, 26, 26)"
    for at in range(total):
        page.evaluate(f"Reveal.slide({at}, 0, 99)")  # with all fragments
        assert page.evaluate(OUTSIDE) == []
    page.emulate_media(color_scheme="light")
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    assert asked and [each for each in asked if not each.startswith(("file:", "data:"))] == []


@pytest.mark.browser
def test_what_overflows_is_seen(page, folder):
    opened(page, next(folder.glob("02_*.html")))
    page.evaluate(
        "Reveal.getCurrentSlide().append(...Array.from({length: 40}, (_, n) => "
        "Object.assign(document.createElement('p'), {textContent: `line ${n}`})))"
    )
    assert len(page.evaluate(OUTSIDE)) > 10


def of_chapter(number: str) -> Path:
    return next(path for path in stored.CHAPTERS if path.name.startswith(number))


@pytest.mark.parametrize("number", slides.CHAPTERS)
def test_every_prediction_and_picture_of_a_chapter_has_its_slide(number, folder):
    path = of_chapter(number)
    text = (folder / f"{path.stem}.html").read_text()
    cells = stored.read(path).cells
    asked = teaching.asked(cells)
    assert text.count('class="fragment"') == len(asked)
    assert all(f"<strong>({each.letter})</strong>" in text for each in asked)
    pictures = sum(
        "image/png" in out.get("data", {}) for c in cells for out in c.get("outputs", ())
    )
    drawn = sum(len(deck.PICTURE.findall(c.source)) for c in cells if c.cell_type == "markdown")
    assert text.count('<img class="picture"') == pictures + drawn > 0
    assert text.count("<p>Now you.</p>") == len(stored.exercises(stored.read(path)))


def test_all_links_of_the_first_page_lead_to_slides(folder):
    text = (folder / "index.html").read_text()
    assert text.count("<li>") == len(slides.CHAPTERS)
    assert all(f'href="{of_chapter(number).stem}.html"' in text for number in slides.CHAPTERS)
