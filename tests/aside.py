"""An answer tried aside: in a copy of a notebook's kernel, which ends with the answer.

The kernel imports this module (tests/test_notebooks.py sees to that). Whatever the answer has
changed, names, sockets or maps, is gone with the copy: each finds the exercise as it was.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
import traceback


def attempt(answer: str, check: str, names: dict[str, object], afresh: bool = True) -> str:
    """What the check's cell shows after the answer's cell; a traceback if one of them fails.

    Arguments: the code of both cells; names: the notebook's; afresh: bcc compiles in this copy at
    once, since dying of it is what a copy may do. One that died is repeated as a learner has it.
    """
    bcc = sys.modules.get("helpers.bcc.program")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        if bcc and afresh:
            bcc.try_out = lambda text: None
        with os.fdopen(writing, "w") as told:
            told.write(shown(answer, check, names))
        os._exit(0)  # without the kernel's own tidying up, which is for the kernel
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    _, status = os.waitpid(child, 0)
    if status and bcc and afresh:
        return attempt(answer, check, names, afresh=False)
    return text if status == 0 else f"{text}\nThe copy ended with status {status}."


def shown(answer: str, check: str, names: dict[str, object]) -> str:
    """Both cells, run in these names: what the second prints, and the value of its last line."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(answer, "answer", "exec"), names)
            printed.seek(0)
            printed.truncate()
            *before, last = ast.parse(check).body
            exec(compile(ast.Module(before, []), "check", "exec"), names)
            print(repr(eval(compile(ast.Expression(last.value), "check", "eval"), names)))
        except BaseException:
            traceback.print_exc(file=printed)
    return printed.getvalue()
