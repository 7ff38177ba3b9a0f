"""Checks of chapter 07, inside_the_bytecode."""

from __future__ import annotations

from chapters.ch07.translator.text import blocks_of
from helpers import syscall
from helpers.check import NO_NUMBER, Verdict, as_bytes, as_number, not_attempted, not_yet, right
from helpers.errors import CourseError
from helpers.machine import Machine
from helpers.machine.packet import Packet

FRAMES = [bytes(size) for size in (14, 42, 98, 1500)]
ETHERNET = 14
NO_INSTRUCTIONS = not_yet("The program has to be bytes: what instruction(...) returns, added up.")
ZEROS = 14  # which a test run cuts off


def payload_length(code: bytes | None) -> Verdict:
    """Exercise 1: the program must return each frame's length without its Ethernet header."""
    given = as_bytes(code)
    if code is None or given == b"":
        return not_attempted("Put three instructions together with instruction(...).")
    if given is None:
        return NO_INSTRUCTIONS
    try:
        program = Machine(given)
        returned = [program.run(frame) for frame in FRAMES]
    except CourseError as error:
        return not_yet(f"The machine says: {error}")
    wanted = [len(frame) - ETHERNET for frame in FRAMES]
    if returned == [len(frame) for frame in FRAMES]:
        return not_yet("It returns the whole length: the Ethernet header is still in it.")
    if returned == [len(frame) + ETHERNET for frame in FRAMES]:
        return not_yet("It adds 14 where it should take them away: imm may be negative.")
    if returned != wanted:
        pairs = ", ".join(
            f"{len(frame)} gives {value}" for frame, value in zip(FRAMES, returned, strict=True)
        )
        return not_yet(f"A frame of {pairs}.")
    try:
        with syscall.load_program(given) as loaded:
            kernel = [syscall.test_run(loaded, bytes(ZEROS) + frame).value for frame in FRAMES]
    except CourseError as error:
        return refused(program, error)
    if kernel != wanted:
        return not_yet(f"The machine agrees, and the kernel returns {kernel}.")
    return right(f"Machine and kernel return {returned} for frames of {[*map(len, FRAMES)]}.")


def after_the_shift(answer: int | None, code: bytes) -> Verdict:
    """Exercise 2: what r0 holds in the end; code: the program of the exercise."""
    if answer is None:
        return not_attempted("Replace None by the number that the program returns.")
    number = as_number(answer)
    if number is None:
        return NO_NUMBER
    result = Machine(code).run(FRAMES[0])
    if number == result:
        return right(f"The program returns {result}: w0 is half of r0, and clears the other half.")
    hints = {
        -1: "That would be a shift that keeps the sign, s>>=; this one fills up with zeros.",
        (1 << 36) - 1: "That is what r0 >>= 28 leaves; w0 is only the lower 32 bits of r0.",
        -1 & 0xFFFFFFFF: "That is w0 before the shift.",
    }
    return not_yet(hints.get(number, "How many bits has w0, and how many are shifted out of it?"))


def mended(code: bytes | None, broken: bytes) -> Verdict:
    """Exercise 3: the program must run, ask for the time, and return the frame's length."""
    given = as_bytes(code)
    if code is None or given == broken:
        return not_attempted("Change the program so that it can still find the length.")
    if given is None:
        return NO_INSTRUCTIONS
    try:
        program = Machine(given)
        returned = [program.run(Packet(frame)) for frame in FRAMES]
    except CourseError as error:
        return not_yet(f"The machine says: {error}")
    if not any(i.calls_helper and i.imm == 5 for i in program.instructions):
        return not_yet("The call of ktime_get_ns has to stay: the time is wanted for something.")
    if returned != [len(frame) for frame in FRAMES]:
        return not_yet(f"Frames of {[*map(len, FRAMES)]} bytes give {returned}.")
    try:
        syscall.load_program(given).close()
    except CourseError as error:
        return refused(program, error)
    return right("It runs in the machine, and the kernel takes it too.")


def refused(program: Machine, error: CourseError) -> Verdict:
    """What is right in the machine, and what may be the kernel's reason to refuse it."""
    by_place = {each.number: each for each in program.instructions}
    functions = {i.target for i in program.instructions if i.calls_function}
    blocks = (block for entry in {0, *functions} for block in blocks_of(by_place, entry))
    unreached = by_place.keys() - {each.number for block in blocks for each in block}
    if unreached:
        return not_yet(
            f"The machine gets it right, but instruction {min(unreached)} is never reached: the "
            "kernel takes no program with an instruction left that can never run. Remove it."
        )
    return not_yet(f"The machine runs it, and the kernel says: {error}")
