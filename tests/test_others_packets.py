"""Whose packets an interface of this machine has is said before the first is opened."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field

import pytest
import stored

from chapters.playground import Playground
from helpers import netlab, rights
from helpers.live.attachment import Tap

FAST = 0.05  # seconds between readings


@pytest.mark.parametrize("name", ["00_start_here", "04_live_plot", "playground"])
def test_a_notebook_says_it_where_such_an_interface_is_chosen_first(name):
    (path,) = (path for path in stored.NOTEBOOKS if path.stem == name)
    texts = [cell.source for cell in stored.read(path).cells]
    said = next(at for at, text in enumerate(texts) if rights.OTHERS_PACKETS in text)
    chosen = [at for at, text in enumerate(texts) if "choose(interface=label)" in text]
    assert all(said < at for at in chosen)
    assert rights.OTHERS_PACKETS.count(". ") == 1  # two sentences


@dataclass(frozen=True)
class Told(Tap):
    """A place that tells when it is opened."""

    label: str = ""
    opened: list = field(default_factory=list)

    def __call__(self) -> socket.socket:
        self.opened.append(self.label)
        return super().__call__()


@pytest.mark.kernel
def test_the_playground_says_it_before_it_opens_the_first_and_not_again(net: netlab.Network):
    opened = []

    def at(fd: int) -> dict:
        labels = ("private lo", "card", "other card")
        return {label: Told(net, fd, "lo", False, label, opened) for label in labels}

    async def main() -> None:
        with Playground(net, at, interval=FAST) as play:
            play.start()
            play.controls.interface.value = "card"  # as a hand does it
            assert not play.running and opened == ["private lo"]
            assert play.controls.sentence.startswith(rights.OTHERS_PACKETS)
            assert "press Start, which opens card" in play.controls.sentence
            play.start()
            assert play.running and opened == ["private lo", "card"]
            for label in ("private lo", "other card"):
                play.controls.interface.value = label
                assert play.running and opened[-1] == label

    asyncio.run(main())


@pytest.mark.kernel
def test_an_interface_that_a_cell_names_is_opened_at_once(net: netlab.Network):
    def at(fd: int) -> dict:
        return {"private lo": Tap(net, fd, "lo", False), "card": Tap(net, fd, "lo", False)}

    async def main() -> None:
        with Playground(net, at, interval=FAST) as play:
            play.start()
            play.choose(interface="card")
            assert play.running and rights.OTHERS_PACKETS not in play.controls.sentence

    asyncio.run(main())
