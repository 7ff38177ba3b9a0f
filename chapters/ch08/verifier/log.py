"""The verifier's log, read: which instructions it went through, and what it knew at each.

Built in chapter 08, the_verifier. The words of the log change from kernel to kernel. This reads
only what has kept its shape from Linux 5.8 on: a number, an opcode in parentheses, and registers
with what is known of them:

    7: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=counters,ks=4,vs=8)
    from 8 to 10: R0=map_value(map=counters,ks=4,vs=8) R6=ctx() R10=fp0 fp-8=mmmm????

Kernels before 5.17 write the registers on a line of their own before each instruction, newer ones
behind it, and only those that have changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from chapters.ch08.verifier import known
from helpers.asm import ABSOLUTE, CALL, EXIT, INDIRECT, JUMP, LD, SIZES

INSTRUCTION = re.compile(r"^(\d+): \(([0-9a-f]{2})\)(.*)", re.MULTILINE)
BRANCH = re.compile(r"^from (\d+) to (\d+)( \(speculative execution\))?:(.*)")
# A register or a place on the stack; what is known of it goes up to the next one, or the end.
KNOWN = re.compile(r"(?<!\S)(R\d+|fp-\d+)(?:_\w+)?=")
FULL = re.compile(r"^from \d+ to \d+(?: \(speculative execution\))?: (?:frame0: )?R", re.MULTILINE)
NUMBERED = re.compile(r"(?:^|\s)\d+: (?:safe|(?=frame\d|R\d))")
FRAME = re.compile(r"\bframe(\d+): ")
START = re.compile(r"^0: (?:frame0: )?R\d", re.MULTILINE)  # behind what newer kernels put in front
TARGET = re.compile(r"goto pc([+-]\d+)")
SAFE = re.compile(r"^(\d+): safe")
CALL_OF_FUNCTION = re.compile(r"call pc")
# A global function is not entered where it is called, but checked by itself.
NOT_ENTERED = re.compile(r"^Func#\d+ .*global")
BY_ITSELF = re.compile(r"^Validating .*func#\d+")
# After these r1 to r5 hold nothing: a call, and the six old instructions that load from a packet.
LOSING_ARGUMENTS = {JUMP | CALL}
LOSING_ARGUMENTS |= {LD | mode | size for mode in (ABSOLUTE, INDIRECT) for size in SIZES}
# An address in a packet: on which unknown numbers it depends, and how many bytes were checked.
PACKET = re.compile(
    r"(?P<before>(?P<whose>pkt\((?:id=\d+,)?)(?:.*,)?)r=(?P<r>\d+)(?!\w)(?P<after>.*)"
)
# What is learnt of a register holds for each with the same number or address, by its id; from
# Linux 6.11 on also for numbers that differ by a constant, id=1-1.
SAME = re.compile(r"\bid=(\d+)([+-](?:0x[0-9a-f]+|\d+))?")
TAKEN = re.compile(r"\bref_(?:obj_)?id=(\d+)")  # from Linux 7.3 on that is the id itself
UNSURE = "unsure"  # what a register holds if the log does not say it any more
GONE = "gone"  # what a register held before the kernel has taken it away
# Helper functions that give back what was taken, and those after which a packet may lie elsewhere:
# bpf_helper_changes_pkt_data() in the kernel tree.
RELEASES = {86, 132, 133}
RELEASES_DYNPTR = {199, 200}  # which lies on the stack
MOVES_PACKET = {9, 10, 11, 13, 18, 19, 31, 38, 39, 43, 44, 50, 54, 65}
HELPER = re.compile(r"call [\w ]+#(\d+)")
# Remarks that are not about what stopped it.
NOTE = re.compile(
    r";|processed |verification time|stack depth|func#|mark_precise|regs=|parent |last_idx"
    r"|frame \d+: propagating|propagating|\d+: |from \d+ to|-- |caller|callee|returning"
    r"|\(\d+(?:,\d+)?\) |SCC |topo_order|subprog#|stack use/def|Live regs"
)
# Behind the last value: what must be given back, by number; and marks of callbacks.
NOISE = re.compile(r"(?: (?:refs=[\d,]+|cb|async_cb))+$")
REFERENCES = re.compile(r" refs=([\d,]+)")
PRECISE = re.compile(r"^P(?=-?\d|inv|scalar)")  # in front of a number that must be exact
REPORT = re.compile(r"^Verification failed: ", re.MULTILINE)  # what Linux 7.3 adds


@dataclass
class Step:
    """One instruction that the verifier went through.

    number: its place in the program, in slots of 8 bytes. path: counts the paths through the
    program, from 1; origin: the jump at which this path branched off, None for the first; told:
    whether the log says so itself (older kernels leave it to be guessed); speculative: a path that
    only a processor that guesses would take; pruned: it was not taken again, since nothing new was
    known.
    before, after: what was known then, {"R0": "map_value(...)", "fp-8": "mmmm????"}; a register
    that is missing held nothing. Steps share them where nothing has changed: do not write to them.
    frame: how many functions deep the registers are. references: what had been taken before it and
    must be given back, by number.
    """

    number: int
    opcode: int
    path: int = 1
    origin: int | None = None
    told: bool = True
    speculative: bool = False
    pruned: bool = False
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    frame: int = 0
    references: tuple[str, ...] = ()


def last_instruction(log: str) -> int | None:
    """The number of the last instruction that the log names: there the verifier has stopped.

    Result: the number, or None if the verifier refused the program before going through it.
    Built in chapter 08.
    """
    # chapter 08: begin last
    numbers = re.findall(r"^(\d+): \(", log, re.MULTILINE)
    # chapter 08: end last
    return int(numbers[-1]) if numbers else None


def end(text: str, length: int) -> str:
    """The end of a log, from where a path begins there: at that place the log says all that is
    known. If none begins there, the log is cut where it happens to be."""
    start = text.index("\n", len(text) - length) + 1
    branch = FULL.search(text, start)
    return text[branch.start() if branch else start :]


def words(log: str) -> list[str]:
    """What the verifier said when it had stopped, as it said it, line by line; [] if nothing.

    Without the report that Linux 7.3 adds.
    """
    if report := REPORT.search(log):
        log = log[: report.start()]
    last = 0
    for last_line in re.finditer(r"^\d+: \([0-9a-f]{2}\).*", log, re.MULTILINE):
        last = last_line.end()
    said = []
    for line in log[last:].splitlines():
        line = line.partition("processed ")[0].strip()
        if line and not KNOWN.search(line) and not NOTE.match(line):
            said.append(line)
    return said


def read(log: str) -> list[Step]:
    """The steps of a log of level 1 or 2, in the order in which the verifier took them.

    With level 2 there is also what it knew.
    Source: kernel/bpf/verifier.c and log.c in the kernel tree.
    """
    start = START.search(log)
    reader = _Reader()
    for line in log[start.start() if start else 0 :].splitlines():
        reader.take(line)
    return reader.steps


def last_path(steps: list[Step]) -> list[Step]:
    """The steps of the path that the verifier was on when it stopped, from the program's start.

    Each path branches off from one before it: what came after the branch is not part of it.
    """
    taken: list[Step] = []
    where: dict[int | None, list[int]] = {}  # by number, the places in `taken`
    for step in steps:
        if taken and step.path != taken[-1].path:
            before = where.get(step.origin)
            keep = before[-1] + 1 if before else 0  # else a function begins, that is checked alone
            for gone in reversed(taken[keep:]):
                where[gone.number].pop()
            del taken[keep:]
        where.setdefault(step.number, []).append(len(taken))
        taken.append(step)
    return taken


def is_guess(text: str) -> bool | None:
    """Whether the path at the end of a log is one that only a processor that guesses would take;
    None if the log names no branches, as that of kernels before 5.17."""
    branch = BRANCH.match(text[text.rfind("\nfrom ") + 1 :].partition("\n")[0])
    return bool(branch[3]) if branch else None


class _Reader:
    """Takes the log line by line."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._registers = _Registers()
        self._path, self._origin, self._speculative = 1, None, False
        self._told = True
        self._depth = 0  # of functions that call functions
        self._ended = False  # the path: the next step is on another one
        self._open: list[tuple[int, set[int]]] = []  # jumps, and where they lead

    def take(self, line: str) -> None:
        if branch := BRANCH.match(line):
            self._begin(int(branch[1]), bool(branch[3]))
            self._registers.learn(branch[4])
            if branch[4].strip() == "safe":
                self._prune(int(branch[2]))
        elif step := INSTRUCTION.match(line):
            self._step(int(step[1]), int(step[2], 16), step[3])
        elif NOT_ENTERED.match(line):
            self._depth = max(self._depth - 1, 0)
        elif BY_ITSELF.match(line):
            self._ended, self._open = True, []
        elif safe := SAFE.match(line):
            self._resume(int(safe[1]))
            self._prune(int(safe[1]))
        elif NUMBERED.match(line) or FRAME.match(line.strip()):
            number = re.match(r"\d+", line)
            if number:
                self._resume(int(number[0]))
            self._registers.learn(line)
            self._finish()

    def _step(self, number: int, opcode: int, text: str) -> None:
        self._resume(number)
        self._finish()
        before = self._registers.snapshot()
        place = (self._path, self._origin, self._told, self._speculative)
        step = Step(number, opcode, *place, before=before)
        step.frame, step.references = self._registers.frame, self._registers.references
        self.steps.append(step)
        target = TARGET.search(text)
        if target and text.lstrip().startswith("if"):
            self._open.append((number, {number + 1, number + 1 + int(target[1])}))
        if helper := HELPER.search(text):
            self._registers.lose_what_is_gone(int(helper[1]))
        if opcode in LOSING_ARGUMENTS:
            self._registers.lose_arguments()
        self._depth += bool(CALL_OF_FUNCTION.search(text))
        if opcode == JUMP | EXIT:
            self._ended = self._depth == 0
            self._depth = max(self._depth - 1, 0)
        self._registers.learn(text, compared=text.lstrip().startswith("if"))
        self._finish()

    def _resume(self, number: int) -> None:
        """Kernels before 5.17 do not say where a new path branches off: from the last jump that
        may lead here and was not gone back to."""
        if not self._ended:
            return
        while self._open:
            origin, targets = self._open.pop()
            if number in targets:
                self._begin(origin, False, told=False)
                return
        self._begin(None, False, told=False)

    def _begin(self, origin: int | None, speculative: bool, told: bool = True) -> None:
        self._path, self._origin, self._speculative = self._path + 1, origin, speculative
        self._ended, self._depth, self._told = False, 0, told
        self._registers.forget()

    def _prune(self, number: int) -> None:
        place = (self._path, self._origin, self._told, self._speculative)
        self.steps.append(Step(number, 0, *place, pruned=True))
        self._ended = True

    def _finish(self) -> None:
        if self.steps and self.steps[-1].path == self._path and not self.steps[-1].pruned:
            self.steps[-1].after = self._registers.snapshot()


