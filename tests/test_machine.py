"""The machine without a kernel: what RFC 9669 says, every named fault, and both ways to run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from generated import insn, wide

from chapters.ch07.translator import translate
from helpers import machine, objfile, toolchain
from helpers.errors import CourseError
from helpers.machine import Machine, faults
from helpers.machine.maps import ARRAY, EXIST, HASH, NOEXIST, PERCPU_ARRAY, MachineMap
from helpers.machine.packet import HOST, OUTGOING, Packet
from helpers.machine.state import World

EXIT = insn(0x95)
FRAME = bytes(range(64))
WAYS = pytest.mark.parametrize("translated", [False, True], ids=["stepped", "translated"])
TOP = 1 << 63
ALL = (1 << 64) - 1


def result(code: bytes, translated: bool, maps=None, packet=FRAME, **options) -> int:
    program = Machine(code, maps, **options)
    return (translate(program) if translated else program).run(packet)


def whole_r0(code: bytes, translated: bool) -> int:
    """All 64 bits of r0: the upper half is fetched by a second run."""
    high = insn(0x77, 0, imm=32)
    return result(code + EXIT, translated) | result(code + high + EXIT, translated) << 32


@WAYS
@pytest.mark.parametrize(
    ("a", "opcode", "b", "offset", "expected"),
    [
        (ALL, 0x0F, 1, 0, 0),
        (ALL, 0x0C, 1, 0, 0),
        (5, 0x1F, 7, 0, ALL - 1),
        (5, 0x1C, 7, 0, 0xFFFFFFFE),
        (1 << 40, 0x2F, 1 << 40, 0, 0),
        (7, 0x3F, 0, 0, 0),  # division by zero is 0
        (7, 0x3C, 0, 0, 0),
        (7, 0x3F, 0, 1, 0),
        (0x1_0000_0007, 0x9F, 0, 0, 0x1_0000_0007),  # and the remainder the number itself
        (0x1_0000_0007, 0x9C, 0, 0, 7),
        (7, 0x9F, 0, 1, 7),
        (-7 & ALL, 0x3F, 2, 1, -3 & ALL),  # rounded towards zero
        (-7 & ALL, 0x9F, 2, 1, -1 & ALL),  # with the sign of the dividend
        (7, 0x9F, -2 & ALL, 1, 1),
        (TOP, 0x3F, ALL, 1, TOP),  # the one quotient that is too large
        (TOP, 0x9F, ALL, 1, 0),
        (0x80000000, 0x3C, 0xFFFFFFFF, 1, 0x80000000),
        (1, 0x6F, 65, 0, 2),  # of a shift only 6 bits count
        (1, 0x6C, 33, 0, 2),  # or 5
        (TOP, 0xCF, 63, 0, ALL),
        (0x80000000, 0xCC, 31, 0, 0xFFFFFFFF),
        (TOP, 0x7F, 63, 0, 1),
        (0, 0xBF, 0x80, 8, -128 & ALL),
        (0, 0xBC, 0x8000, 16, 0xFFFF8000),
        (0, 0xBF, 0x80000000, 32, 0xFFFFFFFF80000000),
        (ALL, 0xBC, ALL, 0, 0xFFFFFFFF),
    ],
)
def test_arithmetic(translated, a, opcode, b, offset, expected):
    code = wide(0, a) + wide(2, b) + insn(opcode, 0, 2, offset)
    assert whole_r0(code, translated) == expected


@WAYS
@pytest.mark.parametrize(
    ("opcode", "bits", "expected"),
    [
        (0xD4, 16, 0x0708),
        (0xD4, 32, 0x05060708),
        (0xD4, 64, 0x0102030405060708),
        (0xDC, 16, 0x0807),
        (0xDC, 32, 0x08070605),
        (0xDC, 64, 0x0807060504030201),
        (0xD7, 16, 0x0807),
        (0xD7, 32, 0x08070605),
        (0xD7, 64, 0x0807060504030201),
    ],
)
def test_byte_order(translated, opcode, bits, expected):
    assert whole_r0(wide(0, 0x0102030405060708) + insn(opcode, 0, imm=bits), translated) == expected


@WAYS
@pytest.mark.parametrize(
    ("imm", "r0", "memory", "r2"),
    [
        (0x00, 9, 12, 3),
        (0x01, 9, 12, 9),
        (0x41, 9, 11, 9),
        (0x51, 9, 1, 9),
        (0xA1, 9, 10, 9),
        (0xE1, 9, 3, 9),
        (0xF1, 9, 3, 3),
        (0xF1, 8, 9, 3),  # another value is there than the one expected in r0
    ],
)
def test_atomic_operations_and_what_they_fetch(translated, imm, r0, memory, r2):
    begin = insn(0x7A, 10, 0, -8, 9) + insn(0xB7, 0, imm=r0) + insn(0xB7, 2, imm=3)
    begin += insn(0xDB, 10, 2, -8, imm)
    assert result(begin + insn(0x79, 0, 10, -8) + EXIT, translated) == memory
    assert result(begin + insn(0xBF, 0, 2) + EXIT, translated) == r2
    if imm == 0xF1:
        assert result(begin + EXIT, translated) == 9


@WAYS
def test_a_load_outside_the_packet_ends_the_program_with_0(translated):
    for size, mode in ((1, 0x30), (2, 0x28), (4, 0x20)):
        begin, end = insn(0xBF, 6, 1), insn(0xB7, 0, imm=5) + EXIT
        assert result(begin + insn(mode, imm=64 - size) + end, translated) == 5
        assert result(begin + insn(mode, imm=65 - size) + end, translated) == 0
        assert result(begin + insn(mode, imm=-1) + end, translated) == 0


@WAYS
def test_negative_offsets_count_from_the_headers(translated):
    begin = insn(0xBF, 6, 1)
    assert result(begin + insn(0x30, imm=-0x100000 + 3) + EXIT, translated) == 14 + 3
    assert result(begin + insn(0x30, imm=-0x200000 + 3) + EXIT, translated) == 3
    indirect = insn(0xB7, 7, imm=-0x200000) + insn(0x48, 0, 7, 0, 3) + EXIT
    assert result(begin + indirect, translated) == 0x0304


@WAYS
def test_the_context_tells_length_direction_and_ethertype(translated):
    for place, value in ((0, 64), (4, 4), (16, 0x0D0C), (36, 0), (40, 1), (8, 0)):
        assert result(insn(0x61, 0, 1, place) + EXIT, translated) == value
    incoming = Packet(FRAME, pkt_type=HOST, ifindex=3)
    code = insn(0x61, 0, 1, 36) + EXIT
    assert result(code, translated, packet=incoming) == 3
    assert Packet(FRAME).pkt_type == OUTGOING


@WAYS
def test_local_calls_have_their_own_registers_and_stack(translated):
    code = insn(0xB7, 6, imm=6) + insn(0x7A, 10, 0, -8, 7) + insn(0xB7, 1, imm=5)
    code += insn(0x85, 0, 1, 0, 4)  # to place 8
    code += insn(0x0F, 0, 6) + insn(0x79, 1, 10, -8) + insn(0x0F, 0, 1) + EXIT
    code += insn(0xB7, 6, imm=100) + insn(0x7A, 10, 0, -8, 100) + insn(0xBF, 0, 1) + EXIT
    assert result(code, translated) == 5 + 6 + 7


@WAYS
def test_a_long_jump_and_a_32_bit_comparison(translated):
    code = wide(1, 0x1_0000_0002) + insn(0xB7, 0, imm=1) + insn(0x16, 1, 0, 1, 2)
    code += insn(0xB7, 0, imm=2) + insn(0x06, imm=1) + insn(0xB7, 0, imm=3) + EXIT
    assert result(code, translated) == 1


@WAYS
def test_references_to_maps_and_values(translated):
    values = MachineMap("values", ARRAY, 4, 16, 2)
    values.update(bytes(4), bytes(8) + (77).to_bytes(8, "little"))
    for src, low in ((2, 9), (6, 0)):  # by file descriptor, by index
        code = wide(1, 8 << 32 | low, src) + insn(0x79, 0, 1, 0) + EXIT
        assert result(code, translated, {9: values}) == 77
    for src, low in ((1, 9), (5, 0)):
        code = insn(0x62, 10, 0, -4, 0) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=-4)
        code += wide(1, low, src) + insn(0x85, imm=1) + insn(0x79, 0, 0, 8) + EXIT
        assert result(code, translated, {9: values}) == 77


@WAYS
@pytest.mark.parametrize(
    ("code", "fault", "number", "says"),
    [
        (insn(0x79, 0, 10, 0), faults.BadAddress, 0, "reads 8 bytes at the end of the stack"),
        (
            insn(0x79, 0, 10, -520),
            faults.BadAddress,
            0,
            "the end of the stack - 520",
        ),
        (insn(0x63, 1, 1, 0), faults.BadAddress, 0, "the context, which can only be read"),
        (insn(0x61, 0, 1, 72), faults.BadAddress, 0, "the context + 72, which has 72 bytes"),
        (insn(0xB7, 2) + insn(0x61, 0, 2), faults.BadAddress, 1, "at address 0: after a lookup"),
        (insn(0xB7, 2, imm=7) + insn(0x61, 0, 2), faults.BadAddress, 1, "0x7, which is no address"),
        (insn(0xB7, 2, imm=-7) + insn(0x72, 2), faults.BadAddress, 1, "no address"),
        (insn(0xDB, 1, 10), faults.BadAddress, 0, "the context, which can only be read"),
        (insn(0xBF, 0, 3), faults.UnsetRegister, 1, "r0 has no value here"),
        (insn(0x0F, 3, 1), faults.UnsetRegister, 0, "r3 has no value here"),
        (insn(0x1D, 1, 4), faults.UnsetRegister, 0, "r4 has no value here"),
        (insn(0x1D, 4, 1), faults.UnsetRegister, 0, "r4 has no value here"),
        (insn(0x15, 5), faults.UnsetRegister, 0, "r5 has no value here, a call has used it up"),
        (insn(0x7B, 10, 7, -8), faults.UnsetRegister, 0, "r7 has no value here"),
        (b"", faults.UnsetRegister, 0, "r0 has no value here: the result"),
        (insn(0x85, imm=5) + insn(0xBF, 0, 1), faults.UnsetRegister, 2, "r0 has no value"),
        (
            insn(0x30),
            faults.UnsetRegister,
            0,
            "r6 has no value here: packet loads want",
        ),
        (insn(0xB7, 6) + insn(0x30), faults.BadArgument, 1, "want the context in r6"),
        (insn(0x85, imm=999), faults.UnknownHelper, 0, "does not have the helper number 999"),
        (insn(0x85, imm=25), faults.UnknownHelper, 0, "bpf_perf_event_output; it has map_lookup"),
        (insn(0x85, 0, 2, 0, 1), faults.UnknownHelper, 0, "no functions of the kernel"),
        (insn(0x85, imm=26), faults.UnsetRegister, 0, "r2 has no value"),
        (
            insn(0xBF, 2, 10) + insn(0x85, imm=1),
            faults.BadAddress,
            1,
            "is not the address of a map",
        ),
        (insn(0x85, 0, 1, 0, -1), faults.TooManyFrames, 0, "deeper than 8"),
        (insn(0x05, 0, 0, -1), faults.BudgetSpent, 0, "1,000 instructions are executed"),
    ],
)
def test_every_fault_has_a_name_and_its_instruction(translated, code, fault, number, says):
    with pytest.raises(fault, match=f"^Instruction {number}, .*{re.escape(says)}.*[.]$") as caught:
        result(code + EXIT, translated, budget=1000)
    assert caught.value.number == number
    assert isinstance(caught.value, CourseError)


@pytest.mark.parametrize(
    ("code", "error", "number", "says"),
    [
        (insn(0xFF) + EXIT, faults.UnknownOpcode, 0, "0xff does not exist"),
        (EXIT + insn(0x8D, 1) + EXIT, faults.UnknownOpcode, 1, "0x8d does not exist"),
        (insn(0x05, 0, 0, 5) + EXIT, faults.BadJump, 0, "to 6, out of the program"),
        (insn(0x15, 1, 0, -2) + EXIT, faults.BadJump, 0, "to -1, out of the program"),
        (insn(0x06, imm=70000) + EXIT, faults.BadJump, 0, "to 70001, out"),
        (insn(0x85, 0, 1, 0, 9) + EXIT, faults.BadJump, 0, "to 10, out"),
        (insn(0x05, 0, 0, 1) + wide(0, 1) + EXIT, faults.BadJump, 0, "middle of the instruction"),
        (EXIT + bytes.fromhex("18010000"), faults.TruncatedProgram, 1, "16 bytes, and the program"),
        (EXIT + wide(1, 1)[:8], faults.TruncatedProgram, 1, "ends after 8"),
        (EXIT + b"\xb7", faults.TruncatedProgram, 1, "needs 8 bytes"),
        (insn(0xB7), faults.NoExit, 0, "is no exit"),
        (EXIT + insn(0x15, 1, 0, -2), faults.NoExit, 1, "is no exit"),
        (b"", faults.NoExit, None, "is empty"),
        (insn(0xB7, 10) + EXIT, faults.BadOperand, 0, "writes to r10"),
        (insn(0xB7, 1, 2, 0, 5) + EXIT, faults.BadOperand, 0, "no use for src"),
        (insn(0x95, 1, 2, 3, 4), faults.BadOperand, 0, "dst and src and offset and imm"),
        (wide(1, 1)[:9] + b"\1" + wide(1, 1)[10:] + EXIT, faults.BadOperand, 0, "second half"),
        (wide(1, 5, 1) + EXIT, faults.UnknownMap, 0, "number 5, and the machine has no maps"),
        (wide(1, 5, 3) + EXIT, faults.UnknownMap, 0, "number 5"),
    ],
)
def test_a_program_that_cannot_begin_is_refused(code, error, number, says):
    with pytest.raises(error, match=re.escape(says)) as caught:
        Machine(code)
    assert caught.value.number == number
    assert str(caught.value).endswith(".")
    assert isinstance(caught.value, faults.ProgramError)


@WAYS
def test_a_loop_may_use_the_whole_budget(translated):
    code = insn(0xB7, 0, imm=100) + insn(0x17, 0, imm=1) + insn(0x55, 0, 0, -2) + EXIT
    assert result(code, translated, budget=202) == 0
    with pytest.raises(faults.BudgetSpent):
        result(code, translated, budget=201)


def test_maps_answer_as_in_the_kernel():
    pairs = MachineMap("pairs", HASH, 2, 3, 2)
    assert pairs.store(b"aa", b"123", EXIST) == -2
    assert pairs.store(b"aa", b"123", NOEXIST) == 0
    assert pairs.store(b"aa", b"456", NOEXIST) == -17
    assert pairs.store(b"bb", b"456") == 0
    assert pairs.store(b"cc", b"789") == -7
    assert pairs.store(b"aa", b"789", 4) == -22
    assert pairs.remove(b"cc") == -2
    pairs.delete(b"aa")
    assert list(pairs.keys()) == [b"bb"]
    with pytest.raises(KeyError):
        pairs.lookup(b"aa")
    with pytest.raises(KeyError):
        pairs.delete(b"aa")
    array = MachineMap("array", ARRAY, 4, 8, 2)
    assert array.store(b"\2\0\0\0", bytes(8)) == -7
    assert array.store(bytes(4), bytes(8), NOEXIST) == -17
    assert array.remove(bytes(4)) == -22
    with pytest.raises(faults.BadArgument, match="keeps all"):
        array.delete(bytes(4))


def test_a_per_cpu_array_has_a_value_for_each_processor():
    counts = MachineMap("counts", PERCPU_ARRAY, 4, 4, 1, cpus=3)
    code = insn(0x62, 10, 0, -4, 0) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=-4)
    code += wide(1, 9, 1) + insn(0x85, imm=1) + insn(0x62, 0, 0, 0, 5)
    code += insn(0x85, imm=8) + EXIT
    assert Machine(code, {9: counts}, world=World(cpu=1)).run(FRAME) == 1
    assert counts.lookup(bytes(4)) == bytes(8) + b"\5" + bytes(7) + bytes(8)
    counts.update(bytes(4), b"\7" * 24)
    assert counts.lookup(bytes(4)) == (b"\7" * 4 + bytes(4)) * 3


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: MachineMap("m", 27, 4, 8, 1), "has type 27"),
        (lambda: MachineMap("m", ARRAY, 2, 8, 1), "its keys have 4 bytes"),
        (lambda: MachineMap("m", ARRAY, 4, 8, 1).lookup(b"1"), "A key of the map m has 4 bytes"),
        (
            lambda: MachineMap("m", ARRAY, 4, 8, 1).update(bytes(4), b"1"),
            "A value of the map m has 8",
        ),
        (lambda: MachineMap("m", ARRAY, 4, 8, 1).update(b"\1" * 4, bytes(8)), "E2BIG"),
    ],
)
def test_a_map_that_cannot_be_so_says_why(make, says):
    with pytest.raises(faults.BadArgument, match=re.escape(says)):
        make()


def test_trace_printk_writes_what_the_format_says():
    text = b"len %d of %s: %x %%\0"
    text = text.ljust(24, b"\0")
    code = b"".join(
        wide(2, int.from_bytes(text[at : at + 8], "little")) + insn(0x7B, 10, 2, -24 + at)
        for at in range(0, 24, 8)
    )
    code += insn(0x62, 10, 0, -32, int.from_bytes(b"lo\0\0", "little"))
    code += insn(0xBF, 1, 10) + insn(0x07, 1, imm=-24) + insn(0xB7, 2, imm=24)
    code += insn(0xB7, 3, imm=-5) + insn(0xBF, 4, 10) + insn(0x07, 4, imm=-32)
    code += insn(0xB7, 5, imm=255) + insn(0x85, imm=6) + EXIT
    world = World()
    assert Machine(code, world=world).run(FRAME) == len("len -5 of lo: ff %")
    assert world.trace == ["len -5 of lo: ff %"]


CONSTANT = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile int limit = 7;
SEC("socket") int f(struct __sk_buff *skb)
{
	asm volatile("*(u32 *)(%0 + 0) = %1" :: "r"(&limit), "r"(skb->len));
	return limit;
}
"""


