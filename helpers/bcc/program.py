"""A program for bcc, compiled and loaded, and each refusal in one sentence.

The whole road, driven by bcc. Built in chapter 05, bcc. Standard library and bcc only.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers import complaints, rights, syscall
from helpers.bcc import headers as bcc_headers
from helpers.bcc.headers import BccError
from helpers.loader import Program
from helpers.toolchain import SOURCES
from helpers.uapi import BPF_MAP_TYPE_ARRAY

OLDEST = (0, 21)  # of 2021: the first with atomic_increment()
MAIN = "/virtual/main.c"  # how bcc calls the program's text
FOOTER = "#include <bcc/footer.h>"
_compiled: set[str] = set()  # what this process has tried out
TRY_OUT = "import sys, bcc; bcc.BPF(text=sys.stdin.buffer.read(), debug=bcc.DEBUG_PREPROCESSOR)"


def library() -> ModuleType:
    """The package bcc, if it is the right one and recent enough.

    Errors: BccError. Built in chapter 05.
    """
    cure = "run ./course lab, or install python3-bpfcc (elsewhere python3-bcc or python-bcc)"
    foreign = BccError(
        "The package bcc here is the one from PyPI, which has nothing to do with BPF: run "
        f"'{sys.executable}' -m pip uninstall bcc, then ./course lab."
    )
    if is_of_pypi():
        raise foreign
    try:
        import bcc
    except (ImportError, OSError) as error:
        raise BccError(f"bcc cannot be imported ({error}): {cure}.") from error
    if not hasattr(bcc, "BPF"):
        raise foreign
    if too_old(bcc.__version__):
        raise BccError(
            f"bcc {bcc.__version__} is too old, it has no atomic_increment(): use a distribution "
            "with 0.21 or later, such as Debian 12 or Ubuntu 24.04."
        )
    return bcc


def is_of_pypi() -> bool:
    """Whether the package bcc here is the one from PyPI. Not imported: that one wants pytest."""
    found = find_spec("bcc")
    folders = list(found.submodule_search_locations or ()) if found else []
    return bool(folders) and not any(Path(each, "libbcc.py").exists() for each in folders)


def too_old(version: str) -> bool:
    """Whether bcc of this version lacks what the course uses; False if the text is no version."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    return bool(numbers) and (int(numbers[1]), int(numbers[2])) < OLDEST


class BccObject:
    """A program's text, compiled and loaded by bcc: in the kernel until close() or `with` ends.

    bpf: bcc's own object; rewritten: the C that bcc made of the text; warnings: clang's, of the
    text's own lines. The same names as loader.LoadedObject, where the things are the same.
    """

    def __init__(self, bpf: Any, said: str) -> None:
        self.bpf = bpf
        self.rewritten = rewritten(said)
        self.warnings = re.findall(rf"^{MAIN}:(\d+):\d+: warning: (.*)", said, re.MULTILINE)
        self.programs: dict[str, Program] = {}

    def program(self, name: str) -> Program:
        """The function of that name, as a program. Errors: BccError, naming those there are."""
        if name in self.programs:
            return self.programs[name]
        raise BccError(f"There is no program {name!r} here; {_known(list(self.programs))}.")

    def table(self, name: str) -> Any:
        """bcc's table of that name: a map, read and written like a dict.

        Errors: BccError, naming those there are. Source: bcc's docs/reference_guide.md, Maps.
        Built in chapter 05.
        """
        tables = table_names(self.bpf)
        if name in tables:
            return self.bpf[name.encode()]
        raise BccError(f"There is no table {name!r} here; {_known(tables)}.")

    def close(self) -> None:
        """Give programs and maps back. A socket opened with attach_raw_socket stays: os.close it.

        bcc has the interpreter remember each BPF object until its end; this lets it forget."""
        atexit.unregister(self.bpf.cleanup)
        self.bpf.cleanup()
        self.programs.clear()

    def __enter__(self) -> BccObject:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def load(text: str) -> BccObject:
    """Compile a program with bcc and load each of its functions as a socket filter.

    Arguments: text: C as bcc wants it, with its BPF_ARRAY and the like.
    Result: a BccObject; use it with `with`, or close() it.
    Errors: BccError, with all that was said in `.log`. Takes a second or
        two, twice that for a program that is new here.
    Source: bcc's docs/reference_guide.md. Built in chapter 05.
    """
    bcc = library()
    bcc_headers.use()
    try_out(text)
    with captured() as said:
        try:
            bpf = bcc.BPF(text=text.encode(), debug=bcc.DEBUG_PREPROCESSOR)
        except Exception:
            bpf = None
    if bpf is None:
        raise BccError(readable(said[0], text), said[0])
    loaded = BccObject(bpf, said[0])
    with captured() as answer:
        try:
            functions = bpf.load_funcs(bcc.BPF.SOCKET_FILTER)
            refusal = ""
        except Exception as error:
            refusal = str(error)
    if refusal:
        loaded.close()
        raise BccError(_refused(refusal, loaded.warnings), said[0] + answer[0])
    for function in functions:
        name = function.name.decode()
        loaded.programs[name] = Program(function.fd, syscall.SOCKET_FILTER, name)
    return loaded


