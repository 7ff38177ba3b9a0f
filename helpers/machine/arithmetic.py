"""What each arithmetic and comparing instruction works out, as a Python expression.

Built in chapter 07, inside_the_bytecode. The stepper makes functions of these expressions, the
translator pastes them into its program: so both mean the same. In an expression, a is what the
destination holds, b is the second operand, both numbers from 0 up to 2**bits; what leaves that
range is cut off afterwards. Source: RFC 9669, section 4.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache

from helpers import asm
from helpers.asm import Instruction

M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF

# Division by zero gives 0, and the remainder is the number itself; only the last 5 or 6 bits of
# a shift count.
OPERATIONS = {
    "+=": "a + b",
    "-=": "a - b",
    "*=": "a * b",
    "/=": "a // b if b else 0",
    "|=": "a | b",
    "&=": "a & b",
    "<<=": "a << (b & {shift})",
    ">>=": "a >> (b & {shift})",
    "%=": "a % b if b else a",
    "^=": "a ^ b",
    "=": "b",
    "s>>=": "signed(a, {bits}) >> (b & {shift})",
    "s/=": "quotient(signed(a, {bits}), signed(b, {bits}))",
    "s%=": "remainder(signed(a, {bits}), signed(b, {bits}))",
}
CONDITIONS = {sign: f"a {sign} b" for sign in ("==", "!=", ">", ">=", "<", "<=", "&")}
CONDITIONS |= {
    f"s{sign}": f"signed(a, {{bits}}) {sign} signed(b, {{bits}})" for sign in (">", ">=", "<", "<=")
}


def signed(value: int, bits: int) -> int:
    """The same bits read as a number that may be negative: signed(255, 8) is -1."""
    half = 1 << bits - 1
    return ((value & (half << 1) - 1) ^ half) - half


def quotient(a: int, b: int) -> int:
    """a / b, rounded towards zero as BPF does (Python rounds down); 0 if b is 0."""
    if b == 0:
        return 0
    return abs(a) // abs(b) if (a < 0) == (b < 0) else -(abs(a) // abs(b))


def remainder(a: int, b: int) -> int:
    """What a / b leaves, with the sign of a (in Python it has the sign of b); a if b is 0."""
    if b == 0:
        return a
    return abs(a) % abs(b) if a >= 0 else -(abs(a) % abs(b))


def swapped(value: int, bits: int) -> int:
    """The last `bits` bits of value with their bytes in the opposite order."""
    size = bits // 8
    return int.from_bytes((value & (1 << bits) - 1).to_bytes(size, "little"), "big")


# Python's own functions for the most usual ones, which are quicker.
QUICK = {"a + b": operator.add, "a - b": operator.sub, "a & b": operator.and_}
QUICK |= {"a == b": operator.eq, "a != b": operator.ne, "a > b": operator.gt, "a < b": operator.lt}

# What expressions use, by name.
NAMES = {each.__name__: each for each in (signed, quotient, remainder, swapped)}


def bits(i: Instruction) -> int:
    """64, or 32 for the instructions that work with the lower half of registers."""
    order = i.is_arithmetic and i.operation == asm.BYTE_ORDER
    return 64 if order or i.opcode_class in (asm.ALU64, asm.JUMP) else 32


def expression(i: Instruction) -> str:
    """What an arithmetic or conditional instruction works out of a and b, in Python."""
    if i.is_conditional:
        python = CONDITIONS[asm.CONDITIONS[i.operation]]
    elif i.operation == asm.NEGATE:
        python = "-a"
    elif i.operation == asm.BYTE_ORDER:
        # This machine keeps the least significant byte first, so "to little-endian" only cuts.
        keeps = i.opcode_class == asm.ALU32 and not i.to_big_endian
        python = f"a & {(1 << i.imm) - 1:#x}" if keeps else f"swapped(a, {i.imm})"
    elif i.operation == asm.MOVE and i.offset:
        python = f"signed(b, {i.offset})"
    else:
        sign = asm.ARITHMETIC[i.operation]
        python = OPERATIONS[f"s{sign}" if i.offset else sign]
    return python.format(bits=bits(i), shift=bits(i) - 1)


@cache
def function(expression: str) -> Callable[[int, int], int]:
    """A Python function of a and b that works out an expression of this module's."""
    return QUICK.get(expression) or eval(f"lambda a, b: {expression}", NAMES)
