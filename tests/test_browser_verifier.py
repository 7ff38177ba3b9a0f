"""Chapter 08 as a learner meets it: a verdict, where the value came from, and what would be
accepted, in JupyterLab, by click and by keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import stored
from browser import Lab, cell_with, run_cell
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

CHAPTER = "08_the_verifier"
TRIED = re.compile("Your own try comes first: your program is still the one that was refused")


def opened(lab: Lab, page: Page, *texts: str) -> None:
    """The chapter, with the cells run that have these lines."""
    page.goto(lab.address(CHAPTER))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    first = ("verdict = verifier.show_bytes(five)", 'clinic.show_code("null_check")')
    for text in (*first, *texts):
        run_cell(page, cell_with(page, text))


def summary(where: Locator, text: str | re.Pattern) -> Locator:
    return where.locator("summary").filter(has_text=text)


@pytest.mark.timeout(400)
def test_where_a_value_came_from_opens_by_click(lab: Lab, page: Page, tmp_path: Path) -> None:
    opened(lab, page, 'path = toolchain.compile_bpf("clinic/null_check', "verifier.show(path)")
    cell = cell_with(page, "verifier.show(path)")
    table = cell.locator(".jp-OutputArea-output table").first
    expect(table.get_by_role("rowheader", name="Refused")).to_be_visible()
    expect(table).to_contain_text("EACCES")
    expect(table).to_contain_text("__sync_fetch_and_add")

    origin = summary(cell, re.compile("^Where r0 came from$"))
    link = summary(cell, re.compile(r"^line \d+, .*bpf_map_lookup_elem.*: "))
    marked = cell.locator("pre b")
    expect(link).to_be_hidden()
    origin.click()
    expect(link).to_be_visible()
    expect(cell.get_by_text("Not compared with anything since.")).to_be_visible()
    expect(marked.first).to_be_hidden()
    link.click()
    (line,) = [each for each in marked.all() if each.is_visible()]
    expect(line).to_have_text(re.compile(r"^→ +\d+ .*bpf_map_lookup_elem\(&bytes_by_protocol"))
    cell.screenshot(path=tmp_path / "chain.png")
    origin.click()
    expect(line).to_be_hidden()


@pytest.mark.timeout(400)
def test_where_a_value_came_from_opens_by_keys(lab: Lab, page: Page, tmp_path: Path) -> None:
    opened(lab, page, "asked_one_way.chain")
    cell = cell_with(page, "asked_one_way.chain")
    cells = page.locator(".jp-Cell").count()
    summary(cell, re.compile("^Where r0 came from$")).focus()
    page.keyboard.press("Enter")
    link = summary(cell, re.compile("bpf_map_lookup_elem"))
    expect(link).to_be_visible()
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Space")
    line = cell.locator("pre b").filter(visible=True)
    expect(line).to_have_text(re.compile(r"^→ +\d+ .*bpf_map_lookup_elem"))
    page.keyboard.press("Tab")
    branches = summary(cell, "The branches on the way there")
    expect(branches).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    branch = summary(cell, re.compile(r"^line \d+, if \(protocol != 17"))
    expect(branch.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(line).to_have_count(2)
    assert page.locator(".jp-Cell").count() == cells
    cell.screenshot(path=tmp_path / "keys.png")


@pytest.mark.timeout(400)
def test_a_proposal_opens_once_the_learner_has_tried(lab: Lab, page: Page, tmp_path: Path) -> None:
    opened(lab, page)
    exercise = cell_with(page, 'null_check = """')
    proposed = cell_with(page, "own=null_check")
    run_cell(page, exercise)
    run_cell(page, proposed)
    expect(proposed.get_by_text(TRIED)).to_be_visible()
    expect(proposed.locator("summary")).to_have_count(0)

    solution = stored.exercises(stored.read(stored.COURSE / f"notebooks/{CHAPTER}.ipynb"))[
        0
    ].solution
    exercise.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(solution)
    run_cell(page, exercise)
    run_cell(page, proposed)
    expect(proposed.get_by_text("This kernel accepts the program with this change")).to_be_visible()
    change = proposed.locator("pre").filter(has_text="bytes_by_protocol")
    expect(change).to_be_hidden()
    summary(proposed, "The change").click()
    expect(change).to_have_text(re.compile(r"^\+.*if \(.*bytes", re.MULTILINE))
    proposed.screenshot(path=tmp_path / "proposal.png")
