"""Every page and every widget in JupyterLab through axe-core, in both themes and at 900 pixels.

What counts is an element of an output or of a text, and not one that a plain notebook has as well
with the same fault: that is JupyterLab's. The script is given to the page by the test alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import nbformat
import pytest
import stored
from browser import Lab, Plot, cell_with, menu, run_cell
from nbformat.sign import NotebookNotary
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
WIDE, NARROW = ({"width": width, "height": 1000} for width in (1300, 900))
# Only these rules depend on the theme, and only that one on the width: the others are asked once,
# in whichever theme the page before has left.
COLORS = """() => axe.getRules(["cat.color"]).filter(each => !each.tags.includes("wcag2aaa"))
    .map(each => each.ruleId)"""
SCROLLING = ["scrollable-region-focusable"]
# What is folded is opened before, for axe passes over what cannot be seen; and so it is told to do
# with the code, whose thousands of coloured words are JupyterLab's. Nothing is loaded beforehand:
# that is for sound and films, and for a rule that axe has switched off.
RUN = """async rules => {
    for (const each of document.querySelectorAll(".jp-Notebook details")) each.open = true;
    const inputs = [...document.querySelectorAll(".jp-CodeCell .jp-InputArea")];
    for (const each of inputs) each.style.display = "none";
    const found = await axe.run(".jp-OutputArea-output, .jp-RenderedMarkdown",
        {resultTypes: ["violations"], elementRef: true, preload: false,
            ...(rules && {runOnly: rules})});
    for (const each of inputs) each.style.display = "";
    const kind = each => [each.tagName.toLowerCase(), ...each.classList].join(".");
    return found.violations.flatMap(each => each.nodes.map(node =>
        [each.id, kind(node.element), node.html.slice(0, 200), node.failureSummary]));
}"""
OPEN = """async ([path, start]) => {
    const found = await jupyterapp.commands.execute(
        "docmanager:open", {path, kernelPreference: {shouldStart: start}});
    await found.context.ready;
    await found.revealed;
    if (start) await found.sessionContext.ready;
}"""
CLOSE = """async () => {
    const open = jupyterapp.shell.currentWidget;
    open.context.model.dirty = false;  // or else it would ask whether to save
    await jupyterapp.commands.execute("application:close");
}"""
CHANGE = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)"
SHOWN = """cells => {
    const all = document.querySelectorAll(".jp-Notebook .jp-Cell");
    const texts = [...document.querySelectorAll(".jp-MarkdownCell")];
    return all.length == cells
        && texts.every(each => each.querySelector(".jp-RenderedMarkdown > *"))
        && [...document.querySelectorAll(".jp-Notebook img")].every(each => each.complete);
}"""
WIDGETS = """
import ipywidgets as widgets

named = {"description": "Name"}
kinds = [widgets.Button, widgets.Dropdown, widgets.Text, widgets.Combobox, widgets.FileUpload]
kinds += [widgets.Checkbox, widgets.Select]
widgets.VBox([*(kind(**named) for kind in kinds), widgets.HTML("text")])
"""
TEXT = """# A title

Text, [a link](a.ipynb), **more** and `code`.

## Below

- one
- two

| a | b |
|---|---|
| 1 | 2 |

```python
def add(a, b=1):  # a comment
    return f"{a}" + str(2.5) + "text" if a else None
```

```c
/* a comment */
#define ONE 1
SEC("socket") int f(struct __sk_buff *skb) { if (skb) return ONE; return 0x10; } // another
```
"""


@pytest.fixture(scope="module")
def screen(server: Lab, chromium: BrowserContext) -> Iterator[Page]:
    """One JupyterLab, in which notebooks are opened and closed."""
    with chromium.new_page() as page:
        page.goto(f"{server.origin}/lab/workspaces/axe?token={server.token}")
        page.wait_for_function("() => window.jupyterapp?.started")
        page.evaluate("() => jupyterapp.restored.then(() => null)")
        page.evaluate(AXE)
        yield page


@contextmanager
def opened(lab: Lab, page: Page, path: Path, kernel: bool) -> Iterator[None]:
    """A notebook of the learner's folder, alone on the page; what runs for it ends with it."""
    page.evaluate(OPEN, [path.name, kernel])
    try:
        page.wait_for_function(SHOWN, arg=len(stored.read(path).cells))
        yield
    finally:
        page.evaluate(CLOSE)
        lab.shut_down()


