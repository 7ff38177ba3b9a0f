"""Capture files of every kind: by class, what the playground counts in them is what tshark says.

It also writes the table in docs/captures.md:
CAPTURES_TABLE=docs/captures.md ./course test tests/test_captures.py
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import captures
import pytest
import tshark

from chapters.playground.capture import Capture
from chapters.playground.history import History
from chapters.playground.program import Counting
from helpers import cbpf

pytestmark = pytest.mark.kernel


def counted(path: Path, expression: str = "") -> tuple[History, Capture]:
    """What the playground's program counts in a file."""
    with Counting() as counting:
        history, capture = History(), Capture(path)
        capture.looked()
        filters = {
            each: cbpf.compile_for_file(expression, *each) for each in capture.beginnings
        }
        last = None
        for progress in capture.feed(counting.program, filters if expression else None):
            if progress.seconds is not None:
                history.add(progress.seconds, counting.read())
                last = progress
        assert last.frames == capture.frames
        return history, capture


def by_tshark(path: Path) -> dict[str, tuple[int, int]]:
    wanted: dict[str, tuple[int, int]] = {}
    for name, length in tshark.classes(path):
        packets, size = wanted.get(name, (0, 0))
        wanted[name] = packets + 1, size + length
    return wanted


def write(folder: Path, name: str) -> Path:
    path = folder / "capture"
    path.write_bytes(captures.FILES[name])
    return path


@pytest.mark.parametrize("name", captures.FILES)
def test_what_is_counted_in_a_file_is_what_tshark_says(tmp_path, name):
    path = write(tmp_path, name)
    history, _ = counted(path)
    rows = {group: (packets, size) for group, packets, size in history.rows("protocol")}
    assert rows == by_tshark(path)
