"""What the kernel said to a program: yes, or no and why, with the line of C that decided.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

from chapters.ch08.verifier import (
    chain,
    ending,
    known,
    log,
    reasons,
    report,
    shape,
    special,
    subjects,
)
from chapters.ch08.verifier.place import as_text
from helpers import asm, table
from helpers.asm import Instruction
from helpers.errors import CourseError
from helpers.loader import LoadedObject
from helpers.objfile import MapDefinition
from helpers.syscall import Program, TestRun, test_run
from helpers.syscall.errors import NOT_SUPPORTED

MAX_CHARACTERS_READ = 1_000_000  # of a log: of an endless loop its end is enough
MAX_CHARACTERS_SHOWN = 8_000  # of a log, in a notebook
NO_REASON = "This reader has no explanation for it. What the kernel said is above."


class RefusedError(CourseError):
    """The program was refused, so there is nothing to run."""


@dataclass(frozen=True)
class Refusal:
    """Why a program was refused.

    instruction: where the verifier stopped, None if it names none; its .line and .source are
    those of C. reason: the sentence; key: the reason's name, "" if it could not be told. before:
    what was known of the registers that the instruction uses. words: the kernel's own last words.
    report: what Linux 7.3 and later explain, None if there is nothing. registers: those that
    decide.
    """

    instruction: Instruction | None
    reason: str
    key: str
    before: dict[str, str]
    words: str
    report: report.Report | None = None
    registers: tuple[int, ...] = ()

    @property
    def explained(self) -> bool:
        return bool(self.key)


@dataclass
class KernelVerdict:
    """What the kernel said. With `with`, or close(), an accepted program is given back.

    number: the error number, 0 if it was accepted. log: the verifier's, all of it.
    instructions: the program as the kernel got it. type: that of the program, by its section.
    holding: the capabilities that it was loaded with. maps: those of the object, by name. tried:
    what was tried of a helper that is called where it stopped, see reasons.Place. source: the C
    that it was made from, "" if that is not known; options: those that it was compiled with.
    special, fields: see reasons.Place.
    steps: the log, read. refusal: why it was refused, None if it was accepted. report: what a
    newer kernel explains, None if there is nothing.
    """

    number: int
    log: str
    instructions: list[Instruction]
    type: str = "socket"
    license: str = "GPL"
    loaded: LoadedObject | None = None
    program: Program | None = None
    holding: Sequence[str] = ("CAP_BPF",)
    maps: Mapping[str, MapDefinition] = field(default_factory=dict)
    tried: Mapping[str, bool | None] = field(default_factory=dict)
    source: str = ""
    options: Sequence[str] = ()
    special: Mapping[str, Sequence[special.Field]] = field(default_factory=dict)
    fields: Mapping[str, Sequence[special.Field]] = field(default_factory=dict)
    steps: list[log.Step] = field(init=False)
    refusal: Refusal | None = field(init=False)
    report: report.Report | None = field(init=False)

    def __post_init__(self) -> None:
        text = self.log
        if len(text) > MAX_CHARACTERS_READ:
            text = log.end(text, MAX_CHARACTERS_READ)
        self.steps = log.read(text)
        self.report = report.read(text) if self.number else None
        self.refusal = find(self, text) if self.number else None

    @property
    def accepted(self) -> bool:
        return self.number == 0

    def run(self, packet: bytes) -> TestRun:
        """Run the accepted program on one packet, as syscall.test_run.

        Errors: RefusedError, SyscallError.
        """
        if self.program is None:
            raise RefusedError("There is no program to run: it was refused, or is closed.")
        return test_run(self.program, packet)

    def counter(self, slot: int) -> int:
        """The map bytes_by_protocol under a number. Errors: as LoadedObject.map."""
        if self.loaded is None:
            raise RefusedError("There is no map to read: the program was refused, or is closed.")
        return self.loaded.map("bytes_by_protocol").counter(slot)

    def close(self) -> None:
        """Give program and maps back."""
        if self.loaded is not None:
            self.loaded.close()
        elif self.program is not None:
            self.program.close()
        self.loaded = self.program = None

    def __enter__(self) -> KernelVerdict:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def lines(self) -> list[tuple[str, str]]:
        """What there is to say, each with its heading."""
        if self.refusal is None:
            return [("Accepted", f"{len(self.instructions)} instructions")]
        name = errno.errorcode.get(self.number, str(self.number))
        refused = f"{name}, {os.strerror(self.number)}"
        if self.number == NOT_SUPPORTED:
            refused = f"ENOTSUPP, not supported: {NOT_SUPPORTED}, a number of the kernel's own"
        said = [("Refused", refused)]
        refusal, instruction = self.refusal, self.refusal.instruction
        if instruction is not None:
            if instruction.source:
                said.append((f"Line {instruction.line}", instruction.source.strip()))
            said.append((f"Instruction {instruction.number}", as_text(instruction)))
        if refusal.before:
            known_before = (f"{r.lower()} = {known.in_words(v)}" for r, v in refusal.before.items())
            said.append(("Known before it", "; ".join(known_before)))
        words = ("In its own words", refusal.words or "nothing")
        if refusal.report:
            return [*said, *refusal.report.lines(self.instructions), *self._agreed(), words]
        if not refusal.explained:
            return [said[0], words, *said[1:], ("Why", refusal.reason)]
        return [*said, ("Why", refusal.reason), words]

    def _agreed(self) -> list[tuple[str, str]]:
        """The reader's sentence beside a kernel's report, if the two speak of the same."""
        return [("This reader", self.refusal.reason)] if self.agrees else []

    @property
    def agrees(self) -> bool:
        """Whether the reader and the kernel's report, if there is one, speak of the same."""
        refusal = self.refusal
        if refusal is None or refusal.report is None or not refusal.explained:
            return False
        return refusal.report.about(refusal.key, refusal.registers)

    @cached_property
    def chain(self) -> chain.Chain:
        """Where the registers that decide came from; empty where no instruction decided."""
        refusal = self.refusal
        last = self.steps[-1] if self.steps else None
        if refusal is None or refusal.key in SHAPES or last is None or last.pruned:
            return chain.Chain([], [], "")
        at = refusal.instruction
        if at is None or at.number != last.number:
            return chain.Chain([], [], "")
        registers = refusal.registers
        if not refusal.explained and not ending.is_newer(at):  # then all that it reads
            registers = tuple(sorted({r for r in at.reads if r != 10}))
        asks = not refusal.explained or refusal.key in ASKED
        return chain.trace(self.steps, self.instructions, registers, self.source, asks)

    def __repr__(self) -> str:
        width = max(len(heading) for heading, _ in self.lines())
        said = "\n".join(f"{heading:{width}}  {text}" for heading, text in self.lines())
        return f"{said}\n{self.chain}" if self.chain else said

    def _repr_html_(self) -> str:
        left = 'style="text-align: left; vertical-align: top"'
        code = ("Line", "Instruction", "In its")
        rows = "".join(
            f'<tr><th scope="row" {left}>{escape(heading)}</th><td {left}>'
            + (f"<code>{escape(text)}</code>" if heading.startswith(code) else escape(text))
            + "</td></tr>"
            for heading, text in self.lines()
        )
        whole = escape(shortened(self.log))
        return (
            f"{table.element(f'<tbody>{rows}</tbody>', 'Verdict')}{self.chain._repr_html_()}"
            f"<details><summary>The whole log</summary><pre><code>{whole}</code></pre></details>"
        )


