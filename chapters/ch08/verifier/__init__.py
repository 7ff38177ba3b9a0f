"""The verifier's side of the road: show it a program, read its log, name the reason.

Chapter 08, the_verifier, builds the beginnings of `load`, which shows a program to the kernel with
as few rights as will do, and of `log`, which reads what it says. From there on, `known` puts a
register's state into words, `reasons` and `shape` name the reason, `verdict` says it, and `table`
shows it step by step.
"""

from __future__ import annotations

from chapters.ch08.verifier.load import LEAST_CAPABILITIES, NotOneProgramError, show, show_bytes
from chapters.ch08.verifier.table import steps
from chapters.ch08.verifier.verdict import KernelVerdict, Refusal, RefusedError

__all__ = [
    "LEAST_CAPABILITIES",
    "KernelVerdict",
    "NotOneProgramError",
    "Refusal",
    "RefusedError",
    "show",
    "show_bytes",
    "steps",
]
