"""A learner's JupyterLab in a real browser: the server, the page, and what one presses there."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from stored import COURSE
from waiting import listens

from helpers.pictures import style
from tools import environment, workspace
from tools.lab import look

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
    # Cells out of sight stay in the page, where links and the tests find them.
    "notebook-extension/tracker": environment.SETTINGS["@jupyterlab/notebook-extension:tracker"],
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


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs. origin: http://127.0.0.1:PORT. work: the learner's copies."""

    origin: str
    token: str
    work: Path

    def address(self, notebook: str) -> str:
        """Where a notebook opens, in a workspace of its own: without the others' tabs."""
        workspace = f"{self.origin}/lab/workspaces/{notebook}"
        return f"{workspace}/tree/{notebook}.ipynb?token={self.token}"

    def shut_down(self) -> None:
        """End every kernel, and wait until each is gone."""
        for session in json.loads(self._ask("sessions")):
            self._ask(f"sessions/{session['id']}", "DELETE")

    def signal_kernel(self, number: int) -> None:
        """Send a signal to the only kernel that runs; that of death is what the kernel of Linux
        sends where memory runs out."""
        (only,) = [path for path in Path("/proc").glob("[0-9]*/cmdline") if self.is_kernel(path)]
        os.kill(int(only.parent.name), number)

    def is_kernel(self, command: Path) -> bool:
        """Whether a process is one of this JupyterLab's kernels."""
        try:
            return os.fsencode(self.work.parent) in (said := command.read_bytes()) and (
                b"ipykernel_launcher" in said
            )
        except (FileNotFoundError, ProcessLookupError):
            return False

    def _ask(self, what: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(f"{self.origin}/api/{what}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request) as answer:
            return answer.read()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab of the tests' own."""
    folder, token = tmp_path_factory.mktemp("lab"), secrets.token_hex(16)
    work = folder / "work"
    workspace.copy_chapters(COURSE / "notebooks", work)
    for name, setting in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting))
    look(folder / "jupyter_config_dir")
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    command = [Path(sys.executable).with_name("jupyter"), "lab", "--no-browser", "--ip=127.0.0.1"]
    command += ["--port=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}"]
    command += ["--LabApp.custom_css=True", "--LabApp.expose_app_in_browser=True"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    variables = os.environ | {name: str(folder / name.lower()) for name in folders}
    variables["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    lab = subprocess.Popen(
        command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
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
        assert listens(int(found[1].rpartition(":")[2]))
        yield Lab(found[1], token, work)
    finally:
        lab.terminate()
        lab.wait()


@pytest.fixture
def lab(server: Lab) -> Iterator[Lab]:
    """A JupyterLab without a kernel. One serves all of a worker's tests, as it would a learner."""
    yield server
    server.shut_down()


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    """A browser, which has loaded JupyterLab once after the first test.

    Not the session's: while one is open, playwright has an event loop running in this thread, and
    the tests that come after could start none.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.fail("There is no chromium here: ./course test installs it.")
    options = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=PATIENCE)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=browser, args=options) as started,
        started.new_context(viewport={"width": 1300, "height": 1000}) as context,
    ):
        context.set_default_timeout(PATIENCE)
        yield context


@pytest.fixture
def page(lab: Lab, chromium: BrowserContext) -> Iterator[Page]:
    """A page on nothing yet; closed before the kernels are ended."""
    with chromium.new_page() as page:
        yield page


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

    def says(self, text: str | re.Pattern, whole: bool = True) -> None:
        status = expect(self.cell.locator("[role=status]"))
        status.to_have_text(text) if whole else status.to_contain_text(text)

    def look(self, protocol: str = "TCP") -> tuple[int, int]:
        """A number for the picture, and how many pixels have the protocol's colour."""
        code = style(protocol).color
        color = [int(code[at : at + 2], 16) for at in (1, 3, 5)]
        return tuple(self.cell.locator("img.widget-image").evaluate(FINGERPRINT, color))

    def changes(
        self, protocol: str = "TCP", pixels: int = 0, before: tuple[int, int] | None = None
    ) -> None:
        """Wait until the picture is another one than before, with so many pixels of the colour.

        Arguments: before: what look() said; None: as it is now.
        """
        before = (before or self.look(protocol))[0]
        for _ in range(600):
            now, hits = self.look(protocol)
            if now != before and hits >= pixels:
                return
            self.page.evaluate(FRAMES, 6)
        pytest.fail("The picture does not change.")
