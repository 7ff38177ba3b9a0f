"""The diagrams of the course, as SVG; `python -m tools.draw` writes them anew.

Laboratory equipment: the chapters show the files that it wrote, in notebooks/images/.
"""

from __future__ import annotations

from tools.draw.holding import holding
from tools.draw.path import MARKED_STAGES, path
from tools.draw.road import ROAD_MARKS, road

__all__ = ["pictures"]


def pictures() -> dict[str, str]:
    """Every diagram: the name of its file, and its SVG text."""
    roads = {f"road_{chapter}.svg": road(chapter) for chapter in ROAD_MARKS}
    paths = {f"path_{stage}.svg": path(stage) for stage in MARKED_STAGES}
    paths |= {"path.svg": path(), "path_tunnel.svg": path("tap", tunnel=True)}
    return roads | paths | {"holding.svg": holding()}
