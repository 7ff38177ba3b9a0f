"""What leaves a notebook for a room's board: which exercise, how far, and which mistake.

Laboratory equipment, of the checks. Nothing is written before the learner has agreed, on the page
that their own server shows; no code and no answer ever is: a mistake is told in the check's own
words, as they stand in its source. A cell only writes a small file; the server sends it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import time
from functools import cache
from pathlib import Path

PLACE = ".board"  # in work/
AGREED, OUTBOX = "agreed", "outbox"
GAP = "…"  # where the check says a number, a name or a word of the answer
SHORTEST = 12  # letters, for a sentence that is told from others


def agreed(work: Path) -> bool:
    """Whether the learner of this folder has agreed that something is sent."""
    return (work / PLACE / AGREED).exists()


def note(work: Path, event: dict[str, object]) -> None:
    """Have the server send this, if the learner agreed. Errors: OSError."""
    if not agreed(work):
        return
    outbox = work / PLACE / OUTBOX
    name = f"{time.time_ns()}-{os.getpid()}"
    unfinished = outbox / f"{name}.unfinished"
    unfinished.write_text(json.dumps(event | {"time": round(time.time(), 3)}), "utf-8")
    unfinished.replace(outbox / f"{name}.json")


@cache
def sentences(source: Path) -> list[tuple[str, ...]]:
    """The sentences in a module's source, the longest first; each in parts, with gaps between."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add((node.value,))
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                each.value if isinstance(each, ast.Constant) else "\0" for each in node.values
            )
            found.add(tuple(text.split("\0")))
    long = [parts for parts in found if sum(map(len, parts)) >= SHORTEST]
    return sorted(long, key=lambda parts: (-sum(map(len, parts)), parts))


def own_words(text: str, *sources: Path) -> str:
    """A hint with a gap for everything that is not in the source of the checks; "" if all is.

    Arguments: what a check said; the files that its sentences stand in.
    """
    for parts in (each for source in sources for each in sentences(source)):
        if re.fullmatch("(.*)".join(map(re.escape, parts)), text, re.DOTALL):
            return GAP.join(parts)
    return ""


def of_check(module: str, text: str) -> str:
    """The same for the check of a chapter, such as "chapters.ch03.check", and what it asks."""
    check = sys.modules[module]
    asked = {
        getattr(each, "__module__", getattr(each, "__name__", "")) for each in vars(check).values()
    }
    names = [module, "helpers.check", *sorted(filter(None, asked - {module, "helpers.check"}))]
    ours = [each for each in names if each.startswith(("helpers.", "chapters."))]
    return own_words(text, *(Path(sys.modules[each].__file__) for each in ours))


def letter(said: object) -> str:
    """A prediction as the board takes it: one letter, or "" for none and for all else."""
    word = said.strip(" ()").lower() if isinstance(said, str) else ""
    return word if re.fullmatch("[a-z]", word) else ""
