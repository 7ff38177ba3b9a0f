"""Chapter 13's film in a browser: by the keyboard, back and forth, packet after packet."""

from __future__ import annotations

import nbformat
from browser import run_cell
from playwright.sync_api import expect

FILM = """from chapters.ch13 import film, recording

film.Player(film.journeys(recording.read(recording.stored("ping")).events))
"""


def test_the_film_is_walked_through_by_the_arrow_keys_and_the_picture_follows(lab, page):
    cell = nbformat.v4.new_code_cell(FILM)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    made = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    nbformat.write(made, lab.work / "film.ipynb")
    page.goto(lab.address("film"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle").first).to_be_visible()
    cell = page.locator(".jp-CodeCell").first
    run_cell(page, cell)
    stations = cell.get_by_label("Station")
    picture = cell.locator("img.widget-image")
    expect(cell).to_contain_text("Station 1 of 7, net_dev_queue at lo")
    pictures = [picture.get_attribute("src")]
    stations.focus()
    for key, said in (
        ("ArrowDown", "Station 2 of 7, net_dev_start_xmit at lo"),
        ("End", "Station 7 of 7, consume_skb"),
        ("ArrowUp", "Station 6 of 7, netif_receive_skb at lo"),
    ):
        page.keyboard.press(key)
        expect(cell).to_contain_text(said)
        expect(picture).not_to_have_attribute("src", pictures[-1])
        pictures.append(picture.get_attribute("src"))
    assert len(set(pictures)) == 4
    cell.get_by_label("Packet").select_option(index=1)
    expect(cell).to_contain_text("Station 1 of 7, net_dev_queue at lo")
    expect(picture).not_to_have_attribute("src", pictures[-1])
