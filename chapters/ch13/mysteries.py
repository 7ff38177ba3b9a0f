"""The four packets of exercise 2, without their titles.

Laboratory equipment, used in chapter 13.
"""

from __future__ import annotations

from functools import partial

from chapters.ch13 import film, recording, ways
from chapters.ch13.check import LOST
from helpers.netlab import Network


def made(net: Network) -> dict[str, film.Journey]:
    """By letter, the journey of a packet that was lost in the way that the check expects.

    Where recording is refused, each is one that comes with the course: see recording.recorded.
    Errors: film.FilmError if no packet was dropped. For chapter 13.
    """
    return {letter: of_way(net, way) for letter, (way, _) in LOST.items()}


def of_way(net: Network, way: str) -> film.Journey:
    """The last packet that was dropped while one was lost in that way."""
    recorded = recording.recorded(net, partial(ways.WAYS[way], net), way)
    dropped = [each for each in film.journeys(recorded.events) if each.dropped]
    return film.shown(dropped)[-1]
