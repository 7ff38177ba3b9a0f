"""What would be accepted: the smallest change to a refused program that this kernel takes.

Laboratory equipment, first used in chapter 08, the_verifier, after one's own try. A change is only
shown if the kernel has accepted the program with it, loaded with the same rights.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from chapters.ch08.verifier import cases
from chapters.ch08.verifier.changes import CHANGES, leave_it_out
from chapters.ch08.verifier.load import NotOneProgramError
from chapters.ch08.verifier.source import Source, bare
from chapters.ch08.verifier.verdict import KernelVerdict
from helpers import asm, loader, toolchain

MAX_TRIED = 24  # changes, for one program
YOURS_FIRST = (
    "Your own try comes first: your program is still the one that was refused. Change it, run its "
    "cell, and then this one again."
)
NOT_MEANT = (
    "Accepted is not the same as meant: the verifier asks whether it does harm, and only you know "
    "what it should do."
)


@dataclass(frozen=True)
class Proposal:
    """A change that this kernel has accepted: change, as a diff, text, the program with it; both ""
    if none was found. said: what there is to say about it. tried: how many were shown to it."""

    said: str
    change: str = ""
    text: str = ""
    tried: int = 0

    @property
    def found(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return f"{self.said}\n\n{self.change}" if self.change else self.said

    def _repr_html_(self) -> str:
        change = (
            f"<details><summary>The change</summary><pre><code>{escape(self.change)}</code></pre>"
            "</details>"
        )
        return f"<p>{escape(self.said)}</p>{change if self.change else ''}"


def propose(
    refused: KernelVerdict,
    written: Callable[..., KernelVerdict] = cases.written,
    own: str | None = None,
) -> Proposal:
    """The smallest change, of those that the course knows for the reason, that the kernel accepts.

    Arguments: refused: the verdict on a program that was written as text, such as clinic.written
    gives. written: compiles a text and shows it to the kernel, with these rights and options.
    own: what the learner has made of the program, who is asked for a try first; None: nobody is.
    Result: a Proposal; without a change if the program was accepted, is not there as C, has
    no known reason, or none of the changes helps. It takes as long as up to 24 compilations.
    Errors: as verifier.show. Chapter 08.
    """
    refusal = refused.refusal
    if refusal is None:
        return Proposal("The program was accepted: there is nothing to change.")
    if not refused.source:
        return Proposal("The program's C is not at hand: give it as text, by clinic.written.")
    if not refusal.explained or refusal.instruction is None:
        return Proposal("The reader has no reason for this refusal, so it has nothing to propose.")
    if own is not None and bare(str(own)) == bare(refused.source):
        return Proposal(YOURS_FIRST)
    lines, at = tuple(refused.source.expandtabs(4).splitlines()), refusal.instruction.line
    source = Source(lines, at, refused.type)
    if not source.has(refusal.instruction):
        return Proposal("The refused line is not in this text, so there is nothing to propose.")
    changed = _candidates(source, refused)
    tried, text = 0, ""
    for tried, each in enumerate(changed, 1):  # noqa: B007
        if _accepted(each, refused, written):
            text = each
            break
    if not text:
        shown = f"the kernel accepts none of the {tried} changes that were tried"
        said = shown if tried else "the course knows no change for this reason"
        return Proposal(
            f"No proposal: {said}. The reason and the chain are all it has.", tried=tried
        )
    return Proposal(
        f"This kernel accepts the program with this change, with the same rights. {NOT_MEANT}",
        _diff("\n".join(lines), text),
        text,
        tried,
    )


def _candidates(source: Source, refused: KernelVerdict) -> list[str]:
    """What can be tried, each once: the small ones first, and last that the line is left out."""
    found: dict[str, tuple[bool, int]] = {}
    for change in CHANGES.get(refused.refusal.key, ()):
        for text in change(source, refused):
            found.setdefault(text, (change is leave_it_out, _size(source.text, text)))
    found.pop(source.text, None)
    return sorted(found, key=found.get)[:MAX_TRIED]


def _size(old: str, new: str) -> int:
    """How many lines go or come."""
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return sum(line.startswith(("+ ", "- ")) for line in lines)


def _accepted(text: str, refused: KernelVerdict, written: Callable[..., KernelVerdict]) -> bool:
    try:
        with written(text, refused.holding, refused.options) as verdict:
            return verdict.accepted
    except (toolchain.CompileError, loader.LoadError, asm.LinkError, NotOneProgramError):
        return False


def _diff(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "", "", "", "", 2, "")
    return "\n".join(" ..." if line.startswith("@@") else line for line in list(lines)[3:])