def test_constants_can_only_be_read(tmp_path):
    (tmp_path / "constant.c").write_text(CONSTANT)
    path = toolchain.compile_bpf(tmp_path / "constant.c", tmp_path / "constant.o", ["-w"])
    program = machine.load(objfile.read(path), "f")
    constants = program.maps[".rodata"]
    assert constants.lookup(bytes(4)) == (7).to_bytes(4, "little")
    for run in (program.run, translate(program).run):
        with pytest.raises(faults.BadAddress, match=re.escape("at .rodata[0], which can only be")):
            run(FRAME)
    with pytest.raises(faults.BadArgument, match="EPERM"):
        constants.update(bytes(4), bytes(4))


def test_the_clock_and_skb_load_bytes():
    code = insn(0x85, imm=5) + EXIT
    assert Machine(code, world=World(clock=lambda: 77)).run(FRAME) == 77
    code = insn(0xB7, 2, imm=60) + insn(0xBF, 3, 10) + insn(0x07, 3, imm=-8)
    begin = insn(0x7A, 10, 0, -8, -1) + code
    inside = begin + insn(0xB7, 4, imm=4) + insn(0x85, imm=26) + insn(0x61, 0, 10, -8) + EXIT
    assert Machine(inside).run(FRAME) == int.from_bytes(FRAME[60:64], "little")
    outside = begin + insn(0xB7, 4, imm=5) + insn(0x85, imm=26) + EXIT
    assert Machine(outside).run(FRAME) == -14 & 0xFFFFFFFF
    zeros = begin + insn(0xB7, 4, imm=5) + insn(0x85, imm=26) + insn(0x61, 0, 10, -8) + EXIT
    assert Machine(zeros).run(FRAME) == 0


