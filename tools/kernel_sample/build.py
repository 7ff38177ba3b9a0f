"""Building the kernel's sockex1: with the kernel's own build system, or directly.

Laboratory equipment. Source: samples/bpf/README.rst in the kernel tree.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from helpers import objfile
from helpers.errors import CourseError
from helpers.toolchain import include_options
from tools import packages

PROGRAM, OBJECT = "sockex1", "sockex1_kern.o"
SAMPLES = "samples/course"  # beside samples/bpf, which stays as it is
# In this order, each once. Without modules_prepare the last one leaves a bogus object behind.
PREPARE = ("olddefconfig", "headers_install", "modules_prepare")
PACKAGES = ("make", "bc", "flex", "bison", "libelf-dev", "dwarves", "libcap-dev", "libssl-dev")
PACKAGES += ("rsync", "lld")
LOG = "course.log"  # in the tree: what make has said since the last start


class BuildError(CourseError):
    """The kernel's sample could not be built."""


def full(tree: Path) -> Path:
    """The article's way, with the kernel's build system; the folder of program and object.

    What an earlier start has finished is kept, and an unfinished step is taken up where it was.
    Errors: BuildError, PackageError.
    """
    packages.need(*PACKAGES)
    (tree / LOG).unlink(missing_ok=True)  # so that an error in it is one of this start
    for number, target in enumerate(PREPARE, 1):
        done = tree / f".course-{target}"
        if not done.exists():
            make(tree, [target], f"{number} of 4: make {target}")
            done.touch()
    samples = only_sockex1(tree)
    if why := incomplete(samples):
        if (samples / OBJECT).exists():
            print(f"an unfinished build is there ({why}): building again")
        (samples / OBJECT).unlink(missing_ok=True)
        vmlinux = ["VMLINUX_BTF=/sys/kernel/btf/vmlinux"]
        make(tree, [f"M={SAMPLES}", *vmlinux], f"4 of 4: make M={SAMPLES}")
    if why := incomplete(samples):
        raise BuildError(
            f"make has left {samples}, and {why}: remove {tree}/.course-* and start again; "
            f"{tree / LOG} has its words."
        )
    return samples


def only_sockex1(tree: Path) -> Path:
    """A copy of samples/bpf whose Makefile builds one sample instead of all fifty."""
    samples = tree / SAMPLES
    if not (samples / "Makefile").exists():
        unfinished = samples.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(tree / "samples/bpf", unfinished)
        makefile = unfinished / "Makefile"
        text = re.sub(r"(?m)^(tprogs-y|always-y) \+?= .*\n", "", makefile.read_text())
        text = re.sub(
            r"(?m)^tprogs-y := .*\n",
            f"tprogs-y := {PROGRAM}\nalways-y := {PROGRAM} {OBJECT}\n",
            re.sub(r"(?m)^always-y := .*\n", "", text),
        )
        makefile.write_text(text)
        unfinished.rename(samples)
    return samples


def incomplete(samples: Path) -> str:
    """Why a build is not whole, or "" if it is."""
    if not (samples / PROGRAM).is_file():
        return f"{PROGRAM} is missing"
    try:
        found = objfile.read(samples / OBJECT)
    except CourseError as error:
        return str(error).split(":")[0]
    programs = [program for program in found.programs.values() if program.instructions]
    if not programs or not found.maps:
        return f"{OBJECT}, {(samples / OBJECT).stat().st_size} bytes, holds no program"
    return ""


def make(tree: Path, arguments: list[str], step: str) -> None:
    """Run make, with its last line on the screen and all of them in LOG."""
    start, last, live = time.monotonic(), "", sys.stderr.isatty()
    command = ["make", "-C", tree, f"-j{os.cpu_count()}", *arguments]
    print(f"{step} ...", end="\n" if live else " ", file=sys.stderr, flush=True)
    with (
        (tree / LOG).open("a") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running,
    ):
        for line in running.stdout:
            log.write(line)
            last = line.strip() or last
            if live:
                print(f"\r\033[K  {last[:70]}", end="", file=sys.stderr, flush=True)
    seconds = f"{time.monotonic() - start:.0f} seconds"
    print(f"\r\033[K  {seconds}" if live else seconds, file=sys.stderr)
    if running.returncode:
        raise BuildError(explain(tree, step))


def explain(tree: Path, step: str) -> str:
    """One sentence for a make that failed."""
    text = (tree / LOG).read_text(errors="replace")
    error = re.findall(r"(?m)^.*(?:fatal error|error:|\*\*\*|No space).*$", text)
    cause = error[0].strip() if error else "it gave no reason"
    cure = "start again, and the build goes on"
    if missing := re.search("fatal error: '?([^':]+)'?(?: file not found|: No such file)", text):
        cause = f"the header {missing[1]} is missing"
        cure = f"install what brings it, or remove {tree}/.course-* to prepare the tree anew"
    elif "No space left" in text:
        cause, cure = "the disk is full", "free 2 GB and start again"
    return f"{step} failed ({cause}): {cure}; {tree / LOG} has all of it."


def short(tree: Path) -> Path:
    """The short way: the same two files, compiled with this system's headers and libbpf.

    Result: the folder of program and object. Errors: BuildError.
    """
    folder = tree / "short"
    folder.mkdir(exist_ok=True)
    # The kernel's own headers call <linux/...> <uapi/linux/...>, and have u32 and offsetof.
    headers = folder / "uapi"
    headers.mkdir(exist_ok=True)
    if not (headers / "linux").exists():
        (headers / "linux").symlink_to("/usr/include/linux")
    bpf, selftests = tree / "samples/bpf", tree / "tools/testing/selftests/bpf"
    kernel_like = ["-Du32=__u32", "-include", "stddef.h", f"-I{folder}", f"-I{selftests}"]
    compile_one(
        ["clang", "-target", "bpf", "-mcpu=v1", "-O2", "-g", *kernel_like, *include_options()]
        + ["-c", bpf / "sockex1_kern.c", "-o", folder / OBJECT]
    )
    compile_one(["gcc", "-O2", bpf / "sockex1_user.c", "-o", folder / PROGRAM, "-lbpf"])
    if why := incomplete(folder):
        raise BuildError(f"The short way made no whole object ({why}): take the long one.")
    return folder


def compile_one(command: list) -> None:
    """Run a compiler on the one .c file among its arguments. Errors: BuildError."""
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        error = re.search("error: (.*)", result.stderr)
        what = error[1] if error else result.stderr.strip()
        source = next(Path(word).name for word in command if Path(word).suffix == ".c")
        raise BuildError(
            f"{command[0]} refused {source} ({what}): this kernel's source does "
            "not suit the system's headers, take the long way (without --short)."
        )
