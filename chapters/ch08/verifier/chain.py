"""Where the value came from that decides: back to its lines of C, and by which branches.

Laboratory equipment, first used in chapter 08, the_verifier. What a chain says is known from the
instructions of the path that was refused. Where that path is not known, it ends, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from chapters.ch08.verifier import origins, way
from chapters.ch08.verifier.log import Step
from chapters.ch08.verifier.origins import Branch, Origins, Value
from chapters.ch08.verifier.place import as_text
from helpers.asm import Instruction

MAX_LINKS = 8  # of a chain, the last ones
MAX_BRANCHES = 6
PLACED = "On the stack there, and from there up to its end:"
AROUND = 2  # lines of C above and below, where one is shown


@dataclass(frozen=True)
class Link:
    """What one line of C did. line, source: 0 and "" if that is not known. said: in words.
    instructions: those that did it."""

    line: int
    source: str
    said: str
    instructions: Sequence[Instruction] = ()

    def __str__(self) -> str:
        return f"{place(self.line, self.source)}: {self.said}" if self.line else self.said


@dataclass(frozen=True)
class Register:
    """The links of one register, the first one first. name: "r0". since: what was asked of it.
    placed: if it leads to the stack, what was put there, from that place up to the stack's end."""

    name: str
    links: list[Link]
    since: str
    placed: list[Link] = field(default_factory=list)


@dataclass(frozen=True)
class Chain:
    """Where the deciding registers came from, and the branches that were taken on the way.

    begins: "" if the whole way is known, else why it is not. origins: what it was told from.
    """

    registers: list[Register]
    branches: list[Link]
    begins: str
    lines: Mapping[int, str] = field(default_factory=dict)
    origins: Origins | None = None

    def __bool__(self) -> bool:
        return bool(self.registers or self.branches)

    def __repr__(self) -> str:
        text = []
        for register in self.registers:
            text.append(f"Where {register.name} came from")
            text += [f"  {n}. {link}" for n, link in enumerate(register.links, 1)]
            if register.since:
                text.append(f"     {register.since}")
            if register.placed:
                text.append(f"  {PLACED}")
                text += [f"    {link}" for link in register.placed]
        if self.branches:
            text.append("The branches on the way there")
            text += [f"  {link}" for link in self.branches]
        if self.begins:
            text.append(f"Further back nothing is known: {self.begins}.")
        return "\n".join(text)

    def _repr_html_(self) -> str:
        page = ""
        for register in self.registers:
            since = f"<p>{escape(register.since)}</p>" if register.since else ""
            placed = self._list(register.placed, "ul") if register.placed else ""
            page += (
                f"<details><summary>Where {register.name} came from</summary>"
                f"{self._list(register.links, 'ol')}{since}"
                f"{f'<p>{PLACED}</p>{placed}' if placed else ''}</details>"
            )
        if self.branches:
            page += (
                "<details><summary>The branches on the way there</summary>"
                f"{self._list(self.branches, 'ul')}</details>"
            )
        if self.begins:
            page += f"<p>Further back nothing is known: {escape(self.begins)}.</p>"
        return page

    def _list(self, links: Sequence[Link], kind: str) -> str:
        """As a list, in which each link opens to its place in the source."""
        items = (
            f"<li><details><summary>{escape(str(link))}</summary>{self._marked(link)}</details></li>"
            if link.instructions
            else f"<li>{escape(str(link))}</li>"
            for link in links
        )
        return f"<{kind}>{''.join(items)}</{kind}>"

    def _marked(self, link: Link) -> str:
        """The lines of C around it, marked, and its instructions."""
        rows = []
        if self.lines.get(link.line, "").strip() == link.source:
            around = range(link.line - AROUND, link.line + AROUND + 1)
            for line in sorted(set(around) & set(self.lines)):
                mark = "→" if line == link.line else " "
                row = escape(f"{mark} {line:3}  {self.lines[line]}")
                rows.append(f"<b>{row}</b>" if line == link.line else row)
        rows += [escape(f"     {i.number}: {as_text(i)}") for i in link.instructions]
        return f"<pre><code>{chr(10).join(rows)}</code></pre>"


def place(line: int, source: str) -> str:
    source = source.rstrip(" ;{")
    return f"line {line}, {source}" if source else f"line {line}"


