"""Checks of chapter 10, containers."""

from __future__ import annotations

import errno
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from chapters.ch10 import confined, seccomp
from helpers import capabilities, cbpf, netlab
from helpers.check import (
    Verdict,
    as_bytes,
    as_list,
    as_word,
    called,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.errors import CourseError
from helpers.syscall.call import NUMBERS

FAIL_WITH_EPERM = seccomp.ERRNO | errno.EPERM
# What each of the three processes of exercise 2 has to do: rows of confined's table.
TASKS = {
    "loader": ("make a map", "load a socket filter"),
    "listener": ("open a packet socket here", "attach a program it was handed"),
    "reader": ("read a map it was handed",),
}
# What a process asks for exercise 3; `nothing` makes it give up its capabilities first.
ASK = """
import struct, sys
from helpers import capabilities, probes
if "nothing" in sys.argv:
    capabilities.keep_only(0)
print(-min(probes.bpf(0, struct.pack("4I", 2, 4, 8, 1)), 0), -probes.bpf(9999, bytes(16)))
"""


def guard(code: bytes | None) -> Verdict:
    """Exercise 1: the filter is run in chapter 09's machine, then put in front of a child."""
    if code is None:
        return not_attempted("Replace None by row(...) + row(...) + ...")
    code = as_bytes(code)
    here, bpf = seccomp.ARCHITECTURES[platform.machine()], NUMBERS[platform.machine()]
    if code is None or len(code) % 8:
        return not_yet("That is not a row of instructions: each is eight bytes, joined by +.")
    try:
        program = cbpf.decode(code)
        results = [
            cbpf.run(program, seccomp.call(number, architecture), mode="seccomp")
            for number, architecture in (
                (bpf, here),
                (bpf + 1, here),
                (bpf, here ^ 1),
                (1, here ^ 1),
            )
        ]
    except CourseError as error:
        return not_yet(str(error))
    refused, allowed, *foreign = results
    if refused != FAIL_WITH_EPERM:
        return not_yet(f"bpf(2) of this architecture gets {refused:#010x}: it is to be refused.")
    if allowed != seccomp.ALLOW:
        return not_yet(f"Another call of this architecture gets {allowed:#010x}: let it through.")
    if set(foreign) != {seccomp.KILL_PROCESS}:
        return not_yet(
            f"Calls from another architecture get {foreign[0]:#010x} and {foreign[1]:#010x}: "
            "whatever their number, such a process is to be killed."
        )
    asked = [sys.executable, "-c", ASK]
    if not subprocess.run(asked, capture_output=True, text=True).stdout.startswith("0"):
        return right("The machine takes it. This notebook may not use BPF itself, so see no more.")
    if seccomp.behind(code, asked).stdout.split() != [str(errno.EPERM)] * 2:
        return not_yet("The machine takes it, but behind it bpf(2) is not refused with EPERM.")
    return right("In the kernel, too: a process behind it is refused bpf(2), and lives.")


def least(answer: dict[str, set[str] | None], net: netlab.Network) -> Verdict:
    """Exercise 2: each set is tried in a child, and then with one capability less."""
    if not isinstance(answer, Mapping):
        return not_yet("Give a set for each of the three names, as the cell had it.")
    if all(answer.get(who) is None for who in TASKS):
        return not_attempted("Replace each None by a set of names, or by set().")
    for who, steps in TASKS.items():
        given = answer.get(who)
        given = list(given) if isinstance(given, set | frozenset) else as_list(given)
        if given is None or not all(map(as_word, given)):
            return not_yet(f'The {who} needs a set of names: {{"CAP_..."}}, or set() for none.')
        names = {as_word(name).upper() for name in given}
        if "CAP_SYS_ADMIN" in names:
            return not_yet(f"The {who} would hold half of root's powers: is there less?")
        try:
            if not works(names, steps, net):
                return not_yet(
                    f"The {who} was tried with {told(names)}, and was refused something."
                )
            for name in sorted(names):
                if works(names - {name}, steps, net):
                    return not_yet(f"The {who} works without {name}, too.")
        except CourseError as error:
            return not_yet(str(error))
    return right("Each was tried just now: enough for its part, and not one capability more.")


def works(names: set[str], steps: Sequence[str], net: netlab.Network) -> bool:
    """Whether a child with these capabilities can take all of these steps."""
    answers = confined.attempt(capabilities.mask(*names), net)
    return all(answers[step] == "works" for step in steps)


def told(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "no capability"


def gate(function: Callable[[int, int], str | None]) -> Verdict:
    """Exercise 3: held against three processes, started now."""
    gates = observed()
    if gates["open"][0]:
        return not_yet("This notebook may not use BPF itself: start it with ./course lab.")
    named = {}
    for expected, answers in gates.items():
        named[expected], failure = called(function, *answers)
        if failure:
            return failure
    if all(answer is None for answer in named.values()):
        return not_attempted("Replace None; the two answers are numbers, 0 for done.")
    for expected, answers in gates.items():
        if as_word(named[expected]) != expected:
            first, second = (errno.errorcode.get(number, "done") for number in answers)
            return not_yet(f"For {first} and {second} it says {shown(named[expected])}.")
    return right(f"It named the gates of three processes, started just now: {', '.join(gates)}.")


def observed() -> dict[str, tuple[int, int]]:
    """What three processes are answered: one with our rights, one behind a filter, one without."""
    question = [sys.executable, "-c", ASK]
    filtered = seccomp.refuse(NUMBERS[platform.machine()])
    said = {
        "open": asked(question),
        "seccomp": seccomp.behind(filtered, question).stdout,
        "capability": asked([*question, "nothing"]),
    }
    return {who: tuple(map(int, text.split())) for who, text in said.items()}


def asked(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout
