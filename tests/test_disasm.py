"""Instructions as text: exactly, and the same as LLVM's on everything that clang makes."""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from helpers import disasm, objfile, toolchain
from helpers.disasm import DisasmError, text
from helpers.objfile import Instruction

SOURCES = sorted(toolchain.SOURCES.glob("*_kern.c"))


def instruction(opcode: int, dst: int = 1, src: int = 0, offset: int = 0, imm: int = 0, symbol=""):
    raw = struct.pack("<BBhi", opcode, src << 4 | dst, offset, imm & 0x7FFFFFFF)
    return Instruction(0, raw, opcode, dst, src, offset, imm, symbol)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((0x30, 0, 0, 0, 23), "r0 = *(u8 *)skb[23]"),
        ((0x28, 0, 0, 0, 12), "r0 = *(u16 *)skb[12]"),
        ((0x40, 0, 7, 0, 0), "r0 = *(u32 *)skb[r7]"),
        ((0xBF, 1, 10), "r1 = r10"),
        ((0xBC, 1, 2), "w1 = w2"),
        ((0xB7, 0, 0, 0, -1), "r0 = -1"),
        ((0xB4, 0), "w0 = 0"),
        ((0x07, 2, 0, 0, -4), "r2 += -4"),
        ((0x97, 3, 0, 0, 10), "r3 %= 10"),
        ((0x9F, 3, 4), "r3 %= r4"),
        ((0xC7, 3, 0, 0, 7), "r3 s>>= 7"),
        ((0x87, 5), "r5 = -r5"),
        ((0x84, 5), "w5 = -w5"),
        ((0xDC, 0, 0, 0, 16), "r0 = be16 r0"),
        ((0xD4, 0, 0, 0, 64), "r0 = le64 r0"),
        ((0x61, 1, 6, 4), "r1 = *(u32 *)(r6 + 4)"),
        ((0x79, 1, 10, -8), "r1 = *(u64 *)(r10 - 8)"),
        ((0x63, 10, 0, -4), "*(u32 *)(r10 - 4) = r0"),
        ((0x72, 10, 0, -1, 5), "*(u8 *)(r10 - 1) = 5"),
        ((0x7A, 10, 0, -8, -5), "*(u64 *)(r10 - 8) = -5"),
        ((0x15, 0, 0, 4, 0), "if r0 == 0 goto +4"),
        ((0x6D, 1, 2, -3), "if r1 s> r2 goto -3"),
        ((0x56, 1, 0, 8, 4), "if w1 != 4 goto +8"),
        ((0x45, 1, 0, 2, 5), "if r1 & 5 goto +2"),
        ((0xBE, 1, 2, 1), "if w1 <= w2 goto +1"),
        ((0x05, 0, 0, -7), "goto -7"),
        ((0x85, 0, 0, 0, 1), "call bpf_map_lookup_elem"),
        ((0x85, 0, 0, 0, 99999), "call 99999"),
        ((0x85, 0, 1, 0, 10), "call pc+10"),
        ((0x85, 0, 1, 0, -1, "twice"), "call twice"),
        ((0x95, 0), "exit"),
        ((0x18, 1, 0, 0, 0, "bytes_by_protocol"), "r1 = bytes_by_protocol ll"),
        ((0x18, 1, 0, 0, 1 << 40), "r1 = 1099511627776 ll"),
        ((0xDB, 0, 1), "lock *(u64 *)(r0 + 0) += r1"),
        ((0xC3, 0, 1, 8, 0xA0), "lock *(u32 *)(r0 + 8) ^= r1"),
        ((0xDB, 1, 0, 8, 0x01), "r0 = atomic_fetch_add((u64 *)(r1 + 8), r0)"),
        ((0xDB, 1, 2, 0, 0xE1), "r2 = xchg_64(r1 + 0, r2)"),
        ((0xC3, 1, 3, 4, 0xF1), "w0 = cmpxchg32_32(r1 + 4, w0, w3)"),
    ],
)
def test_exactly(fields, expected):
    assert text(instruction(*fields)) == expected


@pytest.mark.parametrize(
    "fields",
    [
        (0x00,),  # a 32-bit immediate load does not exist
        (0x38,),  # nor a 64-bit load from the packet
        (0x06,),  # nor a 32-bit exit, call or goto (the last came with -mcpu=v4)
        (0x8D, 0, 0, 0, 1),  # a call through a register
        (0x8F,),  # a negation with a source register
        (0xE7,),  # an operation beyond the last
        (0xE5,),
        (0x3F, 1, 2, 1),  # signed division, -mcpu=v4
        (0xBF, 1, 2, 8),  # sign extension, -mcpu=v4
        (0xD7, 1, 0, 0, 16),  # byte swap, -mcpu=v4
        (0x99, 1, 2),  # a sign-extending load, -mcpu=v4
        (0xDC, 1, 0, 0, 8),  # a byte order of 8 bits
        (0xD3,),  # an atomic operation on a byte
        (0xDB, 0, 1, 0, 0x10),  # an atomic subtraction
    ],
)
def test_unknown_opcode(fields):
    with pytest.raises(DisasmError, match=f"opcode 0x{fields[0]:02x} .* -mcpu=v3 or lower"):
        text(instruction(*fields))


