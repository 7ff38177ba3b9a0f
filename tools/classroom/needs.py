"""What a room takes of this machine, from what one learner was measured to take."""

from __future__ import annotations

import os

# docs/teaching/load.md: server, a kernel after a live plot, and its private network (PSS), of ten.
LEARNER = 110  # MiB
IN_CONTAINER = 175  # MiB, where no two servers share what they have read
HUB = 300  # MiB: hub, proxy and board, with room to spare
STARTING = 4  # seconds of a processor until a learner's server is up


def sentence(learners: int, containers: bool = False) -> str:
    """What so many learners take here."""
    each = IN_CONTAINER if containers else LEARNER
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    cores = os.cpu_count() or 1
    return (
        f"{learners} learners take about {HUB + learners * each:,} MiB of memory; this machine "
        f"has {memory:,} MiB. If all come at once, {cores} processors have the last server up "
        f"after about {learners * STARTING / cores:.0f} s."
    )
