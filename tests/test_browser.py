"""Chapters as a learner meets them: JupyterLab in a real browser, the plot started and stopped,
the stepper moved forwards and backwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import EXECUTED, FRAMES, Lab, Plot, cell_with, menu, run_cell
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.kernel]


@pytest.mark.timeout(400)
def test_the_plot_moves_and_stops_in_jupyterlab(lab: Lab, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.address("04_live_plot"))
    # Before the kernel is there, "Run All Cells" runs nothing.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(EXECUTED, timeout=180_000)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0

    plot = Plot(page, cell_with(page, "live.LivePlot("))
    plot.cell.scroll_into_view_if_needed()
    plot.choose("Interval", "0.1 s")
    plot.press("Clear")
    plot.press("Start")
    plot.says("Running.")
    plot.changes()
    plot.press("Send ping")
    plot.changes("ICMP", pixels=20)
    plot.cell.screenshot(path=tmp_path / "moving.png")

    # Other cells run while it moves, and it moves on.
    run_cell(page, cell_with(page, "prediction = None"))
    plot.changes()
    plot.choose("Scale", "log")
    plot.choose("Show", "total so far")
    plot.changes()

    plot.press("Stop")
    plot.says("Stopped.")
    plot.cell.screenshot(path=tmp_path / "stopped.png")
    held = plot.look()
    page.evaluate(FRAMES, 60)  # about a second; running, it would have changed ten times
    assert plot.look() == held

    # The cell run again: one plot, ready to start.
    run_cell(page, plot.cell)
    plot.says("Press Start.")
    assert page.locator("button", has_text="Send ping").count() == 1
    plot.press("Start")
    plot.changes()
    plot.press("Stop")
    plot.says("Stopped.")
    page.screenshot(path=tmp_path / "again.png")
    assert errors == []


@pytest.mark.timeout(400)
def test_stacked_areas_with_a_table_of_flows(lab: Lab, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.address("12_beyond_sockex1"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    plot = Plot(page, cell_with(page, "live.LivePlot("))
    cell_with(page, "sends = [plot.send").locator(".cm-content").click()
    menu(page, "Run", "Run All Above Selected Cell")
    expect(plot.cell.locator(".jp-InputPrompt").first).to_have_text(
        re.compile(r"\[\d+\]"), timeout=180_000
    )
    plot.choose("Interval", "0.1 s")
    plot.press("Start")
    plot.says("Running.")
    table = plot.cell.locator("table", has_text="flows, the largest by bytes")
    expect(table).to_be_visible()
    before = table.inner_text()
    plot.press("Send UDP")
    plot.changes("UDP", pixels=200)
    expect(table).not_to_have_text(before, use_inner_text=True)
    plot.cell.screenshot(path=tmp_path / "flows.png")
    plot.press("Stop")
    plot.says("Stopped.")
    assert errors == []


@pytest.mark.timeout(400)
def test_the_stepper_moves_in_jupyterlab(lab: Lab, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.address("07_inside_the_bytecode"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(EXECUTED, timeout=180_000)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0

    stepper = Plot(page, cell_with(page, "Stepper(packets"))
    stepper.cell.scroll_into_view_if_needed()
    stepper.says("Before the first instruction: press Step.")
    stepper.press("Step")
    stepper.says("1 instruction done. r6 = r1: r6 = the context")
    stepper.press("Step")
    stepper.says("2 instructions done. r0 = *(u8 *)skb[23]: r0 = 1, from the packet: 01")
    expect(stepper.cell.get_by_text("packet, 98 bytes, reading byte 23")).to_be_visible()
    stepper.cell.screenshot(path=tmp_path / "stepped.png")
    stepper.press("Back")
    stepper.says("1 instruction done. r6 = r1: r6 = the context")
    # The first button with that word is Run; the stepper has no other.
    stepper.press("Run")
    stepper.says(re.compile(r"\d+ instructions done. The program returns 0."))
    stepper.choose("Packet", "20 bytes")
    stepper.says("Before the first instruction: press Step.")
    stepper.press("Run")
    stepper.says(re.compile("what it wants to read is not in this packet"))
    stepper.press("Reset")
    stepper.says("Before the first instruction: press Step.")
    call = stepper.cell.locator(".widget-dropdown", has_text="to").first.locator("select")
    label = next(
        o for o in call.locator("option").all_inner_texts() if "pkt_type" in o or "if" in o
    )
    call.select_option(label)
    stepper.choose("Packet", "ping over IPv6")
    stepper.press("Run")
    expect(stepper.cell.get_by_text(re.compile(rf"^→ +{label.split(':')[0]} "))).to_be_visible()
    page.screenshot(path=tmp_path / "run_to.png")
    assert errors == []


@pytest.mark.timeout(400)
def test_links_to_exercises_lead_to_them(lab: Lab, page: Page) -> None:
    """From a chapter's first lines, and from chapter 00's table, which keeps a verdict."""
    page.goto(lab.address("08_the_verifier"))
    page.get_by_role("link", name="exercise 4", exact=True).click()
    expect(page.get_by_role("heading", name="Exercise 4: three roads")).to_be_in_viewport()
