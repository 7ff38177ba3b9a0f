"""The verifier's side of the road: show it a program, read its log, name the reason.

Built in chapter 08, the_verifier. In reading order: `load` shows a program to the kernel with as
few rights as will do, `log` reads what it says, `known` puts a register's state into words,
`reasons` and `shape` name the reason, `verdict` says it, `table` shows it step by step.
"""

from __future__ import annotations

from helpers.verifier.load import LEAST, show, show_bytes
from helpers.verifier.table import steps
from helpers.verifier.verdict import Finding, RefusedError, Verdict

__all__ = ["LEAST", "Finding", "RefusedError", "Verdict", "show", "show_bytes", "steps"]
