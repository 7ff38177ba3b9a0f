"""What the kernel speaks of when it refuses: a vote against a reason, never for one.

Laboratory equipment, first used in chapter 08, the_verifier. The words differ from kernel to
kernel. Only stems are looked for, and what is not recognised has no vote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# By subject, what gives it away.
STEMS = {
    "unset": r"!read_ok|[Uu]ninitialized register",
    "frame": r"frame pointer",
    "null": r"_or_null|null-check",
    "packet": r"\bpkt\b|packet",
    "metadata": r"pkt_meta",
    "end": r"pkt_end",
    "context": r"\bctx\b|context",
    "stack": r"stack\b|\bfp\b",
    "value": r"map.value",
    "map": r"map_ptr|map_type|bpf_map\b|bpf_array|prog array",
    "direction": r"forbidden|cannot write|rdonly|read-only|only read",
    "memory": r"invalid mem access|mem_size|\bmem\b",
    "record": r"ringbuf_mem|alloc_mem",
    "socket": r"\bsock(?:_common)?\b|tcp_sock|xdp_sock",
    "number": r"'scalar'|'inv'|type=(?:scalar|inv)",
    "aligned": r"misaligned",
    "leak": r"leaks? addr|address leak",
    "arithmetic": r"pointer arithmetic|operator|math between|32-bit pointer|partial copy|subtract"
    r"|pointer [-+]= pointer|alu operation|out of bounds|tried to (?:add|sub)",
    "bounds": r"outside of|out of range|unbounded m|out of bounds",
    "guess": r"!root|CAP_PERFMON",
    "comparison": r"comparison",
    "helper": r"cannot use helper|unknown func|invalid func",
    "licence": r"GPL",
    "size": r"zero-sized|min value is negative|unbounded memory|var &= const",
    "argument": r"expected=",
    "constant": r"known constant",
    "reference": r"[Rr]eference leak|[Uu]nreleased|must be referenced|unacquired|release func",
    "lock": r"spin_lock|\block\b|-locked",
    "result": r"program exit|return value|return code|should have been in",
    "returned": r"cannot return",
    "spill": r"spill|corrupt|register fill|partial pointer",
    "atomic": r"ATOMIC|XADD|atomic",
    "load": r"LD_\[?ABS",
    "encoding": r"reserved|unknown opcode|unknown insn|ld_imm64|R\d+ is invalid|invalid atomic"
    r"|BPF_LD_IMM",
    "way": r"jump out of|last insn|unreachable|fallthrough",
    "endless": r"infinite loop|too complex|too large|back-edge|too many",
    "depth": r"combined stack|call stack",
    "divisor": r"div by zero|division by zero",
    "shift": r"invalid shift",
    "kernel": r"access is allowed only|ptr_|BTF|kfunc|kernel function",
    "function": r"Caller passes|arg#|func#\d|callback",
}
PATTERNS = {subject: re.compile(stem) for subject, stem in STEMS.items()}
WANTED = re.compile(r"expected=.*")
REGISTER = re.compile(r"\bR(\d+)\b")


def found(text: str) -> set[str]:
    """The subjects of a text, those of STEMS that it speaks of."""
    text = WANTED.sub("expected=", text)  # a list of all that would have been right
    return {subject for subject, pattern in PATTERNS.items() if pattern.search(text)}


def against(text: str, about: Iterable[str], registers: Iterable[int]) -> bool:
    """Whether the kernel's words speak of something else than a reason does.

    Arguments: about: the reason's subjects; registers: those that decide, none if any may.
    """
    named = {int(number) for number in REGISTER.findall(text)}
    registers = set(registers)
    return bool(found(text) - set(about) or (registers and named and not registers & named))
