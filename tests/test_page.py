"""What the page says in place of a kernel that is gone, and what a saved notebook keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser import Lab, Plot, cell_with, menu, run_cell
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

VIEW = "application/vnd.jupyter.widget-view+json"
IDLE = "Python 3 (ipykernel) | Idle"
GONE = re.compile("The kernel of this plot has ended, .* run the cell: it makes a new plot")
SILENT = re.compile("No news from the kernel for 10 seconds")


def opened(lab: Lab, page: Page, notebook: str = "00_start_here") -> Plot:
    page.goto(lab.address(notebook))
    expect(page.get_by_text(IDLE)).to_be_visible()
    cell = cell_with(page, "live.open_plot()")
    run_cell(page, cell)
    return Plot(page, cell)


def recorded(plot: Plot) -> None:
    """Something was drawn."""
    plot.press("Start")
    plot.says("Running.")
    plot.press("Send ping")
    plot.changes("ICMP", pixels=20)


def save(page: Page) -> None:
    with page.expect_response(lambda r: r.request.method == "PUT" and "/contents/" in r.url) as put:
        page.keyboard.press("Control+s")
    assert put.value.ok


def outputs(lab: Lab, name: str, text: str) -> list[dict]:
    stored = json.loads((lab.work / f"{name}.ipynb").read_text())
    (cell,) = [c for c in stored["cells"] if text in "".join(c["source"])]
    assert "widgets" not in stored["metadata"]
    return cell["outputs"]


@pytest.mark.timeout(400)
def test_a_saved_plot_comes_back_with_its_kernel_and_is_a_still_without(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    plot = opened(lab, page)
    recorded(plot)
    save(page)
    (output,) = outputs(lab, "00_start_here", "live.open_plot()")
    assert VIEW not in output["data"]
    assert output["data"]["image/png"]
    assert 'alt="Moving chart' in output["data"]["text/html"]

    # Opened again while it runs: it runs on.
    page.reload()
    expect(page.get_by_text(IDLE)).to_be_visible()
    plot.says("Running.")
    plot.changes()
    save(page)

    # With a new kernel: the last picture, and what to do.
    lab.shut_down()
    for _ in range(2):
        page.reload()
        expect(page.get_by_text(IDLE)).to_be_visible()
        expect(
            plot.cell.get_by_text("This is how it looked when the notebook was saved")
        ).to_be_visible()
        expect(plot.cell.get_by_alt_text("Moving chart", exact=False)).to_be_visible()
        expect(plot.cell.get_by_text("Running.")).to_have_count(0)
        expect(page.get_by_text("model not found")).to_have_count(0)
        expect(plot.cell.locator("button", has_text="Start")).to_have_count(0)
        plot.cell.screenshot(path=tmp_path / "reopened.png")
        save(page)
    run_cell(page, plot.cell)
    plot.says("Press Start.")


@pytest.mark.timeout(400)
def test_a_restart_is_told_in_the_plots_place(lab: Lab, page: Page, tmp_path: Path) -> None:
    plot = opened(lab, page)
    recorded(plot)
    menu(page, "Kernel", "Restart Kernel…")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(plot.cell.get_by_text(GONE)).to_be_visible()
    expect(plot.cell.get_by_text("Running.")).to_be_hidden()
    expect(plot.cell.locator("button", has_text="Start")).to_be_hidden()
    plot.cell.screenshot(path=tmp_path / "restarted.png")
    save(page)
    page.reload()
    expect(page.get_by_text(IDLE)).to_be_visible()
    expect(page.get_by_text("model not found")).to_have_count(0)
    expect(plot.cell.get_by_text("Running.")).to_have_count(0)


@pytest.mark.timeout(400)
def test_the_death_of_a_kernel_does_not_leave_it_running(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    plot = opened(lab, page)
    recorded(plot)
    lab.kill()
    expect(plot.cell.get_by_text(SILENT)).to_be_visible()
    expect(plot.cell.get_by_text("Running.")).to_be_hidden()
    plot.cell.screenshot(path=tmp_path / "dead.png")
