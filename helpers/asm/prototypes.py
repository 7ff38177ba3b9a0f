"""The kernel's helper functions, as programs call them: by number, their names and arguments.

Built in chapter 02, compile_the_sample. They are read from the header that the compiler includes;
without libbpf-dev nothing is known of them, and calls show as numbers.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HEADER = Path("/usr/include/bpf/bpf_helper_defs.h")
# static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *) 3;
PROTOTYPE = re.compile(r"\(\* ?(?:const )?(bpf_\w+)\)\((.*)\) = \(void \*\) ?(\d+);")
ARGUMENTS = range(1, 6)  # the registers in which a call finds them


def helper_names() -> dict[int, str]:
    """The kernel's helper functions by number, {1: "bpf_map_lookup_elem", ...}.

    Source: bpf-helpers(7). Built in chapter 02.
    """
    return {number: name for number, (name, _) in _prototypes().items()}


def helper_arguments(number: int) -> tuple[int, ...]:
    """The registers in which a helper function finds its arguments, (1, 2) for the first.

    Those that may be left out, "...", are not among them; of an unknown helper there are none.
    """
    _, count = _prototypes().get(number, ("", 0))
    return tuple(ARGUMENTS[:count])


@cache
def _prototypes() -> dict[int, tuple[str, int]]:
    """By number the name of a helper, and how many arguments it always takes."""
    if not HEADER.is_file():
        return {}
    return {
        int(number): (name, 0 if arguments == "void" else len(_fixed(arguments)))
        for name, arguments, number in PROTOTYPE.findall(HEADER.read_text())
    }


def _fixed(arguments: str) -> list[str]:
    return [each for each in arguments.split(", ") if each != "..."]
