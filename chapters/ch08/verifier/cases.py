"""C that is compiled and shown to the verifier: the clinic's programs, and a learner's own.

Laboratory equipment, first used in chapter 08, the_verifier. A case lies in bpf/clinic/, mended in
bpf/clinic/mended/. All of them include clinic.h, which has headers, a map and a licence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from chapters.ch08.verifier.load import LEAST_CAPABILITIES, show
from chapters.ch08.verifier.verdict import KernelVerdict
from helpers import toolchain
from helpers.errors import CourseError

FOLDER = toolchain.SOURCES / "clinic"
# Included by an option, not by a line, so that lines count as the learner counts them.
OPTIONS = ("-I", str(FOLDER), "-include", "clinic.h")
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


def written(
    text: str,
    holding: Sequence[str] = LEAST_CAPABILITIES,
    options: Sequence[str] = OPTIONS,
) -> KernelVerdict:
    """C that a learner has written, compiled and shown to the verifier.

    Arguments: text: clinic.h need not be included. options: for clang, instead of those that
    include it.
    Errors: as verifier.show, CompileError.
    """
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        target = compile(text, Path(folder) / "yours_kern.o", options)
        return show(target, holding, written=(text, options))


def compile(text: str, target: Path, options: Sequence[str] = OPTIONS) -> Path:
    """Compile C that a learner has written. Errors: CompileError."""
    own = ["-DOWN_LICENSE"] if 'SEC("license")' in text else []
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        source = Path(folder) / "yours_kern.c"
        source.write_text(text)
        return toolchain.compile_bpf(source, target, [*options, *own])
