"""What a room takes of this machine, from what one learner was measured to take."""

from __future__ import annotations

import os

LEARNER = 238  # MiB: server 107, a kernel after chapter 04 125, its private network 6.5 (PSS)
HUB = 250  # MiB: hub, proxy and services
PLOT = 0.108  # of a processor: a live plot that is drawn every 0.1 s


def sentence(learners: int) -> str:
    """What so many learners take here."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    wanted = HUB + learners * LEARNER
    return (
        f"{learners} learners take about {wanted:,} MiB of memory; this machine has {memory:,} MiB."
    )
