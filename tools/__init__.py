"""The verbs of ./course that are written in Python, one module each."""

from __future__ import annotations

import atexit
import os
import sys
from types import TracebackType


def say_interrupted(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What Ctrl-C says in any verb, in place of a traceback; exit status 130, as in a shell. And
    what is said where the output takes no more; exit status 1.

    By then every `with` has given back what it held, and a thread that goes on is not waited for.
    """
    if issubclass(kind, OSError) and (cause := unheard()) is not None:
        print(cause, end="", file=sys.stderr, flush=True)
        os._exit(1)
    if not issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, error, trace)
    print("course: interrupted.", file=sys.stderr, flush=True)
    atexit._run_exitfuncs()
    os._exit(130)


def unheard() -> str | None:
    """Why nothing can be printed any more, as a line; "" if nobody listens; None if it can."""
    try:
        os.write(sys.__stdout__.fileno(), b"\n")  # what it holds is dropped once it has failed
    except BrokenPipeError:  # as after ./course doctor | head -3
        return ""
    except OSError as error:
        return f"course: what it says cannot be written ({error.strerror}).\n"
    return None


# Python is on its way to `-m tools.VERB`, whose own imports may be interrupted, too.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = say_interrupted
