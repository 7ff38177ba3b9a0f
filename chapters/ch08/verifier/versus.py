"""My typing or my kernel? A program beside the course's own.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from chapters.ch08.verifier import cases
from chapters.ch08.verifier.load import LEAST_CAPABILITIES
from chapters.ch08.verifier.place import as_text
from helpers.asm import Instruction
from helpers.table import Table


@dataclass(frozen=True)
class Comparison:
    """sentence: which of both this kernel accepts, and what follows. source: the lines of C that
    differ, as a diff from yours to the course's own. bytecode: both programs, side by side."""

    sentence: str
    source: str
    bytecode: Table

    def __repr__(self) -> str:
        return f"{self.sentence}\n\n{self.source}\n\n{self.bytecode!r}"

    def _repr_html_(self) -> str:
        return (
            f"<p>{escape(self.sentence)}</p><pre><code>{escape(self.source)}</code></pre>"
            f"{self.bytecode._repr_html_()}"
        )


def compare(mine: str, name: str, holding: Sequence[str] = LEAST_CAPABILITIES) -> Comparison:
    """A learner's program and the course's own: source, bytecode, and what this kernel says.

    Arguments: mine: C; name: a case of the clinic, of which the mended program is taken.
    holding: the capabilities to load both with.
    Errors: as verifier.show, CompileError, ClinicError. Chapter 08.
    """
    own = cases.code(name, mended=True)
    with cases.written(own, holding) as theirs, cases.written(mine, holding) as yours:
        said = sentence(yours.accepted, theirs.accepted)
        return Comparison(
            said, differing(mine, own), side_by_side(yours.instructions, theirs.instructions)
        )


def sentence(mine: bool, own: bool) -> str:
    """What it means that the kernel accepts these of both."""
    if mine and own:
        return "This kernel accepts both, yours and the course's own."
    if own:
        return (
            "This kernel accepts the course's own program and refuses yours: it is not the kernel, "
            "it is in the lines that differ."
        )
    if mine:
        return "This kernel accepts yours, and refuses the course's own: it is the kernel."
    return (
        "This kernel refuses both, yours and the course's own, with the same rights: whatever "
        "differs, the kernel alone is enough."
    )


def differing(mine: str, own: str) -> str:
    """A diff from one text to the other, without regard to comments, tabs and empty lines."""
    lines = list(difflib.unified_diff(_plain(mine), _plain(own), "yours", "own", "", "", 2, ""))
    return "\n".join(line for line in lines if not line.startswith("@@")) or "No line differs."


def _plain(text: str) -> list[str]:
    lines = (line.partition("//")[0].rstrip() for line in text.expandtabs(4).splitlines())
    return [line for line in lines if line]


def side_by_side(mine: Sequence[Instruction], own: Sequence[Instruction]) -> Table:
    """Both listings, with what is the same in one row; in others the mark says which has it."""
    left, right = [as_text(i) for i in mine], [as_text(i) for i in own]
    rows: list[tuple[str, ...]] = []
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        for n in range(max(b - a, d - c)):
            i = mine[a + n] if a + n < b else None
            j = own[c + n] if c + n < d else None
            mark = "" if what == "equal" else "|" if i and j else "<" if i else ">"
            rows.append((_row(i), mark, _row(j)))
    alike = sum(not mark for _, mark, _ in rows)
    caption = f"The bytecode: {alike} of {len(rows)} rows are the same"
    return Table(caption, ("yours", "", "the course's own"), rows, folded=True)


def _row(i: Instruction | None) -> str:
    return f"{i.number}: {as_text(i)}" if i else ""
