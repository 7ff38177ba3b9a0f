"""How often classic filters were held against the kernel, by what was compared; for the summary."""

from __future__ import annotations

from collections import Counter

counts: Counter[str] = Counter()
