"""A table of bcc's as counters, for whatever reads counters: the moving plot, for one.

The last stages of the road, with bcc. Built in chapter 05, bcc.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.bcc.headers import BccError
from helpers.uapi import BPF_MAP_TYPE_ARRAY


class TableCounters:
    """An array table of 64-bit values, read in one system call: what counters.Counters is to a
    memory-mapped map.

    Arguments: table: as BccObject.table gives it, or bpf["name"].
    Errors: BccError if it is another kind of table.
    Source: bcc's docs/reference_guide.md, items_lookup_batch; Linux 5.6. Built in chapter 05.
    """

    def __init__(self, table: Any) -> None:
        if table.ttype != BPF_MAP_TYPE_ARRAY or getattr(table.Leaf, "_type_", "") not in ("L", "Q"):
            raise BccError(
                "This table is no row of counters: define it with BPF_ARRAY(name, u64, 256)."
            )
        self.table = table

    def read(self) -> np.ndarray:
        """All values now: shape (entries,), uint64. Errors: BccError if the table is closed."""
        if self.table.bpf.module is None:
            raise BccError("The program of this table is closed: load it again.")
        # chapter 05: begin read
        # Newer releases of bcc give C's numbers, with a .value; older ones give Python's.
        values = [getattr(v, "value", v) for _, v in self.table.items_lookup_batch()]
        return np.array(values, dtype=np.uint64)
        # chapter 05: end read