def trace(
    steps: Sequence[Step],
    instructions: Sequence[Instruction],
    registers: Sequence[int],
    text: str = "",
    asks: bool = True,
) -> Chain:
    """The chain to the last of these steps.

    Arguments: registers: of which. text: the C source, to show lines that made no instruction, too.
    asks: whether it matters if the registers were compared.
    """
    known = way.walked(steps, {each.number: each for each in instructions})
    if not known.instructions:
        return Chain([], [], "")
    found = origins.found(known)
    chains = [register_chain(found, register, asks) for register in dict.fromkeys(registers)]
    return Chain(
        chains,
        branch_links(found.branches),
        "" if known.whole else known.begins,
        source_lines(instructions, text),
        found,
    )


def source_lines(instructions: Sequence[Instruction], text: str) -> dict[int, str]:
    """Lines of C by their number, as far as they are known."""
    if text:
        return dict(enumerate(text.expandtabs(4).splitlines(), 1))
    lines: dict[int, str] = {}
    for each in instructions:
        if each.line:
            lines.setdefault(each.line, each.source.strip())
    return lines


def register_chain(found: Origins, register: int, asks: bool) -> Register:
    """How a register got what it holds."""
    value = found.of(register)
    links = links_of(sorted(value.sources(), key=lambda each: each.at))
    if len(links) > MAX_LINKS:
        left = len(links) - MAX_LINKS
        links = [Link(0, "", f"({left} earlier lines are left out)"), *links[left:]]
    return Register(
        f"r{register}", links, _since(found, value) if asks else "", links_of(_placed(found, value))
    )


def _placed(found: Origins, value: Value) -> list[Value]:
    """What was put on the stack from where a value leads on: the nearest."""
    if value.stack is None or value.stack[1] is None or not value.stack[1]:
        return []
    turn, first = value.stack
    placed = sorted(found.on_stack(turn, first, -first), key=lambda each: each[0])
    return [each for _, _, each in placed[: MAX_LINKS // 2]]


def links_of(values: Sequence[Value]) -> list[Link]:
    """A link for each run of values that one line of C has made."""
    links = []
    for (line, source), run in groupby(values, key=_line):
        group = list(run)
        said = "; ".join(dict.fromkeys(value.said for value in group))
        did = list(dict.fromkeys(value.instruction for value in group if value.instruction))
        links.append(Link(line, source, said, did))
    return links


def _line(value: Value) -> tuple[int, str]:
    i = value.instruction
    return (i.line, i.source.strip()) if i else (0, "")


def _since(found: Origins, value: Value) -> str:
    """Whether any branch has looked at it."""
    if not value.sure or value.stack is not None or value.number is not None:
        return ""
    own, made = origins.tests(found, value)
    if own:
        return f"Compared {_where(own)}."
    if made:
        return f"Not compared itself; what was made of it was compared {_where(made)}."
    if value.at < 0 and value.register is None:  # never set
        return ""
    return "Not compared with anything since."


def _where(branches: Sequence[Branch]) -> str:
    last = branches[-1].jump
    return f"on line {last.line}" if last.line else f"by instruction {last.number}"


def branch_links(branches: Sequence[Branch]) -> list[Link]:
    """The branches, the last ones; one that was taken again and again stands once."""
    links, counts = {}, {}
    for branch in branches:
        key = branch.jump.number, branch.met
        counts[key] = counts.get(key, 0) + 1
        links.pop(key, None)  # it stands where it was taken last
        links[key] = branch
    rows = [_branch(branch, counts[key]) for key, branch in links.items()]
    if len(rows) > MAX_BRANCHES:
        left = len(rows) - MAX_BRANCHES
        rows = [Link(0, "", f"({left} earlier ones are left out)"), *rows[left:]]
    return rows


def _branch(branch: Branch, count: int) -> Link:
    jump, following = branch.jump, branch.following
    condition = as_text(jump).removeprefix("if ").partition(" goto")[0]
    result = {True: "was so", False: "was not so", None: "makes no difference"}[branch.met]
    said = f"{condition} {result}"
    if count > 1:
        said += f", {count} times"
    if following and following.line and following.line != jump.line:
        said += f"; on to {place(following.line, following.source.strip())}"
    return Link(jump.line, jump.source.strip(), said, (jump,))
