"""From C to an object file that holds BPF bytecode.

The second stage of the road. Built in chapter 02, compile_the_sample.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers.errors import CourseError

COURSE = Path(__file__).resolve().parent.parent
SOURCES = COURSE / "bpf"
BUILD = COURSE / "build"


class CompileError(CourseError):
    """clang is missing, or it refused the source; the message holds clang's first complaint."""


def compile_bpf(
    source: str | Path, output: str | Path | None = None, options: Sequence[str] = ()
) -> Path:
    """Compile one C file to a BPF object file.

    Arguments:
        source: the C file; a bare name such as "sockex1_kern.c" is looked up in bpf/.
        output: where the object file goes; by default build/, beside bpf/, with the ending .o.
        options: further options for clang, put last so that they win, for example ["-mcpu=v1"].
    Result: the path of the object file.
    Errors: CompileError.
    Source: clang(1); Documentation/bpf/clang-notes.rst in the kernel tree.
    Built in chapter 02.
    """
    source = find_source(source)
    output = Path(output) if output else BUILD / f"{source.stem}.o"
    if shutil.which("clang") is None:
        raise CompileError("clang is not installed: run ./course lab, or install clang.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        # Written beside the target and renamed, so that nobody ever reads half an object file.
        with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
            unfinished = Path(scratch) / output.name
            run_clang(source, unfinished, options)
            unfinished.replace(output)
    except OSError as error:
        raise CompileError(
            f"The object file cannot be written to {output.parent} ({error.strerror}): "
            "name a folder of your own as output."
        ) from error
    return output


def find_source(source: str | Path) -> Path:
    """The C file itself, or the one of that name in bpf/. Built in chapter 02.

    Errors: CompileError, naming the C files that there are.
    """
    for candidate in (Path(source), SOURCES / source):
        if candidate.is_file():
            return candidate
    known = ", ".join(sorted(path.name for path in SOURCES.glob("*_kern.c")))
    raise CompileError(f"There is no C file {source}; bpf/ has: {known}.")


def run_clang(source: Path, output: Path, options: Sequence[str] = ()) -> None:
    """Run clang on one file, and turn its refusal into a CompileError. Built in chapter 02."""
    # chapter 02: begin clang
    command = ["clang", "-target", "bpf", "-O2", "-g", "-Wall", *include_options(), *options]
    command += ["-c", str(source), "-o", str(output)]
    result = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )
    # chapter 02: end clang
    if result.returncode != 0:
        raise CompileError(readable(result.stderr, source))


def include_options() -> list[str]:
    """Where Debian and Ubuntu keep <asm/types.h>: clang for BPF does not look there by itself."""
    folder = Path(f"/usr/include/{platform.machine()}-linux-gnu")
    return ["-idirafter", str(folder)] if folder.is_dir() else []


def readable(complaint: str, source: Path) -> str:
    """clang's first error as one sentence, then the lines that point at the place.

    Built in chapter 02.
    """
    missing = re.search(r"fatal error: '(.+?)' file not found", complaint)
    if missing:
        package = "libbpf-dev" if missing[1].startswith("bpf/") else "linux-libc-dev"
        return f"The header {missing[1]} is missing: run ./course lab, or install {package}."
    lines = complaint.splitlines()
    for number, line in enumerate(lines):
        found = re.match(r".*?:(\d+):(\d+): (?:fatal )?error: (.*)", line)
        if found:
            place = "\n".join(lines[number + 1 : number + 3])
            return (
                f"{source.name} does not compile: line {found[1]}, column {found[2]}: {found[3]}. "
                f"Mend that line first; later complaints often follow from it.\n{place}"
            )
    return f"clang stopped without naming a line: {complaint.strip()}"
