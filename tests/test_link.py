"""Functions joined into one program: the same that libbpf makes of them before it loads them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import asm, libbpf, loader, machine, objfile, toolchain
from helpers.machine.faults import BadJump

SOURCES = sorted(toolchain.SOURCES.rglob("*_kern.c"))
# Here libbpf puts offsets of fields into imm, as the running kernel's structures have them.
RELOCATED_TO_THIS_KERNEL = {"drops_kern", "journey_kern"}
HEAD = """\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define OWN __attribute__((noinline))
char LICENSE[] SEC("license") = "GPL";
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");
static volatile int kept;
"""
SEVERAL = {
    # leaf is called by first, before the program calls it, and second only after that.
    "each behind who calls it first": """
static OWN int leaf(int a) { kept += a; return a * 3; }
static OWN int first(int a) { return leaf(a + 1) + leaf(a + 2) + 1; }
static OWN int second(int a) { kept -= a; return leaf(a) - 1; }
SEC("socket") int program(struct __sk_buff *skb)
{
	return first(skb->len) + second(skb->len) + leaf(skb->mark);
}
""",
    "two programs that share functions": """
static OWN int one(int a) { kept += a; return a + 1; }
OWN int two(int a) { kept -= one(a); return a + 2; }
SEC("socket") int program(struct __sk_buff *skb) { return two(skb->len) + one(skb->mark); }
SEC("socket") int other(struct __sk_buff *skb) { return one(skb->len) + two(skb->mark); }
SEC("tc") int alone(struct __sk_buff *skb) { return 0; }
""",
    "global and static functions": """
OWN int shared(int a) { kept += a; return a ^ 5; }
static OWN int hidden(int a) { return shared(a) + kept; }
OWN int outer(int a) { return hidden(a) + shared(a + 1); }
SEC("socket") int program(struct __sk_buff *skb) { return outer(skb->len) + hidden(skb->mark); }
""",
    "a function whose address is handed on": """
