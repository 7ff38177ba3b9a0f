"""The machine of classic BPF in Python: two registers, sixteen scratch words, one step at a time.

Built in chapter 09, classic_bpf. The tests hold what it returns against the kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from helpers.cbpf import dissect
from helpers.cbpf import instruction as c
from helpers.cbpf.check import SCRATCH_WORDS, check
from helpers.cbpf.instruction import FilterError, Instruction

M32 = 0xFFFFFFFF
# How the bytes of a number lie in what is filtered: a packet comes from the network, while the
# data on a system call is the kernel's own, struct seccomp_data.
BYTE_ORDER = {"packet": "big", "seccomp": sys.byteorder}
# From here up a load counts from the start of the link header, and from there up from the start of
# the network header (SKF_LL_OFF, SKF_NET_OFF), wherever the packet begins for the socket.
FROM_LINK, FROM_NETWORK = -0x200000, -0x100000
LONGEST_PACKET = 0xFFFF


class MissingDataError(FilterError):
    """The filter asks for something that this machine was not told."""


@dataclass(frozen=True)
class Packet:
    """What is filtered, and what is known of it; see run()."""

    data: bytes
    mode: str
    auxiliary: Mapping[str, int]
    before: bytes

    def load(self, offset: int, size: int, number: int) -> int | None:
        """`size` bytes at `offset` as a number, None if they are not all there.

        number: the instruction that asks. Source: bpf_internal_load_pointer_neg_helper() in
        kernel/bpf/core.c.
        """
        start, known = c.signed(offset), self.data
        if start < 0:
            begins = FROM_NETWORK if start >= FROM_NETWORK else FROM_LINK
            start -= begins
            if not 0 <= start <= LONGEST_PACKET:
                return None
            start += self._header("network" if begins == FROM_NETWORK else "link", offset, number)
            start, known = start + len(self.before), self.before + self.data
            if start < 0:
                raise MissingDataError(
                    f"Instruction {number} loads bytes in front of the packet: pass before=...",
                    number,
                )
        piece = known[start : start + size]
        return int.from_bytes(piece, BYTE_ORDER[self.mode]) if len(piece) == size else None

    def _header(self, name: str, offset: int, number: int) -> int:
        if name not in self.auxiliary:
            raise MissingDataError(
                f"Instruction {number} loads from {c.signed(offset)}, which counts from the start "
                f'of the {name} header: pass auxiliary={{"{name}": ...}}, its offset.',
                number,
            )
        return self.auxiliary[name]


@dataclass(frozen=True)
class FilterState:
    """Where the machine stands: `number` is the instruction that comes next.

    a, x: the registers, 32 bits, unsigned. scratch: M[0] to M[15]. result: what the filter has
    returned, None while it runs: the number of bytes to keep, or what seccomp shall do.
    """

    number: int = 0
    a: int = 0
    x: int = 0
    scratch: tuple[int, ...] = (0,) * SCRATCH_WORDS
    result: int | None = None


def run(
    program: Sequence[Instruction],
    data: bytes,
    mode: str = "packet",
    auxiliary: Mapping[str, int] | None = None,
    before: bytes = b"",
) -> int:
    """What a filter returns.

    Arguments:
        data: the packet as the socket's filter sees it; in seccomp, struct seccomp_data.
        mode: "packet": loads of 8, 16 and 32 bits, big-endian; "seccomp": 32 bits, host order.
        auxiliary: what the kernel knows beside the packet's bytes, by tcpdump's names:
            {"type": 4} says that the packet is an outgoing one. Also "link" and "network": where
            those headers begin, counted from `data`, for loads from SKF_LL_OFF and SKF_NET_OFF;
            on a packet socket 0 and 14. With "network" and "proto"
            the machine finds poff by itself; nla and nlan it always does.
        before: what lies in front of `data`, headers that the kernel has gone past: in the filter
            of a UDP socket "network" is -20, and the IP header lies there.
    Errors: FilterError as check(); MissingDataError.
    Source: Documentation/networking/filter.rst in the kernel tree. Built in chapter 09.
    """
    *_, last = steps(program, data, mode, auxiliary, before)
    return last.result


def steps(
    program: Sequence[Instruction],
    data: bytes,
    mode: str = "packet",
    auxiliary: Mapping[str, int] | None = None,
    before: bytes = b"",
) -> Iterator[FilterState]:
    """The state before the first instruction, and after each; arguments and errors as run()."""
    check(program, mode)
    packet = Packet(data, mode, auxiliary or {}, before)
    state = FilterState()
    yield state
    while state.result is None:
        state = step(program[state.number], state, packet)
        yield state


def step(i: Instruction, state: FilterState, packet: Packet) -> FilterState:
    """One instruction. Built in chapter 09."""
    after = replace(state, number=state.number + 1)
    opcode_class = i.opcode_class
    if opcode_class == c.RET:
        return replace(state, result=state.a if i.code == c.RET | c.A else i.k)
    if opcode_class == c.JMP:
        return replace(after, number=after.number + skipped(i, state))
    if opcode_class in (c.ST, c.STX):
        words = list(state.scratch)
        words[i.k] = state.a if opcode_class == c.ST else state.x
        return replace(after, scratch=tuple(words))
    if opcode_class == c.MISC:
        return replace(after, a=state.x) if i.code == c.MISC | c.TXA else replace(after, x=state.a)
    value = calculated(i, state) if opcode_class == c.ALU else loaded(i, state, packet)
    if value is None:  # a division by 0, or a load from beyond the end
        return replace(state, result=0)
    return replace(after, x=value) if opcode_class == c.LDX else replace(after, a=value)


def skipped(i: Instruction, state: FilterState) -> int:
    """How many instructions a jump skips."""
    if i.code == c.JMP | c.JA:
        return i.k
    a, b = state.a, state.x if i.takes_x else i.k
    conditions = {c.JEQ: a == b, c.JGT: a > b, c.JGE: a >= b, c.JSET: a & b != 0}
    return i.jt if conditions[i.operation] else i.jf


def calculated(i: Instruction, state: FilterState) -> int | None:
    """The new A of an arithmetic instruction, None for a division by 0."""
    a, b = state.a, state.x if i.takes_x else i.k
    if i.operation in (c.DIV, c.MOD):
        if b == 0:
            return None
        return a // b if i.operation == c.DIV else a % b
    if i.operation == c.NEG:
        return -a & M32
    shift = b & 31  # as the kernel's own processor does
    results = {
        c.ADD: a + b,
        c.SUB: a - b,
        c.MUL: a * b,
        c.OR: a | b,
        c.AND: a & b,
        c.XOR: a ^ b,
        c.LSH: a << shift,
        c.RSH: a >> shift,
    }
    return results[i.operation] & M32


def loaded(i: Instruction, state: FilterState, packet: Packet) -> int | None:
    """The value that a load brings, None for one from beyond the end."""
    where = i.mode
    if where == c.IMM:
        return i.k
    if where == c.MEM:
        return state.scratch[i.k]
    if where == c.LEN:
        return len(packet.data)
    if where == c.MSH:
        header = packet.load(i.k, 1, state.number)
        return header if header is None else 4 * (header & 0x0F)
    if name := c.auxiliary(i):
        return known(name, state, packet)
    offset = i.k + state.x if where == c.IND else i.k
    return packet.load(offset & M32, i.size, state.number)


def known(name: str, state: FilterState, packet: Packet) -> int | None:
    """What the kernel knows of a packet, or finds in it."""
    told = packet.auxiliary
    if name == "xor_x":
        return state.a ^ state.x
    if name not in told:
        if name in ("nla", "nlan"):
            return dissect.attribute(packet.data, state.a, state.x, nested=name == "nlan")
        if name == "poff" and {"network", "proto"} <= set(told):
            return dissect.payload(packet.data, told["network"], told["proto"])
        raise MissingDataError(
            f"Instruction {state.number} asks for [{name}], which is not in the packet's "
            f'bytes: pass auxiliary={{"{name}": ...}}.',
            state.number,
        )
    if name == "ifidx" and not told[name]:  # it came through no interface
        return None
    return told[name] & M32
