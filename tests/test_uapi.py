"""Every number that the course takes from a kernel header, held against that header by a C program.

What is compared is taken from the modules themselves: a number that is added there is compared
here, or fails.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from chapters.ch13 import functions
from helpers import asm, syscall, uapi
from helpers.syscall import forms
from helpers.syscall.call import call_number

# The C structure behind each form, and what its fields are called there before their names.
STRUCTURES = {
    forms.MapCreate: ("union bpf_attr", ""),
    forms.MapElement: ("union bpf_attr", ""),
    forms.MapBatch: ("union bpf_attr", "batch."),
    forms.ProgLoad: ("union bpf_attr", ""),
    functions.FunctionLoad: ("union bpf_attr", ""),
    forms.ProgTestRun: ("union bpf_attr", "test."),
    forms.ObjectInfo: ("union bpf_attr", "info."),
    forms.MapFacts: ("struct bpf_map_info", ""),
    forms.ProgramFacts: ("struct bpf_prog_info", ""),
}
# The kernel's names for the numbers of helpers.asm.
OPCODES = {
    "ABSOLUTE": "BPF_ABS",
    "ALU32": "BPF_ALU",
    "ALU64": "BPF_ALU64",
    "ATOMIC": "BPF_ATOMIC",
    "BYTE_ORDER": "BPF_END",
    "CALL": "BPF_CALL",
    "CODE": "BPF_PSEUDO_FUNC",
    "COMPARE": "BPF_CMPXCHG",
    "DIVIDE": "BPF_DIV",
    "EXCHANGE": "BPF_XCHG",
    "EXIT": "BPF_EXIT",
    "FETCH": "BPF_FETCH",
    "GOTO": "BPF_JA",
    "HELPER": "0",
    "IMMEDIATE": "BPF_IMM",
    "INDIRECT": "BPF_IND",
    "JUMP": "BPF_JMP",
    "JUMP32": "BPF_JMP32",
    "KERNEL_FUNCTION": "BPF_PSEUDO_KFUNC_CALL",
    "LD": "BPF_LD",
    "LDX": "BPF_LDX",
    "LOAD_64_BIT_IMMEDIATE": "BPF_LD | BPF_IMM | BPF_DW",
    "LOCAL": "BPF_PSEUDO_CALL",
    "MAP_BY_FD": "BPF_PSEUDO_MAP_FD",
    "MAP_BY_INDEX": "BPF_PSEUDO_MAP_IDX",
    "MEMORY": "BPF_MEM",
    "MEMORY_SIGNED": "0x80",  # BPF_MEMSX came with Linux 6.6, and headers may be older
    "MODULO": "BPF_MOD",
    "MOVE": "BPF_MOV",
    "NEGATE": "BPF_NEG",
    "REGISTER_SOURCE": "BPF_X",
    "ST": "BPF_ST",
    "STX": "BPF_STX",
    "VALUE_BY_FD": "BPF_PSEUDO_MAP_VALUE",
    "VALUE_BY_INDEX": "BPF_PSEUDO_MAP_IDX_VALUE",
    "VARIABLE": "BPF_PSEUDO_BTF_ID",
}
ARITHMETIC = ["ADD", "SUB", "MUL", "DIV", "OR", "AND", "LSH", "RSH", "MOD", "XOR", "MOV", "ARSH"]
CONDITIONS = ["JEQ", "JGT", "JGE", "JSET", "JNE", "JSGT", "JSGE", "JLT", "JLE", "JSLT", "JSLE"]


def in_c(folder: Path, expressions: Sequence[str]) -> list[int]:
    """The values of C expressions, as the kernel's headers on this machine say."""
    headers = ["stddef.h", "stdio.h", *uapi.HEADERS, "asm/unistd.h"]
    includes = "\n".join(f"#include <{header}>" for header in headers)
    prints = "\n".join(f'printf("%lld\\n", (long long)({each}));' for each in expressions)
    source = folder / "numbers.c"
    source.write_text(f"{includes}\nint main(void) {{\n{prints}\nreturn 0; }}\n")
    subprocess.run(["gcc", source, "-o", folder / "numbers"], check=True)
    return list(map(int, subprocess.check_output([folder / "numbers"]).split()))