def reference(path: Path) -> dict[int, str]:
    """What llvm-objdump says: place in the section, in slots -> text, spaces single."""
    command = ["llvm-objdump", "-d", "--mcpu=v3", str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^ *(\d+):\t[0-9a-f ]+\t(.*)$", output, re.MULTILINE)
    return {int(n): re.sub(r" <\S+>$|\s+$", "", re.sub(r"\s+", " ", line)) for n, line in found}


def as_llvm(instruction: Instruction) -> str:
    """Our text without the names that LLVM leaves to the reader."""
    numbers = {name: number for number, name in disasm.helper_names().items()}
    ours = text(replace(instruction, symbol="")).replace("pc+", "")
    return re.sub(r"bpf_\w+", lambda name: str(numbers[name[0]]), ours)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
@pytest.mark.parametrize("cpu", ["v1", "v2", "v3"])
def test_agrees_with_llvm_on_the_programs_of_the_course(tmp_path, source, cpu):
    path = toolchain.compile_bpf(source, tmp_path / "a.o", [f"-mcpu={cpu}"])
    found = objfile.read(path)
    assert found.programs
    theirs = reference(path)
    for symbol in found.symbols:
        if symbol.type == "STT_FUNC":
            for each in found.program(symbol.name).instructions:
                assert as_llvm(each) == theirs[symbol.value // 8 + each.number]


def test_agrees_with_llvm_on_every_base_instruction(tmp_path):
    rows = []
    for opcode in set(range(256)) - {0x18, 0x8D}:  # two slots, and newer than the base
        arithmetic = opcode & 7 in (disasm.ALU32, disasm.ALU64)
        atomic = opcode & 0xE7 == 0xC3
        for src, offset, imm in ((2, 5, 7), (0, -5, -7), (10, 0, 32)):
            if opcode & 0x0F == 0x0C:
                imm = 32  # a byte order needs a size
            values = (opcode, src << 4 | 1, 0 if arithmetic else offset, 0 if atomic else imm)
            rows.append(struct.pack("<BBhi", *values))
    lines = [f"\t.byte {','.join(map(str, row))}" for row in rows]
    start = ['.section socket,"ax",@progbits', ".globl f", ".type f,@function", "f:"]
    (tmp_path / "all.s").write_text("\n".join([*start, *lines, ".size f, .-f", ""]))
    command = ["clang", "-target", "bpf", "-c", tmp_path / "all.s", "-o", tmp_path / "all.o"]
    subprocess.run(command, check=True)
    theirs = reference(tmp_path / "all.o")
    compared = set()
    for each in objfile.read(tmp_path / "all.o").program("f").instructions:
        if theirs[each.number] != "<unknown>" and theirs[each.number]:
            assert as_llvm(each) == theirs[each.number]
            compared.add(each.opcode)
    assert len(compared) > 100


def test_the_listing_has_every_line_and_byte(tmp_path):
    path = toolchain.compile_bpf("sockex1_kern.c", tmp_path / "a.o")
    program = objfile.read(path).program("count_bytes")
    shown = disasm.listing(program)
    assert "; line 27: __u32 protocol = load_byte(" in shown
    for each in program.instructions:
        assert text(each) in shown
    numbers = re.findall(r"^(?: *\d+:|     ) ((?:[0-9a-f]{2} ?){8})", shown, re.MULTILINE)
    assert bytes.fromhex("".join(numbers)) == b"".join(i.raw for i in program.instructions)


def test_without_libbpf_headers_a_helper_is_a_number(monkeypatch, tmp_path):
    monkeypatch.setattr(disasm, "HELPER_NAMES", tmp_path / "none.h")
    disasm.helper_names.cache_clear()
    assert text(instruction(0x85, 0, 0, 0, 1)) == "call 1"
    disasm.helper_names.cache_clear()


def test_the_helper_names_are_the_kernels():
    names = disasm.helper_names()
    assert names[1] == "bpf_map_lookup_elem"
    assert names[26] == "bpf_skb_load_bytes"
    assert names[131] == "bpf_ringbuf_reserve"
    assert len(names) > 190
