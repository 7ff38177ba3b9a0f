"""Chapter 08's clinic on a kernel: the chain of each refusal, and what is proposed there.

Laboratory equipment; `inside` runs it in a virtual machine, where clang takes seconds for a file:
what the running kernel's proposals were made of is compiled before, and only what differs there is
compiled in the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chapters.ch08 import clinic, verifier
from chapters.ch08.verifier import cases
from helpers import toolchain
from helpers.toolchain import BUILD

OBJECTS = BUILD / "clinic"


def written(
    text: str,
    holding: Sequence[str] = verifier.LEAST_CAPABILITIES,
    options: Sequence[str] = cases.OPTIONS,
) -> verifier.KernelVerdict:
    """As clinic.written; the object is kept, and taken if it is there. An empty one stands for a
    text that does not compile."""
    target = OBJECTS / f"{hashlib.sha256(text.encode()).hexdigest()}.o"
    if not target.is_file():
        try:
            cases.compile(text, target, options)
        except toolchain.CompileError:
            target.touch()
            raise
    if not target.stat().st_size:
        raise toolchain.CompileError("This text was compiled before, and did not compile.")
    return verifier.show(target, holding, written=(text, options))


def compile() -> None:
    """What the running kernel needs for the clinic and its proposals. Errors: CompileError."""
    for old in OBJECTS.glob("*.o"):  # of other headers, or of another clang
        old.unlink()
    tried()


def tried() -> dict[str, dict]:
    """By the name of a case: key, that of the reason; line, of the refusal; chain, the lines of C
    that it names, the first one first; proposed, the change as a diff; accepted: whether this
    kernel takes the program with it. A case that this kernel accepts is not in it."""
    found = {}
    for name in cases.CASES:
        with written(clinic.code(name)) as said:
            if said.refusal is None:
                continue
            proposal = verifier.propose(said, written)
        links = [link.line for register in said.chain.registers for link in register.links]
        at = said.refusal.instruction
        found[name] = {"key": said.refusal.key, "line": at.line if at else 0, "chain": links}
        found[name] |= {"proposed": proposal.change, "accepted": False}
        if proposal.found:
            with written(proposal.text) as again:
                found[name]["accepted"] = again.accepted
    return found
