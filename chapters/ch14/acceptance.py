"""Whether a monitor meets its specification: counts to the byte, class by class, and what it costs.

Laboratory equipment, used in chapter 14. Started as a program (python -m) it judges a C file in a
process of its own, for ./course verify.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chapters.ch14 import packed, traffic
from chapters.ch14.program import Monitor, MonitorError, of_source, opened
from chapters.ch14.traffic import Class, Table
from helpers import objfile, uapi
from helpers.errors import CourseError

COST_LIMIT = 4.0  # times what the reference of the same type takes, in the same run
ROUNDS = 7
# A learner's test: frames, and the table that a right monitor makes of them.
Test = tuple[Sequence[bytes], Table]
INCLUDE = re.compile(r"^\s*(?:#|%:)\s*include(?:_next)?\s*(.*)$", re.MULTILINE)
ALLOWED = re.compile(r"<(?:(?:linux|bpf|asm|asm-generic)/[\w./-]+|std(?:int|def|bool)\.h)>")
# Other ways to bring a file into a program.
OTHER_WAYS = re.compile(r"\.incbin|\.include|(?:#|%:)\s*embed|__has_embed|\basm\b|\b__asm")
# What a monitor has use for; nothing that sends or changes a packet. By number: bpf-helpers(7).
HELPERS = {
    getattr(uapi, f"BPF_FUNC_{name}"): name
    for name in (
        *("map_lookup_elem", "map_update_elem", "map_delete_elem", "ktime_get_ns"),
        *("get_smp_processor_id", "skb_load_bytes", "skb_load_bytes_relative", "skb_pull_data"),
        *("ringbuf_output", "ringbuf_reserve", "ringbuf_submit", "ringbuf_discard"),
    )
}


@dataclass(frozen=True)
class Outcome:
    """What was found. wrong: the classes that are not counted right; cost: times the reference."""

    wrong: tuple[str, ...]
    cost: float
    frames: int

    @property
    def met(self) -> bool:
        return not self.wrong and self.cost <= COST_LIMIT

    def sentence(self) -> str:
        """The outcome in a sentence."""
        classes = len(traffic.CLASSES)
        if len(self.wrong) == 1:
            return f"The specification is met but for one class of frames: {self.wrong[0]}."
        if self.wrong:
            named = "; ".join(self.wrong)
            return (
                f"{len(self.wrong)} of {classes} classes of frames are not counted right: {named}."
            )
        if self.cost > COST_LIMIT:
            return (
                f"All is counted right, but a frame costs {self.cost:.1f} times what the reference "
                f"takes: the limit is {COST_LIMIT:.0f}."
            )
        return f"All {classes} classes of frames are counted to the byte."


def sources_of_its_own(source: str) -> None:
    """A monitor is one file: besides it, headers of the kernel and of libbpf alone.

    Errors: MonitorError for whatever else it reads, the generator of the traffic among it.
    """
    # A backslash at a line's end joins it with the next, and comments are blanks to C.
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", re.sub(r"\\\r?\n", "", source), flags=re.DOTALL)
    for name in INCLUDE.findall(text):
        if not ALLOWED.fullmatch(name.strip()) or ".." in name:
            raise MonitorError(
                f"The program reads {name.strip()}: a monitor may read the headers of the kernel "
                "and of libbpf, and no other file, the traffic's generator least of all."
            )
    if found := OTHER_WAYS.search(INCLUDE.sub("", text)):
        raise MonitorError(
            f"The program has {found.group()} in it, which can bring in another file: a monitor "
            "does without."
        )


def harmless(path: Path) -> None:
    """An object file calls nothing but what a monitor has use for.

    Errors: MonitorError, with the number of the helper that is not among HELPERS.
    """
    for program in objfile.read(path).programs.values():
        for each in program.instructions:
            if each.is_call and not each.calls_function and each.helper not in HELPERS:
                raise MonitorError(
                    f"The program calls helper {each.imm}, which a monitor has no use for; it may "
                    f"call {', '.join(sorted(HELPERS.values()))}."
                )


def wrong_classes(monitor: Monitor, classes: Sequence[Class]) -> tuple[str, ...]:
    """The names of those classes whose frames add something else than they should."""
    before, found = monitor.read(), []
    for each in classes:
        monitor.run(each.frames)
        now = monitor.read()
        if now != traffic.total([*before.items(), *each.table.items()]):
            found.append(each.name)
        before = now
    return tuple(found)


def cost(monitor: Monitor, frames: Sequence[bytes]) -> float:
    """How many times longer than the reference of its type it takes, the best of ROUNDS each."""
    design = "socket" if monitor.program.type == uapi.BPF_PROG_TYPE_SOCKET_FILTER else "tc"
    with of_source(packed.references()[design]) as reference:
        times = [(monitor.time(frames), reference.time(frames)) for _ in range(ROUNDS)]
    mine, its = (min(column) for column in zip(*times, strict=True))
    return mine / its


def judged(path: Path, name: str, number: int) -> Outcome:
    """Load an object file, and hold it against the traffic of a name and a number.

    Errors: MonitorError, LoadError, CapabilityError. For chapter 14.
    """
    harmless(path)
    classes = traffic.made(name, number)
    kinds = ("IPv4", "two VLAN tags", "IPv6 extension headers", "TCP")
    typical = [each.frames[0] for each in classes if each.name in kinds]
    with opened(path) as monitor:
        wrong = wrong_classes(monitor, classes)
        return Outcome(wrong, cost(monitor, typical), sum(len(each.frames) for each in classes))


def counted(path: Path, name: str, number: int) -> tuple[str, ...]:
    """Load an object file, and name the classes that it does not count right; no cost is measured.

    Errors: as judged. For chapter 14 on other kernels, whose emulated processors measure nothing.
    """
    harmless(path)
    with opened(path) as monitor:
        return wrong_classes(monitor, traffic.made(name, number))


def passes(source: str, test: Test) -> bool:
    """Whether a monitor makes of the frames of a test what the test says."""
    frames, table = test
    with of_source(source) as monitor:
        monitor.run(frames)
        return monitor.read() == {pair: tuple(counts) for pair, counts in table.items()}


def main(arguments: list[str]) -> int:
    """OBJECT NAME NUMBER: the outcome as JSON; or a sentence on stderr, and 1.

    One word more, counts: only the classes that are wrong, or the sentence, as JSON.
    """
    path, name, number, *counts = arguments
    try:
        if counts:
            print(json.dumps({"wrong": counted(Path(path), name, int(number))}))
            return 0
        outcome = judged(Path(path), name, int(number))
    except CourseError as error:
        if counts:
            print(json.dumps({"refused": str(error)}))
        else:
            print(error, file=sys.stderr)
        return 1
    print(json.dumps({"wrong": outcome.wrong, "cost": outcome.cost, "frames": outcome.frames}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
