"""The verifier's side of the road: show it a program, read its log, name the reason.

Chapter 08, the_verifier, builds the beginnings of `load`, which shows a program to the kernel with
as few rights as will do, and of `log`, which reads what it says. From there on, `known` puts a
register's state into words, `reasons` and `shape` name the reason, `verdict` says it, `chain` shows
where the value came from, and `table` shows all step by step. `versus` compares a program with the
course's own, `proposal` looks for a change that the kernel accepts, `heatmap` counts steps by line.
"""

from __future__ import annotations

from chapters.ch08.verifier.load import LEAST_CAPABILITIES, NotOneProgramError, show, show_bytes
from chapters.ch08.verifier.proposal import Proposal, propose
from chapters.ch08.verifier.table import steps
from chapters.ch08.verifier.verdict import KernelVerdict, Refusal, RefusedError
from chapters.ch08.verifier.versus import Comparison, compare

__all__ = [
    "LEAST_CAPABILITIES",
    "Comparison",
    "KernelVerdict",
    "NotOneProgramError",
    "Proposal",
    "Refusal",
    "RefusedError",
    "compare",
    "propose",
    "show",
    "show_bytes",
    "steps",
]
