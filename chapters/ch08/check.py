"""Checks of chapter 08, the_verifier."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Mapping

from chapters.ch08 import clinic, faults, verifier
from chapters.ch08.verifier.source import bare
from helpers import syscall, toolchain
from helpers.check import (
    NO_PROGRAM,
    NOT_ATOMIC,
    Verdict,
    as_text,
    as_word,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.errors import CourseError
from helpers.protocols import NUMBERS

ETHERNET = bytes(12) + b"\x08\x00"
HIDDEN_FROM = 26  # the byte at which the source address begins
COUNTERS = 256
IPV4_HEADER = 20  # bytes
ASKED = range(1, 4), range(4, 11)  # the roads of exercise 4, and those of exercise 5


def frame(protocol: str = "ICMP", data: int = 64, source: int = 1) -> bytes:
    """An IPv4 frame from 10.0.0.`source`: 34 bytes of headers and `data` bytes from 1 upwards."""
    addresses = bytes([10, 0, 0, source, 10, 0, 0, 99])
    numbers = (0x45, 0, 20 + data, 4660 + data, 0, 64, NUMBERS[protocol], 0)
    header = struct.pack("!BBHHHBBH", *numbers) + addresses
    return ETHERNET + header + bytes(at % 255 + 1 for at in range(data))


def run(verdict: verifier.KernelVerdict, packet: bytes) -> int:
    """Run the program on one packet; what it returned."""
    filtering = verdict.type.startswith("socket")
    return verdict.run(syscall.frame_for_test_run(packet) if filtering else packet).value


def counters(verdict: verifier.KernelVerdict) -> dict[int, int]:
    """Those that are not zero."""
    values = {slot: verdict.counter(slot) for slot in range(COUNTERS)}
    return {slot: value for slot, value in values.items() if value}


def _by_protocol(verdict: verifier.KernelVerdict, missing: int = 0) -> str | None:
    sent = [frame("ICMP", 64), frame("UDP", 108), frame("UDP", 108)]
    for packet in sent:
        run(verdict, packet)
    expected = {NUMBERS["ICMP"]: 98 - missing, NUMBERS["UDP"]: 2 * (142 - missing)}
    if counters(verdict) == expected:
        return None
    return f"one ICMP and two UDP packets should give {expected}, and gave {counters(verdict)}."


def _at_the_cgroup(verdict: verifier.KernelVerdict) -> str | None:
    wrong = _by_protocol(verdict, missing=len(ETHERNET))  # such a program sees no Ethernet header
    if wrong:
        return wrong
    before = counters(verdict)
    short = bytes(12) + b"\x88\xb5" + bytes([0x45] * 12)
    if run(verdict, short) != 1 or run(verdict, frame()) != 1:
        return "with another result than 1 this type of program drops the packet."
    grown = sum(counters(verdict).values()) - sum(before.values())
    if grown != 98 - len(ETHERNET):
        return "a packet of 12 bytes has no whole IPv4 header, and was counted."
    run(verdict, frame(data=0))
    if sum(counters(verdict).values()) - sum(before.values()) - grown != IPV4_HEADER:
        return "a packet of exactly 20 bytes has a whole IPv4 header, and was not counted."
    return None


def _pairs(verdict: verifier.KernelVerdict) -> str | None:
    for packet in (frame(source=1), frame(source=1), frame(source=2), frame("UDP", source=2)):
        run(verdict, packet)
    pairs = verdict.loaded.map("bytes_by_pair")
    values = [int.from_bytes(pairs.lookup(key), sys.byteorder) for key in list(pairs.keys())]
    if values == [98] * 3:
        return None
    return f"packets of three pairs should leave three values of 98, and left {values}."


def _zeros(verdict: verifier.KernelVerdict) -> str | None:
    packet = frame(data=400)
    run(verdict, packet)
    counted, expected = verdict.counter(0), ETHERNET.count(0)
    if counted == expected:
        return None
    return f"the Ethernet header, 14 bytes, has {expected} zeros here, and it counted {counted}."


def _equal(verdict: verifier.KernelVerdict) -> str | None:
    packet = bytearray(frame(data=600))
    run(verdict, bytes(packet))
    run(verdict, frame())
    if counters(verdict):
        return "it counted a packet whose bytes 0 and 300 differ, or which has no byte 300."
    packet[300] = packet[0]
    run(verdict, bytes(packet))
    return None if counters(verdict) == {0: 1} else "bytes 0 and 300 were equal, and not counted."


def _hidden(verdict: verifier.KernelVerdict) -> str | None:
    value = run(verdict, frame())
    if value > HIDDEN_FROM:
        return f"the reader would get {value} bytes, with the source address from byte 26 on."
    return None if value else "the reader would get nothing at all."


def _total(verdict: verifier.KernelVerdict) -> str | None:
    run(verdict, frame("ICMP", 64))
    run(verdict, frame("UDP", 108))
    counted = counters(verdict)
    return None if counted == {0: 98 + 142} else f"98 and 142 bytes should give 240, not {counted}."


def _remembered(verdict: verifier.KernelVerdict) -> str | None:
    seen = []
    for packet in (frame(data=64), frame(data=108), frame(data=64)):
        run(verdict, packet)
        seen.append(verdict.counter(0))
    if seen[0] and seen[0] == seen[2] != seen[1]:
        return None
    return f"it should tell packets of different lengths apart, and remembered {seen}."


def runs(verdict: verifier.KernelVerdict) -> bool:
    """Whether this kernel's test runs show a cgroup program its packet. 6.18 does; 6.12 and before
    leave skb->data and skb->data_end unset, so that every packet seems to be too short."""
    run(verdict, frame())
    return bool(counters(verdict))


def _no_effect(verdict: verifier.KernelVerdict) -> str | None:
    return None if run(verdict, frame()) == 1 else "it drops packets: let them pass, with a 1."


Effect = Callable[[verifier.KernelVerdict], str | None]
UNTESTABLE = {"bounds"}
EFFECTS: dict[str, Effect] = {
    "null_check": _by_protocol,
    "bounds": _at_the_cgroup,
    "second_argument": _by_protocol,
    "padding": _pairs,
    "key_size": _by_protocol,
    "loop": _zeros,
    "stack": _equal,
    "wrong_type": _hidden,
    "licence": _total,
    "pointer": _remembered,
}


def mended(case: str | None, program: str | None) -> Verdict:
    """A case of the clinic, mended by the learner: compiled, verified, and run on packets.

    case: its name, a key of clinic.CASES. program: C, as the learner wrote it.
    """
    if case is None:
        return not_attempted("Name a case, and change its program.")
    name, written = as_word(case), as_text(program)
    if name not in EFFECTS:
        return not_yet(f"There is no case {shown(case)}; there is: {', '.join(EFFECTS)}.")
    if program is None or bare(written or "") == bare(clinic.code(name)):
        return not_attempted("Change the program so that the verifier takes it.")
    if written is None:
        return NO_PROGRAM
    # Whether this machine can do it at all is not the learner's doing: that error goes on.
    with clinic.case(name, mended=True) as reference:
        if not reference.accepted:
            return not_yet(f"This kernel refuses every answer: {reference.refusal.reason}")
        effect = EFFECTS[name] if name not in UNTESTABLE or runs(reference) else _no_effect
        atomic = any(each.is_atomic for each in reference.instructions)
    try:
        with clinic.written(written) as verdict:
            return _judge(verdict, effect, atomic)
    except toolchain.CompileError as error:
        return not_yet(str(error))
    except CourseError as error:
        return not_yet(f"It compiles, but could not be verified and run: {error}")


def _judge(verdict: verifier.KernelVerdict, effect: Effect, atomic: bool) -> Verdict:
    if not verdict.accepted:
        where = verdict.refusal.instruction
        line = f"line {where.line}, {where.source.strip()}: " if where and where.line else ""
        return not_yet(f"The verifier still refuses it: {line}{verdict.refusal.reason}")
    wrong = effect(verdict)
    if wrong:
        return not_yet(f"The verifier takes it, but {wrong}")
    if atomic and not any(each.is_atomic for each in verdict.instructions):
        return NOT_ATOMIC
    if effect is _no_effect:
        return right("The verifier takes it. (This kernel cannot run it on test packets.)")
    return right("The verifier takes it, and it does to packets what was meant.")


def diagnosed(diagnoses: Mapping[int, str | None]) -> Verdict:
    """The learner's diagnoses: road number to a name of faults.NAMES, or None."""
    given = isinstance(diagnoses, Mapping)
    if diagnoses is None or given and all(each is None for each in diagnoses.values()):
        return not_attempted("Replace a None by one of faults.NAMES.")
    roads = next((each for each in ASKED if _holds(diagnoses, each)), None)
    if roads is None:
        return not_yet('Keep the numbers of the roads in front, as in {1: "map full", 2: None}.')
    diagnoses = {number: diagnoses.get(number) for number in roads}
    wrong = {n: said for n, said in diagnoses.items() if not _is(n, said)}
    if not wrong:
        return right(f"{len(diagnoses)} of {len(diagnoses)} faults found.")
    number, said = next(iter(sorted(wrong.items())))
    found = len(diagnoses) - len(wrong)
    counted = f"{found} of {len(diagnoses)} found. Road {number}: "
    if said is None:
        return not_yet(f"{counted}what is your diagnosis?")
    if as_word(said) not in map(as_word, faults.NAMES):
        return not_yet(f"{counted}{shown(said)} is not one of faults.NAMES.")
    return not_yet(f"{counted}it is not {shown(said)}. {faults.FAULTS[number].hint}")


def _holds(diagnoses: object, roads: range) -> bool:
    """Whether these are diagnoses of some of the roads, and of no other."""
    return isinstance(diagnoses, Mapping) and bool(diagnoses) and set(diagnoses) <= set(roads)


def _is(number: int, said: str | None) -> bool:
    known = number in range(1, len(faults.FAULTS))
    return known and as_word(said) == as_word(faults.FAULTS[number].name)
