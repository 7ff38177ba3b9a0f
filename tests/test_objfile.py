"""Reading object files: everything is found, and every file that is none is refused."""

from __future__ import annotations

import ctypes
import io
import os
import random
import re
import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from helpers import libbpf, loader, objfile, toolchain
from helpers.objfile import MapDefinition, ObjectFileError

MANY_MAPS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef const volatile __u16 port;
struct pair { port a, b; __u64 bytes; char name[16]; };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct pair);
	__type(value, port[3]);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, 4);
	__uint(value_size, 12);
	__uint(max_entries, 10);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} sized SEC(".maps");

static __attribute__((noinline)) int twice(int x)
{
	return x * 2;
}

SEC("socket")
int first(struct __sk_buff *skb)
{
	return twice(skb->len) + 1;
}

SEC("socket")
int second(struct __sk_buff *skb)
{
	struct pair key = {.bytes = 0x123456789abcdefULL};

	return bpf_map_lookup_elem(&sized, &skb->len) || bpf_map_lookup_elem(&pairs, &key)
		|| bpf_ringbuf_query(&events, 0);
}
"""

# Every way in which C may name the types of a map and of what is in it.
MODIFIED = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 7);
	__type(key, const __u32 *restrict);
	__type(value, const volatile struct { short a[3]; int b; });
} named_t;
typedef volatile named_t named_again_t;
named_t by_typedef SEC(".maps");
named_again_t by_two SEC(".maps");
volatile named_t volatile_map SEC(".maps");

typedef __u64 row[4];
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, const row[2]);
} inside SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, int);
	__array(values, struct inner);
} outside SEC(".maps") = { .values = { &inside } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 5);
	__type(key, __u64);
	__uint(value_size, 4);
	__array(values, struct inner);
} hashed SEC(".maps");

int jumped(struct __sk_buff *skb);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 6);
	__uint(key_size, 4);
	__array(values, int (struct __sk_buff *));
} jumps SEC(".maps") = { .values = { [1] = &jumped } };

SEC("socket")
int jumped(struct __sk_buff *skb)
{
	return 1;
}

SEC("xdp")
int first(struct xdp_md *xdp)
{
	return XDP_PASS;
}

SEC("socket/two")
__attribute__((weak)) int second(struct __sk_buff *skb)
{
	return 2;
}
"""

# A section is either writable or not, so maps that are const stand in another object.
CONSTANT = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 7);
	__type(key, __u32 *const);
	__type(value, const volatile struct { short a[3]; int b; });
} named_t;
typedef const named_t named_again_t;
const named_t by_typedef SEC(".maps");
named_again_t by_two SEC(".maps");

const struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(value, __u64);
} constant SEC(".maps");

SEC("socket")
int only(struct __sk_buff *skb)
{
	return 0;
}
"""

OLD_MAPS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { int type, key_size, value_size, max_entries; } counts SEC("maps") = { 2, 4, 8, 256 };
char LICENSE[] SEC("license") = "GPL";
"""


@pytest.fixture(scope="module")
def sockex1(tmp_path_factory) -> Path:
    return toolchain.compile_bpf("sockex1_kern.c", tmp_path_factory.mktemp("o") / "sockex1.o")


def compiled(folder: Path, text: str, *options: str) -> Path:
    (folder / "program.c").write_text(text)
    return toolchain.compile_bpf(folder / "program.c", folder / "program.o", options)


