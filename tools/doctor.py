"""./course doctor: the readiness report; exit status 0 only if the course can run for real here.

With --report it goes into a file, with more, for somebody who helps (tools/report.py). With
--apparmor it lets the course make user namespaces where Ubuntu forbids them (tools/apparmor.py).
"""

from __future__ import annotations

import os
import sys

from chapters.ch00 import readiness
from helpers import capabilities
from tools import apparmor, privileges, report


def main(arguments: list[str]) -> int:
    if arguments == ["--apparmor"]:
        return apparmor.main()
    # ./course has asked sudo before: what is still missing only root can hand over.
    lacking = os.geteuid() != 0 and privileges.needed() & ~capabilities.permitted()
    found = readiness.report(privileges.for_root("lab") if lacking else "")
    print(report.write(found) if arguments == ["--report"] else found)
    return 0 if found.ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
