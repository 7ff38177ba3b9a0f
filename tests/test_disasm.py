"""Instructions as text: exactly, and the same as LLVM's on everything that clang makes."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from helpers import asm, objfile, toolchain
from helpers.asm import DisasmError, Instruction, decode, prototypes, text

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
        ((0xC3, 0, 1, 8, 0xA0), "lock *(u32 *)(r0 + 8) ^= w1"),
        ((0xDB, 1, 0, 8, 0x01), "r0 = atomic_fetch_add((u64 *)(r1 + 8), r0)"),
        ((0xDB, 1, 2, 0, 0xE1), "r2 = xchg_64(r1 + 0, r2)"),
        ((0xC3, 1, 3, 4, 0xF1), "w0 = cmpxchg32_32(r1 + 4, w0, w3)"),
        ((0x3F, 1, 2, 1), "r1 s/= r2"),
        ((0x94, 1, 0, 1, -3), "w1 s%= -3"),
        ((0xBF, 1, 2, 8), "r1 = (s8)r2"),
        ((0xBC, 1, 2, 16), "w1 = (s16)w2"),
        ((0xBF, 1, 2, 32), "r1 = (s32)r2"),
        ((0xD7, 1, 0, 0, 16), "r1 = bswap16 r1"),
        ((0x91, 1, 2, -5), "r1 = *(s8 *)(r2 - 5)"),
        ((0x81, 1, 2, 5), "r1 = *(s32 *)(r2 + 5)"),
        ((0x06, 0, 0, 0, 70000), "gotol +70000"),
        ((0x40, 0, 7, 0, 3), "r0 = *(u32 *)skb[r7 + 3]"),
    ],
)
def test_exactly(fields, expected):
    assert text(instruction(*fields)) == expected


@pytest.mark.parametrize(
    "fields",
    [
        (0x00,),  # a 32-bit immediate load does not exist
        (0x38,),  # nor a 64-bit load from the packet
        (0x86,),  # nor a 32-bit call
        (0x96,),  # or exit
        (0x8D, 0, 0, 0, 1),  # a call through a register
        (0x8F,),  # a negation with a source register
        (0xE7,),  # an operation beyond the last
        (0xE5,),
        (0x0F, 1, 2, 1),  # an addition has no offset
        (0x3F, 1, 2, 2),  # 1 is for signed, 2 for nothing
        (0xBC, 1, 2, 32),  # 32 bits of a 32-bit register need no extension
        (0xB7, 1, 0, 8),  # nor does a number
        (0xDF, 1, 0, 0, 16),  # the byte swap has one form
        (0x99, 1, 2),  # nothing is left to extend
        (0xDC, 1, 0, 0, 8),  # a byte order of 8 bits
        (0xD3,),  # an atomic operation on a byte
        (0xDB, 0, 1, 0, 0x10),  # an atomic subtraction
        (0xBF, 11, 1),  # there is no r11
        (0xBF, 1, 11),
    ],
)
def test_no_instruction(fields):
    with pytest.raises(DisasmError, match=f"opcode 0x{fields[0]:02x} does not exist"):
        text(instruction(*fields))


def reference(path: Path, tool: str = "llvm-objdump", *options: str) -> dict[int, str]:
    """What llvm-objdump says: place in the section, in slots -> text, spaces single."""
    command = [tool, "-d", "--print-imm-hex=false", *options, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^ *(\d+):\t[0-9a-f ]+\t(.*)$", output, re.MULTILINE)
    return {int(n): re.sub(r" <\S+>$|\s+$", "", re.sub(r"\s+", " ", line)) for n, line in found}


def as_the_kernel(instruction: Instruction, llvm: str) -> str:
    """LLVM's text with r1 for a register that is loaded or stored, as in the kernel's listings.

    Where 32-bit registers are on (-mcpu=v3), LLVM writes w1 there since version 19, up to 32 bits.
    """
    is_memory = instruction.opcode_class < 4 and instruction.mode == asm.MEMORY
    return re.sub(r"\bw", "r", llvm) if is_memory else llvm


def as_llvm(instruction: Instruction) -> str:
    """Our text without the names that LLVM leaves to the reader."""
    numbers = {name: number for number, name in asm.helper_names().items()}
    ours = text(replace(instruction, symbol="")).replace("pc+", "")
    return re.sub(r"bpf_\w+", lambda name: str(numbers[name[0]]), ours)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
@pytest.mark.parametrize("cpu", ["v1", "v2", "v3"])
def test_agrees_with_llvm_on_the_programs_of_the_course(tmp_path, source, cpu):
    path = toolchain.compile_bpf(source, tmp_path / "a.o", [f"-mcpu={cpu}"])
    found = objfile.read(path)
    assert found.programs
    functions = [symbol for symbol in found.symbols if symbol.type == "STT_FUNC"]
    theirs = {
        section: reference(path, "llvm-objdump", "--mcpu=v3", "-j", section)
        for section in {symbol.section for symbol in functions}
    }
    for symbol in functions:
        for each in found.program(symbol.name).instructions:
            llvm = theirs[symbol.section][symbol.value // 8 + each.number]
            assert as_llvm(each) == as_the_kernel(each, llvm)


# So many of the 256 opcodes does RFC 9669 define.
OPCODES = 125
# What LLVM 19 knows and RFC 9669 does not.
EXTENSIONS = ("may_goto", "callx", "addr_space_cast")


def every_opcode() -> list[bytes]:
    """Each opcode with operands of every sort, one instruction each; 0x18 takes two slots."""
    rows = []
    for opcode in set(range(256)) - {0x18}:
        atomic = opcode & 0xE7 == 0xC3
        arithmetic = opcode & 7 in (4, 7)
        order = opcode & 0xF7 in (0xD4, 0xD7)
        for src, dst in ((0, 1), (2, 3), (10, 9)):
            for offset in (0, 1, 8, 16, 32) if arithmetic else (0, 5, -5):
                kinds = (0, 1, 0x40, 0x41, 0x50, 0x51, 0xA0, 0xA1, 0xE1, 0xF1)
                for imm in kinds if atomic else (16, 32, 64) if order else (0, 7, -7):
                    rows.append(struct.pack("<BBhi", opcode, src << 4 | dst, offset, imm))
    rows.append(bytes.fromhex("18 01 00 00 ff ff ff ff 00 00 00 00 01 00 00 00"))
    return rows


def test_agrees_with_llvm_19_on_every_opcode(tmp_path):
    rows = every_opcode()
    lines = [f"\t.byte {','.join(map(str, row))}" for row in rows]
    start = ['.section socket,"ax",@progbits', ".globl f", ".type f,@function", "f:"]
    (tmp_path / "all.s").write_text("\n".join([*start, *lines, ".size f, .-f", ""]))
    command = ["clang", "-target", "bpf", "-c", tmp_path / "all.s", "-o", tmp_path / "all.o"]
    subprocess.run(command, check=True)
    # Debian's default LLVM is 14; elsewhere the default may be as new.
    tool = shutil.which("llvm-objdump-19") or "llvm-objdump"
    theirs = reference(tmp_path / "all.o", tool, "--mcpu=v4")
    agreed, known = set(), set()
    for each in decode(b"".join(rows)):
        llvm = theirs.get(each.number, "").replace("<unknown>", "")
        if not llvm or any(name in llvm for name in EXTENSIONS) or reserved(each):
            continue
        known.add(each.opcode)
        llvm, ours = as_the_kernel(each, llvm), as_llvm(each)
        if each.loads_packet and each.mode == asm.INDIRECT:
            # LLVM leaves out the number added to an indirect offset.
            ours = ours.replace(f" + {each.imm}]", "]")
        assert ours == llvm, each
        agreed.add(each.opcode)
    assert agreed == known
    assert len(agreed) == OPCODES


def reserved(i: Instruction) -> bool:
    """Whether an arithmetic instruction has an offset that means nothing; LLVM does not look."""
    if not i.is_arithmetic or i.offset == 0:
        return False
    extended = (8, 16, 32) if i.opcode_class == asm.ALU64 else (8, 16)
    moves = i.operation == asm.MOVE and i.takes_register and i.offset in extended
    return not (moves or i.operation in (asm.DIVIDE, asm.MODULO) and i.offset == 1)


def test_no_other_opcode_has_a_text():
    texts = set()
    for each in decode(b"".join(every_opcode())):
        with suppress(DisasmError):
            text(each)
            texts.add(each.opcode)
    assert len(texts) == OPCODES


def test_the_listing_has_every_line_and_byte(tmp_path):
    path = toolchain.compile_bpf("sockex1_kern.c", tmp_path / "a.o")
    program = objfile.read(path).program("count_bytes")
    shown = asm.listing(program)
    assert "; line 27: __u32 protocol = load_byte(" in shown
    for each in program.instructions:
        assert text(each) in shown
    numbers = re.findall(r"^(?: *\d+:|     ) ((?:[0-9a-f]{2} ?){8})", shown, re.MULTILINE)
    assert bytes.fromhex("".join(numbers)) == b"".join(i.raw for i in program.instructions)


def test_without_libbpf_headers_a_helper_is_a_number(monkeypatch, tmp_path):
    monkeypatch.setattr(prototypes, "HEADER", tmp_path / "none.h")
    prototypes._prototypes.cache_clear()
    assert text(instruction(0x85, 0, 0, 0, 1)) == "call 1"
    prototypes._prototypes.cache_clear()


def test_the_helper_names_are_the_kernels():
    names = asm.helper_names()
    assert names[1] == "bpf_map_lookup_elem"
    assert names[26] == "bpf_skb_load_bytes"
    assert names[131] == "bpf_ringbuf_reserve"
    assert len(names) > 190
