"""Instructions of classic BPF: eight bytes each, and the text that tcpdump -d prints for them.

Built in chapter 09, classic_bpf.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.errors import CourseError

# An opcode is a class (its low three bits) and, above it, a size and a mode, or an operation and
# a source. From <linux/bpf_common.h> and <linux/filter.h>, where the names begin with BPF_.
LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
W, H, B = 0x00, 0x08, 0x10
IMM, ABS, IND, MEM, LEN, MSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
SIZES = {W: 4, H: 2, B: 1}
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR = range(0x00, 0xB0, 0x10)
JA, JEQ, JGT, JGE, JSET = range(0x00, 0x50, 0x10)
K, X, A = 0x00, 0x08, 0x10
TAX, TXA = 0x00, 0x80

# What is known of a packet and does not lie in it: the offset, from SKF_AD_OFF up, at which a load
# asks for it, and the name that tcpdump gives it.
AUXILIARY_OFFSET = 0xFFFFF000
AUXILIARY = {
    0: "proto",
    4: "type",
    8: "ifidx",
    12: "nla",
    16: "nlan",
    20: "mark",
    24: "queue",
    28: "hatype",
    32: "rxhash",
    36: "cpu",
    40: "xor_x",
    44: "vlan_tci",
    48: "vlanp",
    52: "poff",
    56: "random",
    60: "vlan_tpid",
}

# opcode: (name, operand). k is unsigned, s the same bits as a signed number.
NOTATION = {
    LD | W | ABS: ("ld", "[{where}]"),
    LD | H | ABS: ("ldh", "[{where}]"),
    LD | B | ABS: ("ldb", "[{where}]"),
    LD | W | IND: ("ld", "[x + {s}]"),
    LD | H | IND: ("ldh", "[x + {s}]"),
    LD | B | IND: ("ldb", "[x + {s}]"),
    LD | IMM: ("ld", "#{k:#x}"),
    LD | MEM: ("ld", "M[{s}]"),
    LD | LEN: ("ld", "#pktlen"),
    LDX | IMM: ("ldx", "#{k:#x}"),
    LDX | MEM: ("ldx", "M[{s}]"),
    LDX | LEN: ("ldx", "#pktlen"),
    LDX | B | MSH: ("ldxb", "4*([{s}]&0xf)"),
    ST: ("st", "M[{s}]"),
    STX: ("stx", "M[{s}]"),
    ALU | NEG: ("neg", ""),
    JMP | JA: ("ja", "{target}"),
    RET | K: ("ret", "#{s}"),
    RET | A: ("ret", ""),
    MISC | TAX: ("tax", ""),
    MISC | TXA: ("txa", ""),
}
ARITHMETIC = {ADD: "add", SUB: "sub", MUL: "mul", DIV: "div", MOD: "mod", LSH: "lsh", RSH: "rsh"}
BITWISE = {OR: "or", AND: "and", XOR: "xor"}
JUMPS = {JEQ: "jeq", JGT: "jgt", JGE: "jge", JSET: "jset"}
for names, group, constant in (
    (ARITHMETIC, ALU, "#{s}"),
    (BITWISE, ALU, "#{k:#x}"),
    (JUMPS, JMP, "#{k:#x}"),
):
    for operation, word in names.items():
        NOTATION[group | operation | K] = (word, constant)
        NOTATION[group | operation | X] = (word, "x")
CONDITIONAL = {JMP | operation | source for operation in JUMPS for source in (K, X)}


class FilterError(CourseError):
    """A classic filter that is none; `place` is the number of the instruction, if it is one."""

    def __init__(self, message: str, place: int | None = None) -> None:
        super().__init__(message)
        self.place = place


class InstructionError(FilterError):
    """Bytes that are no instructions, or an instruction that classic BPF does not have."""


@dataclass(frozen=True)
class Instruction:
    """One instruction, struct sock_filter: 16, 8, 8 and 32 bits.

    code: what to do. jt, jf: how many instructions a jump skips if its condition is true, and if
    it is false. k: a number: an offset, a constant, the place of a scratch word.
    Source: <linux/filter.h>; Documentation/networking/filter.rst in the kernel tree.
    """

    code: int
    jt: int = 0
    jf: int = 0
    k: int = 0

    @property
    def opcode_class(self) -> int:
        """LD, LDX, ST, STX, ALU, JMP, RET or MISC."""
        return self.code & 0x07

    @property
    def operation(self) -> int:
        """Of arithmetic one of ADD to XOR; of a jump JA, JEQ, JGT, JGE or JSET."""
        return self.code & 0xF0

    @property
    def mode(self) -> int:
        """Of a load: IMM, ABS, IND, MEM, LEN or MSH."""
        return self.code & 0xE0

    @property
    def size(self) -> int:
        """Of a load from the packet: how many bytes."""
        return SIZES[self.code & 0x18]

    @property
    def takes_x(self) -> bool:
        """Of arithmetic or a condition: whether its second operand is X, and not k."""
        return bool(self.code & X)

    @property
    def is_conditional(self) -> bool:
        return self.code in CONDITIONAL

    @property
    def skips(self) -> tuple[int, ...]:
        """How many instructions it may skip: one number, two of a condition, none of a return."""
        if self.opcode_class == RET:
            return ()
        if self.is_conditional:
            return (self.jt, self.jf)
        return (self.k,) if self.code == JMP | JA else (0,)


def row(code: int, jt: int, jf: int, k: int) -> bytes:
    """One instruction as bytes. Errors: struct.error. Built in chapter 09."""
    # chapter 09: begin row
    return struct.pack("=HBBI", code, jt, jf, k)
    # chapter 09: end row


def encode(program: Sequence[Instruction]) -> bytes:
    """A filter as bytes, 8 per instruction, in this machine's byte order.

    Errors: InstructionError for a field that its bits cannot hold.
    Source: <linux/filter.h>. Built in chapter 09.
    """
    raw = b""
    for number, each in enumerate(program):
        try:
            raw += row(each.code, each.jt, each.jf, each.k)
        except struct.error as error:
            raise InstructionError(
                f"Instruction {number} does not fit into its 8 bytes: code takes up to 0xffff, "
                "jt and jf up to 255, k up to 0xffffffff, and none is negative.",
                number,
            ) from error
    return raw


def decode(raw: bytes) -> list[Instruction]:
    """The way back from encode. Errors: InstructionError if a piece is left over."""
    if len(raw) % 8:
        raise InstructionError(
            f"{len(raw)} bytes are no whole number of instructions: each has 8 of them.",
            len(raw) // 8,
        )
    return [Instruction(*fields) for fields in struct.iter_unpack("=HBBI", raw)]


def auxiliary(instruction: Instruction) -> str | None:
    """The name of what a load asks for beside the packet's bytes, or None if it loads bytes."""
    if instruction.opcode_class == LD and instruction.mode == ABS:
        return AUXILIARY.get(instruction.k - AUXILIARY_OFFSET)
    return None


