"""What is compared with the predictions of chapter 04, live_plot."""

from __future__ import annotations

import numpy as np

from helpers.check import compare


def two_names(prediction: str | None, difference: int) -> None:
    """What the subtraction of the two gave, in bytes of UDP."""
    letters = {50 * 142: "a", 0: "c"}
    compare(prediction, letters.get(difference), "both names stand for one memory, and it moved.")


def moved(prediction: str | None, nbytes: int) -> None:
    """How many bytes a reading of the counters moved."""
    letter = {256 * 8: "b", 8: "c"}.get(nbytes, "a")
    compare(prediction, letter, "always the 256 counters, whether one packet passed or a million.")


def held_up(prediction: str | None, late: int) -> None:
    """How many bytes of UDP came into the interval in which the plot had to wait."""
    letter = {30 * 142: "a", 0: "c"}.get(late)
    compare(prediction, letter, "the kernel counted on; the rate is the mean over that interval.")


def steps(prediction: str | None, rates: np.ndarray) -> None:
    """How high the two bursts stand; rates: bytes per second, one an interval."""
    heights = rates[rates > 0]
    letter = "c" if len(heights) and heights.max() > 5 * heights.min() else None
    why = "100 x 142 bytes, divided by 0.1 s or by 1 s. The areas are the same."
    compare(prediction, letter, why)
