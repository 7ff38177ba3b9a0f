"""python -m tools.published: see the package's docstring."""

from __future__ import annotations

from tools import published

published.keep()