static int each(struct bpf_map *map, __u32 *key, __u64 *value, void *context)
{
	kept += *key;
	return 0;
}
int each_again(struct bpf_map *map, __u32 *key, __u64 *value, void *context)
{
	return each(map, key, value, context);
}
static OWN int before(int a) { kept = a; return a; }
SEC("socket") int program(struct __sk_buff *skb)
{
	int a = before(skb->len);

	bpf_for_each_map_elem(&seen, each_again, (void *)0, 0);
	return a + bpf_for_each_map_elem(&seen, each, (void *)0, 0);
}
""",
}


class BpfInsn(ctypes.Structure):
    """struct bpf_insn, <linux/bpf.h>."""

    _fields_ = (
        ("opcode", ctypes.c_uint8),
        ("registers", ctypes.c_uint8),
        ("offset", ctypes.c_int16),
        ("imm", ctypes.c_int32),
    )


def joined_by_libbpf(path: Path) -> Iterator[tuple[str, bytes]]:
    """The name of each program, and its instructions after libbpf has put them together.

    It does so on the way to loading them; whether the kernel takes them does not matter.
    """
    library = libbpf.library()
    instructions, count = library.bpf_program__insns, library.bpf_program__insn_cnt
    instructions.restype, instructions.argtypes = ctypes.POINTER(BpfInsn), [ctypes.c_void_p]
    count.restype, count.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    libbpf.listen()
    handle = library.bpf_object__open(os.fsencode(path))
    assert handle, libbpf.messages
    library.bpf_object__load(handle)
    for program in loader.each(library.bpf_object__next_program, handle):
        code = ctypes.string_at(instructions(program), 8 * count(program))
        yield library.bpf_program__name(program).decode(), code
    library.bpf_object__close(handle)


def without_maps(code: bytes, imm: bool = True) -> list[bytes]:
    """The instructions; what libbpf and the kernel fill in for a map or a variable is left out.

    Arguments: imm: whether to keep that field of the others.
    """
    rows = []
    for i in asm.decode(code):
        refers = i.is_wide and not i.refers_to_function
        whole = i.raw if imm or i.calls_function else i.raw[:4]
        rows.append(bytes([i.opcode, i.dst]) if refers else whole)
    return rows


def assert_joined_as_by_libbpf(path: Path, imm: bool = True) -> int:
    """Compare every program of an object file; how many instructions were compared."""
    object_file, compared = objfile.read(path), 0
    for name, theirs in joined_by_libbpf(path):
        ours = object_file.linked(name)
        assert without_maps(b"".join(i.raw for i in ours), imm) == without_maps(theirs, imm), name
        numbered = list(asm.decode(theirs))
        assert [i.number for i in ours] == [i.number for i in numbered]
        for mine, their in zip(ours, numbered, strict=True):
            if mine.calls_function or mine.refers_to_function:
                assert mine.target == their.target
                assert mine.symbol in object_file.programs
        compared += len(ours)
    return compared


@pytest.mark.kernel
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_program_of_the_course(source, tmp_path):
    options = ["-I", str(toolchain.SOURCES / "clinic")]
    path = toolchain.compile_bpf(source, tmp_path / "a.o", options)
    assert assert_joined_as_by_libbpf(path, source.stem not in RELOCATED_TO_THIS_KERNEL) > 0


@pytest.mark.kernel
@pytest.mark.parametrize("level", ["-O1", "-O2"])
@pytest.mark.parametrize("name", SEVERAL)
def test_programs_of_several_functions(name, level, tmp_path):
    source = tmp_path / "several_kern.c"
    source.write_text(HEAD + SEVERAL[name])
    path = toolchain.compile_bpf(source, tmp_path / "a.o", [level])
    functions = objfile.read(path).programs
    assert len(functions) >= 4
    assert (
        assert_joined_as_by_libbpf(path) > sum(len(f.instructions) for f in functions.values()) - 4
    )


def compiled(text: str, folder: Path) -> objfile.ObjectFile:
    (folder / "a_kern.c").write_text(HEAD + text)
    return objfile.read(toolchain.compile_bpf(folder / "a_kern.c", folder / "a.o"))


def test_every_call_has_the_name_of_its_function(tmp_path):
    joined = compiled(SEVERAL["each behind who calls it first"], tmp_path).linked("program")
    assert [i.number for i in joined] == sorted({i.number for i in joined})
    assert [i.symbol for i in joined if i.calls_function] == [
        "first", "second", "leaf", "leaf", "leaf", "leaf"
    ]  # fmt: skip
    assert {asm.text(i) for i in joined if i.calls_function} == {
        "call first", "call second", "call leaf"
    }  # fmt: skip


def test_a_program_that_calls_a_program_is_refused_by_both(tmp_path):
    text = """
SEC("socket") OWN int inner(struct __sk_buff *skb) { return kept; }
SEC("socket") int program(struct __sk_buff *skb) { return inner(skb) + 1; }
"""
    object_file = compiled(text, tmp_path)
    with pytest.raises(asm.LinkError, match="calls inner, a program of its own: .*no SEC"):
        object_file.linked("program")
    with pytest.raises(loader.LoadError):
        loader.load(object_file.path)
    with pytest.raises(BadJump, match="Instruction 0 of program calls inner") as caught:
        machine.load(object_file, "program")
    assert caught.value.number == 0


def test_a_function_of_the_kernels_own_is_left_to_libbpf(tmp_path):
    text = """
extern void bpf_rcu_read_lock(void) __attribute__((section(".ksyms")));
SEC("tc") int program(struct __sk_buff *skb) { bpf_rcu_read_lock(); return 0; }
"""
    joined = compiled(text, tmp_path).linked("program")
    (call,) = [i for i in joined if i.is_call]
    assert call.src == asm.KERNEL_FUNCTION
    assert asm.text(call) == "call bpf_rcu_read_lock"


def test_no_program_of_that_name(tmp_path):
    with pytest.raises(objfile.ObjectFileError, match="no program 'x'"):
        compiled(SEVERAL["global and static functions"], tmp_path).linked("x")