def refusal(path: Path | str) -> str:
    """The message with which a file is refused: one sentence."""
    with pytest.raises(ObjectFileError) as caught:
        objfile.read(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert not re.search(r"[.!?]\s+[A-Z]", message), message
    return message


def test_sockex1_is_read(sockex1):
    found = objfile.read(sockex1)
    assert {"socket", ".maps", "license", ".BTF"} <= set(found.sections)
    assert found.license == "GPL"
    assert found.maps == {
        "bytes_by_protocol": MapDefinition("bytes_by_protocol", 2, 4, 8, 256, 1 << 10)
    }
    program = found.program("count_bytes")
    assert program.section == "socket"
    assert b"".join(i.raw for i in program.instructions) == found.sections["socket"].data
    assert program.instructions[-1].opcode == 0x95


def test_the_relocation_names_the_map(sockex1):
    found = objfile.read(sockex1)
    (relocation,) = found.relocations
    assert (relocation.section, relocation.type) == ("socket", "R_BPF_64_64")
    (gap,) = [i for i in found.program("count_bytes").instructions if i.symbol]
    assert gap.symbol == relocation.symbol == "bytes_by_protocol"
    assert gap.number * 8 == relocation.offset
    assert (gap.opcode, len(gap.raw), gap.imm) == (0x18, 16, 0)


def test_each_instruction_knows_its_line_of_c(sockex1):
    lines = (toolchain.SOURCES / "sockex1_kern.c").read_text().splitlines()
    instructions = objfile.read(sockex1).program("count_bytes").instructions
    for instruction in instructions:
        assert lines[instruction.line - 1].strip() == instruction.source
    assert any("load_byte" in instruction.source for instruction in instructions)


def test_every_kind_of_map_definition(tmp_path):
    found = objfile.read(compiled(tmp_path, MANY_MAPS))
    assert found.maps == {
        "pairs": MapDefinition("pairs", 9, 32, 6, 16384, 0),
        "events": MapDefinition("events", 27, 0, 0, 1 << 16, 0),
        "sized": MapDefinition("sized", 1, 4, 12, 10, 1),
    }
    assert found.license == ""


def test_two_programs_in_one_section_and_a_function_they_call(tmp_path):
    found = objfile.read(compiled(tmp_path, MANY_MAPS))
    assert {name: p.section for name, p in found.programs.items()} == {
        "first": "socket",
        "second": "socket",
        "twice": ".text",
    }
    second = found.program("second").instructions
    assert second[0].number == 0
    assert {i.symbol for i in second if i.symbol} == {"pairs", "events", "sized"}
    assert 0x123456789ABCDEF in {i.imm for i in second}
    assert all(i.source for i in second)


def test_without_debug_information(tmp_path):
    found = objfile.read(compiled(tmp_path, MANY_MAPS, "-g0"))
    assert found.maps == {}
    assert found.program("first").instructions[0].source == ""
    with pytest.raises(ObjectFileError, match="clang -g"):
        found.map("pairs")


def test_an_unknown_name_says_which_there_are(sockex1):
    found = objfile.read(sockex1)
    with pytest.raises(ObjectFileError, match=r"no program 'bpf_prog1' .* has: count_bytes\."):
        found.program("bpf_prog1")
    with pytest.raises(ObjectFileError, match=r"no map 'my_map' .* has: bytes_by_protocol\."):
        found.map("my_map")


def test_an_object_without_anything(tmp_path):
    found = objfile.read(compiled(tmp_path, "int nothing;\n"))
    assert (found.programs, found.maps, found.relocations) == ({}, {}, [])
    with pytest.raises(ObjectFileError, match="has none"):
        found.program("count_bytes")


def test_not_there(tmp_path):
    message = refusal(tmp_path / "missing.o")
    assert "missing.o" in message
    assert "compile_bpf" in message
    assert "no object file to read" in refusal(tmp_path)


def test_not_elf(tmp_path):
    assert "not an ELF file" in refusal(toolchain.SOURCES / "sockex1_kern.c")
    (tmp_path / "empty.o").touch()
    assert "not an ELF file" in refusal(tmp_path / "empty.o")


def test_not_bpf():
    assert "another machine" in refusal(shutil.which("true"))


def test_the_old_maps_section(tmp_path):
    assert "old way" in refusal(compiled(tmp_path, OLD_MAPS))


def test_truncated_anywhere(tmp_path, sockex1):
    whole = sockex1.read_bytes()
    part = tmp_path / "part.o"
    for length in [*range(4, 80), *range(80, len(whole), 97), len(whole) - 1]:
        part.write_bytes(whole[:length])
        assert "truncated" in refusal(part), length


def test_damaged_anywhere_is_read_or_refused_but_never_a_traceback(tmp_path, sockex1):
    chance = random.Random(2019)
    whole = sockex1.read_bytes()
    damaged = tmp_path / "damaged.o"
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        damaged.write_bytes(data)
        try:
            objfile.read(damaged)
        except ObjectFileError:
            refused += 1
    assert refused


def by_libbpf(path: Path) -> tuple[dict[str, str], dict[str, MapDefinition]]:
    """The section of each program, and each map, as libbpf finds them; but for those that it makes
    of sections of data, whose names have a dot."""
    library = libbpf.library()
    section_name = library.bpf_program__section_name
    section_name.restype, section_name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    handle = library.bpf_object__open(os.fsencode(path))
    assert handle
    programs = {
        library.bpf_program__name(each).decode(): section_name(each).decode()
        for each in loader.each(library.bpf_object__next_program, handle)
    }
    maps = {}
    for each in loader.each(library.bpf_object__next_map, handle):
        name = library.bpf_map__name(each).decode()
        facts = ("type", "key_size", "value_size", "max_entries", "map_flags")
        numbers = [getattr(library, f"bpf_map__{fact}")(each) for fact in facts]
        maps[name] = MapDefinition(name, *numbers)
    library.bpf_object__close(handle)
    return programs, {name: each for name, each in maps.items() if "." not in name}


def by_us(path: Path) -> tuple[dict[str, str], dict[str, MapDefinition]]:
    found = objfile.read(path)
    programs = {p.name: p.section for p in found.programs.values() if p.section != ".text"}
    return programs, found.maps


SOURCES = sorted(toolchain.SOURCES.rglob("*_kern.c"))


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda source: str(source.relative_to(toolchain.SOURCES))
)
def test_every_object_of_the_course_is_what_libbpf_finds(source, tmp_path):
    clinic = ["-I", str(toolchain.SOURCES / "clinic")]
    path = toolchain.compile_bpf(source, tmp_path / "program.o", clinic)
    assert by_us(path) == by_libbpf(path)
    assert by_us(path)[0]


