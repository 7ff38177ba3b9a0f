"""python -m tools.draw: writes the diagrams to notebooks/images/."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.draw import pictures

IMAGES = Path(__file__).resolve().parents[2] / "notebooks" / "images"


def main() -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, content in pictures().items():
        (IMAGES / name).write_text(content, encoding="utf-8")
    print(f"Wrote {len(pictures())} pictures to {IMAGES}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
