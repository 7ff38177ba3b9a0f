from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Report:
    kind: str
def read(text): return None
