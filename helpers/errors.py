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