def auxiliary_offset(name: str) -> int:
    """The offset at which a load asks for this."""
    return AUXILIARY_OFFSET + next(at for at, known in AUXILIARY.items() if known == name)


def signed(number: int) -> int:
    """The same 32 bits, read as a signed number."""
    return number - (1 << 32) if number >> 31 else number


def text(instruction: Instruction, number: int = 0) -> str:
    """One instruction as tcpdump -d prints it, for example "(000) ldh      [12]".

    number: its place in the filter, from which the targets of a jump are counted.
    Errors: InstructionError for an unknown opcode.
    Source: tcpdump(8), -d; pcap-filter(7). Built in chapter 09.
    """
    i = instruction
    if i.code not in NOTATION:
        raise InstructionError(
            f"Instruction {number} has the opcode {i.code:#04x}, which classic BPF does not have.",
            number,
        )
    name, form = NOTATION[i.code]
    s, target = signed(i.k), signed(i.k) + number + 1
    operand = form.format(k=i.k, s=s, target=target, where=auxiliary(i) or s)
    line = f"({number:03}) {name:8} {operand}"
    if not i.is_conditional:
        return line.rstrip()  # libpcap before 1.11 leaves the spaces behind tax
    return f"{line:31} jt {number + 1 + i.jt}\tjf {number + 1 + i.jf}"


def listing(program: Sequence[Instruction]) -> str:
    """A whole filter, as tcpdump -d prints it. Errors: InstructionError. Built in chapter 09."""
    return "\n".join(text(each, number) for number, each in enumerate(program))