def shortened(text: str) -> str:
    """The beginning and the end of a text that is too long to show."""
    if len(text) <= MAX_CHARACTERS_SHOWN:
        return text
    first = text.rindex("\n", 0, MAX_CHARACTERS_SHOWN // 2)
    last = text.index("\n", len(text) - MAX_CHARACTERS_SHOWN // 2)
    left_out = text[first:last].count("\n")
    remark = f"\n\n... {left_out:,} lines are left out here, .log has them ...\n"
    return text[:first] + remark + text[last:]


def find(verdict: KernelVerdict, text: str) -> Refusal:
    """The decisive instruction and the reason, for a program that was refused."""
    said, instructions = log.words(text), verdict.instructions
    by_number = {each.number: each for each in instructions}
    last = verdict.steps[-1] if verdict.steps else None
    stopped = by_number.get(log.last_instruction(text))
    found = _in_the_shape(verdict, last, stopped, "\n".join(said))
    before: dict[str, str] = {}
    if found is None and last and not last.pruned and stopped:
        place = reasons.Place(
            stopped,
            last.before,
            verdict.number,
            verdict.type,
            verdict.license,
            verdict.holding,
            log.last_path(verdict.steps),
            by_number,
            verdict.maps,
            last.frame,
            last.references,
            special=verdict.special,
            fields=verdict.fields,
            elsewhere=frozenset(
                step.before.get(f"R{stopped.base}", "")
                for step in verdict.steps[:-1]
                if step.number == stopped.number and not step.pruned
            ),
            **verdict.tried,
        )
        used = asm.ARGUMENTS if stopped.calls_function else sorted(set(stopped.reads))
        before = {f"R{r}": place.of(r) for r in used if place.of(r)}
        found = reasons.reason(place, "\n".join(said))
    words = said[0] if said else ""
    if found is None:
        return Refusal(stopped, NO_REASON, "", before, words, verdict.report)
    instruction = found.instruction or stopped
    sentence, key = found.sentence, found.key
    return Refusal(instruction, sentence, key, before, words, verdict.report, found.registers)


# Reasons, by key, for which it matters whether a register was compared.
ASKED = {"null", "null_moved", "argument_null", "release_null", "packet_end", "metadata"}
ASKED |= {"value_bounds", "record_bounds", "unbounded", "size", "buffer_bounds", "stack_index"}
# Which subjects the kernel may speak of, by the key of a reason in the shape of the program.
SHAPES = {
    "outside": ("way", "bounds"),
    "unreachable": ("way",),
    "stack_depth": ("depth", "stack", "endless"),
    "endless": ("endless",),
    "many_turns": ("endless",),
    "many_branches": ("endless",),
    "many_paths": ("endless",),
    "encoding": ("encoding", "atomic"),
    "lock_type": ("lock",),
}


def _in_the_shape(
    verdict: KernelVerdict, last: log.Step | None, stopped: Instruction | None, words: str
) -> reasons.Reason | None:
    """A reason that lies in the program as a whole, if there is one and the kernel agrees."""
    instructions = verdict.instructions
    fitting = []
    if last is None:
        wrong = [(i, ending.wrong_bytes(i)) for i in instructions if not ending.is_sixth(i)]
        fitting += [reasons.Reason("encoding", why, (), i) for i, why in wrong if why][:1]
        fitting += [shape.broken(instructions), shape.too_deep(instructions)]
        fitting.append(shape.lock_type(instructions, verdict.type, verdict.special, verdict.number))
    elif last.pruned or (stopped and stopped.is_exit):
        fitting.append(shape.too_deep(instructions))  # all paths were gone to their ends
    guess = log.is_guess(verdict.log)
    fitting.append(shape.endless(instructions, verdict.steps, verdict.number, guess))
    fitting.append(shape.branching(instructions, verdict.number, verdict.log))
    fitting = [
        each for each in fitting if each and not subjects.against(words, SHAPES[each.key], ())
    ]
    return fitting[0] if len(fitting) == 1 else None
