"""What a learner should not see before they hand in: two right monitors, and wrong ones.

Laboratory equipment, used in chapter 14. packed.txt says in its first line what it is; opening it
is a decision, and no secret is kept by it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap

FILE = Path(__file__).with_name("packed.txt")
NOTE = (
    "Two right monitors and the wrong ones that your tests meet, packed (zlib, base64): what you "
    "unpack is not yours any more to find."
)
FOR_LEARNERS_TESTS = 6  # the first so many wrong ones


@dataclass(frozen=True)
class Wrong:
    """A monitor with one fault. class_name: the class of traffic.CLASSES that shows it."""

    source: str
    class_name: str


def pack(references: Mapping[str, str], faults: Mapping[str, list[str]]) -> str:
    """The text of packed.txt.

    Arguments: references: C texts by the design's name. faults: by name, what stands in the
        reference "socket", what stands there instead, and the class that shows it.
    """
    data = json.dumps({"references": references, "faults": faults}).encode()
    return "\n".join([NOTE, *wrap(base64.b64encode(zlib.compress(data, 9)).decode(), 100), ""])


@cache
def _unpacked() -> dict:
    _, _, rest = FILE.read_text().partition("\n")
    return json.loads(zlib.decompress(base64.b64decode(rest)))


def references() -> dict[str, str]:
    """The C texts of two right monitors, by their design."""
    return _unpacked()["references"]


def wrong() -> dict[str, Wrong]:
    """The wrong ones by name; the first FOR_LEARNERS_TESTS meet the learner's tests."""
    right = references()["socket"]
    return {
        name: Wrong(right.replace(old, new), shown)
        for name, (old, new, shown) in _unpacked()["faults"].items()
    }
