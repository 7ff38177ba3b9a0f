"""What Linux 7.3 and later say of their own accord: a report behind the old line.

Laboratory equipment, first used in chapter 08, the_verifier. It has headings at the beginning of a
line, and below them what belongs to them, indented:

    Verification failed: Memory Safety: Access outside bounds
    Reason:
      The verifier cannot prove offset + access_size <= object_size. ...
    At:
      count_bytes @ yours_kern.c:22:17
      Source context: ...
      Instruction context:
      >>> 13 | (85) call bpf_skb_load_bytes#26
    Causal path:
      (the same, for each event that led there)
    Suggestion:
      Add or adjust a bounds check ...

Source: kernel/bpf/diagnostics.c in the kernel tree.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from helpers.asm import Instruction

# A log of Linux 7.3.4, of followed_at_once in tests/refused/values.c.
SAMPLE = Path(__file__).with_name("linux_7_3.txt")
TITLE = re.compile(r"^Verification failed: (.*)$", re.MULTILINE)
HEADING = re.compile(r"^([A-Z][A-Za-z ]*):[ \t]*$", re.MULTILINE)
PLACE = re.compile(r"^(\w[\w.]*) @ ([^:\n]+):(\d+)(?::\d+)?$", re.MULTILINE)
REMARK = re.compile(r"\^--? ?(.*)")
CONTINUED = re.compile(r"^\s*\|\s{2,}(\S.*)")
MARKED = re.compile(r"^\s*>>>\s*(\d+) \| \([0-9a-f]{2}\)", re.MULTILINE)


@dataclass(frozen=True)
class Event:
    """A place that the report speaks of. function, file, line: that of C, 0 if it names none.
    instruction: its number, None if it names none. said: what happened there."""

    function: str
    file: str
    line: int
    instruction: int | None
    said: str


@dataclass(frozen=True)
class Report:
    """A report, taken apart. title: kind and what, as "Memory Safety: Access outside bounds".
    at: where it was refused, path: what led there, in this order. parts: every heading's text, as
    it stands."""

    title: str
    reason: str
    suggestion: str
    at: Event | None
    path: list[Event]
    parts: dict[str, str] = field(default_factory=dict)

    def lines(self, instructions: Sequence[Instruction]) -> list[tuple[str, str]]:
        """What it says, each with its heading, with the lines of C instead of places in a file."""
        by_number = {each.number: each for each in instructions}
        said = [("The kernel explains", self.title)]
        if self.reason:
            said.append(("Its reason", self.reason))
        said += [
            ("Then" if number else "What led there", _event(event, by_number))
            for number, event in enumerate(self.path)
        ]
        if self.at:
            said.append(("Refused at", _event(self.at, by_number)))
        if self.suggestion:
            said.append(("It suggests", self.suggestion))
        return said

    def about(self, key: str, registers: Iterable[int] = ()) -> bool:
        """Whether it speaks of what the reader's reason of this name says, and of its registers."""
        named = {int(number) for number in re.findall(r"\bR(\d+)\b", self.reason)}
        registers = set(registers)
        other = registers and named and not registers & named
        return key in SAME.get(self.title, ()) and not other


# By title, the reader's reasons that say the same; of a title that is not here none does.
_BOUNDS = ("buffer_bounds", "packet_end", "metadata", "value_bounds", "record_bounds")
_BOUNDS += ("key_bounds", "value_short", "packet_far")
_FOLLOWED = ("context_moved", "end_followed", "null", "zero_followed", "number_followed")
SAME = {
    "Memory Safety: Access outside bounds": _BOUNDS,
    "Memory Safety: Uninitialized stack read": ("stack_unset",),
    "Memory Safety: Stack spill corruption": ("spilled",),
    "Call Type Safety: Invalid call argument": (
        "argument_kind",
        "argument_null",
        "release",
        "release_null",
        "lock_place",
        "leak_argument",
    ),
    "Register Type Safety: Invalid pointer arithmetic operator": ("operation", "cut"),
    "Register Type Safety: Bitwise operation on pointer": ("operation",),
    "Register Type Safety: Pointer subtracted from scalar": ("number_less_pointer",),
    "Register Type Safety: Subtraction from stack pointer": ("from_stack",),
    "Register Type Safety: Pointer arithmetic is not allowed": ("fixed_pointer",),
    "Register Type Safety: Pointer arithmetic before NULL check": ("null_moved",),
    "Register Type Safety: 32-bit pointer arithmetic": ("cut",),
    "Register Type Safety: Pointer offset is not safe": ("unbounded",),
    # What a call has given back is a number from then on, in the kernel's words.
    "Register Type Safety: Invalid dereference": (*_FOLLOWED, "unset"),
    "Register Type Safety: Unreadable register": ("unset",),
    "Resource Lifetime Safety: Unreleased resource": ("reference",),
    "Resource Lifetime Safety: Unlock without lock": ("unlock_free",),
    "Resource Lifetime Safety: Unlock of a different lock": ("lock_other",),
    "Execution Context Safety: Operation is not allowed in this context": (
        "lock_kept",
        "lock_call",
        "lock_twice",
        "region_kept",
        "sleeps",
    ),
    "Policy: Operation is not allowed": (
        "helper_type",
        "helper_unknown",
        "perfmon",
        "licence",
        "function_type",
    ),
    "Program Structure: Subprogram can fall through": ("outside",),
    "Program Structure: Jump out of range": ("outside",),
    "Program Structure: Jump into ldimm64 immediate": ("outside",),
    "Program Structure: Unreachable instruction": ("unreachable",),
}


def _event(event: Event, by_number: dict[int, Instruction]) -> str:
    """An event in a line: where in C, and what happened."""
    instruction = by_number.get(event.instruction)
    line, source = event.line, instruction.source.strip() if instruction else ""
    where = f"line {line}" if line else f"instruction {event.instruction}"
    return f"{where}, {source}: {event.said}" if source else f"{where}: {event.said}"


def read(text: str) -> Report | None:
    """The report at the end of a log, None if there is none."""
    title = TITLE.search(text)
    if title is None:
        return None
    body = re.split(r"^processed ", text[title.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    pieces = HEADING.split(body)
    parts = {
        name: textwrap.dedent(part.strip("\n"))
        for name, part in zip(pieces[1::2], pieces[2::2], strict=True)
    }
    at = _events(parts.get("At", ""))
    return Report(
        title[1].strip(),
        " ".join(parts.get("Reason", "").split()),
        " ".join(parts.get("Suggestion", "").split()),
        at[0] if at else None,
        _events(parts.get("Causal path", "")),
        parts,
    )


def _events(part: str) -> list[Event]:
    """The places in a part of the report, in its order."""
    places = list(PLACE.finditer(part))
    events = []
    for place, following in zip_longest(places, places[1:]):
        block = part[place.end() : following.start() if following else len(part)]
        marked = MARKED.search(block)
        number = int(marked[1]) if marked else None
        events.append(Event(place[1], place[2], int(place[3]), number, _remark(block)))
    return events


def _remark(block: str) -> str:
    """What stands at the mark below the line of C, without the mark."""
    words: list[str] = []
    for line in block.splitlines():
        if not words and (begun := REMARK.search(line)):
            words.append(begun[1])
        elif words and (more := CONTINUED.match(line)):
            words.append(more[1])
        elif words:
            break
    return " ".join(words).removeprefix("error: ").removeprefix("update: ").removeprefix("branch: ")
