"""Chapters as a learner meets them: JupyterLab in a real browser, the plot started and stopped,
the stepper moved forwards and backwards."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright
from stored import COURSE

from helpers.pictures import style
from tools import workspace

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

CHAPTER = "04_live_plot.ipynb"
PATIENCE = 60_000  # milliseconds
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    # Cells out of sight stay in the page, so that the test can look at all of them.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # The course switches this off; the plot has to work where a learner has not.
    "apputils-extension/kernels-settings": {"commsOverSubshells": "perCommTarget"},
}
# A number that stands for the pixels of an image, and how many of them have one colour.
FINGERPRINT = """async (image, color) => {
    while (!image.naturalWidth) await new Promise(requestAnimationFrame);  // it loads
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let sum = 0, hits = 0;
    for (let i = 0; i < data.length; i += 4) {
        sum = (sum * 31 + data[i] * 65536 + data[i + 1] * 256 + data[i + 2]) | 0;
        const plot = i / 4 > 48 * canvas.width;  // below the legend
        hits += plot && data[i] == color[0] && data[i + 1] == color[1] && data[i + 2] == color[2];
    }
    return [sum, hits];
}"""
FRAMES = """count => new Promise(done => {
    const next = () => count-- ? requestAnimationFrame(next) : done();
    next();
})"""
EXECUTED = r"""() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
    return prompts.length > 0 && prompts.every(prompt => /\[\d+\]/.test(prompt.innerText));
}"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address, with its token, of a JupyterLab of this test's own on a learner's copies."""
    work, token = tmp_path / "work", secrets.token_hex(16)
    workspace.copy_chapters(COURSE / "notebooks", work)
    for name, setting in SETTINGS.items():
        path = tmp_path / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting))
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    command = [Path(sys.executable).with_name("jupyter"), "lab", "--no-browser", "--ip=127.0.0.1"]
    command += ["--port=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    environment = os.environ | {name: str(tmp_path / name.lower()) for name in folders}
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(tmp_path / "settings")
    lab = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        said: list[str] = []
        for line in lab.stderr:
            said.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab", line):
                break
        else:
            pytest.fail("JupyterLab did not start:\n" + "".join(said))
        threading.Thread(target=lab.stderr.read, daemon=True).start()
        yield f"{found[1]}/lab/tree/{CHAPTER}?token={token}"
    finally:
        lab.terminate()
        lab.wait()


@pytest.fixture
def page() -> Iterator[Page]:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.fail("There is no chromium here: ./course test installs it.")
    options = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=options)
        page = chromium.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        chromium.close()


def menu(page: Page, name: str, item: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def cell_with(page: Page, text: str) -> Locator:
    return page.locator(".jp-CodeCell", has_text=text).first


def run_cell(page: Page, cell: Locator) -> None:
    """Run a cell by its own keyboard shortcut, and wait for its new number."""
    prompt = cell.locator(".jp-InputPrompt").first
    before = prompt.inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(prompt).not_to_have_text(before)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"))


class Plot:
    """The plot in one cell, by what a learner sees of it."""

    def __init__(self, page: Page, cell: Locator) -> None:
        self.page, self.cell = page, cell

    def press(self, text: str) -> None:
        self.cell.locator("button", has_text=text).click()

    def choose(self, label: str, option: str) -> None:
        box = self.cell.locator(".widget-dropdown", has_text=label)
        box.locator("select").select_option(option)

    def says(self, text: str | re.Pattern) -> None:
        expect(self.cell.locator("[role=status]")).to_have_text(text)

    def look(self, protocol: str = "TCP") -> tuple[int, int]:
        """A number for the picture, and how many pixels have the protocol's colour."""
        code = style(protocol).color
        color = [int(code[at : at + 2], 16) for at in (1, 3, 5)]
        return tuple(self.cell.locator("img.widget-image").evaluate(FINGERPRINT, color))

    def changes(self, protocol: str = "TCP", pixels: int = 0) -> None:
        """Wait until the picture is another one, with so many pixels of the colour."""
        before = self.look(protocol)[0]
        for _ in range(600):
            now, hits = self.look(protocol)
            if now != before and hits >= pixels:
                return
            self.page.evaluate(FRAMES, 6)
        pytest.fail("The picture does not change.")


@pytest.mark.timeout(400)
def test_the_plot_moves_and_stops_in_jupyterlab(address: str, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
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
def test_stacked_areas_with_a_table_of_flows(address: str, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address.replace(CHAPTER, "12_beyond_sockex1.ipynb"))
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
def test_the_stepper_moves_in_jupyterlab(address: str, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address.replace(CHAPTER, "07_inside_the_bytecode.ipynb"))
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
def test_links_to_exercises_lead_to_them(address: str, page: Page) -> None:
    """From a chapter's first lines, and from chapter 00's table, which keeps a verdict."""
    page.goto(address.replace(CHAPTER, "08_the_verifier.ipynb"))
    page.get_by_role("link", name="exercise 4", exact=True).click()
    expect(page.get_by_role("heading", name="Exercise 4: three roads")).to_be_in_viewport()
