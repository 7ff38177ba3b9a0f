"""From C to an object file that holds BPF bytecode.

The second stage of the road. Built in chapter 02, compile_the_sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.errors import CourseError

COURSE = Path(__file__).resolve().parent.parent
# What the course writes: beside its sources, or, in a room, in a folder of the learner's own.
PLACE = Path(os.environ.get("COURSE_PLACE") or COURSE)
SOURCES = COURSE / "bpf"
BUILD = PLACE / "build"
WORK = PLACE / "work"
MADE_BEFORE = COURSE / "made_before"  # is there in the page alone
HEADERS = Path("/usr/include")
# A function that nothing declares would only be missed when the program is loaded.
STRICT = ["-Werror=implicit-function-declaration"]


class CompileError(CourseError):
    """clang is missing, or it refused the source.

    The message holds clang's first complaint; `log` has all of them.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


def compile_bpf(
    source: str | Path, output: str | Path | None = None, options: Sequence[str] = ()
) -> Path:
    """Compile one C file to a BPF object file.

    Arguments:
        source: the C file; a bare name such as "sockex1_kern.c" is looked up in bpf/.
        output: where the object file goes; by default build/, beside bpf/, with the ending .o.
        options: further options for clang, put last so that they win, for example ["-mcpu=v3"].
    Result: the path of the object file.
    Errors: CompileError.
    Source: clang(1); Documentation/bpf/clang-notes.rst in the kernel tree.
    Built in chapter 02.
    """
    source = find_source(source)
    output = Path(output) if output else BUILD / f"{source.stem}.o"
    try:
        if MADE_BEFORE.is_dir() and (made := made_before(source, options)).is_file():
            import shutil

            output.parent.mkdir(parents=True, exist_ok=True)
            return Path(shutil.copyfile(made, output))
        put(output, lambda unfinished: run_clang(source, unfinished, options))
    except OSError as error:
        from helpers.places import unwritable  # rarely needed

        said = unwritable(output.parent, error)
        raise CompileError(f"The object file cannot be written, {said}") from error
    return output


def made_before(source: Path, options: Sequence[str] = ()) -> Path:
    """Where the object of a source lies, if it was made beforehand: in the page, without clang.

    The name stands for all that goes into it, so that a changed source has none. tools/site makes
    them. Arguments: as compile_bpf's.
    """
    import hashlib

    texts = [path.read_bytes() for path in (source, *sorted(SOURCES.glob("*.h")))]
    whole = b"\0".join([*texts, *(option.encode() for option in options)])
    return MADE_BEFORE / f"{hashlib.sha256(whole).hexdigest()[:16]}.o"


def put(output: Path, make: Callable[[Path], None]) -> None:
    """Have clang make a file beside its place and rename it, so that nobody ever reads half of one.

    Arguments: make: runs clang, with the path that it is to write to.
    Errors: CompileError if clang is not installed; OSError; those of `make`.
    """
    import shutil  # here, and in run_clang: many a reader of this module wants but SOURCES or BUILD
    import tempfile

    if shutil.which("clang") is None:
        raise CompileError("clang is not installed: run ./course lab, or install clang.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        unfinished = Path(scratch) / output.name
        make(unfinished)
        unfinished.replace(output)


def find_source(source: str | Path) -> Path:
    """The C file itself, or the one of that name in bpf/. Built in chapter 02.

    Errors: CompileError, naming the C files that there are.
    """
    for candidate in (Path(source), SOURCES / source):
        if candidate.is_file():
            return candidate
    names = ", ".join(sorted(path.name for path in SOURCES.glob("*_kern.c")))
    raise CompileError(f"There is no C file {source}: check its name, bpf/ has {names}.")


def run_clang(source: Path, output: Path, options: Sequence[str] = ()) -> None:
    """Run clang on one file, and turn its refusal into a CompileError. Built in chapter 02."""
    import subprocess

    from helpers import complaints, places  # rarely needed

    kills = places.memory_kills()
    try:
        # chapter 02: begin clang
        command = ["clang", "-target", "bpf", "-mcpu=v1", "-O2", "-g", "-Wall", *STRICT]
        command += [*include_options(), *options, "-c", str(source), "-o", str(output)]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace")
        # chapter 02: end clang
    except OSError as error:
        lack = places.exhausted(error) or f"{error.strerror}: install the package clang anew."
        raise CompileError(f"clang cannot be started, {lack}") from error
    if result.returncode < 0:
        said = places.ended("clang", -result.returncode, kills)
        raise CompileError(f"{source.name} was not compiled, {said}", result.stderr)
    if result.returncode != 0:
        raise CompileError(complaints.sentence(result.stderr, source), result.stderr)


def include_options() -> list[str]:
    """Where Debian and Ubuntu keep <asm/types.h>: clang for BPF does not look there by itself."""
    machine = os.uname().machine
    # Debian calls all of them i386, the kernel says which one it is.
    name = "i386" if machine in ("i386", "i486", "i586", "i686") else machine
    folder = HEADERS / f"{name}-linux-gnu"
    return ["-idirafter", str(folder)] if folder.is_dir() else []
