"""How the course says that something went wrong: one sentence, with the cause and the cure.

Laboratory equipment: each stage of the road derives its own exception from the class below.
"""

from __future__ import annotations


class CourseError(Exception):
    """A failure that a learner can meet; its message names the cause and the cure.

    In a notebook it shows as that message alone: IPython asks an exception for
    `_render_traceback_` before it prints a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def check(failed: int) -> None:
    """Go on if a function of the C library, called through ctypes with use_errno, returned 0.

    Errors: OSError with the error number that it left.
    """
    if failed:
        import ctypes  # whoever called the function has it; nobody else needs it for this module
        import os

        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
