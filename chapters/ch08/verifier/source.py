"""C source as a text to change: its lines, statements, functions and variables, roughly.

Laboratory equipment, first used in chapter 08, the_verifier. It reads C as it is written in this
course, one statement to a line or to a few; whatever it makes of other C, the compiler and the
verifier have the last word about every change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from helpers.asm import Instruction

DECLARED = r"(?P<type>(?:const |volatile |struct |unsigned |signed )*\w+(?: \w+)?)"
# What a program of a type returns to let the packet pass; 0 elsewhere.
PASSES = {"cgroup_skb": "1", "cgroup": "1", "xdp": "XDP_PASS", "classifier": "0"}


def bare(code: str) -> str:
    """C without comments behind its lines, and with one blank between its words."""
    lines = (line.partition("//")[0] for line in code.splitlines())
    return " ".join(" ".join(lines).split())


@dataclass(frozen=True)
class Source:
    """lines: of C, the first one is number 1. at: the line that was refused. type: the program's,
    by its section."""

    lines: tuple[str, ...]
    at: int
    type: str

    def __getitem__(self, line: int) -> str:
        return self.lines[line - 1]

    @property
    def here(self) -> str:
        return self[self.at]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def with_line(self, line: int, *new: str) -> str:
        """The text with other lines in place of one."""
        return "\n".join([*self.lines[: line - 1], *new, *self.lines[line:]])

    def has(self, i: Instruction) -> bool:
        """Whether the line that an instruction comes from is in this text, and not in a header."""
        if not 0 < i.line <= len(self.lines):
            return False
        return self[i.line].strip() == i.source.expandtabs(4).strip()

    def before(self, line: int, *new: str) -> str:
        """The text with lines put before one, and before the if or loop that it is the body of."""
        while line > 1 and self.is_body(line):
            line -= 1
        indent = re.match(r"\s*", self[line])[0]
        return "\n".join(
            [*self.lines[: line - 1], *(indent + each for each in new), *self.lines[line - 1 :]]
        )

    def is_body(self, line: int) -> bool:
        """Whether it belongs to an if or a loop without braces in the line before, or goes on a
        statement that begins there."""
        earlier = self[line - 1].partition("//")[0].rstrip()
        return (
            bool(earlier)
            and not earlier.endswith((";", "{", "}", ":"))
            and bool(re.match(r"\s", earlier))
        )

    def head(self) -> int:
        """The line in which the function begins that the refused line is in; 0 if there is none."""
        for line in range(self.at, 0, -1):
            if re.match(r"(?:SEC|static|int|void|long|__u\d+)\b.*\w+\(.*\)", self[line]):
                return line
        return 0

    def body(self) -> range:
        """The lines of that function."""
        first = self.head()
        for line in range(first + 1, len(self.lines) + 1):
            if self[line].startswith("}"):
                return range(first, line + 1)
        return range(first, len(self.lines) + 1)

    @property
    def context(self) -> str:
        """The name of the function's first argument, its context."""
        head = re.sub(r'SEC\(".*?"\)', "", self[self.head()])
        found = re.search(r"\w+\((?:struct )?\w+ \*?(\w+)", head)
        return found[1] if found else "skb"

    @property
    def leave(self) -> str:
        """A statement that ends the function, and lets the packet pass."""
        head = re.sub(r'SEC\(".*?"\)', "", self[self.head()])
        if re.search(r"\bvoid \w+\(", head):
            return "return;"
        value = "0" if head.startswith("static") else PASSES.get(self.type.split("/")[0], "0")
        return f"return {value};"

    def declaration(self, name: str) -> tuple[int, re.Match] | None:
        """Where a variable of that name is declared in the function: line, and what is there."""
        pattern = re.compile(rf"^(?P<indent>\s*){DECLARED}\s*(?P<stars>\**)\b{name}\b(?P<rest>.*;)")
        for line in self.body():
            found = pattern.match(self[line])
            if found and found["type"] != "return":
                return line, found
        return None

    def assigned(self, line: int) -> str:
        """The name of the variable that gets a value in this line, "" if there is none."""
        found = re.search(r"(\w+)\s*=(?!=)", self[line])
        return found[1] if found else ""

    def names(self, line: int) -> Iterator[str]:
        """The variables of the function that this line names."""
        for name in dict.fromkeys(re.findall(r"\b[A-Za-z_]\w*\b", self[line])):
            if self.declaration(name):
                yield name

    def ends_at(self, line: int) -> int:
        """The line in which the statement ends that begins here."""
        while line < len(self.lines) and not self[line].rstrip().endswith((";", "{", "}")):
            line += 1
        return line
