"""Measuring on a machine that does other things too: turns, medians, spread, and words for them.

Built in chapter 11, measuring; ./course bench measures with it.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from helpers.errors import CourseError


class MeasuringError(CourseError):
    """Something could not be measured."""


def take_turns(
    ways: Mapping[str, Callable[[], float]], repeats: int, what: str = ""
) -> dict[str, list[float]]:
    """Measure each way `repeats` times, in turns: what slows the machine down slows all of them.

    Every other turn goes in reverse order, so that none is always the first.

    Arguments:
        ways: a name for each way, and a function that measures it once.
        what: what to call it while it goes on; nothing is shown without a name.
    Result: for each name its measured values, in order: the n-th ones were taken side by side.
    Errors: whatever one of the functions raises. Built in chapter 11.
    """
    measured: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for _ in progress(what, repeats) if what else range(repeats):
        # chapter 11: begin turns
        for name in order:
            measured[name].append(ways[name]())
        order.reverse()
        # chapter 11: end turns
    return measured


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The two ends of the middle half: a quarter of the values lies below it, a quarter above.

    Built in chapter 11.
    """
    # chapter 11: begin half
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    # chapter 11: end half
    return low, high


def duration(nanoseconds: float) -> str:
    """A time with its unit: 405 ns, 12.3 µs, 2.61 ms."""
    size = abs(nanoseconds)
    if size < 9_999:
        return f"{nanoseconds:,.0f} ns"
    unit, factor = ("µs", 1e3) if size < 999_500 else ("ms", 1e6)
    scaled = nanoseconds / factor
    return f"{scaled:,.0f} {unit}" if abs(scaled) >= 99.95 else f"{scaled:.3g} {unit}"


def middle_half(times: Sequence[float]) -> str:
    """From where to where the middle half of the measured times lies, in words."""
    return " to ".join(map(duration, quartiles(times)))


def times_as_much(value: float, unit: float) -> str:
    """A ratio in two or three digits: 1.9, 17, 1,720; none to what noise has made nothing."""
    if unit <= 0:
        return "unknown"
    ratio = value / unit
    return f"{ratio:.1f}" if ratio < 9.95 else f"{float(f'{ratio:.3g}'):,.0f}"


def progress(what: str, repeats: int) -> Iterator[int]:
    """Count from 1 to `repeats`, and show that: in a notebook in one line of it, else on stderr."""
    tell = in_the_notebook() if is_notebook() else on_stderr
    for number in range(1, repeats + 1):
        tell(f"{what}: {number} of {repeats}", last=False)
        yield number
    tell(f"{what}: {repeats} of {repeats}", last=True)


def is_notebook() -> bool:
    """Whether a notebook's kernel runs us. Only then has IPython a shell with a kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def in_the_notebook() -> Callable[..., None]:
    """A function that shows text in one and the same place below the cell."""
    from IPython.display import display

    place = display({"text/plain": ""}, raw=True, display_id=True)

    def tell(text: str, last: bool) -> None:
        place.update({"text/plain": text}, raw=True)

    return tell


def on_stderr(text: str, last: bool) -> None:
    """Show text in one and the same line of a terminal; elsewhere only the first and the last."""
    if last or sys.stderr.isatty() or " 1 of " in text:
        print(f"\r{text} ", end="\n" if last else "", file=sys.stderr, flush=True)
