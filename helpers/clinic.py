"""The programs of chapter 08's clinic: ten that the verifier refuses, and each of them mended.

Laboratory equipment, first used in chapter 08. A program lies in bpf/clinic/, mended in
bpf/clinic/mended/. All of them include clinic.h, which has headers, a map and a licence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from IPython.display import display

from helpers import toolchain, verifier
from helpers.errors import CourseError

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
    """The C source of a case, without the lines that all of them have."""
    lines = path(name, mended).read_text().expandtabs(4).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("// SPDX", "#include"))).strip()


def case(name: str, mended: bool = False) -> verifier.Verdict:
    """Compile a case and show it to the verifier. Errors: as verifier.show, ClinicError."""
    return shown(path(name, mended))


def written(text: str) -> verifier.Verdict:
    """The same for C that a learner has written; clinic.h need not be included.

    Errors: as verifier.show, CompileError.
    """
    own = ["-DOWN_LICENSE"] if 'SEC("license")' in text else []
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        source = Path(folder) / "yours_kern.c"
        source.write_text(text)
        # Not with an #include line, so that lines count as the learner counts them.
        return shown(source, ["-include", str(FOLDER / "clinic.h"), *own])


def shown(source: Path, options: Sequence[str] = ("-I", str(FOLDER))) -> verifier.Verdict:
    """Compile a C file and show it to the verifier; the object file does not stay."""
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        target = Path(folder) / f"{source.stem}.o"
        return verifier.show(toolchain.compile_bpf(source, target, options))


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


def gallery(*names: str) -> None:
    """Several cases, each folded until it is clicked; they are loaded now."""
    for name in names:
        display(Page(name))
