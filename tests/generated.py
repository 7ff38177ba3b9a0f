"""Programs drawn by chance that the kernel's verifier takes, and that leave behind all they know.

Whatever bytes one draws become a program: each byte is a choice, so that Hypothesis can make a
failing program smaller by making the bytes fewer and smaller. Every program begins with values in
its registers and on its stack, and ends by writing all of them to an array map.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

from helpers import asm
from helpers.asm import ABSOLUTE, INDIRECT, DisasmError, decode

OUT_FD, HASH_FD, CPU_FD = 0x1001, 0x1002, 0x1003  # stand-ins, replaced by with_fds()
STRICT_JUMPS = 6
SLOTS = 8  # of 8 bytes, below r10
KEY, REGISTERS_AT = -8 * SLOTS - 8, -8 * SLOTS - 96  # where keys and registers are put
SAVED = (0, 1, 2, 3, 4, 5, 7, 8, 9)  # r6 is the context, r10 the stack
OUT_SIZE = 8 * (len(SAVED) + SLOTS)  # bytes of the value that a program leaves
NUMBERS = [0, 1, 2, 7, 8, 31, 32, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF]
NUMBERS += [0x7FFFFFFF, -1, -2, -8, -127, -128, -32768, -0x80000000]
SIZES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR, MOV, ARSH, END = range(0, 0xE0, 0x10)
CONDITIONS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xA0, 0xB0, 0xC0, 0xD0]
ATOMICS = [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xA0, 0xA1, 0xE1, 0xF1]
CONTEXT_FIELDS = (0, 4, 8, 12, 32, 40, 48, 56, 64)  # len, pkt_type, mark, ..., ifindex, cb


def insn(opcode: int, dst: int = 0, src: int = 0, offset: int = 0, imm: int = 0) -> bytes:
    """One instruction; imm may be given signed or unsigned."""
    return struct.pack("<BBhI", opcode, src << 4 | dst, offset, imm & 0xFFFFFFFF)


def wide(dst: int, value: int, src: int = 0) -> bytes:
    """A 64-bit immediate."""
    low, high = value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
    return insn(0x18, dst, src, 0, low) + insn(0, imm=high)


class Choices:
    """Bytes taken one by one; 0 for ever once they are used up."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def below(self, count: int) -> int:
        self.at += 1
        return self.data[self.at - 1] % count if self.at <= len(self.data) else 0

    def of(self, options):
        return options[self.below(len(options))]

    def number(self) -> int:
        """An interesting 32-bit number, or any."""
        if self.below(3):
            return self.of(NUMBERS)
        return int.from_bytes(bytes(self.below(256) for _ in range(4)), "little", signed=True)

    def register(self) -> int:
        return self.of(SAVED)

    @property
    def left(self) -> bool:
        return self.at < len(self.data)


