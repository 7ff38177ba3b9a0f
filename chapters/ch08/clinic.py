"""The programs of chapter 08's clinic: ten that the verifier refuses, and each of them mended.

Laboratory equipment, first used in chapter 08. A program lies in bpf/clinic/, mended in
bpf/clinic/mended/. All of them include clinic.h, which has headers, a map and a licence.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from IPython.display import display

from chapters.ch08 import verifier
from helpers import toolchain
from helpers.errors import CourseError
from helpers.table import Table

FOLDER = toolchain.SOURCES / "clinic"
# The name of each program, and what its author believed.
CASES = {
    "null_check": "a counter is always found",
    "bounds": "a packet is long enough",
    "second_argument": "a program is also given the length",
    "padding": "a key with all fields set is a key",
    "key_size": "a protocol number is one byte",
    "loop": "a loop over the packet ends with the packet",
    "stack": "a buffer here, a buffer there",
    "wrong_type": "a program can change the packet",
    "licence": "our code, our licence",
    "pointer": "an address makes a good name",
}


class ClinicError(CourseError):
    """There is no such program in the clinic."""


def path(name: str, mended: bool = False) -> Path:
    """Where the C source of a case lies. Errors: ClinicError, naming those that there are."""
    if name not in CASES:
        raise ClinicError(f"There is no case {name!r}; there is: {', '.join(CASES)}.")
    return FOLDER / ("mended" if mended else "") / f"{name}_kern.c"


def code(name: str, mended: bool = False) -> str:
    """The C source of a case, without the lines that are the same in all of them."""
    lines = path(name, mended).read_text().expandtabs(4).splitlines()
    everywhere = ("// SPDX", '#include "clinic.h"', "#define OWN_LICENSE")
    return "\n".join(line for line in lines if not line.startswith(everywhere)).strip()


def case(
    name: str, mended: bool = False, holding: Sequence[str] = verifier.LEAST_CAPABILITIES
) -> verifier.KernelVerdict:
    """Compile a case and show it to the verifier; lines count as in code().

    Errors: as verifier.show, ClinicError.
    """
    return written(code(name, mended), holding)


def written(
    text: str, holding: Sequence[str] = verifier.LEAST_CAPABILITIES
) -> verifier.KernelVerdict:
    """The same for C that a learner has written; clinic.h need not be included.

    Errors: as verifier.show, CompileError.
    """
    # Included by an option, not by a line, so that lines count as the learner counts them.
    options = ["-I", str(FOLDER), "-include", "clinic.h"]
    if 'SEC("license")' in text:
        options.append("-DOWN_LICENSE")
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        source = Path(folder) / "yours_kern.c"
        source.write_text(text)
        target = toolchain.compile_bpf(source, source.with_suffix(".o"), options)
        return verifier.show(target, holding)


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
