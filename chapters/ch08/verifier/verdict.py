"""What the kernel said to a program: yes, or no and why, with the line of C that decided.

Laboratory equipment, first used in chapter 08, the_verifier.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from html import escape

from chapters.ch08.verifier import known, log, reasons, shape
from helpers import asm
from helpers.asm import CALL, EXIT, Instruction
from helpers.errors import CourseError
from helpers.loader import LoadedObject
from helpers.syscall import Program, TestRun, test_run

MOST = 1_000_000  # characters of a log that are read: of an endless loop its end is enough
SHOWN = 8_000  # characters of a log that a notebook shows
UNKNOWN = "This reader has no explanation for it; the kernel's own words and the log have more."


class RefusedError(CourseError):
    """The program was refused, so there is nothing to run."""


@dataclass(frozen=True)
class Finding:
    """Why a program was refused.

    instruction: where the verifier stopped, None if it names none; its .line and .source are
    those of C. reason: the sentence; explained: False if it could not be told. before: what was
    known of the registers that the instruction uses. words: the kernel's own last words.
    """

    instruction: Instruction | None
    reason: str
    explained: bool
    before: dict[str, str]
    words: str


@dataclass
class Verdict:
    """What the kernel said. With `with`, or close(), an accepted program is given back.

    number: the error number, 0 if it was accepted. log: the verifier's, all of it.
    instructions: the program as the kernel got it. steps: the log, read.
    """

    number: int
    log: str
    instructions: list[Instruction]
    kind: str = "socket"
    licence: str = "GPL"
    loaded: LoadedObject | None = None
    fd: int = -1
    steps: list[log.Step] = field(init=False)
    finding: Finding | None = field(init=False)

    def __post_init__(self) -> None:
        text = self.log
        if len(text) > MOST:
            text = text[text.index("\n", len(text) - MOST) + 1 :]
        self.steps = log.read(text)
        self.finding = find(self, text) if self.number else None

    @property
    def accepted(self) -> bool:
        return self.number == 0

    def run(self, packet: bytes) -> TestRun:
        """Run the accepted program on one packet, as syscall.test_run.

        Errors: RefusedError, SyscallError.
        """
        if self.fd < 0:
            raise RefusedError("There is no program to run: it was refused, or is closed.")
        with Program(os.dup(self.fd), 0) as program:
            return test_run(program, packet)

    def counter(self, slot: int) -> int:
        """The map bytes_by_protocol under a number. Errors: as LoadedObject.map."""
        if self.loaded is None:
            raise RefusedError("There is no map to read: the program was refused, or is closed.")
        return self.loaded.map("bytes_by_protocol").counter(slot)

    def close(self) -> None:
        """Give program and maps back."""
        if self.loaded is not None:
            self.loaded.close()
        elif self.fd >= 0:
            os.close(self.fd)
        self.loaded, self.fd = None, -1

    def __enter__(self) -> Verdict:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def lines(self) -> list[tuple[str, str]]:
        """What there is to say, each with its heading."""
        if self.finding is None:
            return [("Accepted", f"{len(self.instructions)} instructions")]
        name = errno.errorcode.get(self.number, str(self.number))
        said = [("Refused", f"{name}, {os.strerror(self.number)}")]
        found, instruction = self.finding, self.finding.instruction
        if instruction is not None:
            if instruction.source:
                said.append((f"Line {instruction.line}", instruction.source.strip()))
            said.append((f"Instruction {instruction.number}", asm.text(instruction)))
        if found.before:
            known_before = (f"{r.lower()} = {known.in_words(v)}" for r, v in found.before.items())
            said.append(("Known before it", "; ".join(known_before)))
        return [*said, ("Why", found.reason), ("In its own words", found.words or "nothing")]

    def __repr__(self) -> str:
        width = max(len(heading) for heading, _ in self.lines())
        return "\n".join(f"{heading:{width}}  {text}" for heading, text in self.lines())

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
            f"<table><tbody>{rows}</tbody></table>"
            f"<details><summary>The whole log</summary><pre><code>{whole}</code></pre></details>"
        )


def shortened(text: str) -> str:
    """The beginning and the end of a text that is too long to show."""
    if len(text) <= SHOWN:
        return text
    first = text.rindex("\n", 0, SHOWN // 2)
    last = text.index("\n", len(text) - SHOWN // 2)
    left_out = text[first:last].count("\n")
    remark = f"\n\n... {left_out:,} lines are left out here, .log has them ...\n"
    return text[:first] + remark + text[last:]


def find(verdict: Verdict, text: str) -> Finding:
    """The decisive instruction and the reason, for a program that was refused."""
    words = log.words(text)
    by_number = {each.number: each for each in verdict.instructions}
    last = verdict.steps[-1] if verdict.steps else None
    stopped = by_number.get(last.number) if last else None
    found = None
    if last is None:
        found = shape.broken(verdict.instructions) or shape.too_deep(verdict.instructions)
    elif last.pruned or (stopped and shape.is_jump(stopped, EXIT)):
        found = shape.too_deep(verdict.instructions)  # all paths were gone to their ends
    if found:
        return Finding(*found, True, {}, words)
    path = log.last_path(verdict.steps)
    if found := shape.endless(verdict.instructions, path, verdict.number):
        return Finding(*found, True, {}, words)
    if stopped is None:
        return Finding(None, UNKNOWN, False, {}, words)
    before = last.before
    place = reasons.Place(stopped, before, verdict.number, verdict.kind, verdict.licence)
    used = {f"R{r}": before[f"R{r}"] for r in _used(stopped) if f"R{r}" in before}
    for reason in reasons.REASONS:
        if sentence := reason(place):
            return Finding(stopped, sentence, True, used, words)
    return Finding(stopped, UNKNOWN, False, used, words)


def _used(instruction: Instruction) -> list[int]:
    if shape.is_jump(instruction, CALL):
        return [1, 2, 3, 4, 5]
    return sorted(set(reasons.reads(instruction)))
