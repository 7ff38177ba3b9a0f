"""Why the verifier refuses: the rules, and how one of them is chosen, or none.

Laboratory equipment, first used in chapter 08, the_verifier. The rules stand in `memory`,
`arithmetic`, `calls` and `ending`, each with what it needs; reasons in the shape of the whole
program in `shape`. A reason is given if all that it needs is known, if no other one fits as well,
and if the kernel's own words speak of nothing else. Those words never make a reason: they differ
from kernel to kernel.
"""

from __future__ import annotations

# What registers the rules.
from chapters.ch08.verifier import arithmetic, calls, ending, memory, subjects
from chapters.ch08.verifier.place import RULES, Place, Reason

__all__ = ["Place", "Reason", "arithmetic", "calls", "ending", "memory", "reason"]


def reason(at: Place, words: str) -> Reason | None:
    """The one reason that fits, None if there is none or several.

    Arguments: words: what the kernel said, all its lines.
    """
    if ending.is_newer(at.instruction):  # of which it is not known what it reads
        return None
    sixth = ending.is_sixth(at.instruction)  # of which no other rule knows anything
    fitting = {}
    for rule in [each for each in RULES if not sixth or each.find is ending.encoding]:
        found = rule.find(at) if rule.number in (None, at.number) else None
        if found and not subjects.against(words, rule.about, found.registers):
            fitting[found.key] = found
    return next(iter(fitting.values())) if len(fitting) == 1 else None
