"""./course doctor: the readiness report; exit status 0 only if the course can run for real here."""

from __future__ import annotations

import sys

from chapters.ch00 import readiness


def main() -> int:
    found = readiness.report()
    print(found)
    return 0 if found.ready else 1


if __name__ == "__main__":
    sys.exit(main())