def program(data: bytes, newest: bool = True, strict: bool = False) -> bytes:
    """The program that these bytes stand for.

    newest: with the instructions that came with Linux 6.6 (signed division, sign extension, ...).
    strict: without loops, and with few jumps.
    """
    choices = Choices(data)
    code = insn(0xBF, 6, 1)
    for register in SAVED:
        code += wide(register, choices.number() << 32 | choices.number() & 0xFFFFFFFF)
    for slot in range(SLOTS):
        code += insn(0x7B, 10, choices.of(SAVED), -8 * (slot + 1))
    pieces = list(body(choices, newest, strict))
    code += joined(pieces, choices)
    code += epilogue()
    calls = [at for at in range(0, len(code), 8) if code[at : at + 8] == CALL_LOCAL]
    function = len(code) // 8
    for at in calls:
        code = code[:at] + insn(0x85, 0, 1, 0, function - at // 8 - 1) + code[at + 8 :]
    return code + (local_function(choices, newest) if calls else b"")


CALL_LOCAL = insn(0x85, 0, 1, 0, 0x7EADBEEF)


def body(c: Choices, newest: bool, strict: bool) -> Iterator[bytes]:
    kinds = [computed] * 8 + [condition] * 3 + [stack_access] * 3 + [atomic] * 2
    kinds += [packet_load, context_load, looked_up, updated, copied, called, loop]
    jumps = 0
    while c.left:
        kind = c.of(kinds)
        jumps += kind in (condition, looked_up, packet_load)
        if strict and (kind is loop or jumps > STRICT_JUMPS):
            kind = computed
        yield kind(c, newest)


JUMP = b"jump"  # before the bytes of a piece that ends with a jump, which joined() completes


def joined(pieces: list[bytes], c: Choices) -> bytes:
    """The pieces one after the other; jumps lead over some of the next ones."""
    code = b""
    for number, piece in enumerate(pieces):
        if piece.startswith(JUMP):
            over = pieces[number + 1 : number + 2 + c.below(4)]
            distance = sum(len(each.removeprefix(JUMP)) for each in over) // 8
            piece = piece.removeprefix(JUMP)
            opcode, registers, _, imm = struct.unpack("<BBhI", piece[-8:])
            far = (0, distance) if opcode == 0x06 else (distance, imm)
            piece = piece[:-8] + struct.pack("<BBhI", opcode, registers, *far)
        code += piece
    return code


def computed(c: Choices, newest: bool) -> bytes:
    """Arithmetic on two registers or a register and a number."""
    bits, from_register = c.of((64, 32)), c.below(2)
    kind = 0x07 if bits == 64 else 0x04
    operation, dst = c.of(range(ADD, END + 1, 0x10)), c.register()
    if operation == NEG:
        return insn(kind | NEG, dst)
    if operation == END:
        opcode = c.of((0xD4, 0xDC, 0xD7) if newest else (0xD4, 0xDC))
        return insn(opcode, dst, imm=c.of((16, 32, 64)))
    signed = newest and c.below(2)
    if operation == MOV and from_register and signed:
        return insn(kind | 0x08 | MOV, dst, c.register(), c.of((8, 16, 32)[: 2 + (bits == 64)]))
    offset = 1 if operation in (DIV, MOD) and signed else 0
    if from_register:
        return insn(kind | 0x08 | operation, dst, c.register(), offset)
    number = c.number()
    if operation in (LSH, RSH, ARSH):
        number %= bits  # the verifier refuses others
    elif operation in (DIV, MOD):
        number = number or 3
    return insn(kind | operation, dst, 0, offset, number)


def condition(c: Choices, newest: bool) -> bytes:
    if c.below(8) == 7:  # what a goto skips must be reached in another way, or is refused
        around = insn(c.of(CONDITIONS) | 0x05, c.register(), 0, 1, c.number())
        return JUMP + around + (insn(0x06) if newest and c.below(2) else insn(0x05))
    opcode = c.of(CONDITIONS) | c.of((0x05, 0x06))
    if c.below(2):
        return JUMP + insn(opcode | 0x08, c.register(), c.register())
    return JUMP + insn(opcode, c.register(), 0, 0, c.number())


def stack_access(c: Choices, newest: bool) -> bytes:
    size = c.of((1, 2, 4, 8))
    offset = -8 * SLOTS + size * c.below(8 * SLOTS // size)
    way = c.below(4)
    if way == 0:
        return insn(0x62 | SIZES[size], 10, 0, offset, c.number())
    if way == 1:
        return insn(0x63 | SIZES[size], 10, c.register(), offset)
    if way == 2 and newest and size < 8:
        return insn(0x81 | SIZES[size], c.register(), 10, offset)
    return insn(0x61 | SIZES[size], c.register(), 10, offset)


def atomic(c: Choices, newest: bool) -> bytes:
    size = c.of((4, 8))
    offset = -8 * SLOTS + size * c.below(8 * SLOTS // size)
    return insn(0xC3 | SIZES[size], 10, c.register(), offset, c.of(ATOMICS))


def packet_load(c: Choices, newest: bool) -> bytes:
    """A load from the packet, mostly inside; it uses up r1 to r5."""
    size = SIZES[c.of((1, 2, 4))]
    if c.below(2):
        return insn(ABSOLUTE | size, 0, 0, 0, c.of((c.below(70), c.number()))) + fresh(c)
    code = insn(0x57, 7, 0, 0, 0x3F) if c.below(4) else b""
    return code + insn(INDIRECT | size, 0, 7, 0, c.of((0, 1, 5, -3))) + fresh(c)


def context_load(c: Choices, newest: bool) -> bytes:
    return insn(0x61, c.register(), 6, c.of(CONTEXT_FIELDS))


def fresh(c: Choices) -> bytes:
    """Values for r1 to r5, which a call has used up."""
    return b"".join(insn(0xB7, register, imm=c.number()) for register in range(1, 6))


def key(c: Choices, count: int) -> bytes:
    return insn(0x62, 10, 0, KEY, c.below(count)) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=KEY)


def looked_up(c: Choices, newest: bool) -> bytes:
    """A value of a map is looked up, and changed if there is one."""
    fd, size = c.of(((OUT_FD, 8), (HASH_FD, 8), (CPU_FD, 8)))
    change = [
        insn(0xDB, 0, 7, 0, c.of((0, 0x40, 0xA0))),
        insn(0x7B, 0, 8, 0),
        insn(0x79, 9, 0, 0),
        insn(0xDB, 0, 8, 0, 0xE1),
    ][c.below(4)]
    count = 6 if fd == HASH_FD else 4
    code = key(c, count) + wide(1, fd, 1) + insn(0x85, imm=1) + insn(0x15, 0, 0, 1) + change
    return code + insn(0xB7, 0, imm=c.number()) + fresh(c)


def updated(c: Choices, newest: bool) -> bytes:
    """A map is written to, or a key deleted; r0 keeps what the helper says."""
    fd = c.of((HASH_FD, HASH_FD, CPU_FD))
    code = key(c, 6) + wide(1, fd, 1)
    if c.below(3) == 0:
        return code + insn(0x85, imm=3) + fresh(c)
    code += insn(0xBF, 3, 10) + insn(0x07, 3, imm=-8) + insn(0xB7, 4, imm=c.of((0, 1, 2, 3)))
    return code + insn(0x85, imm=2) + fresh(c)


def copied(c: Choices, newest: bool) -> bytes:
    """skb_load_bytes onto the stack."""
    length = c.of((1, 2, 4, 8, 16))
    code = insn(0xBF, 1, 6) + insn(0xB7, 2, imm=c.of((c.below(70), c.number())))
    code += insn(0xBF, 3, 10) + insn(0x07, 3, imm=-8 * SLOTS + 8 * c.below(SLOTS - 1))
    return code + insn(0xB7, 4, imm=length) + insn(0x85, imm=26) + fresh(c)


def called(c: Choices, newest: bool) -> bytes:
    """A call of the one local function that there is."""
    return CALL_LOCAL + fresh(c)


def loop(c: Choices, newest: bool) -> bytes:
    """Some arithmetic, several times; r9 counts."""
    inside = b""
    for _ in range(1 + c.below(3)):
        piece = computed(c, newest)
        inside += piece if piece[1] & 0x0F != 9 else b""
    back = -(len(inside) // 8 + 2)
    times = insn(0xB7, 9, imm=1 + c.below(6))
    return times + inside + insn(0x17, 9, imm=1) + insn(0x55, 9, 0, back, 0)


def local_function(c: Choices, newest: bool) -> bytes:
    """Its stack and its r6 to r9 are its own; it must give the caller's back."""
    code = insn(0xBF, 0, 1) + insn(0x7B, 10, 2, -8) + insn(0xB7, 6, imm=5) + insn(0xB7, 9, imm=-1)
    code += insn(0x0F, 0, 3) + insn(0x79, 7, 10, -8) + insn(0xAF, 0, 7) + insn(0x1F, 0, 4)
    return code + insn(0x2F, 0, 5) + insn(0x0F, 0, 6) + insn(0x95)


def epilogue() -> bytes:
    """Registers and stack go to the array map; the sum of some is returned."""
    code = b"".join(
        insn(0x7B, 10, register, REGISTERS_AT + 8 * n) for n, register in enumerate(SAVED)
    )
    code += insn(0x62, 10, 0, KEY, 0) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=KEY)
    code += wide(1, OUT_FD, 1) + insn(0x85, imm=1)
    copies = b""
    for n in range(len(SAVED)):
        copies += insn(0x79, 1, 10, REGISTERS_AT + 8 * n) + insn(0x7B, 0, 1, 8 * n)
    for slot in range(SLOTS):
        at = 8 * (len(SAVED) + slot)
        copies += insn(0x79, 1, 10, -8 * (slot + 1)) + insn(0x7B, 0, 1, at)
    code += insn(0x15, 0, 0, len(copies) // 8) + copies
    code += insn(0x79, 0, 10, REGISTERS_AT) + insn(0x79, 1, 10, REGISTERS_AT + 48)
    return code + insn(0x0F, 0, 1) + insn(0x95)


def with_fds(code: bytes, fds: dict[int, int]) -> bytes:
    """The same program with the file descriptors of real maps."""
    result, at = b"", 0
    while at < len(code):
        size = 16 if code[at] == 0x18 else 8
        piece = code[at : at + size]
        if size == 16 and piece[1] >> 4 == 1:
            fd = fds[struct.unpack_from("<I", piece, 4)[0]]
            piece = piece[:4] + struct.pack("<I", fd) + piece[8:]
        result, at = result + piece, at + size
    return result


def opcodes() -> set[int]:
    """All that RFC 9669 defines."""
    found = set()
    for opcode in range(256):
        for imm in (0, 16):
            with contextlib.suppress(DisasmError):
                asm.text(next(decode(insn(opcode, imm=imm) + bytes(8))))
                found.add(opcode)
    return found
