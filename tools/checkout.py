"""Can the course be set up here? ./course asks before it does, and says what is in the way.

Laboratory equipment. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from chapters.ch00 import checkout
from helpers.toolchain import COURSE

VERSION = Path("/proc/version")


def wsl(version: str) -> int:
    """Which Windows Subsystem for Linux this is, 1 or 2, and 0 for none.

    version: what /proc/version says: WSL 1 gives itself out for a Linux 4.4.0-…-Microsoft, WSL 2 is
    one, …-microsoft-standard-WSL2.
    """
    if re.search(r"^Linux version \S+-Microsoft\b", version):
        return 1
    return 2 if re.search(r"^Linux version \S+-microsoft-", version) else 0


def main(arguments: list[str], version: Path = VERSION) -> int:
    """The environment's folder; exit status 1 if there is something in the way."""
    windows = wsl(version.read_text())
    if windows == 2:
        page = "docs/elsewhere.md says what is known"
        print(f"This is WSL 2, where nobody has tried the course yet: {page}.", file=sys.stderr)
    said = checkout.trouble(COURSE, Path(arguments[0]))
    if windows == 1:
        said = (
            "this is WSL 1, which has no Linux kernel, and so no BPF: in Windows, wsl --set-version"
            " NAME 2 makes it a WSL 2 (docs/elsewhere.md)."
        )
    if said:
        print(f"course: {said}", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
