"""./course bundle: make one file for a room without internet."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from helpers import places
from helpers.errors import CourseError
from helpers.toolchain import BUILD
from tools import setup
from tools.bundle import make
from tools.private_apt import workplace


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./course bundle",
        description="Write one file with all that ./course lab fetches on Debian 12 and 13, for "
        "machines like this one without internet: ./course lab --from FILE.",
    )
    target = BUILD / f"course-{make.machine()}.tar"
    parser.add_argument("--file", type=Path, default=target, help=f"default: {target}")
    target = parser.parse_args(words).file.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with workplace(target.parent) as scratch:
            found = make.make(target, scratch)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except (setup.StepError, subprocess.CalledProcessError) as error:
        cause = getattr(error, "cause", "") or setup.SEE_LOG
        print(f"course: The bundle was not made: {cause}. The log: {setup.LOG}", file=sys.stderr)
        return 1
    except OSError as error:
        where = places.unwritable(Path(error.filename or target), error)
        print(f"course: The bundle was not made, {where}", file=sys.stderr)
        return 1
    for name, each in found.items():
        print(
            f"Debian {name}: {each.packages} packages, {each.package_bytes / 1e6:.0f} MB; "
            f"{each.wheels} wheels for Python {each.python}, {each.wheel_bytes / 1e6:.0f} MB"
        )
    print(f"{target}: {target.stat().st_size / 1e6:.0f} MB. Tell its sum with it, SHA-256:")
    print(make.digest(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
