"""How often the course's own machines were held against the kernel; the summary says so."""

from __future__ import annotations

from collections import Counter

counts: Counter[str] = Counter()
