"""Checks of chapter 02, compile_the_sample."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from helpers import loader, netlab, objfile, sockets, toolchain, traffic
from helpers.check import (
    NO_PROGRAM,
    NOT_ATOMIC,
    Verdict,
    as_text,
    as_word,
    not_attempted,
    not_yet,
    right,
)
from helpers.counters import Counters
from helpers.protocols import NUMBERS

# What exercise 2 sends: TTL -> datagrams. Neither value is any system's own choice.
SENT = {7: 3, 200: 4}
DATA = 100
FRAME = 14 + 20 + 8 + DATA


def eight_bytes(meaning: str | None) -> Verdict:
    """Exercise 1: the instruction 63 1a f8 ff 00 00 00 00 as text."""
    if meaning is None:
        return not_attempted('Replace None by a text such as "*(u32 *)(r3 + 8) = r2".')
    form = r"\*\(u32\*\)\(r(\d{1,2})([+-])(\d{1,5})\)=r(\d{1,2})"
    found = re.fullmatch(form, re.sub(r"[\s;]", "", as_word(meaning)).replace("+-", "-"))
    if found is None:
        return not_yet(
            'Write it in the form "*(u32 *)(rN + N) = rN", or with a minus, in decimal numbers.'
        )
    dst, offset, src = int(found[1]), int(found[2] + found[3]), int(found[4])
    if (dst, src) == (1, 10):
        return not_yet("The registers are the other way round: dst is the lower digit of the byte.")
    if (dst, src) != (10, 1):
        return not_yet("Look at the registers: the digits of the byte 1a are src 1 and dst a.")
    if offset > 0:
        return not_yet("The offset is a signed number: with the highest bit set it is negative.")
    if offset != -8:
        return not_yet("Mind the byte order of the offset: the first byte counts least.")
    return right("It stores the lower four bytes of r1 on the stack, eight bytes below r10.")


def packets_by_ttl(function: str) -> Verdict:
    """Exercise 2: the function compiled into sockex1, loaded, and given known packets."""
    source = toolchain.SOURCES / "sockex1_kern.c"
    text = source.read_text()
    start, end = text.index('SEC("socket")'), text.index("char LICENSE")
    written = as_text(function)
    if function is None or (written or "").split() == text[start:end].split():
        return not_attempted("Change which byte is loaded, and how much is added.")
    if written is None:
        return NO_PROGRAM
    # From the #line on, clang counts lines as the learner does.
    changed = f'{text[:start]}#line 1 "Your function"\n{written}\n{text[end:]}'
    with tempfile.TemporaryDirectory() as folder:
        # Whether this machine can do it at all is not the learner's doing: that error goes on.
        require_counting()
        path = Path(folder) / "changed.c"
        path.write_text(changed)
        try:
            path = toolchain.compile_bpf(path, path.with_suffix(".o"))
            return judge(count(path), path)
        except toolchain.CompileError as error:
            at = re.search(r"line (\d+)", str(error))
            if at and int(at[1]) > len(written.splitlines()):
                return not_yet("clang finds no end of your function: is a } or ; missing in it?")
            return not_yet(str(error))
        except (loader.LoadError, sockets.SocketError) as error:
            if "processed" in (log := getattr(error, "log", "")):  # the verifier's last word
                return not_yet(f"The verifier refuses: {why(log)}")
            return not_yet(
                'It compiles, but is no socket filter: does it begin with SEC("socket")?'
            )


# Lines of a verifier's log that follow the program, and give no reason.
STEPS = re.compile(r"[\d;-]|from \d|(cur|old) state|R\d+=|caller|processed|libbpf")


def why(log: str) -> str:
    """What the verifier minds, as far as this exercise brings it about; else in its own words."""
    if "or_null'" in log:
        return "is the result of the lookup tested before it is used?"
    lines = log.partition("\nprocessed")[0].splitlines()
    said = next((line for line in reversed(lines) if line and not STEPS.match(line)), "no reason")
    if "stack" in said:
        return "the map's key has four bytes, a __u32, and the lookup would read bytes never set."
    return f"it says {said!r}."


@cache
def require_counting() -> None:
    """Count with sockex1 as it is, once. Errors: as count."""
    with tempfile.TemporaryDirectory() as folder:
        count(toolchain.compile_bpf("sockex1_kern.c", Path(folder) / "sockex1.o"))


def count(path: Path) -> np.ndarray:
    """The counters, after the packets of SENT have passed the program in `path`."""
    with (
        loader.load(path) as loaded,
        netlab.open_network() as net,
        sockets.packet_socket(net, only_program(loaded).fd),
    ):
        for ttl, datagrams in SENT.items():
            traffic.udp(net, datagrams, DATA, ttl=ttl)
        return Counters(loaded.map("bytes_by_protocol")).read()


def only_program(loaded: loader.LoadedObject) -> loader.Program:
    """The one program of an object, whatever its name. Errors: LoadError."""
    if len(loaded.programs) != 1:
        raise loader.LoadError(f"There are {len(loaded.programs)} programs in it, not one.")
    return next(iter(loaded.programs.values()))


def judge(counters: np.ndarray, path: Path) -> Verdict:
    """What the counters say, and whether the addition is atomic."""
    expected = np.array(list(SENT.values()))
    found = counters[list(SENT)]
    sent = ", ".join(f"{datagrams} with TTL {ttl}" for ttl, datagrams in SENT.items())
    if (found == expected).all():
        programs = objfile.read(path).programs.values()
        if not any(each.is_atomic for program in programs for each in program.instructions):
            return NOT_ATOMIC
        return right(f"Packets sent: {sent}; counted: {found[0]} and {found[1]}.")
    if (found == expected * FRAME).all():
        return not_yet("The slots are those of the TTL, but they grow by bytes: add 1 instead.")
    if (found == expected * 2).all():
        return not_yet(
            "Each packet is counted twice, leaving and arriving: keep the direction test."
        )
    if counters[NUMBERS["UDP"]]:
        return not_yet("It still counts by protocol: name another field inside offsetof.")
    slots = ", ".join(str(slot) for slot in counters.nonzero()[0]) or "none"
    return not_yet(f"Packets sent: {sent}; slots that grew: {slots}: is it the right byte?")
