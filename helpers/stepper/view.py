"""What a stepper shows: plain dataclasses, which any machine can make of its states.

Laboratory equipment, first used in chapter 07, inside_the_bytecode; chapter 09 uses it too. The
stepper knows nothing of eBPF or classic BPF. It shows a Walk: the program's lines, and one View
for each moment of one run over one packet. chapters/ch07/ebpf.py makes the walks of chapter
07's machine; a machine of another kind has a function of its own that returns a Walk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """One instruction of the program. number: its place, as jumps count it.

    text: the instruction, as asm.text or tcpdump -d writes it. source: the C line that it comes
    from, with its number, or "" where there is none.
    """

    number: int
    text: str
    source: str = ""


@dataclass(frozen=True)
class Cell:
    """A named value: a register, a word of scratch memory, some bytes of the stack, an element.

    value: as it is to be shown, "" while it has none. meaning: a few words beside it, such as
    "the context" or "98". changed: the instruction executed last has written it.
    """

    name: str
    value: str
    meaning: str = ""
    changed: bool = False


@dataclass(frozen=True)
class Group:
    """Cells under a heading: the stack, a map, scratch memory. It may be empty."""

    name: str
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class View:
    """One moment of a run: before the first instruction, or after one.

    executed, following: the number (as in Line.number) of the instruction executed last, None
    before the first, and of the one that runs next, None at the end.
    registers: always the same ones in the same order. memory: what else there is to see.
    reading: offsets (from, to) of the packet's bytes that `executed` has read, "to" exclusive;
    None if it has read none. note: a sentence about what happened, such as a jump taken.
    ending: how the run ended, in a sentence; "" as long as it goes on.
    """

    executed: int | None
    following: int | None
    registers: tuple[Cell, ...]
    memory: tuple[Group, ...] = ()
    reading: tuple[int, int] | None = None
    note: str = ""
    ending: str = ""


@dataclass
class Walk:
    """One run of one program over one packet, moment by moment.

    Arguments:
        lines: the whole program.
        packet: its bytes.
        moments: the views in order, the first of them before any instruction; taken one by one
            as they are wanted, so that a long run costs nothing until it is looked at.
        limit: how many views are kept at most; walking further is refused.
    """

    lines: tuple[Line, ...]
    packet: bytes
    moments: Iterator[View]
    limit: int = 10_000
    _seen: list[View] = field(default_factory=list)

    def view(self, step: int) -> View | None:
        """The view after so many instructions (0: before the first), None beyond the end."""
        while len(self._seen) <= step and len(self._seen) <= self.limit:
            view = next(self.moments, None)
            if view is None:
                break
            self._seen.append(view)
        return self._seen[step] if step < len(self._seen) else None

    def last(self) -> int:
        """Walk to the end, or to the limit; the number of instructions until there."""
        self.view(self.limit)
        return len(self._seen) - 1

    def line(self, number: int | None) -> Line | None:
        """The line of the instruction with that number, None for None."""
        return next((line for line in self.lines if line.number == number), None)

    def __iter__(self) -> Iterator[View]:
        step = 0
        while (view := self.view(step)) is not None:
            yield view
            step += 1
