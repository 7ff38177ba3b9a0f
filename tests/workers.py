"""Which worker gets which test."""

from __future__ import annotations

from xdist.scheduler.loadscope import LoadScopeScheduling

ROOM = ("classroom", "classroom_board", "classroom_separation")
# Files whose tests share something that takes long to make: one worker gets all of them.
TOGETHER = {f"tests/test_{name}.py": "browser" for name in ("browser", "browser_playground")}
TOGETHER |= {f"tests/test_{name}.py": "axe" for name in ("axe", "browser_verifier")}
ALONE = ("bench", "board_alone", "journey", "refusals")
TOGETHER |= {f"tests/test_{name}.py": name for name in ALONE}
TOGETHER |= {f"tests/test_{name}.py": "classroom" for name in ROOM}


class OneByOne(LoadScopeScheduling):
    """Gives each worker the next test, or the next that stay together. xdist's own loadgroup
    does not group with pytest 9.2 (github.com/pytest-dev/pytest-xdist/issues/1386)."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0], nodeid)
