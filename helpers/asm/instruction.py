"""Instructions and their bytes: the fields of one, and what the numbers in its opcode stand for.

The second stage of the road. Built in chapter 02, compile_the_sample; chapter 07 runs them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from helpers.errors import CourseError

# An opcode is a class (its low three bits) and, in the upper ones, an operation or a size.
LD, LDX, ST, STX, ALU32, JUMP, JUMP32, ALU64 = range(8)
# Where the second operand comes from: the number imm, or the register src.
REGISTER_SOURCE = 0x08
# Loads and stores: a size in bytes, and the way to reach the memory.
SIZES = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
IMMEDIATE, ABSOLUTE, INDIRECT, MEMORY, MEMORY_SIGNED, ATOMIC = 0x00, 0x20, 0x40, 0x60, 0x80, 0xC0
LOAD_64_BIT_IMMEDIATE = 0x18
# What `src` of a 64-bit immediate says that it is: a number, or one of these.
MAP_BY_FD, VALUE_BY_FD, VARIABLE, CODE, MAP_BY_INDEX, VALUE_BY_INDEX = range(1, 7)
# Arithmetic, as the assembler writes it.
ARITHMETIC = {0x00: "+=", 0x10: "-=", 0x20: "*=", 0x30: "/=", 0x40: "|=", 0x50: "&="}
ARITHMETIC |= {0x60: "<<=", 0x70: ">>=", 0x90: "%=", 0xA0: "^=", 0xB0: "=", 0xC0: "s>>="}
DIVIDE, MODULO, MOVE = 0x30, 0x90, 0xB0
NEGATE, BYTE_ORDER = 0x80, 0xD0
# Jumps, the same way.
CONDITIONS = {0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "&", 0x50: "!=", 0x60: "s>"}
CONDITIONS |= {0x70: "s>=", 0xA0: "<", 0xB0: "<=", 0xC0: "s<", 0xD0: "s<="}
GOTO, CALL, EXIT = 0x00, 0x80, 0x90
# What `src` of a call says that `imm` is.
HELPER, LOCAL, KERNEL_FUNCTION = range(3)
# Atomic operations, in imm. Those of ATOMICS may also fetch the old value.
ATOMICS = {0x00: ("+=", "add"), 0x40: ("|=", "or"), 0x50: ("&=", "and"), 0xA0: ("^=", "xor")}
FETCH, EXCHANGE, COMPARE = 0x01, 0xE1, 0xF1


class BytecodeError(CourseError):
    """The bytes end in the middle of an instruction; `number` is its place, in slots."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


@dataclass(frozen=True)
class Instruction:
    """One instruction. `raw` has its 8 bytes, 16 with a 64-bit immediate (which is then `imm`).

    number: its place in the program, counted in slots of 8 bytes. symbol: what a relocation will
    put in, or "". line, source: the line of C that it comes from, 0 and "" without BTF.
    Source: RFC 9669, section 3.
    """

    number: int
    raw: bytes
    opcode: int
    dst: int
    src: int
    offset: int
    imm: int
    symbol: str = ""
    line: int = 0
    source: str = ""

    @property
    def kind(self) -> int:
        """The class of the opcode: LD, LDX, ST, STX, ALU32, JUMP, JUMP32 or ALU64."""
        return self.opcode & 0x07

    @property
    def slots(self) -> int:
        """How many places of 8 bytes it takes: two with a 64-bit immediate, else one."""
        return len(self.raw) // 8


def decode(
    code: bytes,
    symbols: Mapping[int, str] | None = None,
    places: Mapping[int, tuple[int, str]] | None = None,
) -> Iterator[Instruction]:
    """The instructions of a program.

    Arguments:
        code: the program's bytes.
        symbols: by the byte offset of an instruction, the name that a relocation will fill in.
        places: by such an offset, the line of C from there on: its number and text.
    Errors: BytecodeError where the bytes end in the middle of an instruction.
    Source: RFC 9669, section 3. Built in chapter 02.
    """
    at, place = 0, (0, "")
    while at < len(code):
        place = places.get(at, place) if places else place
        _check_length(code, at)
        # chapter 02: begin decode
        opcode, registers, offset, imm = struct.unpack_from("<BBhi", code, at)
        dst, src = registers & 0x0F, registers >> 4
        # chapter 02: end decode
        length = 8
        if opcode == LOAD_64_BIT_IMMEDIATE:  # its upper half lies where the next imm would
            length = 16
            imm = struct.unpack_from("<I", code, at + 12)[0] << 32 | imm & 0xFFFFFFFF
        raw = code[at : at + length]
        symbol = symbols.get(at, "") if symbols else ""
        yield Instruction(at // 8, raw, opcode, dst, src, offset, imm, symbol, *place)
        at += length


def _check_length(code: bytes, at: int) -> None:
    length = 16 if code[at] == LOAD_64_BIT_IMMEDIATE else 8
    if at + length > len(code):
        what = "is a 64-bit immediate of 16" if length == 16 else "needs 8"
        raise BytecodeError(
            f"Instruction {at // 8} {what} bytes, and the program ends after "
            f"{len(code) - at}: bytes are missing at its end.",
            at // 8,
        )
