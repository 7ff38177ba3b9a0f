"""The playground's program, a filter in front and the counting of bpf/playground_kern.c behind it,
and what it has counted.

Laboratory equipment. The road is that of chapter 06: maps made, their descriptors filled in, the
program loaded, all through bpf(2). The filter is translated as in chapter 09.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from helpers import asm, cbpf, objfile, toolchain
from helpers.cbpf import instruction as c
from helpers.cbpf import rules
from helpers.cbpf.rules import Extended, ebpf
from helpers.flows import FLOW
from helpers.syscall import (
    ARRAY,
    SOCKET_FILTER,
    Map,
    Program,
    create_map,
    load_program,
    relocate,
)
from helpers.uapi import BPF_PROG_TYPE_SCHED_CLS as SCHED_CLS
from helpers.uapi import SK_BUFF

SOURCE, NAME = "playground_kern.c", "playground"
FLOWS = 65_536  # as many fit into the map
CUT_OFFSET = SK_BUFF["cb[0]"]  # how many bytes of a frame were cut off lies there
# Opcodes of eBPF. The operation += is 0, of an atomic one, too; 0x18 stands for 8 bytes.
MOVE_NUMBER, ADD32 = asm.ALU64 | asm.MOVE, asm.ALU32 | asm.REGISTER_SOURCE
ADD_ATOMIC = asm.STX | asm.ATOMIC | 0x18
# Makes a classic filter of an expression; errors: FilterError.
Compiles = Callable[[str], Sequence[c.Instruction]]
# struct traffic of bpf/playground_kern.c.
TRAFFIC = np.dtype([("packets", "u8"), ("bytes", "u8")])


@dataclass(frozen=True)
class Reading:
    """Everything counted so far.

    keys: dtype FLOW, shape (n,). traffic: dtype TRAFFIC, shape (n,), a row for each key.
    sizes: dtype TRAFFIC, a row for each class of sizes. missed: packets and bytes of flows that
    found no room in the map; they are in `sizes` all the same. seen: frames that came to the
    filter.
    """

    keys: np.ndarray
    traffic: np.ndarray
    sizes: np.ndarray
    missed: np.void
    seen: int

    @property
    def packets(self) -> int:
        """Frames that the filter let through."""
        return int(self.sizes["packets"].sum())

    @property
    def bytes(self) -> int:
        """The bytes of those."""
        return int(self.sizes["bytes"].sum())


class Counting:
    """The program with maps of its own, in the kernel until close() or the end of `with`.

    Arguments:
        expression: a filter in the language of pcap-filter(7); "" counts everything.
        flows: how many flows the map has room for.
        compiles: what makes a classic filter of it, for where the frames come from.
        at_tc: for traffic control (helpers/tc.py) instead of a socket. It counts the same, and
            lets every frame go on as if it were not there, but for one so short that the filter
            looks behind its end: other programs of traffic control are not asked about that one.
    Errors: ExpressionError, which says where the expression goes wrong; PcapError, JumpError,
        TranslationError, CompileError, SyscallError.
    """

    def __init__(
        self,
        expression: str = "",
        flows: int = FLOWS,
        compiles: Compiles = cbpf.compile_expression,
        at_tc: bool = False,
    ) -> None:
        self.expression = expression
        front = filter_code(expression, compiles, at_tc)
        counter = compiled_for_tc() if at_tc else compiled()
        self.maps: dict[str, Map] = {}
        self._filtered = bool(front)
        try:
            for name, shape in counter.maps.items():
                room = flows if name == "flows" else shape.max_entries
                self.maps[name] = create_map(shape.type, shape.key_size, shape.value_size, room)
            self.maps["seen"] = create_map(ARRAY, 4, 8, 1)
            behind = b"".join(i.raw for i in counter.program("count").instructions)
            for gap in counter.relocations:
                behind = relocate(behind, gap.offset, self.maps[gap.symbol].fd)
            # Without a filter what is seen is what is counted.
            code = count_all(self.maps["seen"].fd) + joined(front, behind) if front else behind
            kind, code = (SCHED_CLS, passing_on(code)) if at_tc else (SOCKET_FILTER, code)
            self.program: Program = load_program(code, kind, name=NAME)
        except BaseException:
            self._close_maps()
            raise
        # Read again and again into the same memory.
        self._keys, self._traffic = np.empty(flows, FLOW), np.empty(flows, TRAFFIC)

    def read(self) -> Reading:
        """Everything counted so far. Errors: SyscallError, also where Linux is older than 5.6.

        The maps are read one after the other: while packets come, the later ones know of more.
        """
        count = self.maps["flows"].batch_into(self._keys, self._traffic)
        missed = np.frombuffer(self.maps["missed"].lookup(bytes(4)), TRAFFIC)[0]
        number = self.maps["sizes"].max_entries
        sizes = np.empty(number, TRAFFIC)
        self.maps["sizes"].batch_into(np.empty(number, "u4"), sizes)
        seen = int.from_bytes(self.maps["seen"].lookup(bytes(4)), sys.byteorder)
        seen = seen if self._filtered else int(sizes["packets"].sum())
        return Reading(self._keys[:count].copy(), self._traffic[:count].copy(), sizes, missed, seen)

    def room(self) -> int:
        """How many more flows find room in the map. Errors: SyscallError."""
        return len(self._keys) - self.maps["flows"].batch_into(self._keys, self._traffic)

    def close(self) -> None:
        """Give program and maps back; the kernel frees the program once no socket holds it."""
        self.program.close()
        self._close_maps()

    def _close_maps(self) -> None:
        for bpf_map in self.maps.values():
            bpf_map.close()

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@cache
def compiled() -> objfile.ObjectFile:
    """The counting part, compiled once in a process. Errors: CompileError, ObjectFileError."""
    return objfile.read(toolchain.compile_bpf(SOURCE))


@cache
def compiled_for_tc() -> objfile.ObjectFile:
    """The same for traffic control."""
    output = toolchain.BUILD / "playground_tc.o"
    return objfile.read(toolchain.compile_bpf(SOURCE, output, ["-DAT_TC"]))


def filter_code(expression: str, compiles: Compiles, at_tc: bool = False) -> bytes:
    """The filter for an expression as eBPF, b"" if there is none.

    Errors: FilterError, for traffic control also of one that asks for the direction.
    """
    if not expression.strip():
        return b""
    filter = compiles(expression)
    if not at_tc:
        return cbpf.translate(filter, with_what_was_cut)
    if any(c.auxiliary(i) == "type" for i in filter):
        raise cbpf.FilterError(
            "In traffic control the kernel does not say which way a frame goes: leave inbound and "
            "outbound out of the filter, or choose the interface without “at tc”."
        )
    return cbpf.translate(filter)


def passing_on(code: bytes) -> bytes:
    """The same program, whose answer is always TC_ACT_UNSPEC: as if it were not there."""
    code = bytearray(code)
    for at in range(0, len(code), 8):
        if code[at] == rules.EXIT:
            struct.pack_into("<BBhi", code, at, rules.GOTO, 0, (len(code) - at) // 8 - 1, 0)
    return bytes(code) + ebpf(MOVE_NUMBER, 0, imm=-1) + ebpf(rules.EXIT)


def with_what_was_cut(i: c.Instruction, number: int) -> list[Extended]:
    """The rules of chapter 09, except that the length of a frame is what it was when captured."""
    rows = rules.one(i, number)
    if i.opcode_class in (c.LD, c.LDX) and i.mode == c.LEN:
        rows += [
            Extended(rules.LOAD_WORD, rules.SPARE, rules.CONTEXT, offset=CUT_OFFSET),
            Extended(ADD32, rows[0].dst, rules.SPARE),
        ]
    return rows


def joined(front: bytes, behind: bytes) -> bytes:
    """One program of two: where the filter would return 0 it ends, else the counting begins.

    Each of the filter's exits becomes a jump to the place between the two.
    """
    if not front:
        return behind
    code = bytearray(front)
    for at in range(0, len(code), 8):
        if code[at] == rules.EXIT:
            struct.pack_into("<BBhi", code, at, rules.GOTO, 0, (len(code) - at) // 8 - 1, 0)
    between = [
        ebpf(rules.JUMP_IF_NOT_EQUAL, rules.A, offset=1),
        ebpf(rules.EXIT),
        ebpf(rules.MOVE, 1, rules.CONTEXT),  # a program expects the packet in r1
    ]
    return bytes(code) + b"".join(between) + behind


def count_all(seen_fd: int) -> bytes:
    """Instructions that add 1 to the only value of an array map, whatever the frame."""
    return b"".join(
        (
            ebpf(asm.LOAD_64_BIT_IMMEDIATE, 2, asm.VALUE_BY_FD, imm=seen_fd),
            ebpf(0),  # the upper half: the offset into the value
            ebpf(MOVE_NUMBER, 3, imm=1),
            ebpf(ADD_ATOMIC, 2, 3),
        )
    )
