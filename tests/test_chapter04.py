"""Chapter 04 asks whether its plot missed a ping: none, however slowly they are sent."""

from __future__ import annotations

import ast
import asyncio
import threading
import time

import numpy as np
import pytest
import stored

from helpers import live, traffic
from helpers.counters import Counters
from helpers.live import moving
from helpers.loader import LoadedObject
from helpers.netlab import Network

(CHAPTER,) = (path for path in stored.CHAPTERS if path.name.startswith("04"))
PINGS = 30  # the cell's, and the number that the cell after it names
READINGS_A_PING = 2  # at ten readings a second twice as long as the pings take by themselves


class Told(Counters):
    """Counters that tell each reading to whoever waits for one."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.readings = threading.Semaphore(0)

    def read(self) -> np.ndarray:
        values = super().read()
        self.readings.release()
        return values


@pytest.mark.kernel
def test_the_plot_stops_after_the_last_ping_however_slow_the_sender(
    net: Network, sockex1: LoadedObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Told(sockex1.map("bytes_by_protocol")) as counters:

        def slowly(network: Network) -> None:
            for _ in range(READINGS_A_PING):
                assert counters.readings.acquire(timeout=10)
            traffic.echo(network)

        monkeypatch.setattr(live, "SENDS", {**moving.SENDS, "ping": slowly})
        cells = [cell.source for cell in stored.code_cells(CHAPTER)]
        (cell,) = (source for source in cells if "share = " in source)
        known = {"asyncio": asyncio, "time": time}

        async def run() -> None:
            at = live.interfaces(net, sockex1.program("count_bytes").fd)
            known["home"], *_ = at
            with live.LivePlot(counters, at, net) as plot:
                known["plot"] = plot
                await eval(compile(cell, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), known)
                assert not plot.running

        asyncio.run(run())
        icmp = known["plot"].table()["ICMP"]
        assert f"{PINGS} * 196" in "".join(cells)
        assert len(icmp) > READINGS_A_PING * PINGS
        assert icmp[-1] - icmp[0] == PINGS * 196
