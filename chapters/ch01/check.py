"""Checks of chapter 01, kernel_config."""

from __future__ import annotations

import contextlib
import io
import mmap
from collections.abc import Callable, Mapping

from helpers import probes
from helpers.check import (
    Verdict,
    as_list,
    as_number,
    as_text,
    as_word,
    called,
    not_attempted,
    not_yet,
    right,
    shown,
)

MOST_BYTES = 1 << 20  # bytes of the kernel's memory for a try

# Made up so that each usual mistake meets a line that shows it.
LINES = [
    "# Linux/x86 5.0.0 Kernel Configuration",
    'CONFIG_CMDLINE="console=ttyS0 root=/dev/vda"',
    "CONFIG_BPFILTER_UMH=m",
    "CONFIG_BPFILTER=y",
    "# CONFIG_BPF_JIT_ALWAYS_ON is not set",
    "CONFIG_BPF_JIT=y",
    "CONFIG_NET_CLS_BPF=m",
]
WANTED = {
    "CONFIG_NET_CLS_BPF": ("m", "compare each line's name with the one asked for"),
    "CONFIG_BPFILTER": ("y", "CONFIG_BPFILTER_UMH=m begins like it, but is another option"),
    "CONFIG_BPF_JIT": ("y", "CONFIG_BPF_JIT_ALWAYS_ON is another option"),
    "CONFIG_BPF_JIT_ALWAYS_ON": ("n", 'its line begins with # and ends with "is not set"'),
    "CONFIG_CMDLINE": (
        '"console=ttyS0 root=/dev/vda"',
        "cut at the first = only; the quotes belong to the value",
    ),
    "CONFIG_TEST_BPF": (None, "no line is about it"),
}


def value_of(function: Callable[[str, list[str]], str | None]) -> Verdict:
    """Exercise 1: asked for six options of a made-up configuration."""
    printed, answers = io.StringIO(), {}
    for name in WANTED:
        with contextlib.redirect_stdout(printed):
            answers[name], failure = called(function, name, list(LINES))
        if failure:
            return failure
    if all(answer is None for answer in answers.values()):
        if printed.getvalue():
            return not_yet("It prints something; the caller wants it returned.")
        return not_attempted("Complete the function: it returns None for everything.")
    for name, (wanted, hint) in WANTED.items():
        answer = answers[name]
        if (answer if answer is None else as_text(answer) or "") != wanted:
            return not_yet(f"For {name} it returns {shown(answer)}, not {wanted!r}: {hint}.")
    return right("It reads y, m, n, texts, and tells an option from one with a longer name.")


def ring_buffer(sizes: tuple[int, int, int] | None) -> Verdict:
    """Exercise 2: the sizes are tried on this kernel, or judged by its rules if it may not."""
    if sizes is None:
        return not_attempted("Replace None by three numbers in brackets.")
    numbers = [as_number(size) for size in as_list(sizes) or ()]
    if len(numbers) != 3 or any(number is None or number != int(number) for number in numbers):
        return not_yet("Three whole numbers are wanted: (key_size, value_size, entries).")
    key_size, value_size, entries = map(int, numbers)
    if key_size or value_size:
        return not_yet("A ring buffer has no keys and no values: how many bytes do they take?")
    whole_pages = entries > 0 and entries % mmap.PAGESIZE == 0
    if not whole_pages or entries & (entries - 1):
        return not_yet(
            f"A ring buffer cannot have {entries} bytes: the rules above say which it may."
        )
    if entries > MOST_BYTES:
        return not_yet(
            f"That is more than we want to take from the kernel: at most {MOST_BYTES} bytes."
        )
    answer = probes.try_map(27, 0, 0, entries)
    if answer == "works":
        return right(f"The kernel made a ring buffer of {entries} bytes, and took it back.")
    if answer == "Invalid argument" != probes.try_map(27, 0, 0, mmap.PAGESIZE):
        return not_yet("This kernel takes a shorter one: ask for less.")
    if answer == "Invalid argument":
        return right("By the rules it is; but this kernel has no ring buffers, they came with 5.8.")
    if answer == "Operation not permitted":
        return right("By the rules it is; this notebook may not try it, it lacks CAP_BPF.")
    return not_yet(f"The kernel says: {answer}. Ask for less.")


CASES = {
    1: ("rights", "the kernel knows the type and the sizes, so it objects to something else"),
    2: ("kernel", "on a later kernel the very same call works"),
    3: ("call", "this kernel has ring buffers, and 5000 is not a length that one can have"),
}


def to_change(answers: dict[int, str | None]) -> Verdict:
    """Exercise 3: three refusals, and what each is about."""
    if answers is None:
        return not_attempted('Replace each None by "kernel", "rights" or "call".')
    if not isinstance(answers, Mapping):
        return not_yet("Keep the three numbers in front, as in {1: None, 2: None, 3: None}.")
    if all(answer is None for answer in answers.values()):
        return not_attempted('Replace each None by "kernel", "rights" or "call".')
    for case, (wanted, hint) in CASES.items():
        if as_word(answers.get(case)) not in ("kernel", "rights", "call"):
            return not_yet(f'Case {case} wants one of three words: "kernel", "rights" or "call".')
        if as_word(answers[case]) != wanted:
            return not_yet(f"Case {case}: {hint}.")
    return right("Not permitted is about rights; invalid is about the kernel or about the call.")
