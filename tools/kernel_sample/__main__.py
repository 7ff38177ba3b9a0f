"""./course kernel-sample [--short] [--source FOLDER]: see the package's docstring."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers import toolchain
from helpers.errors import CourseError
from tools import demo
from tools.kernel_sample import build, compare, run, source

GIT = """\
The article's other way to the source is git; then give the whole path of the folder to --source:
  git clone --depth 1 --branch v6.1 \\
      https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git
On Ubuntu, /proc/version_signature names the tag of the running kernel."""


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./course kernel-sample",
        description="Fetch the kernel's source (140 MB, 1.4 GB unpacked, outside the course), "
        "build its own sockex1 as the article does, run it, and compare it with ours.",
        epilog=GIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--short", action="store_true", help="take only its few files, and compile them directly"
    )
    parser.add_argument("--source", type=Path, help="a kernel tree that is there already")
    return parser.parse_args(given)


def built(short: bool, tree: Path | None) -> Path:
    """The folder with the kernel's program and object. Errors: a CourseError of any step."""
    if tree is not None and not (tree / "samples/bpf/sockex1_kern.c").is_file():
        raise build.BuildError(f"{tree} has no samples/bpf/sockex1_kern.c: name a kernel tree.")
    tree = tree.resolve() if tree else source.tree(short)
    return build.short(tree) if short else build.full(tree)


def five_lines(folder: Path) -> list[str]:
    """What the kernel's program prints, shown as it comes."""
    prefix, ours = run.private(), list(demo.five_lines())
    if prefix is None:
        print("It runs on this machine's own lo, where other traffic is counted, too:")
    for attempt in range(run.ATTEMPTS):
        if attempt:
            print(
                "Its pings and its lines ran out of step, as on a busy machine they may; once more:"
            )
        printed = []
        for line in run.lines(folder, prefix):
            print(f"  {line}", flush=True)
            printed.append(line)
        if printed == ours or prefix is None:
            break
    same = "the same five lines" if printed == ours else "NOT the same lines; ours are:"
    print(f"The course's own program prints {same}.")
    if printed != ours:
        print("\n".join(f"  {line}" for line in ours))
    return printed


def refusal(error: OSError, tree: Path | None) -> str:
    """One sentence for what the system refused: the file, the reason, the cure."""
    place = tree or source.folder()
    cure = f"see that you may write to {tree}, and that its disk has room, then start again."
    if tree is None:
        cure = "set XDG_CACHE_HOME to a folder that you may write to, with 2.5 GB of room."
    return f"{error.filename or place} cannot be used ({error.strerror or error}): {cure}"


def main(given: list[str]) -> int:
    options = arguments(given)
    try:
        folder = built(options.short, options.source)
        print(f"\nThe kernel's own {build.PROGRAM}, built in {folder}:", flush=True)
        printed = five_lines(folder)
        ours = toolchain.compile_bpf("sockex1_kern.c")
        pair = compare.instructions(folder / build.OBJECT), compare.instructions(ours)
        print(f"\nTheir instructions, {len(pair[0])} and {len(pair[1])}:")
        print("\n".join(compare.side_by_side(*pair)))
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse: interrupted: start again, and it goes on.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"course: {refusal(error, options.source)}", file=sys.stderr)
        return 1
    return 0 if printed == list(demo.five_lines()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