def try_out(text: str) -> None:
    """Compile a program that is new here in a process of its own, which may die of it.

    What BPF has no instruction or no room for, clang's back end does not report to bcc: it ends
    the process it runs in, and a notebook's kernel would be gone without a word.
    Errors: BccError if the program does not compile.
    """
    kept = {path.read_text().strip() for path in SOURCES.glob("*_bcc.c")}
    if text.strip() in kept | _compiled:
        return
    command = [sys.executable, "-c", TRY_OUT]
    result = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace")
    if result.returncode:
        survived = "Traceback (most recent call last)" in result.stderr
        reason = readable(result.stderr, text, survived)
        raise BccError(reason, result.stderr)
    _compiled.add(text.strip())


@contextmanager
def captured() -> Iterator[list[str]]:
    """Catch what is written to descriptors 1 and 2: bcc's compiler speaks there, not to Python.

    Result: a list that has the text once `with` has ended. Source: dup(2). Built in chapter 05.
    """
    said: list[str] = []
    libc = ctypes.CDLL(None)
    with tempfile.TemporaryFile() as file:
        libc.fflush(None)
        sys.stdout.flush()
        saved = [os.dup(1), os.dup(2)]
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield said
        finally:
            libc.fflush(None)
            for target, old in enumerate(saved, start=1):
                os.dup2(old, target)
                os.close(old)
            file.seek(0)
            said.append(file.read().decode(errors="replace"))


def rewritten(said: str) -> str:
    """The C that bcc made of a program, out of what it said with DEBUG_PREPROCESSOR, or ""."""
    start, end = said.find("\n#if defined(BPF_LICENSE)"), said.find(FOOTER)
    return said[start + 1 : end] if 0 <= start < end else ""


def readable(said: str, text: str, survived: bool = True) -> str:
    """What clang or the kernel said, as one sentence with the line of the learner's own text.

    Arguments: survived: whether bcc's process was still there to tell.
    """
    if denied := re.search(r"could not open bpf map: (\w+), error: (.*)", said):
        if "not permitted" in denied[2]:
            return rights.refusal(
                f"making the table {denied[1]}", rights.of_map(BPF_MAP_TYPE_ARRAY)
            )
        return f"The kernel refused the table {denied[1]} ({denied[2]}): check its type and sizes."
    if "super-user" in said:
        return not_permitted()
    found = re.search(
        rf"{MAIN}:(\d+):\d+: (?:fatal error|error|in function [^:]*): (.*)"
        rf"|(?P<last>Unsupport.*?) for DAG:.*?{MAIN}:(\d+)",
        said,
    )
    if not found:
        return _elsewhere(said, text, survived)
    row, what = int(found[1] or found[4]), found[2] or found["last"]
    if missing := re.search("'(.+)' file not found", what):
        return f"Line {row} includes {missing[1]}, which the kernel headers lack: check its name."
    made = rewritten(said)
    if made and found.start() > said.find(made):  # clang's second look, at what bcc had made
        row = own_line(row, made, text)
    line = [*text.splitlines(), ""][row - 1].strip()
    known = complaints.meaning(what, complaints.BACK_END)
    words = known or f"clang says: {complaints.flat(what)}"
    if known:
        return f"The program does not compile, since line {row} {known}.\n{line}"
    return f"The program does not compile: look at line {row} first ({words}).\n{line}"


