"""The verbs of ./course that are written in Python, one module each."""

from __future__ import annotations

import atexit
import os
import sys
from types import TracebackType


def say_interrupted(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What Ctrl-C says in any verb, in place of a traceback; exit status 130, as in a shell.

    By then every `with` has given back what it held, and a thread that goes on is not waited for.
    """
    if not issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, error, trace)
    print("course: interrupted.", file=sys.stderr, flush=True)
    atexit._run_exitfuncs()
    os._exit(130)


# Python is on its way to `-m tools.VERB`, whose own imports may be interrupted, too.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = say_interrupted
