"""The playground as a learner meets it: JupyterLab in a real browser, its controls pressed.

It also takes the picture in the notebook, of traffic in the private network:
PLAYGROUND_PICTURE=notebooks/images/playground.png ./course test tests/test_browser_playground.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import captures
import pytest
from browser import Lab, Plot, cell_with, run_cell
from playwright.sync_api import Page, expect
from tshark import write_pcap

from chapters.playground.traffic import datagram

pytestmark = [pytest.mark.browser, pytest.mark.kernel]


class Screen(Plot):
    """The playground in one cell, by what a learner sees of it."""

    def write(self, label: str, text: str) -> None:
        line = self.cell.locator(".widget-text", has_text=label).locator("input")
        line.fill(text)
        line.press("Enter")

    def has(self, text: str | re.Pattern) -> None:
        expect(self.cell.get_by_text(text).first).to_be_visible()

    def row(self, name: str, packets: int, size: int) -> None:
        cells = self.cell.locator("table tr", has_text=name).locator("td")
        expect(cells).to_have_text([f"{packets:,}", f"{size:,}"])

    def picture(self, path: Path) -> None:
        self.cell.locator(".jp-Cell-outputArea .widget-vbox").first.screenshot(path=path)

    def table(self, caption: str) -> None:
        expect(self.cell.locator("table caption")).to_have_text(re.compile(caption))


def opened(lab: Lab, page: Page) -> Screen:
    """The playground's notebook in JupyterLab, its first cell run."""
    page.set_viewport_size({"width": 1300, "height": 1400})
    # From here on Chromium hands its file chooser over: asked for as late as the press itself, on a
    # busy machine it sometimes came after it, and a headless Chromium then opens none.
    page.on("filechooser", lambda chooser: None)
    page.goto(lab.address("playground"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    cell = cell_with(page, "playground.open_playground()")
    run_cell(page, cell)
    return Screen(page, cell)


@pytest.mark.timeout(400)
def test_the_controls_do_what_they_say(lab: Lab, page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    screen = opened(lab, page)
    cell = screen.cell
    screen.says("Press Start.")

    screen.write("Filter", "icmp or udp")
    screen.choose("Breakdown", "size")
    screen.choose("Scale", "log")
    screen.press("Start")
    screen.says("Running on private lo.")
    for kind in ("TCP", "flows"):
        screen.press(f"Send {kind}")
    # Twenty times each: an echo and its reply, and four datagrams.
    for number in (1, 2, 3):
        screen.press("Send ping")
        screen.row("64 to 127 bytes", number * 40, number * 40 * 98)
        screen.press("Send UDP")
        screen.row("128 to 255 bytes", number * 80, number * 80 * 142)
    screen.row("under 64 bytes", 10_000, 420_000)
    screen.has(re.compile(r"^10,360 of 10,\d\d\d frames pass the filter, 465,840 bytes"))
    picture = os.environ.get("PLAYGROUND_PICTURE") or tmp_path / "playground.png"
    cell.locator(".jp-Cell-outputArea .widget-vbox").first.screenshot(path=picture)

    screen.press("Stop")
    screen.says("Stopped. Another breakdown shows the same frames; Start counts from zero.")
    before = screen.look()
    screen.choose("Breakdown", "flow")
    screen.table(r"By flow, the 8 largest of 10,0\d\d")
    assert screen.look() != before

    # A filter: a wrong one, one for nothing, one that fits.
    screen.write("Filter", "icmp or prot 53")
    expect(cell.locator("[role=alert]")).to_have_text(re.compile("'prot', offset 8"))
    screen.write("Filter", "tcp port 1")
    screen.press("Start")
    screen.press("Send ping")
    screen.has(re.compile(r"^0 of \d+ frames pass the filter"))
    screen.write("Filter", "icmp")
    screen.press("Send ping")
    screen.has(re.compile(r"^(\d+) of \1 frames pass the filter, [1-9]"))
    screen.choose("Breakdown", "protocol")
    screen.changes("ICMP", pixels=20)

    # A capture file, in place of the interface.
    write_pcap(lab.work / "three.pcap", [datagram(1), datagram(1), datagram(2)])
    screen.write("Filter", "udp")
    screen.write("Capture file", "three.pcap")
    screen.press("Count file")
    screen.says("Counted three.pcap, 3 frames. Another breakdown shows the same.")
    screen.table("By protocol, 1 found")
    screen.has("3 of 3 frames pass the filter, 126 bytes.")
    screen.press("Save CSV")
    expect(cell.locator("[role=status]")).to_have_text(re.compile("^Saved to "))
    (saved,) = lab.work.glob("playground_*.csv")
    assert saved.read_text().splitlines() == ["protocol,packets,bytes", "UDP,3,126"]
    page.screenshot(path=tmp_path / "file.png")

    run_cell(page, cell_with(page, "plot.close()"))
    screen.says("This playground is closed: run its cell again for a new one.")
    assert errors == []


@pytest.mark.timeout(400)
def test_capture_files_with_the_keyboard(lab: Lab, page: Page, tmp_path: Path) -> None:
    """Offered, chosen and counted by keys alone."""
    for name in ("Linux cooked v2", "ten at the same time"):
        data = captures.FILES[f"pcap, {name}"]
        (lab.work / f"{name.replace(' ', '_')}.pcap").write_bytes(data)
    (lab.work / "of_wireshark.pcapng").write_bytes(
        captures.FILES["pcapng, several link types and sections"]
    )
    screen = opened(lab, page)
    cell = screen.cell
    line = cell.get_by_label("Capture file")
    offered = cell.locator("datalist option").evaluate_all("all => all.map(each => each.value)")
    assert {"Linux_cooked_v2.pcap", "of_wireshark.pcapng"} <= set(offered)

    def count(name: str) -> None:
        line.focus()
        line.press("Control+a")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        expect(cell.get_by_role("button", name="Count file")).to_be_focused()
        page.keyboard.press("Enter")

    count("Linux_cooked_v2.pcap")
    screen.says("Counted Linux_cooked_v2.pcap, 38 frames. Another breakdown shows the same.")
    screen.picture(tmp_path / "cooked.png")
    count("of_wireshark.pcapng")
    screen.says(re.compile("Interfaces: eth1, eth113, eth101, eth0. Comments: made for a test"))
    screen.picture(tmp_path / "pcapng.png")
    count("ten_at_the_same_time.pcap")
    screen.says(re.compile("there is no rate: the picture has totals"))
    expect(cell.locator("img.widget-image")).to_have_attribute("title", re.compile("chart"))
    screen.picture(tmp_path / "no_rate.png")

    # The second name is written and the button pressed before the first is counted, which changes
    # what is offered.
    (lab.work / "another.pcap").write_bytes(captures.FILES["pcap, one packet"])
    count("Linux_cooked_v2.pcap")
    count("of_wireshark.pcapng")
    screen.says(re.compile("^Counted of_wireshark.pcapng"))

    # A file of the learner's own machine.
    mine = write_pcap(tmp_path / "mine.pcap", [datagram(1), datagram(1), datagram(2)])
    cell.get_by_role("button", name="Count file").focus()
    page.keyboard.press("Tab")
    expect(cell.get_by_role("button", name="Upload, up to 50 MB")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(mine)
    screen.says("Counted mine.pcap (uploaded), 3 frames. Another breakdown shows the same.")
    expect(line).to_have_value("mine.pcap (uploaded)")
    screen.write("Filter", "ip6")
    screen.has("0 of 3 frames pass the filter: is “ip6” what you are looking for?")
    screen.picture(tmp_path / "uploaded.png")


@pytest.mark.timeout(400)
def test_a_long_file_is_uploaded_and_one_that_is_too_long_refused(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    """12 MB, which is more than a Jupyter server lets pass by itself, and then 51."""
    screen = opened(lab, page)
    long = write_pcap(tmp_path / "long.pcap", [datagram(1) + bytes(958)] * 12_000)
    too_long = tmp_path / "too_long.pcap"
    with too_long.open("wb") as file:
        file.truncate(51_000_000)
    button = screen.cell.get_by_role("button", name="Upload, up to 50 MB")

    def upload(path: Path) -> None:
        with page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(path)

    upload(long)
    screen.says("Counted long.pcap (uploaded), 12,000 frames. Another breakdown shows the same.")
    screen.has("12,000 frames, 12,000,000 bytes.")
    upload(too_long)
    expect(screen.cell.get_by_role("alert")).to_have_text(
        "too_long.pcap has 51 MB, and at most 50 MB can be uploaded here: put it beside this "
        "notebook with JupyterLab's file browser, and write its name into Capture file."
    )
    screen.picture(tmp_path / "too_long.png")
    upload(long)
    screen.says("Counted long.pcap (uploaded), 12,000 frames. Another breakdown shows the same.")
