"""A bundle tried: ./course lab --from it in bare Debians, without any network.

.venv/bin/python -m tools.bundle.tried BUNDLE 12 13 enters each release's bare root file system with
no network but lo, sets up, reads the five lines, starts JupyterLab and asks it for its first page;
then it writes the table of docs/setup.md. It takes root; what is written in there stays in memory.
Laboratory equipment. Source: unshare(1).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import COURSE
from tools import marked
from tools.bundle import make
from tools.debian import roots
from tools.kernels.results import FIVE_LINES
from tools.private_apt import alone

PAGE = COURSE / "docs/setup.md"
ALONE = "COURSE_TRIED_ALONE"
# The bundle is the descriptor $1. JupyterLab ends with the script, like all that it started.
SCRIPT = """\
mkfifo /tmp/said
./course lab --from /proc/self/fd/$1 --no-browser >/tmp/said 2>&1 &
while read -r line; do
    echo "$line"
    case $line in *token=*) address=${line#*http} && break ;; esac
done </tmp/said
echo "page $(python3 -c "import sys, urllib.request as ask
print(ask.urlopen(sys.argv[1]).status)" "http${address%%[[:space:]]*}")"
./course demo
echo "apt $(grep -m 1 '^Need to get' course.log)"
echo "disk $(grep -m 1 '^After this operation' course.log)"
echo "environment $(du -sm .venv/ | cut -f 1)"
python3 -c "import urllib.request as ask
ask.urlopen('http://deb.debian.org/', timeout=5)" 2>&1 | tail -n 1
"""


def tried(root: roots.Root, bundle: Path) -> dict[str, str]:
    """What the script said, by the first word of its lines. Errors: RootError."""
    with bundle.open("rb") as file, tempfile.TemporaryFile("w+") as said:
        number = file.fileno()
        command = ("sh", "-c", SCRIPT, "sh", str(number))
        how = {"pass_fds": [number], "stdout": said, "stderr": said, "timeout": 1200}
        root.run(*command, lower="bare", **how)
        said.seek(0)
        lines = said.read().splitlines()
    print(*lines, sep="\n", file=sys.stderr)
    counted = [line for line in lines if line.startswith("TCP ")]
    if counted != FIVE_LINES or "page 200" not in lines or "urlopen error" not in lines[-1]:
        raise roots.RootError(f"Debian {root.name} did not come to its end: see above.")
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in lines}


def megabytes(sentence: str, before: str) -> float:
    """The number before a word in what apt says: "Need to get 0 B/181 MB of archives."."""
    number, unit = re.search(rf"([\d.,]+) ([kMG])B {before}", sentence).groups()
    return float(number.replace(",", "")) * {"k": 0.001, "M": 1, "G": 1000}[unit]


def row(name: str, about: dict, said: dict[str, str]) -> str:
    fetched = megabytes(said["apt"], "of archives")
    wheels = about["wheel_bytes"] / 1e6
    disk = megabytes(said["disk"], "of additional") + float(said["environment"])
    cells = (f"Debian {name}", about["python"], f"{fetched:.0f} MB", f"{wheels:.0f} MB")
    cells += (f"{fetched + wheels:.0f} MB", f"{disk:,.0f} MB")
    return f"| {' | '.join(cells)} |"


def main(words: list[str]) -> int:
    bundle, names = Path(words[0]).resolve(), words[1:]
    try:
        if not os.environ.get(ALONE):
            for name in names:
                root = roots.find(name)
                with alone(root.folder):
                    roots.have_bare(root)
            again = [sys.executable, "-m", "tools.bundle.tried", str(bundle), *names]
            script = 'ip link set lo up && exec "$@"'
            command = ["unshare", "--net", "sh", "-c", script, "sh", *again]
            return subprocess.run(command, env=os.environ | {ALONE: "1"}).returncode
        with tarfile.open(bundle) as tar:
            about = json.load(tar.extractfile(make.CONTENTS))["releases"]
        head = ["", "Python", "packages of Debian", "of Python", "**fetched**", "takes on the disk"]
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        lines += [row(each, about[each], tried(roots.find(each), bundle)) for each in names]
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    marked.put(PAGE, "fetched", "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
