"""What an instruction is: its fields, what it reads and writes, where it goes, what it calls.

The second stage of the road. Built in chapter 02, compile_the_sample; chapter 07 runs instructions,
chapter 08 explains why the kernel refuses some.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from helpers import uapi
from helpers.asm.prototypes import ARGUMENTS, helper_arguments
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
MAP_BY_FD, VALUE_BY_FD = uapi.BPF_PSEUDO_MAP_FD, uapi.BPF_PSEUDO_MAP_VALUE
VARIABLE, CODE = uapi.BPF_PSEUDO_BTF_ID, uapi.BPF_PSEUDO_FUNC
MAP_BY_INDEX, VALUE_BY_INDEX = uapi.BPF_PSEUDO_MAP_IDX, uapi.BPF_PSEUDO_MAP_IDX_VALUE
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
    """One instruction: its fields, and what follows from them.

    number: its place in the program, counted in slots of 8 bytes. raw: its 8 bytes, 16 with a
    64-bit immediate (which is then `imm`). symbol: what a relocation will put in, or "".
    line, source: the line of C that it comes from, 0 and "" without BTF.
    The properties hold for every instruction that text() can write; of other bytes they say
    nothing. Source: RFC 9669. Built in chapters 02 and 07.
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

    # The parts of the opcode.

    @property
    def opcode_class(self) -> int:
        """LD, LDX, ST, STX, ALU32, JUMP, JUMP32 or ALU64."""
        return self.opcode & 0x07

    @property
    def operation(self) -> int:
        """Of arithmetic a key of ARITHMETIC, NEGATE or BYTE_ORDER; of a jump a key of CONDITIONS,
        GOTO, CALL or EXIT."""
        return self.opcode & 0xF0

    @property
    def mode(self) -> int:
        """Of a load or store: IMMEDIATE, ABSOLUTE, INDIRECT, MEMORY, MEMORY_SIGNED or ATOMIC."""
        return self.opcode & 0xE0

    @property
    def size(self) -> int:
        """Of a load or store: how many bytes it reads or writes."""
        return SIZES[self.opcode & 0x18]

    # What it is.

    @property
    def is_arithmetic(self) -> bool:
        return self.opcode_class in (ALU32, ALU64)

    @property
    def is_unary(self) -> bool:
        """Arithmetic on one register: a negation, or a byte order."""
        return self.is_arithmetic and self.operation in (NEGATE, BYTE_ORDER)

    @property
    def to_big_endian(self) -> bool:
        """Of a byte order of 32-bit arithmetic: the value is to have its highest byte first."""
        return bool(self.opcode & REGISTER_SOURCE)

    @property
    def is_wide(self) -> bool:
        """Whether it takes two slots, with a 64-bit immediate."""
        return self.opcode == LOAD_64_BIT_IMMEDIATE

    @property
    def loads_packet(self) -> bool:
        """A load from the packet, which finds the context in r6: it uses r1 to r5 up, as a call."""
        return self.opcode_class == LD and self.mode in (ABSOLUTE, INDIRECT)

    @property
    def is_atomic(self) -> bool:
        return self.opcode_class == STX and self.mode == ATOMIC

    @property
    def is_conditional(self) -> bool:
        """A jump with a condition: it may go on behind it, too."""
        return self.opcode_class in (JUMP, JUMP32) and self.operation in CONDITIONS

    @property
    def is_goto(self) -> bool:
        """A jump without a condition."""
        return self.opcode in (JUMP | GOTO, JUMP32 | GOTO)

    @property
    def is_exit(self) -> bool:
        return self.opcode == JUMP | EXIT

    @property
    def is_call(self) -> bool:
        return self.opcode == JUMP | CALL

    @property
    def calls_helper(self) -> bool:
        """Calls the helper function of the kernel with the number imm."""
        return self.is_call and self.src == HELPER

    @property
    def helper(self) -> int | None:
        """The number of the helper function that it calls, None if it calls none."""
        return self.imm if self.calls_helper else None

    @property
    def calls_function(self) -> bool:
        """Calls a function of the same program, at `target`."""
        return self.is_call and self.src == LOCAL

    @property
    def refers_to_function(self) -> bool:
        """Is the address of a function of the same program, at `target`, for a helper to call."""
        return self.is_wide and self.src == CODE

    # Where it goes.

    @property
    def slots(self) -> int:
        """How many places of 8 bytes it takes: two with a 64-bit immediate, else one."""
        return len(self.raw) // 8

    @property
    def end(self) -> int:
        """The place right behind it, in slots."""
        return self.number + self.slots

    @property
    def target(self) -> int | None:
        """The place that a jump leads to, or at which a function begins; else None."""
        if self.calls_function or self.opcode == JUMP32 | GOTO:  # a long way
            return self.end + self.imm
        if self.refers_to_function:
            return self.number + 1 + _signed(self.imm)
        return self.end + self.offset if self.is_conditional or self.is_goto else None

    @property
    def successors(self) -> tuple[int, ...]:
        """The places that may come next within its function: one, two, or none after an exit."""
        if self.is_exit:
            return ()
        if self.is_goto:
            return (self.target,)
        return (self.end, self.target) if self.is_conditional else (self.end,)

    # What it works on.

    @property
    def takes_register(self) -> bool:
        """Whether the second operand of arithmetic or a condition is the register src, not imm."""
        binary = self.is_conditional or self.is_arithmetic and not self.is_unary
        return binary and bool(self.opcode & REGISTER_SOURCE)

    @property
    def base(self) -> int | None:
        """The register with the address from which it loads, or to which it stores; else None."""
        return {LDX: self.src, ST: self.dst, STX: self.dst}.get(self.opcode_class)

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of the fields that it uses; the others must be zero."""
        second = "src" if self.takes_register else "imm"
        if self.is_arithmetic:
            unary = {NEGATE: ("dst",), BYTE_ORDER: ("dst", "imm")}
            return unary.get(self.operation, ("dst", "offset", second))
        if self.is_goto:
            return ("offset",) if self.opcode_class == JUMP else ("imm",)
        if self.is_call or self.is_exit:
            return ("src", "imm") if self.is_call else ()
        if self.is_conditional:
            return ("dst", "offset", second)
        if self.opcode_class == LD:
            return {IMMEDIATE: ("dst", "src", "imm"), ABSOLUTE: ("imm",)}.get(
                self.mode, ("src", "imm")
            )
        if self.opcode_class == ST:
            return ("dst", "offset", "imm")
        return ("dst", "src", "offset", "imm") if self.is_atomic else ("dst", "src", "offset")

    @property
    def reads(self) -> tuple[int, ...]:
        """The registers that must hold a value, in the order in which the kernel asks for them.

        Of a call of a helper these are its arguments, as many as bpf-helpers(7) gives it. What is
        handed to a function of the program itself is read by that function, and what a function
        of the kernel's own takes is not in the instruction: such calls read none.
        """
        if self.is_arithmetic:
            second = (self.src,) if self.takes_register else ()
            return second if self.operation == MOVE else (*second, self.dst)
        if self.is_conditional:
            return (self.dst, self.src) if self.takes_register else (self.dst,)
        if self.is_exit:
            return (0,)
        if self.calls_helper:
            return helper_arguments(self.imm)
        if self.opcode_class == LD:
            return {ABSOLUTE: (6,), INDIRECT: (6, self.src)}.get(self.mode, ())
        stored = (self.src,) if self.opcode_class == STX else ()
        expected = (0,) if self.is_atomic and self.imm == COMPARE else ()
        return (*stored, *(() if self.base is None else (self.base,)), *expected)

    @property
    def writes(self) -> tuple[int, ...]:
        """The registers that hold something else afterwards, or nothing any more."""
        if self.is_call or self.loads_packet:
            return (0, *ARGUMENTS)
        if self.is_arithmetic or self.opcode_class in (LD, LDX):
            return (self.dst,)
        if self.is_atomic and self.imm & FETCH:
            return (0,) if self.imm == COMPARE else (self.src,)
        return ()


def _signed(imm: int) -> int:
    """The lower 32 bits as a number that may be negative."""
    return (imm & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)


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