def _elsewhere(said: str, text: str, survived: bool) -> str:
    """The sentence where clang names no line of the learner's text."""
    errors = complaints.complaints(said)
    if errors and errors[0].file:
        first = errors[0]
        words = f"clang says: {complaints.flat(first.what)}, in {first.file}"
        if row := complaints.own_row(first, "main.c"):
            return (
                f"Line {row} includes a header in which clang stops ({words}): leave that out, or "
                f"look at what stands above it.\n{[*text.splitlines(), ''][row - 1].strip()}"
            )
        return f"bcc cannot compile with these kernel headers ({words}): {_other_headers()}."
    after = said.rpartition(FOOTER)[2]
    fatal = "".join(re.findall(r"LLVM ERROR: (.*)", after)[:1])
    if known := complaints.meaning(fatal, complaints.BACK_END):
        return f"This program {known} (it would have ended this process, so another tried it)."
    lines = [line.strip() for line in after.splitlines() if line.strip()]
    last = complaints.flat("; ".join(lines[-2:])[-300:])
    words = f"its last lines are: {last}" if last else "it said nothing"
    if not survived:
        return (
            "This text ends the process in which bcc compiles it, and would have ended this "
            f"notebook's, so take back what you changed last ({words})."
        )
    return f"bcc gave up on this program, and the course does not know why ({words})."


def not_permitted() -> str:
    """Why bcc's "Need super-user privileges": its answer to every EPERM of the kernel."""
    return rights.refusal("loading a socket filter", rights.of_program(syscall.SOCKET_FILTER))


def own_line(row: int, made: str, text: str) -> int:
    """The line of the learner's text behind a line of what bcc made of it."""
    theirs, own = made.splitlines(), text.splitlines()
    for _, start, end, own_start, own_end in SequenceMatcher(
        None, theirs, own, autojunk=False
    ).get_opcodes():
        if start < row <= end:
            return max(own_start + 1, min(own_start + row - start, own_end))
    return len(own)


def table_names(bpf: Any) -> list[str]:
    """The names of all tables of a BPF object."""
    lib = library().libbcc.lib
    lib.bpf_num_tables.restype, lib.bpf_num_tables.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    lib.bpf_table_name.restype = ctypes.c_char_p
    lib.bpf_table_name.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    count = lib.bpf_num_tables(bpf.module) if bpf.module else 0
    return [lib.bpf_table_name(bpf.module, number).decode() for number in range(count)]


def _refused(refusal: str, warnings: list[tuple[str, str]]) -> str:
    """One sentence for a program that was compiled and not loaded."""
    if "super-user" in refusal:
        return not_permitted()
    if warnings:
        row, what = warnings[0]
        return f"The kernel refused the program, and clang had warned: mend line {row} ({what})."
    reason = refusal.rpartition(": ")[2]
    return (
        f"The kernel refused the program ({reason}): the verifier's reason is near the end of "
        "the log, which this error keeps in .log (chapter 08 reads such logs)."
    )


def _known(names: list[str]) -> str:
    return f"it has: {', '.join(names)}" if names else "it has none, or it is closed"


def _other_headers() -> str:
    return f"install {bcc_headers.package()}, or name others in BCC_KERNEL_SOURCE"
