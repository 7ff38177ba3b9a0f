"""How a check reads an answer, whatever it is, and how it speaks: not attempted, not yet, right.

Laboratory equipment, first used in chapter 00. The checks of each chapter lie beside this. A
learner may hand in anything: each as_... below gives what a check can work with, or None.
"""

from __future__ import annotations

import math
import numbers
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import numpy as np

SIGNS = {"not attempted": "Not attempted yet.", "not yet": "Not yet.", "right": "Right."}
MOST_ITEMS = 10_000  # of a list, which may be a generator without an end
MOST_SHOWN = 60  # characters of an answer in a hint
SECONDS = 10  # for a learner's function to come back
LARGEST = 1e300  # numbers beyond it are none: not all of them can be told from infinity


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


NO_NUMBER = not_yet("One number is wanted, without quotes and brackets.")
NO_FUNCTION = not_yet("Hand the check a function: begin the cell above with def, as it was.")
NO_PROGRAM = not_yet("A program is wanted, as text between quotes.")
LEAVE_SITUATIONS = not_yet("Leave the situations as they are; ./course reset brings them back.")
NOT_ATOMIC = not_yet(
    "Right this time, but two processors that add at once could leave a packet uncounted: it takes "
    "an addition that nobody can interrupt, an atomic one."
)


def as_number(answer: object) -> int | float | None:
    """A number as Python's own, an int if it is whole by its type; None for anything else.

    An array without brackets is a number, too; True, infinity and complex numbers are none.
    """
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, numbers.Real | Decimal):
        return None
    try:
        value = int(answer) if isinstance(answer, numbers.Integral) else float(answer)
        return value if math.isfinite(value) and abs(value) <= LARGEST else None
    except (OverflowError, ValueError):
        return None


def as_word(answer: object) -> str:
    """A name as all checks compare it: in small letters, without blanks around and a full stop.

    "" for anything but text.
    """
    word = " ".join(answer.lower().split()) if isinstance(answer, str) else ""
    return word.removesuffix(".").rstrip()


def as_text(answer: object) -> str | None:
    """Text that can be written to a file, else None."""
    if not isinstance(answer, str) or "\0" in answer:
        return None
    try:
        answer.encode()
    except UnicodeEncodeError:
        return None
    return str(answer)


def as_list(answer: object) -> list | None:
    """What is in a list, a tuple, a range, an array or the like, in its order; else None.

    At most MOST_ITEMS things. Text and bytes are no lists, and a set or a dict has no order.
    """
    if isinstance(answer, str | bytes | bytearray | set | frozenset | Mapping):
        return None
    try:
        return list(islice(iter(answer), MOST_ITEMS))
    except Exception:  # an answer's own code may raise anything
        return None


def as_bytes(answer: object) -> bytes | None:
    """Bytes, also of a bytearray, of a list of bytes or of numbers from 0 to 255; else None."""
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer)
    items = as_list(answer)
    if items is None:
        return None
    if all(isinstance(each, bytes | bytearray) for each in items):
        return b"".join(items)
    values = [as_number(each) for each in items]
    whole = all(isinstance(value, int) and value in range(256) for value in values)
    return bytes(values) if whole else None


def shown(answer: object) -> str:
    """An answer as Python writes it, cut if it is long."""
    try:
        text = " ".join(repr(answer).split("\n"))
    except Exception:  # an answer's own code may raise anything
        text = f"a {type(answer).__name__} that cannot be shown"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def called(function: Callable[..., object], *arguments: object) -> tuple[object, Verdict | None]:
    """What a learner's function returns, or the verdict on one that does not come to that."""
    if not callable(function):
        return None, NO_FUNCTION

    def late(*_: object) -> None:
        raise TimeoutError(f"after {SECONDS} s it had not returned, as in a loop without end")

    before, rest = (
        signal.signal(signal.SIGALRM, late),
        signal.setitimer(signal.ITIMER_REAL, SECONDS),
    )
    try:
        return function(*arguments), None
    except (Exception, SystemExit) as error:  # a learner's code may raise anything
        return None, not_yet(f"It stops with {type(error).__name__}: {_said(error)}.")
    finally:
        signal.setitimer(signal.ITIMER_REAL, *rest)
        signal.signal(signal.SIGALRM, before)


def chosen(
    choices: Mapping[str, str | None], reasons: Mapping[str, tuple[str, str]], names: list[str]
) -> Verdict | None:
    """What is wrong with one choice for each of several situations; None if nothing is.

    Arguments: reasons: by a word of each situation, the name to choose and why; names: all that
    there are to choose from.
    """
    if choices is None:
        return not_attempted("Put a name between quotes for each None.")
    if not isinstance(choices, Mapping) or not all(isinstance(each, str) for each in choices):
        return LEAVE_SITUATIONS
    by_word = {word: [each for each in choices if word in each] for word in reasons}
    if any(len(these) != 1 for these in by_word.values()) or len(choices) != len(reasons):
        return LEAVE_SITUATIONS
    if all(choice is None for choice in choices.values()):
        return not_attempted("Put a name between quotes for each None.")
    wrong = []
    for word, (situation,) in by_word.items():
        choice, (better, reason) = choices[situation], reasons[word]
        if choice is None:
            return not_yet(f"There is still a None: {situation}")
        if as_word(choice) not in map(as_word, names):
            return not_yet(f"{shown(choice)} is none of the names, which are: {', '.join(names)}.")
        if as_word(choice) != as_word(better):
            wrong.append(f"{situation.rstrip('?.')} ({reason})")
    return not_yet(f"Think again about: {'; '.join(wrong)}.") if wrong else None


UNEXPECTED = (
    "Something else happened, and that is worth a look. Then choose Kernel, Restart Kernel and Run "
    "All Cells."
)


# What the cell that runs has compared: the prediction, and the letter of what happened.
compared: list[tuple[object, str | None]] = []


def compare(prediction: str | None, answer: str | None, why: str) -> None:
    """Print a prediction beside what happened; a prediction of None never fails.

    answer: the letter of what was measured, None if it was none of the letters offered.
    """
    compared[:] = [(prediction, answer)]
    if answer is None:
        print(UNEXPECTED)
    elif prediction is None:
        print(f"What happened is ({answer}): {why}")
    elif as_word(prediction).strip(" ()") == answer:
        print(f"You said ({answer}), and so it is: {why}")
    else:
        said = prediction if isinstance(prediction, str) else shown(prediction)
        print(f"You said ({said}); what happened is ({answer}): {why}")


def _said(error: BaseException) -> str:
    """What an error says of itself, in one line without its full stop, cut if it is long."""
    try:
        return " ".join(str(error).split()).removesuffix(".")[:200]
    except Exception:  # an error's own code may raise anything
        return "it does not say why"


def keep(result: object) -> None:
    """Called by IPython after each cell: a verdict is kept, in a learner's own folder only.

    result: IPython's ExecutionResult; chapter 00 shows what is kept.
    """
    verdict = getattr(result, "result", None)
    if not isinstance(verdict, Verdict) and not compared:
        return
    from helpers import progress  # here, since only a verdict or a prediction needs it

    names = sys.modules["IPython"].get_ipython().user_ns
    module = names.get("check", names.get("predictions"))
    cell, checked_by = result.info.raw_cell, getattr(module, "__name__", "")
    if isinstance(verdict, Verdict):
        progress.keep(cell, checked_by, verdict.status, verdict.text)
    for said, happened in compared:
        progress.predicted(cell, checked_by, said, happened)
    compared.clear()


if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
    shell.events.register("post_run_cell", keep)
