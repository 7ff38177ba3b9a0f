"""The three numbers of the README: counting, reading and drawing, from the rows of one run.

Laboratory equipment, used by ./course bench --keep.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.bench import counting, drawing, reading
from tools.bench.rows import Row


def in_short(rows: Sequence[Row]) -> str:
    """Two lines of text.

    rows: those of a whole run; where a name stands twice, the first one counts.
    """
    measured = {row.name: row.measured for row in reversed(rows)}
    seen, added = re.fullmatch(
        r"([\d,]+ of [\d,]+) seen, .*adds (.*) to sending one", measured[counting.COURSE]
    ).groups()
    return (
        f"Counting a datagram in the kernel adds {added} to sending it, and {seen} are seen.\n"
        f"Reading all 256 counters takes {measured[reading.MAPPED]}, "
        f"drawing an update of the plot {measured[drawing.COURSE]} of a processor."
    )