def test_bytes_counted_from_the_network_header():
    """The number of bytes, from the header and the offset that are asked for."""

    def run(offset: int, header: int, packet: Packet) -> int:
        code = insn(0xB7, 2, imm=offset) + insn(0xBF, 3, 10) + insn(0x07, 3, imm=-8)
        code = insn(0x7A, 10, 0, -8, -1) + code + insn(0xB7, 4, imm=4) + insn(0xB7, 5, imm=header)
        return Machine(code + insn(0x85, imm=68) + insn(0x61, 0, 10, -8) + EXIT).run(packet)

    frame, tunnelled = Packet(FRAME), Packet(FRAME, network=0)
    at = {n: int.from_bytes(FRAME[n : n + 4], "little") for n in (2, 16)}
    assert (run(2, 0, frame), run(2, 1, frame)) == (at[2], at[16])
    assert run(2, 0, tunnelled) == run(2, 1, tunnelled) == at[2]
    # Beyond the end, a header that there is none of, and an offset that is too large.
    for offset, header in ((len(FRAME) - 17, 1), (0, 2), (1 << 16, 0)):
        assert run(offset, header, frame) == 0


def test_step_yields_the_state_after_each_instruction(sockex1_object):
    program = machine.load(objfile.read(sockex1_object), "count_bytes")
    frame = bytes(23) + b"\1" + bytes(74)
    seen = [(s.last, s.at, s.reading, s.registers[0]) for s in program.step(frame)]
    places = [i.number for i in program.instructions]
    assert [last for last, *_ in seen] == sorted(last for last, *_ in seen)
    assert {last for last, *_ in seen} <= set(places)
    assert seen[-1][1] is None
    assert [read for *_, read, _ in seen if read] == [(23, 24)]
    assert program.maps["bytes_by_protocol"].lookup(b"\1\0\0\0") == (98).to_bytes(8, "little")


