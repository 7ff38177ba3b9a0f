"""./course test --on SUITE [pytest arguments]: see the package's docstring."""

from __future__ import annotations

import json
import os
import sys
import tempfile

from helpers.errors import CourseError
from tools.debian import results, roots, settings
from tools.private_apt import cache

HELP = """\
Usage: ./course test --on SUITE [pytest arguments]

The course's tests in a bare Debian of another release, 12, 13 or sid, made from its packages. It is
made on the first start, in some minutes, and kept below ~/.cache/packet-tracing-with-bpf/debian;
remove that folder, and it is made anew. A run without further arguments writes docs/machines.md."""
WHOLE = """\
./course test --junitxml=/tmp/tests.xml; status=$?
[ $status -gt 1 ] || .venv/bin/python -m tools.debian.inside /tmp/tests.xml >&"$1" || exit
exit $status"""


def become_root(arguments: list[str]) -> None:
    """Go on as root, who alone may mount; sudo asks for the password. Errors: RootError."""
    if os.geteuid() == 0:
        return
    cache().mkdir(parents=True, exist_ok=True)  # the user's own, like the kernels in it
    kept = [name for name in os.environ if settings.is_kept(name)]
    command = ["sudo", f"--preserve-env={','.join(kept)}", *roots.WITH_STARTER]
    command += [sys.executable, "-m", "tools.debian"]
    try:
        os.execvp("sudo", [*command, *arguments])
    except FileNotFoundError as error:
        raise roots.RootError("Only root may mount, and there is no sudo: be root.") from error


def whole_run(root: roots.Root, lower: str) -> int:
    """All tests; the table of machines keeps what came out."""
    with tempfile.TemporaryFile("w+") as report:
        number = report.fileno()
        status = root.run("sh", "-c", WHOLE, "sh", str(number), lower=lower, pass_fds=[number])
        report.seek(0)
        if text := report.read():
            results.keep(results.entry(root.name, root.suite, json.loads(text)))
    return status


def main(arguments: list[str]) -> int:
    """`--on SUITE`, or `--on=SUITE`, then what pytest gets."""
    name, *rest = arguments[0].split("=")[1:] + arguments[1:] or [""]
    if name in ("", "-h", "--help"):
        print(HELP)
        return 0 if name else 2
    try:
        root = roots.find(name)
        become_root(arguments)
        with roots.ready(root) as lower:
            if rest:
                return root.run("./course", "test", *rest, lower=lower)
            return whole_run(root, lower)
    except KeyboardInterrupt:
        return 130
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