def trusted(lab: Lab, notebook: nbformat.NotebookNode, name: str) -> Path:
    """A notebook in the learner's folder, as if its outputs were the learner's own."""
    path = lab.work / f"{name}.ipynb"
    nbformat.write(notebook, path)
    NotebookNotary(data_dir=str(lab.work.parent / "jupyter_data_dir")).sign(stored.read(path))
    return path


Fault = tuple[str, str, str, str, str]


def faults(page: Page) -> list[Fault]:
    """What axe finds: where, and for each fault its rule, the kind of its element, the element,
    and why. Everything in the theme that the page has; then, in the other one and at 900 pixels,
    colours and what scrolls.
    """
    light = page.locator("body").get_attribute("data-jp-theme-light") == "true"
    colors = page.evaluate(COLORS)
    assert "color-contrast" in colors
    found = []
    for is_light, size, rules in ((light, WIDE, None), (not light, NARROW, colors + SCROLLING)):
        theme = "Light" if is_light else "Dark"
        page.set_viewport_size(size)
        page.evaluate(CHANGE, f"JupyterLab {theme}")
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(is_light).lower())
        where = f"{theme}, {size['width']} pixels"
        found += [(where, *each) for each in page.evaluate(RUN, rules)]
    page.set_viewport_size(WIDE)
    return found