def of_32_bits(numbers: Sequence[int]) -> list[int]:
    return [number & 0xFFFFFFFF for number in numbers]


def numbers_of(module: object) -> dict[str, int]:
    """The numbers among a module's names."""
    return {name: value for name, value in vars(module).items() if type(value) is int}


def test_every_number_is_that_of_the_header_under_the_same_name(tmp_path):
    numbers = numbers_of(uapi)
    assert len(numbers) > 100
    assert dict(zip(numbers, of_32_bits(in_c(tmp_path, list(numbers))), strict=True)) == numbers


def test_a_number_that_is_wrong_is_seen(tmp_path):
    assert in_c(tmp_path, ["BPF_MAP_TYPE_ARRAY"]) != [uapi.BPF_MAP_TYPE_HASH]
    with pytest.raises(subprocess.CalledProcessError):
        in_c(tmp_path, ["BPF_MAP_TYPE_OF_NO_HEADER"])


def test_every_command_is_that_of_the_header(tmp_path):
    names = [f"BPF_{command.name}" for command in syscall.Command]
    assert in_c(tmp_path, names) == [command.value for command in syscall.Command]


def test_the_number_of_the_call_is_that_of_this_machine(tmp_path):
    assert in_c(tmp_path, ["__NR_bpf"]) == [call_number()]


def test_every_opcode_is_that_of_the_header(tmp_path):
    numbers = numbers_of(asm)
    assert dict(zip(OPCODES, in_c(tmp_path, list(OPCODES.values())), strict=True)) == numbers


@pytest.mark.parametrize(
    ("known", "names"), [(asm.ARITHMETIC, ARITHMETIC), (asm.CONDITIONS, CONDITIONS)]
)
def test_arithmetic_and_jumps_are_those_of_the_header(tmp_path, known, names):
    assert in_c(tmp_path, [f"BPF_{name}" for name in names]) == list(known)


def test_sizes_and_atomic_operations_are_those_of_the_header(tmp_path):
    sizes = in_c(tmp_path, ["BPF_W", "BPF_H", "BPF_B", "BPF_DW"])
    assert dict(zip(sizes, (4, 2, 1, 8), strict=True)) == asm.SIZES
    assert in_c(tmp_path, ["BPF_ADD", "BPF_OR", "BPF_AND", "BPF_XOR"]) == list(asm.ATOMICS)


def test_the_fields_of_a_packets_description_lie_where_the_header_says(tmp_path):
    wanted = [f"offsetof(struct __sk_buff, {name})" for name in uapi.SK_BUFF]
    assert in_c(tmp_path, wanted) == list(uapi.SK_BUFF.values())


def fields(form: type[ctypes.Structure]) -> list:
    """With those of the form that it goes on from, if it is one of ours."""
    before = [] if form.__base__ is ctypes.Structure else fields(form.__base__)
    return [*before, *form._fields_]


def test_every_structure_has_the_layout_of_the_header(tmp_path):
    structures = [each for each in vars(forms).values() if isinstance(each, type)]
    wanted = {each for each in structures if issubclass(each, ctypes.Structure)}
    assert set(STRUCTURES) == {*wanted, functions.FunctionLoad}  # which one chapter alone uses
    wanted, expected = [], []
    for form, (type_, prefix) in STRUCTURES.items():
        for name, field in fields(form):
            member = f"{prefix}{name}"
            wanted += [f"offsetof({type_}, {member})", f"sizeof((({type_} *)0)->{member})"]
            expected += [getattr(form, name).offset, ctypes.sizeof(field)]
    assert in_c(tmp_path, wanted) == expected
