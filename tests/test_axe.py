"""Every page in JupyterLab through axe-core, in both themes: what a plain notebook there has not
must not be there either. The script is read from a file and given to the page by the test alone."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import nbformat
import pytest
import stored
from browser import Lab, Plot, cell_with, menu, run_cell
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RUN = """async () => {
    const found = await axe.run(".jp-Notebook", {resultTypes: ["violations"]});
    return found.violations.flatMap(each => each.nodes.map(
        node => [each.id, node.html.slice(0, 200), node.failureSummary]));
}"""
THEMES = ("JupyterLab Light", "JupyterLab Dark")
IDLE = "Python 3 (ipykernel) | Idle"


@pytest.fixture(scope="module")
def plain(server: Lab) -> str:
    """A notebook as anybody's: text with a link, code, and outputs of each kind."""
    cells = [
        nbformat.v4.new_markdown_cell(
            "# A title\n\nText, [a link](a.ipynb) and `code`.\n\n## Below"
        ),
        nbformat.v4.new_code_cell(f"import ipywidgets\n# {'long ' * 60}\nprint('text')\n1 / 0"),
        nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.Button(description='Press')"),
    ]
    name = "plain_for_axe"
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    nbformat.write(notebook, server.work / f"{name}.ipynb")
    return name


def opened(lab: Lab, page: Page, name: str, theme: str) -> None:
    page.goto(lab.address(name))
    expect(page.get_by_text(IDLE)).to_be_visible()
    set_theme(page, theme)


def set_theme(page: Page, theme: str) -> None:
    light = "true" if theme.endswith("Light") else "false"
    if page.locator("body").get_attribute("data-jp-theme-light") != light:
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        page.get_by_role("menuitem", name="Theme", exact=True).hover()
        page.get_by_role("menuitem", name=theme, exact=True).click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", light)


def violations(page: Page) -> list[tuple[str, str, str]]:
    page.evaluate(AXE)
    return [tuple(each) for each in page.evaluate(RUN)]


def common(lab: Lab, page: Page, plain: str, theme: str) -> set[str]:
    """The rules that a plain notebook breaks."""
    opened(lab, page, plain, theme)
    for text in ("1 / 0", "description='Press'"):
        run_cell(page, cell_with(page, text))
    return {rule for rule, _, _ in violations(page)}


def more(page: Page, known: set[str]) -> list[tuple[str, str, str]]:
    return [each for each in violations(page) if each[0] not in known]


@pytest.mark.timeout(500)
@pytest.mark.parametrize("theme", THEMES)
def test_every_page_as_it_is_opened(lab: Lab, page: Page, plain: str, theme: str) -> None:
    known, found = common(lab, page, plain, theme), {}
    for path in stored.NOTEBOOKS:
        # With the outputs that are stored, which in work/ come when the cells are run.
        (lab.work / f"as_stored_{path.name}").write_bytes(path.read_bytes())
        opened(lab, page, f"as_stored_{path.stem}", theme)
        if each := more(page, known):
            found[path.stem] = each
    assert not found, json.dumps(found, indent=1)


WIDGETS = {
    "00_start_here": "live.open_plot()",
    "playground": "playground.open_playground()",
    "07_inside_the_bytecode": "Stepper(packets",
    "12_beyond_sockex1": "live.LivePlot(",
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", WIDGETS)
def test_every_widget(
    lab: Lab, page: Page, plain: str, name: str, theme: str, tmp_path: Path
) -> None:
    known = common(lab, page, plain, theme)
    opened(lab, page, name, theme)
    cell = cell_with(page, WIDGETS[name])
    cell.locator(".cm-content").click()
    menu(page, "Run", "Run All Above Selected Cell")
    run_cell(page, cell)
    plot = Plot(page, cell)
    if "Stepper" in WIDGETS[name]:
        plot.press("Step")
        plot.press("Step")
        look(cell, tmp_path / f"{name}_{theme}.png")
    else:
        plot.press("Start")
        plot.press("Send ping")
        plot.changes("ICMP", pixels=20)
        plot.press("Stop")
        look(cell, tmp_path / f"{name}_{theme}.png")
        assert more(page, known) == []
        page.set_viewport_size({"width": 900, "height": 1000})
    assert more(page, known) == []
    look(cell, tmp_path / f"{name}_{theme}_900.png")


def look(cell: Locator, path: Path) -> None:
    cell.screenshot(path=path)
