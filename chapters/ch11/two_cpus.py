"""The same thing on two processors at once.

Built in chapter 11, measuring. Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Barrier, Thread
from typing import TypeVar

Result = TypeVar("Result")


def two_cpus() -> tuple[int, int]:
    """The numbers of two processors that we may run on; twice the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def at_once(action: Callable[[], Result]) -> list[Result]:
    """Do the same in two threads, each on a processor of its own, from one moment on.

    Arguments: action: what gives Python's lock away while it works, such as a system call.
    Result: what the two returned.
    Errors: what the action raises, from the first of the two that failed.
    Source: sched_setaffinity(2), which is for the calling thread alone. Built in chapter 11.
    """
    results: list[Result] = []
    failures: list[BaseException] = []
    # chapter 11: begin at_once
    start = Barrier(2)

    def on(cpu):
        os.sched_setaffinity(0, {cpu})
        start.wait()
        results.append(action())

    # chapter 11: end at_once
    def guarded(cpu: int) -> None:
        try:
            on(cpu)
        except BaseException as error:
            failures.append(error)
            start.abort()  # or the other would wait for ever

    threads = [Thread(target=guarded, args=[cpu]) for cpu in two_cpus()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results