@pytest.fixture(scope="module")
def known(server: Lab, screen: Page) -> set[tuple[str, str, str]]:
    """The faults of a plain notebook: text, an error, and widgets without any style."""
    code = ["print('text')\n1 / 0", WIDGETS]
    cells = [nbformat.v4.new_markdown_cell(TEXT), *map(nbformat.v4.new_code_cell, code)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    path = trusted(server, notebook, "plain_for_axe")
    with opened(server, screen, path, kernel=True):
        for text in ("1 / 0", "named ="):
            run_cell(screen, cell_with(screen, text))
        return {fault[:3] for _ in range(2) for fault in faults(screen)}  # each theme first


def hold(page: Page, known: set[tuple[str, str, str]]) -> None:
    """Nothing that a plain notebook has not."""
    found = [each for each in faults(page) if each[:3] not in known]
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


MOST_OUTPUTS = 50  # of one cell that JupyterLab shows


def in_few_cells(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same texts in one cell and the same outputs in few, without the code.

    JupyterLab makes an editor for each cell, and axe walks through them all; what it is asked about
    is the same.
    """
    cells = notebook.cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    outputs = [each for cell in cells if cell.cell_type == "code" for each in cell.outputs]
    notebook.cells = [nbformat.v4.new_markdown_cell(text)] + [
        nbformat.v4.new_code_cell(outputs=outputs[at : at + MOST_OUTPUTS])
        for at in range(0, len(outputs), MOST_OUTPUTS)
    ]
    return notebook


@pytest.mark.parametrize("path", stored.NOTEBOOKS, ids=stored.name)
def test_a_page_with_all_that_is_folded_opened(
    path: Path, server: Lab, screen: Page, known: set[tuple[str, str, str]]
) -> None:
    copy = trusted(server, in_few_cells(stored.read(path)), f"as_stored_{path.stem}")
    with opened(server, screen, copy, kernel=False):
        hold(screen, known)


BROKEN = """() => {
    const [text] = document.querySelector(".jp-OutputArea-output pre").childNodes;
    const words = [...text.data.matchAll(/\\S+/g)].map(each => {
        const range = document.createRange();
        range.setStart(text, each.index);
        range.setEnd(text, each.index + each[0].length);
        return range.getClientRects();
    });
    const broken = words.filter(each => each.length > 1);
    return [new Set(words.map(each => each[0].top)).size, broken.length];
}"""


ONE_LINE = """() => {
    const last = [...document.querySelectorAll(".jp-OutputArea-output pre")].at(-1);
    const range = document.createRange();
    range.selectNodeContents(last);
    const lines = new Set([...range.getClientRects()].map(each => each.top));
    return last.clientWidth < 500 && lines.size == 1;  // the list of files has its room, too
}"""


def test_a_long_line_is_broken_between_words(server: Lab, screen: Page) -> None:
    """What is printed, and a block of code in a text, which no arrow key could scroll; one of 68
    columns is not broken at 900 pixels, beside the list of files."""
    fold = f"<details open><summary>More</summary>\n\n```\n{'wide ' * 80}\n```\n\n</details>"
    output = nbformat.v4.new_output("stream", text="thirteen more " * 40)
    walk = nbformat.v4.new_output("stream", text="68 columns " * 6 + "68")
    cells = [nbformat.v4.new_markdown_cell(fold)]
    cells += [nbformat.v4.new_code_cell(outputs=[each]) for each in (output, walk)]
    path = trusted(server, nbformat.v4.new_notebook(cells=cells), "long_lines")
    with opened(server, screen, path, kernel=False):
        lines, broken = screen.evaluate(BROKEN)
        assert lines > 2
        assert broken == 0
        page = screen.locator(".jp-MarkdownOutput")
        assert page.evaluate("each => each.scrollWidth - each.clientWidth") == 0
        screen.set_viewport_size(NARROW)
        screen.wait_for_function(ONE_LINE)
        screen.set_viewport_size(WIDE)


def moved(plot: Plot) -> None:
    plot.press("Start")
    plot.press("Send ping")
    plot.changes("ICMP", pixels=20)


def counted(plot: Plot) -> None:
    """Beside what moves, an error and a table."""
    moved(plot)
    line = plot.cell.get_by_label("Filter")
    line.fill("icmp or prot 53")
    line.press("Enter")
    expect(plot.cell.get_by_role("alert")).to_be_visible()
    expect(plot.cell.locator("table")).to_be_visible()


def stepped(plot: Plot) -> None:
    plot.press("Step")
    plot.press("Step")
    plot.says("2 instructions done.", whole=False)


def walked(plot: Plot) -> None:
    plot.cell.get_by_label("Station").select_option("3 netif_rx_entry")
    plot.says("Station 3 of", whole=False)


# For each widget its notebook, the cells that it needs, by a line of each, and what is done to it.
# None in place of the cells before it: all of them.
SHOWN_BY_CELLS = {
    "plot": ("00_start_here", ["live.open_plot()"], moved),
    "playground": ("playground", ["playground.open_playground()"], counted),
    "stepper": ("07_inside_the_bytecode", [None, "Stepper(packets, walk_over)"], stepped),
    "classic stepper": ("09_classic_bpf", [None, "Stepper(packets, lambda"], stepped),
    "verdict": (
        "08_the_verifier",
        ["verdict = verifier.show_bytes(five)", 'clinic.show_code("null_check")']
        + ["asked_one_way.chain", "verifier.compare(asked", 'clinic.case("pointer") as refused'],
        None,
    ),
    "film": (
        "13_one_packets_journey",
        ["net = netlab.open_network()", "journeys = film.journeys(ping.events)", "film.Player("],
        walked,
    ),
}


@pytest.mark.parametrize("name", SHOWN_BY_CELLS)
def test_a_widget(
    name: str, server: Lab, screen: Page, known: set[tuple[str, str, str]], tmp_path: Path
) -> None:
    notebook, texts, do = SHOWN_BY_CELLS[name]
    with opened(server, screen, server.work / f"{notebook}.ipynb", kernel=True):
        *before, last = texts
        cell = cell_with(screen, last)
        if None in before:
            cell.locator(".cm-content").click()
            menu(screen, "Run", "Run All Above Selected Cell")
        for text in filter(None, [*before, last]):
            run_cell(screen, cell_with(screen, text))
        if do:
            do(Plot(screen, cell))
        hold(screen, known)
        cell.screenshot(path=tmp_path / "last.png")