def _apart(value: str, apart: int) -> str:
    """A number that differs from another one by so much, as a log would have it."""
    limits = known.limits(value)
    if limits is None or limits[0] + apart < 0 or limits[1] + apart > known.U32_MAX:
        return UNSURE
    return f"scalar(umin={limits[0] + apart},umax={limits[1] + apart})"


class _Registers:
    """What is known, function by function: the callee's registers hide the caller's."""

    def __init__(self) -> None:
        self.forget()

    @property
    def known(self) -> dict[str, str]:
        return self._frames[self.frame]

    def snapshot(self) -> dict[str, str]:
        """What is known now; the same object again as long as nothing changes."""
        if self._snapshot is None:
            self._snapshot = dict(self.known)
        return self._snapshot

    def learn(self, text: str, compared: bool = False) -> None:
        """What a line tells; compared: of registers that a jump has just compared."""
        heads = list(KNOWN.finditer(text))
        if not heads:
            return
        frame = FRAME.search(text)
        self.frame = int(frame[1]) if frame else 0
        ends = [*(head.start() for head in heads[1:]), len(text)]
        told = {
            head[1]: NOISE.sub("", PRECISE.sub("", text[head.end() : end].strip()))
            for head, end in zip(heads, ends, strict=True)
        }
        references = REFERENCES.search(text, heads[-1].end())
        self.references = tuple(references[1].split(",")) if references else ()
        self._frames.setdefault(self.frame, {})
        if compared:
            self._tell_copies(told)
        self.known.update(told)
        self._share(told.values())
        self._snapshot = None

    def _share(self, told: Iterable[str]) -> None:
        """Bytes of a packet that were checked hold for each address in it, told of or not."""
        for checked in filter(None, map(PACKET.match, told)):
            for name, other in self.known.items():
                mine = PACKET.match(other)
                if mine and mine["whose"] == checked["whose"] and checked["r"] != "0":
                    self.known[name] = f"{mine['before']}r={checked['r']}{mine['after']}"

    def _tell_copies(self, told: dict[str, str]) -> None:
        """The log names the register that was compared, and its copies have changed with it."""
        for name, value in told.items():
            before = self.known.get(name, "")
            same = SAME.search(before)
            if not same or same[1] == "0" or value == before:
                continue
            for other, copied in self.known.items():
                linked = SAME.search(copied)
                if other not in told and linked and linked[1] == same[1]:
                    apart = int(linked[2] or "0", 0) - int(same[2] or "0", 0)
                    self.known[other] = value if copied == before else _apart(value, apart)

    def lose_what_is_gone(self, helper: int) -> None:
        """A call may take away what registers held: a record that is given back, a packet."""
        given = self.known.get("R1", "")
        if helper in RELEASES_DYNPTR:
            given = self.known.get(given, "")  # known by the address
        taken = self._taken(given) if helper in RELEASES | RELEASES_DYNPTR else None
        for registers in self._frames.values():
            for name, value in registers.items():
                gone = taken and self._taken(value) == taken
                if gone or (helper in MOVES_PACKET and value.startswith("pkt")):
                    registers[name] = GONE
        self._snapshot = None

    def _taken(self, value: str) -> str | None:
        """The number of what was taken and must be given back, if a register holds that."""
        numbers = (TAKEN.search(value), SAME.search(value))
        return next((n[1] for n in numbers if n and n[1] in self.references), None)

    def forget(self) -> None:
        self._frames: dict[int, dict[str, str]] = {0: {}}
        self.frame, self.references, self._snapshot = 0, (), None

    def lose_arguments(self) -> None:
        for number in range(1, 6):
            self.known.pop(f"R{number}", None)
        self._snapshot = None