def test_the_translation_is_python_that_names_its_lines(sockex1_object):
    program = machine.load(objfile.read(sockex1_object), "count_bytes")
    source = translate(program, "count_bytes").source
    ast.parse(source)
    assert "r0 = s.data[23]" in source
    assert "pkt_type" in source
    assert "# line 27: __u32 protocol = load_byte" in source


def test_addresses_of_a_hash_are_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr("chapters.ch07.translator.translation.MAX_ELEMENTS", 3)
    seen = MachineMap("seen", HASH, 4, 8, 100)
    code = insn(0xBF, 6, 1) + insn(0x20, imm=0) + insn(0x63, 10, 0, -4)
    code += insn(0x7A, 10, 0, -16, 1) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=-4)
    code += insn(0xBF, 3, 10) + insn(0x07, 3, imm=-16) + insn(0xB7, 4) + wide(1, 9, 1)
    code += insn(0x85, imm=2) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=-4) + wide(1, 9, 1)
    code += insn(0x85, imm=1) + insn(0x79, 0, 0) + EXIT
    translation = translate(Machine(code, {9: seen}))
    for number in range(50):
        assert translation.run(number.to_bytes(4, "big")) == 1
    assert len(translation._memory.elements) <= 4
    assert len(list(seen.keys())) == 50


def test_nothing_but_the_standard_library_is_imported():
    script = (
        "import sys, helpers.machine\n"
        "print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    found = subprocess.run(
        [sys.executable, "-S", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(toolchain.SOURCES).parent,
    )
    assert set(found.stdout.split()) <= {"helpers", "__main__"}


def test_no_module_of_the_machine_is_longer_than_200_lines():
    folder = Path(machine.__file__).parent
    assert all(len(path.read_text().splitlines()) <= 200 for path in folder.glob("*.py"))
