"""How a check speaks: not attempted, not yet, right. The checks of each chapter lie beside this.

Laboratory equipment, first used in chapter 00.
"""

from __future__ import annotations

from dataclasses import dataclass

SIGNS = {"not attempted": "Not attempted yet.", "not yet": "Not yet.", "right": "Right."}


@dataclass(frozen=True)
class Verdict:
    """What a check found. status: a key of SIGNS; text: what to do, or why it is right."""

    status: str
    text: str

    def __repr__(self) -> str:
        return f"{SIGNS[self.status]} {self.text}"


def not_attempted(text: str) -> Verdict:
    """The exercise's cell is as the course left it; `text` says where to begin."""
    return Verdict("not attempted", text)


def not_yet(text: str) -> Verdict:
    """Something is there, and something is missing; `text` is a hint, not the solution."""
    return Verdict("not yet", text)


def right(text: str) -> Verdict:
    """It is right; `text` says what that shows."""
    return Verdict("right", text)


def compare(prediction: str | None, answer: str | None, why: str) -> None:
    """Print a prediction beside what happened; a prediction of None never fails.

    answer: the letter of what was measured, None if it was none of the letters offered.
    """
    if answer is None:
        print(
            "Something else happened, and that is worth a look. Then choose Kernel, "
            "Restart Kernel and Run All Cells."
        )
    elif prediction is None:
        print(f"What happened is ({answer}): {why}")
    elif str(prediction).strip(" ()").lower() == answer:
        print(f"You said ({answer}), and so it is: {why}")
    else:
        print(f"You said ({prediction}); what happened is ({answer}): {why}")
