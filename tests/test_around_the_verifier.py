"""Why an object was not loaded: one true sentence for each refusal around the verifier."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from helpers import capabilities, libbpf, loader, objfile, rights, toolchain
from helpers.refusals import maps
from helpers.refusals.case import Case, Map
from tools import clangs

pytestmark = pytest.mark.kernel
HEAD = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
LICENCE = 'char LICENSE[] SEC("license") = "GPL";\n'
VERSION = tuple(
    int(n) for n in re.findall(r"\d+", libbpf.library().libbpf_version_string().decode())
)


def program(
    body="return 0;", before="", section="socket", context="struct __sk_buff *skb", end=LICENCE
):
    return f'{HEAD}{before}SEC("{section}")\nint f({context})\n{{\n{body}\n}}\n{end}'


def declared(name: str, *attributes: str, section: str = ' SEC(".maps")') -> str:
    return f"struct {{ {''.join(f'{each}; ' for each in attributes)}}} {name}{section};\n"


STORED = ("__uint(type, BPF_MAP_TYPE_SK_STORAGE)", "__uint(map_flags, BPF_F_NO_PREALLOC)")


def of_type(type: str, *attributes: str, name: str = "counts") -> str:
    """A program with one map, whose type and attributes are these."""
    return program(before=declared(name, f"__uint(type, BPF_MAP_TYPE_{type})", *attributes))


FOUR, KEY, VALUE = "__uint(max_entries, 4)", "__type(key, __u32)", "__type(value, __u64)"
USED = "__u32 k = 0; return bpf_map_lookup_elem(&counts, &k) ? 1 : 0;"
# name: (source, words of the cause and the cure). Each names the map or the function.
MAPS = {
    "key of another size": (
        of_type("ARRAY", FOUR, "__type(key, __u64)", VALUE),
        ("The map counts (array) has keys of 8 bytes", "__type(key, __u32)"),
    ),
    "hash without entries": (
        of_type("HASH", KEY, VALUE),
        ("The map counts (hash) has no entries", "__uint(max_entries, N)"),
    ),
    "array without entries": (of_type("ARRAY", KEY, VALUE), ("no entries", "max_entries")),
    "hash without key": (of_type("HASH", FOUR, VALUE), ("has no key", "__type(key")),
    "hash without value": (of_type("HASH", FOUR, KEY), ("has no value", "__type(value")),
    "neither key nor entries": (of_type("HASH", VALUE), ("has no entries", "has no key")),
    "no type": (program(before=declared("counts", FOUR, KEY, VALUE)), ("counts has no type",)),
    "a flag of arrays": (
        of_type("HASH", FOUR, KEY, VALUE, "__uint(map_flags, BPF_F_MMAPABLE)"),
        ("counts (hash) does not take the flag BPF_F_MMAPABLE", "leave that out"),
    ),
    "a flag of hashes": (
        of_type("ARRAY", FOUR, KEY, VALUE, "__uint(map_flags, BPF_F_NO_PREALLOC)"),
        ("does not take the flag BPF_F_NO_PREALLOC",),
    ),
    "LRU without preallocation": (
        of_type("LRU_HASH", FOUR, KEY, VALUE, "__uint(map_flags, BPF_F_NO_PREALLOC)"),
        ("does not take the flag BPF_F_NO_PREALLOC",),
    ),
    "far too large": (
        of_type("HASH", "__uint(max_entries, 0x7fffffff)", KEY, "__type(value, __u64[64])"),
        ("asks for 2,147,483,647 entries of 516 bytes", "ask for fewer"),
    ),
    "a value too long for each processor": (
        of_type("PERCPU_ARRAY", FOUR, KEY, "__type(value, __u64[8192])"),
        ("values of 65,536 bytes, too long", "shorter"),
    ),
    "ring buffer with key and value": (
        of_type("RINGBUF", "__uint(max_entries, 4096)", KEY, VALUE),
        ("takes no key", "takes no value"),
    ),
    "ring buffer without a size": (of_type("RINGBUF"), ("has no size", "in bytes")),
    "prefixes without their flag": (
        of_type("LPM_TRIE", FOUR, "__type(key, __u64)", VALUE),
        ("wants a flag", "BPF_F_NO_PREALLOC"),
    ),
    "prefixes without a prefix": (
        of_type("LPM_TRIE", FOUR, KEY, VALUE, "__uint(map_flags, BPF_F_NO_PREALLOC)"),
        ("keys without room for a prefix",),
    ),
    "programs of 8 bytes": (
        of_type("PROG_ARRAY", FOUR, KEY, VALUE),
        ("values of 8 bytes", "__type(value, __u32)"),
    ),
    "stacks of 4 bytes": (
        of_type("STACK_TRACE", FOUR, KEY, "__type(value, __u32)"),
        ("no multiple of 8",),
    ),
    "queue with a key": (of_type("QUEUE", FOUR, KEY, VALUE), ("counts (queue) takes no key",)),
    "map of no maps": (
        of_type("ARRAY_OF_MAPS", FOUR, KEY, "__type(value, __u32)"),
        ("__array(values",),
    ),
    "storage with entries": (
        of_type("SK_STORAGE", FOUR, KEY, VALUE),
        ("each socket", "no max_entries"),
    ),
    "a queue with a key beside a storage that is right": (
        program(
            USED,
            declared("kept", *STORED, "__type(key, int)", VALUE)
            + declared("counts", "__uint(type, BPF_MAP_TYPE_QUEUE)", FOUR, KEY, VALUE),
        ),
        ("counts (queue) takes no key",),
    ),
    "an attribute that is none": (
        of_type("ARRAY", "__uint(max_entry, 4)", KEY, VALUE),
        ("The map counts has an attribute max_entry", "write max_entries"),
    ),
    "an attribute of a plain type": (
        of_type("ARRAY", "int max_entries", KEY, VALUE),
        ("The map counts has the attribute max_entries", "__uint(max_entries"),
    ),
    "a number as __type": (
        of_type("ARRAY", "__type(max_entries, __u32)", KEY, VALUE),
        ("attribute max_entries", "__uint(max_entries"),
    ),
    "a key as __uint": (
        of_type("ARRAY", FOUR, "__uint(key, 4)", VALUE),
        ("keys of 16 bytes", "__type(key, __u32)"),
    ),
    "two sizes of a key": (
        of_type("ARRAY", FOUR, "__uint(key_size, 8)", KEY, VALUE),
        ("declaration of the map counts", "__uint and __type"),
    ),
    "a number in .maps": (
        program(before='int counts SEC(".maps");\n'),
        ("declaration of the map counts", "struct of __uint and __type"),
    ),
    "a static map": (
        program(USED, "static " + declared("counts", "__uint(type, 2)", FOUR, KEY, VALUE)),
        ("The map counts is static", "leave static out"),
    ),
    "outside of .maps": (
        program(USED, declared("counts", "__uint(type, 2)", FOUR, KEY, VALUE, section="")),
        ("counts is declared as a map, outside of .maps", 'SEC(".maps")'),
    ),
    "pinned by name": (
        of_type("ARRAY", FOUR, KEY, VALUE, "__uint(pinning, LIBBPF_PIN_BY_NAME)"),
        ("The map counts asks to be pinned as /sys/fs/bpf/counts", "LIBBPF_PIN_BY_NAME"),
    ),
    "pinned otherwise": (
        of_type("ARRAY", FOUR, KEY, VALUE, "__uint(pinning, 7)"),
        ("declaration of the map counts",),
    ),
    "a type that nobody knows": (
        program(before=declared("counts", "__uint(type, 200)", FOUR, KEY, VALUE)),
        ("counts (type 200)", "the course does not know why"),
    ),
}
COPY = "char a[40] = {}, b[40] = {};\nbpf_skb_load_bytes(skb, 0, a, 40);\n"
ARROW = "struct {0} {{ int no_such_field; }} __attribute__((preserve_access_index));\n"
READ = "struct {0} *t = (void *)bpf_get_current_task();\nint x = 0;\n"
READ += (
    "bpf_probe_read_kernel(&x, 4, __builtin_preserve_access_index(&t->no_such_field));\nreturn x;"
)
FAR = "static __attribute__((noinline)) int "
NAMES = {
    "clang's own memcmp": (
        program(COPY + "bpf_skb_load_bytes(skb, 40, b, 40);\nreturn __builtin_memcmp(a, b, 40);"),
        ("calls memcmp of the C library", "loop of your own"),
    ),
    "load_half": (
        program("return load_half(skb, 12) == 0x800;"),
        ("calls load_half, which no header declares", 'asm("llvm.bpf.load.half");'),
    ),
    "bpf_htons": (program("return bpf_htons(skb->len);"), ("bpf_htons", "bpf/bpf_endian.h")),
    "a function of another file": (
        program("return mine(skb->len);", "extern int mine(int);\n"),
        ("uses mine, which is in no file", "alone"),
    ),
    "a variable of another file": (
        program("return other;", "extern int other;\n"),
        ("uses other, which is in no file",),
    ),
    "a kfunc that is none": (
        program("return bpf_no_such(1);", "extern int bpf_no_such(int) __ksym;\n"),
        ("no function bpf_no_such",),
    ),
    "a symbol that is none": (
        program("return (long)&no_such_symbol;", "extern const void no_such_symbol __ksym;\n"),
        ("no symbol no_such_symbol", "__weak"),
    ),
    "an option that is none": (
        program("return CONFIG_NO_SUCH;", "extern int CONFIG_NO_SUCH __kconfig;\n"),
        ("CONFIG_NO_SUCH",),
    ),
    "a field that is none": (
        program(
            READ.format("task_struct"), ARROW.format("task_struct"), "raw_tp/kfree_skb", "void *c"
        ),
        ("no field no_such_field in struct task_struct", "bpf_core_field_exists"),
    ),
    "a struct that is none": (
        program(READ.format("no_such"), ARROW.format("no_such"), "raw_tp/kfree_skb", "void *c"),
        ("no struct no_such", "check its name"),
    ),
    "no licence": (
        program('return bpf_trace_printk("hi", 3);', end=""),
        ("f calls bpf_trace_printk", "it has none", 'SEC("license") = "GPL"'),
    ),
    "no licence for a function's helper": (
        program(
            "return g(skb->len);",
            FAR + 'g(int a) { return bpf_trace_printk("hi", 3) + a; }\n',
            end="",
        ),
        ("g calls bpf_trace_printk", "it has none"),
    ),
    "another licence": (
        program('return bpf_trace_printk("hi", 3);', end=LICENCE.replace("GPL", "MIT")),
        ("f calls bpf_trace_printk", "its license is 'MIT'"),
    ),
    "a misspelt section": (
        program(section="socket1"),
        ('SEC("socket1") before f', 'SEC("socket")'),
    ),
    "a section of another kind": (
        program(section="filter"),
        ('SEC("filter")', "for a socket filter"),
    ),
    "a function that fentry does not find": (
        program(section="fentry/no_such_function", context="void *c"),
        ("nothing of the name no_such_function", "before f"),
    ),
    "a tracepoint that is none": (
        program(section="tp_btf/no_such", context="void *c"),
        ("nothing of the name no_such", "before f"),
    ),
    "a program to replace": (
        program(section="freplace/g", context="void *c"),
        ("f is to replace",),
    ),
    "data in a section of its own": (
        program("return ++count;", 'int count SEC("mine") = 5;\n'),
        ("keeps count in the section mine", 'SEC(".data.mine")'),
    ),
    "strings by their addresses": (
        program('static const char *names[2] = {"a", "b"};\nreturn names[skb->len & 1][0];'),
        ("keeps addresses in .rodata", "arrays of char"),
    ),
    "a call through a pointer": (
        program(
            "int (*p)(int) = skb->len & 1 ? g : h;\nreturn p(3);",
            FAR + "g(int a) { return a; }\n" + FAR + "h(int a) { return a + 1; }\n",
        ),
        ("f calls a function by its address, on line", "by its name"),
    ),
}
# What newer versions do without complaint.
TAKEN_LATER = {"clang's own memcmp", "a call through a pointer"}
QUIET = ["-Wno-everything", "-Wno-error"]


def refused(folder: Path, text: str) -> str:
    (folder / "program.c").write_text(text)
    path = toolchain.compile_bpf(folder / "program.c", folder / "program.o", QUIET)
    with pytest.raises(loader.LoadError) as caught:
        loader.load(path)
    said = str(caught.value)
    assert said.endswith(".") and not re.search(r"[.!?] +[A-Z]", said), said
    return said


# What a raw tracepoint and bpf_trace_printk want, or the kernel looks no further.
TRACES = {"a struct that is none", "a field that is none", "no licence", "another licence"}
TRACES |= {"no licence for a function's helper"}


@pytest.mark.parametrize("name", [*MAPS, *NAMES])
def test_a_refusal_names_the_map_or_the_function_and_the_cure(tmp_path, name):
    if name in TRACES and rights.PERFMON not in capabilities.held():
        pytest.skip(f"this process does not hold {rights.PERFMON}")
    text, words = (MAPS | NAMES)[name]
    try:
        said = refused(tmp_path, text)
    except pytest.fail.Exception:
        assert name in TAKEN_LATER
        return
    except toolchain.CompileError as error:  # later versions of clang compile no such call
        said = str(error)
        assert name in ("load_half", "bpf_htons")
    assert all(each in said for each in words), said


def test_a_constant_that_an_older_libbpf_does_not_find(tmp_path):
    text = program("return table[skb->len & 3];", "static const int table[4] = {1, 2, 3, 5};\n")
    (tmp_path / "program.c").write_text(text)
    path = toolchain.compile_bpf(tmp_path / "program.c", tmp_path / "a.o")
    # From version 16 on clang's BTF names that section, and then each libbpf looks there.
    if VERSION >= (1, 2) or int(clangs.version().split(".")[0]) >= 16:
        loader.load(path).close()
        return
    said = refused(tmp_path, text)
    assert ".rodata.cst16" in said and "volatile" in said
    (tmp_path / "program.c").write_text(text.replace("const int", "const volatile int"))
    loader.load(toolchain.compile_bpf(tmp_path / "program.c", tmp_path / "a.o")).close()


@pytest.mark.parametrize("section", ["tcx/ingress", "netfilter"])
def test_a_section_that_a_newer_libbpf_knows(tmp_path, section):
    if VERSION >= (1, 3):
        pytest.skip("this libbpf knows it")
    said = refused(tmp_path, program(section=section))
    assert "libbpf from 1.3 on, and here is 1.1" in said


def test_a_program_without_a_section(tmp_path):
    text = f"{HEAD}int f(struct __sk_buff *skb)\n{{ return 0; }}\n{LICENCE}"
    if VERSION >= (1, 5):
        pytest.skip("this libbpf loads nothing of it, and does not complain")
    assert "f in program.o has no section" in refused(tmp_path, text)


def test_the_cure_for_a_map_was_tried(tmp_path):
    """What the sentence says is what made the kernel take the map, and not more than needed."""
    bad = Map("m", 27, 4, 8, 4096, 0)
    changes = [change for change, _ in maps.mends(bad)]
    assert {"key_size": 0} in changes and {"value_size": 0} in changes
    assert bad.attempt() == errno.EINVAL
    good = Map("m", 27, 0, 0, 4096, 0)
    assert good.attempt() == 0
    assert Map("m", 2, 4, 1 << 20, 1 << 20, 0).attempt() == errno.ENOMEM  # not made


def test_words_that_mean_nothing_certain_are_libbpfs(sockex1_object):
    said = loader.explain(errno.EBUSY, sockex1_object, "libbpf: words to come\nlibbpf: failed\n")
    assert "the course does not know why" in said
    assert "words to come" in said


def test_a_pin_that_is_taken_or_not_allowed(tmp_path, monkeypatch, sockex1_object):
    pinned = Map("counts", 2, 4, 8, 1, 0, pin=str(tmp_path / "counts"))
    case = Case(errno.EINVAL, sockex1_object, "", None, True, (pinned,), ())
    assert "no BPF file system" in maps.pins(case)
    monkeypatch.setattr(maps, "is_bpf_fs", lambda folder: True)
    assert maps.pins(case) is None
    (tmp_path / "counts").write_text("")
    assert "where another map is pinned" in maps.pins(case)
    (tmp_path / "counts").unlink()
    monkeypatch.setattr(maps.os, "access", lambda *_: False)
    assert "may not write there" in maps.pins(case)


def test_nothing_of_the_course_is_refused():
    """Each object of the course's own is explained by no cause, whatever the error number."""
    for source in sorted(toolchain.SOURCES.glob("*_kern.c")):
        path = toolchain.compile_bpf(source)
        for code in (errno.EINVAL, errno.EACCES, errno.E2BIG):
            said = loader.explain(code, path, "processed 1 insns")
            assert "the verifier's reason is near the end" in said, (source.name, said)
        assert objfile.read(path).license == "GPL"