@pytest.mark.parametrize("text", [MANY_MAPS, MODIFIED, CONSTANT])
def test_what_is_declared_in_other_ways_is_what_libbpf_finds(text, tmp_path):
    path = compiled(tmp_path, text)
    assert by_us(path) == by_libbpf(path)


def test_types_are_followed_through_every_modifier(tmp_path):
    maps = objfile.read(compiled(tmp_path, CONSTANT)).maps
    for name in ("by_typedef", "by_two"):
        assert maps[name] == MapDefinition(name, 1, 8, 12, 7, 0)
    assert maps["constant"] == MapDefinition("constant", 2, 4, 8, 3, 1 << 10)
    maps = objfile.read(compiled(tmp_path, MODIFIED)).maps
    for name in ("by_typedef", "by_two", "volatile_map"):
        assert maps[name] == MapDefinition(name, 1, 8, 12, 7, 0)
    assert maps["inside"].value_size == 64
    assert [maps[name].value_size for name in ("outside", "hashed", "jumps")] == [4, 4, 4]


def without_types(path: Path, sizes: bool) -> Path:
    """The object as older LLVM made it: functions are symbols without a type, or a size."""
    data = bytearray(path.read_bytes())
    table = ELFFile(io.BytesIO(data)).get_section_by_name(".symtab")
    for number, symbol in enumerate(table.iter_symbols()):
        if symbol["st_info"]["type"] == "STT_FUNC":
            at = table["sh_offset"] + number * table["sh_entsize"]
            data[at + 4] &= 0xF0
            data[at + 16 : at + 24] = data[at + 16 : at + 24] if sizes else bytes(8)
    changed = path.with_name("older.o")
    changed.write_bytes(data)
    return changed


@pytest.mark.parametrize("sizes", [True, False])
@pytest.mark.parametrize("text", [MANY_MAPS, MODIFIED], ids=["many maps", "modified"])
def test_programs_that_are_symbols_without_a_type(text, sizes, tmp_path):
    # Older LLVM exported what it did not inline; a static function would be a mere label now.
    path = compiled(tmp_path, text.replace("static __attribute__((noinline)) ", ""))
    older = without_types(path, sizes)
    assert objfile.read(older).programs == objfile.read(path).programs
    if "jumps" not in objfile.read(older).maps:  # of a program in a map libbpf would make an error
        assert by_libbpf(older)[0] == {}


@pytest.mark.kernel
def test_the_loader_says_that_libbpf_finds_none(sockex1, tmp_path):
    older = without_types(Path(shutil.copy(sockex1, tmp_path / "copy.o")), sizes=False)
    with pytest.raises(loader.LoadError, match="libbpf finds no program in older.o, .* older LLVM"):
        loader.load(older)


def test_a_big_endian_object_is_named_as_such(tmp_path):
    (tmp_path / "program.c").write_text("int number;")
    path = toolchain.compile_bpf(tmp_path / "program.c", tmp_path / "big.o", ["--target=bpfeb"])
    assert "big.o is an object file for big-endian BPF" in refusal(path)
    with pytest.raises(loader.LoadError, match="big.o is an object file for big-endian BPF"):
        loader.load(path)
