"""What the playground's maps say at one moment, as NumPy arrays.

Laboratory equipment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# struct traffic of bpf/playground_kern.c.
TRAFFIC = np.dtype([("packets", "u8"), ("bytes", "u8")])


@dataclass(frozen=True)
class Reading:
    """Everything counted so far.

    keys: dtype FLOW, shape (n,). traffic: dtype TRAFFIC, shape (n,), a row for each key.
    sizes: dtype TRAFFIC, a row for each class of sizes. missed: packets and bytes of flows that
    found no room in the map; they are in `sizes` all the same. seen: frames that came to the
    filter.
    """

    keys: np.ndarray
    traffic: np.ndarray
    sizes: np.ndarray
    missed: np.void
    seen: int

    @property
    def packets(self) -> int:
        """Frames that the filter let through."""
        return int(self.sizes["packets"].sum())

    @property
    def bytes(self) -> int:
        """The bytes of those."""
        return int(self.sizes["bytes"].sum())
