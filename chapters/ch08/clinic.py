"""The programs of chapter 08's clinic: ten that the verifier refuses, and each of them mended.

Laboratory equipment, first used in chapter 08. A program lies in bpf/clinic/, mended in
bpf/clinic/mended/. All of them include clinic.h, which has headers, a map and a licence.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from IPython.display import display

from chapters.ch08 import verifier
from chapters.ch08.verifier.cases import CASES, FOLDER, ClinicError, code, path, written
from helpers.table import Table

__all__ = ["CASES", "FOLDER", "ClinicError", "case", "code", "gallery", "path", "show_code"]
__all__ += ["summary", "written"]


def case(
    name: str, mended: bool = False, holding: Sequence[str] = verifier.LEAST_CAPABILITIES
) -> verifier.KernelVerdict:
    """Compile a case and show it to the verifier; lines count as in code().

    Errors: as verifier.show, ClinicError.
    """
    return written(code(name, mended), holding)


@dataclass(frozen=True)
class Page:
    """One case, folded: its program, the verdict, and the program mended."""

    name: str

    def __repr__(self) -> str:
        with case(self.name) as refused, case(self.name, mended=True) as mended:
            return "\n\n".join(
                [
                    f"== {self.name}: {CASES[self.name]}",
                    code(self.name),
                    repr(refused),
                    f"Mended: {mended.lines()[0][0].lower()}",
                    code(self.name, mended=True),
                ]
            )

    def _repr_html_(self) -> str:
        with case(self.name) as refused, case(self.name, mended=True) as mended:
            said = mended.lines()[0][0].lower()
            return (
                f"<details><summary><b>{self.name}</b>: {escape(CASES[self.name])}</summary>"
                f"{_block(code(self.name))}"
                f"<details><summary>What the verifier says</summary>{refused._repr_html_()}"
                "</details>"
                f"<details><summary>Mended ({said})</summary>"
                f"{_block(code(self.name, mended=True))}</details></details>"
            )


def _block(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def show_code(name: str, mended: bool = False) -> None:
    """The program of a case on the page, as C."""
    text = code(name, mended)
    display({"text/markdown": f"```c\n{text}\n```", "text/plain": text}, raw=True)


def summary() -> Table:
    """Every case in a row: the error, the line that decided, and why; loaded now, and folded."""
    rows = []
    for name in CASES:
        with case(name) as verdict:
            refusal = verdict.refusal
            line = refusal.instruction.source.strip() if refusal and refusal.instruction else ""
            number = errno.errorcode.get(verdict.number, str(verdict.number))
            rows.append((name, number, line, refusal.reason if refusal else "accepted"))
    return Table("All ten: what decided, and why", ("case", "error", "line", "why"), rows, True)


def gallery(*names: str) -> None:
    """Several cases, each folded until it is clicked; they are loaded now."""
    for name in names:
        display(Page(name))
