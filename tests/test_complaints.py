"""What clang says, as one true sentence: live from the clang that is here, and as other versions
word it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from chapters.ch08 import verifier
from helpers import complaints, loader, toolchain
from tools import clangs

HEAD = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
BODY = 'SEC("socket")\nint f(struct __sk_buff *skb)\n{{\n{body}\n}}\n'
MAP = """struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, char[2048]);
} m SEC(".maps");
"""
VALUE = "__u32 k = 0; char *v = bpf_map_lookup_elem(&m, &k); if (!v) return 0;\n"
FAR = "static __attribute__((noinline)) "


def source(body: str = "return 0;", head: str = HEAD, before: str = "") -> str:
    return head + before + BODY.format(body=body)


ARGUMENTS = (
    FAR + "int g(int a, int b, int c, int d, int e, int h)\n"
    '{ asm volatile("" : "+r"(a), "+r"(h)); return a * b + c * d + e * h; }\n'
)
SIX = "int v[6] = {}; bpf_skb_load_bytes(skb, 0, v, 24);\n"
SIX += "return g(v[0], v[1], v[2], v[3], v[4], v[5]);"
STRUCT = "struct big { int x[8]; };\n" + FAR
# name: (source, what the sentence begins with, words of its cause and its cure).
REFUSED = {
    "memcpy of a length unknown": (
        source(
            "char a[400]; bpf_skb_load_bytes(skb, 0, a, 400);\n"
            "__builtin_memcpy(a + 9, a, skb->len & 63); return a[skb->len & 7];"
        ),
        "Line 7 of",
        ("makes clang call memcpy", "fixed length"),
    ),
    "a loop that clang makes memset of": (
        source(VALUE + "for (int i = 0; i < 2048; i++) v[i] = 0;\nreturn 0;", before=MAP),
        "Line 13 of",
        ("makes clang call memset", "volatile"),
    ),
    "fractions": (
        source("return skb->len * 1.5;"),
        "Line 6 of",
        ("fractions", "whole numbers"),
    ),
    "128 bits": (
        source("return ((unsigned __int128)skb->len * skb->mark * skb->hash) >> 64;"),
        "Line 6 of",
        ("128 bits", "__u64"),
    ),
    "signed division": (
        source("return (int)skb->len / (int)skb->mark;"),
        "Line 6 of",
        ("divides signed numbers", "unsigned"),
    ),
    "stack": (
        source("volatile char x[600]; x[skb->len & 511] = 1; return x[3];"),
        "Line ",
        ("512 bytes of stack", "map"),
    ),
    "an array of a length unknown": (
        source("int n = skb->len & 31; char x[n]; bpf_skb_load_bytes(skb, 0, x, n); return x[0];"),
        "",
        ("known only when the program runs", "fixed length"),
    ),
    "a struct by value": (
        source(
            "struct big b = {}; b.x[skb->len & 7] = 1;\nreturn g(b);",
            before=STRUCT + "int g(struct big b) { return b.x[0]; }\n",
        ),
        "Line 9 of",
        ("passes a whole struct", "address"),
    ),
    "a struct as result": (
        source(
            "struct big b = g(skb->len); return b.x[skb->len & 7];",
            before=STRUCT + "struct big g(int b) { struct big r = {{ b, 1 }}; return r; }\n",
        ),
        "Line 4 of",
        ("return", "address"),
    ),
    "six arguments": (
        source(SIX, before=ARGUMENTS),
        "Line 9 of",
        ("more than five arguments", "static __always_inline"),
    ),
    "any number of arguments": (
        source(
            "return g(skb->len, 2, 3);",
            before="#include <stdarg.h>\n" + FAR + "int g(int a, ...)\n"
            "{ va_list l; va_start(l, a); int x = va_arg(l, int); va_end(l); return a + x; }\n",
        ),
        "Line 4 of",
        ("function with ...", "fixed number"),
    ),
    "an atomic add to 16 bits": (
        source(VALUE + "__sync_fetch_and_add((__u16 *)v, 1); return 0;", before=MAP),
        "Line 13 of",
        ("atomic operation", "8 bytes"),
    ),
    "an atomic load": (
        source(VALUE + "return __atomic_load_n((__u64 *)v, __ATOMIC_SEQ_CST);", before=MAP),
        "Line 13 of",
        ("atomic load", "volatile"),
    ),
    "load_half": (
        source("return load_half(skb, 12) == 0x0800;"),
        "Line 6 of",
        ("load_half, which no header declares", 'asm("llvm.bpf.load.half");'),
    ),
    "bpf_htons": (
        source("return skb->protocol == bpf_htons(0x0800);"),
        "Line 6 of",
        ("calls bpf_htons", "bpf/bpf_endian.h"),
    ),
    "printf": (source('printf("hi"); return 0;'), "Line 6 of", ("C library", "bpf_printk")),
    "memcmp": (
        source("char a[40] = {}, b[40] = {}; return memcmp(a, b, skb->len);"),
        "Line 6 of",
        ("memcmp of the C library", "loop of your own"),
    ),
    "a helper without its header": (
        "int f(void *skb)\n{\n\treturn bpf_get_prandom_u32();\n}\n",
        "Line 3 of",
        ("bpf_get_prandom_u32", "bpf/bpf_helpers.h declares"),
    ),
    "a function that is nowhere": (
        source("return bpf_get_nonsense(skb);"),
        "Line 6 of",
        ("bpf_get_nonsense", "check its name"),
    ),
    "u32": (source("u32 x = skb->len; return x;"), "Line 6 of", ("uses u32", "write __u32")),
    "uint32_t": (source("uint32_t x = 1; return x;"), "Line 6 of", ("uint32_t", "write __u32")),
    "bool": (source("bool x = skb->len; return x;"), "Line 6 of", ("bool", "stdbool.h")),
    "a constant": (source("return ETH_P_IP;"), "Line 6 of", ("ETH_P_IP", "linux/if_ether.h")),
    "a struct without its header": (
        source("struct iphdr *ip = (void *)(long)skb->data; return ip->ihl;"),
        "Line 6 of",
        ("struct iphdr", "linux/ip.h"),
    ),
    "SEC without its header": (
        '\nSEC("socket") int f(void *x) { return 0; }\n',
        "Line 2 of",
        ("SEC, a macro", "bpf/bpf_helpers.h"),
    ),
    "bcc's way": ("BPF_ARRAY(counts, u64, 256);\n", "Line 1 of", ("bcc's BPF_ARRAY", ".maps")),
    "registers": (
        source(
            "return PT_REGS_PARM1((struct pt_regs *)skb);", HEAD + "#include <bpf/bpf_tracing.h>\n"
        ),
        "Line 7 of",
        ("processor", "-D__TARGET_ARCH_"),
    ),
    "bpf_helpers.h first": (
        source(head="#include <bpf/bpf_helpers.h>\n#include <linux/bpf.h>\n"),
        "Line 1 of",
        ("before linux/bpf.h", "put linux/bpf.h first"),
    ),
    "bpf_helpers.h alone": (
        "#include <bpf/bpf_helpers.h>\n",
        "Line 1 of",
        ("before linux/bpf.h", "put linux/bpf.h first"),
    ),
    "vmlinux.h that is not there": (
        '#include "vmlinux.h"\n',
        "Line 1 of",
        ("vmlinux.h, which is made of the running kernel's types", "bpftool btf dump"),
    ),
    "uapi": ("#include <uapi/linux/bpf.h>\n", "Line 1 of", ("as bcc's programs do", "linux/bpf.h")),
    "stdint.h": (
        source(head="#include <stdint.h>\n" + HEAD),
        "Line 1 of",
        ("stdint.h of the C library", "linux/types.h"),
    ),
    "stdio.h": (
        source(head=HEAD + "#include <stdio.h>\n"),
        "Line 3 of",
        ("stdio.h of the C library", "bpf_printk"),
    ),
    "string.h": (
        source(head=HEAD + "\n#include <string.h>\n"),
        "Line 4 of",
        ("string.h of the C library", "__builtin_memcpy"),
    ),
    "arpa/inet.h": (
        source(head=HEAD + "#include <arpa/inet.h>\n"),
        "Line 3 of",
        ("arpa/inet.h of the C library", "bpf/bpf_endian.h"),
    ),
    "linux/icmp.h": (
        source(head=HEAD + "#include <linux/icmp.h>\n"),
        "Line 3 of",
        ("linux/icmp.h, which includes the C library's", "yourself"),
    ),
    "stdlib.h": (
        source(head=HEAD + "#include <stdlib.h>\n"),
        "Line 3 of",
        ("stdlib.h of the C library", "leave it out"),
    ),
    # What means nothing certain is clang's.
    "a brace": (
        source("if (skb->len) {\nreturn 0;"),
        "program.c does not compile: look at line 8 first",
        ("clang says: expected '}'",),
    ),
    "a macro": (
        "#define x (\n" + source("return x;"),
        "program.c does not compile: look at line 7 first",
        ("clang says: ",),
    ),
    "thread-local": (
        source(before="_Thread_local int count;\n"),
        "program.c does not compile: look at line 3 first",
        ("clang says: thread-local storage",),
    ),
}


def sentence(folder: Path, text: str, *options: str) -> str:
    (folder / "program.c").write_text(text)
    with pytest.raises(toolchain.CompileError) as caught:
        toolchain.compile_bpf(folder / "program.c", folder / "program.o", options)
    assert caught.value.log
    first = str(caught.value).splitlines()[0]
    assert first.endswith(".") and not re.search(r"[.!?] +[A-Z]", first), first
    return first


# What clang compiles from version 23 on, and what is then said when it is loaded; () if nothing is.
LATER = {
    "memcpy of a length unknown": ("makes clang call memcpy", "fixed length"),
    "a loop that clang makes memset of": ("makes clang call memset", "volatile"),
    "128 bits": ("128 bits", "__u64"),
    "six arguments": ("sixth argument", "static __always_inline"),
    "a struct as result": (),
}


def version() -> int:
    return int(clangs.version().partition(".")[0])


def compiled_and_refused(folder: Path, name: str) -> None:
    """What newer versions compile is refused, with its true sentence, when it is loaded."""
    (folder / "program.c").write_text(REFUSED[name][0])
    path = toolchain.compile_bpf(folder / "program.c", folder / "program.o")
    if not LATER[name]:
        return
    try:
        said = verifier.show(path).refusal.reason
    except loader.LoadError as error:
        said = str(error)
    assert all(each in said for each in LATER[name]), said


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_of_clang_names_the_learners_line_the_cause_and_the_cure(tmp_path, name):
    if name in LATER and version() >= 23:
        compiled_and_refused(tmp_path, name)
        return
    text, begin, words = REFUSED[name]
    said = sentence(tmp_path, text)
    assert said.startswith(begin)
    assert all(each in said for each in words), said


# name of a refusal: what the sentence says helps, in its source.
CURES = {
    "a loop that clang makes memset of": ("v[i]", "((volatile char *)v)[i]", []),
    "memcpy of a length unknown": ("skb->len & 63", "63", []),
    "signed division": ("(int)", "", []),
    "an array of a length unknown": ("x[n]", "x[32]", []),
    "six arguments": (FAR, "static __always_inline ", []),
    "a struct by value": (FAR, "static __always_inline ", []),
    "a struct as result": (FAR, "static __always_inline ", []),
    "an atomic add to 16 bits": ("__u16", "__u64", []),
    "an atomic load": (
        "__atomic_load_n((__u64 *)v, __ATOMIC_SEQ_CST)",
        "*(volatile __u64 *)v",
        [],
    ),
    "load_half": (
        HEAD,
        HEAD + complaints.LOAD.format("load_half", "half") + "\n",
        [],
    ),
    "bpf_htons": (HEAD, HEAD + "#include <bpf/bpf_endian.h>\n", []),
    "u32": ("u32", "__u32", []),
    "bool": (HEAD, HEAD + "#include <stdbool.h>\n", []),
    "a constant": (HEAD, HEAD + "#include <linux/if_ether.h>\n", []),
    "a struct without its header": (HEAD, HEAD + "#include <linux/ip.h>\n", []),
    "bpf_helpers.h first": ("#include <bpf/bpf_helpers.h>\n#include <linux/bpf.h>\n", HEAD, []),
    "stdint.h": ("stdint.h", "linux/types.h", []),
    "arpa/inet.h": ("arpa/inet.h", "bpf/bpf_endian.h", []),
    "uapi": ("uapi/", "", []),
}


@pytest.mark.parametrize("name", CURES)
def test_the_cure_that_a_sentence_names_helps(tmp_path, name):
    old, new, options = CURES[name]
    text = REFUSED[name][0]
    assert old in text
    (tmp_path / "program.c").write_text(text.replace(old, new) if old else text)
    assert toolchain.compile_bpf(tmp_path / "program.c", tmp_path / "program.o", options)


@pytest.mark.parametrize(
    ("order", "row"), [("vmlinux.h linux/bpf.h", 2), ("linux/bpf.h vmlinux.h", 2)]
)
def test_vmlinux_h_beside_a_header_of_linux(tmp_path, order, row):
    # A few of the types that the real one has, of another kernel.
    (tmp_path / "vmlinux.h").write_text("typedef short __u32;\nstruct __sk_buff { int len; };\n")
    head = "".join(f'#include "{name}"\n' for name in order.split())
    said = sentence(tmp_path, head + "#include <bpf/bpf_helpers.h>\n")
    assert said.startswith(f"Line {row} of program.c includes ")
    assert "keep one of the two" in said


def test_a_header_of_the_kernel_itself_is_known_where_its_headers_are(tmp_path, monkeypatch):
    (tmp_path / "linux-headers-1/include/net").mkdir(parents=True)
    (tmp_path / "linux-headers-1/include/net/sock.h").write_text("")
    monkeypatch.setattr(complaints, "KERNEL_HEADERS", tmp_path)
    assert "code of the kernel itself" in sentence(tmp_path, "#include <net/sock.h>\n")
    assert "check its name" in sentence(tmp_path, "#include <net/socks.h>\n")


def test_an_error_in_a_header_of_ones_own_leads_to_the_line_that_includes_it(tmp_path):
    (tmp_path / "mine.h").write_text("\nint broken(;\n")
    said = sentence(tmp_path, '\n#include "mine.h"\n')
    assert said.startswith("mine.h does not compile: look at line 2 first")
    assert said.endswith("above line 2 of program.c, its #include.")


def test_a_header_that_wants_another(tmp_path):
    (tmp_path / "mine.h").write_text("#include <not/there.h>\n")
    said = sentence(tmp_path, '\n\n#include "mine.h"\n')
    assert said.startswith("Line 3 of program.c includes mine.h, which wants not/there.h")


# As recorded from these versions, on the same programs; `clang -target bpf -O2 -g`.
SDIV = "x.c:6:22: error: unsupported signed division, please convert to unsigned div/mod."
UNDECLARED = (
    "x.c:6:8: error: call to undeclared function 'load_half'; ISO C99 and later do not support "
    "implicit function declarations [-Wimplicit-function-declaration]"
)
RECORDED = [
    (
        "14",
        "Error at line 6: Unsupport signed division for DAG: 0x1fb2: i64 = sdiv 0x1, 0x2, x.c:6:22"
        "Please convert to unsigned div/mod.\nfatal error: error in backend: Cannot select: 0x1fb2",
        "Line 6 of x.c divides signed numbers",
    ),
    ("19, 21", SDIV, "Line 6 of x.c divides signed numbers"),
    (
        "14",
        "x.c:6:8: error: implicit declaration of function 'load_half' is invalid in C99 "
        "[-Werror,-Wimplicit-function-declaration]",
        "Line 6 of x.c calls load_half",
    ),
    ("19, 21", UNDECLARED, "Line 6 of x.c calls load_half"),
    (
        "14",
        "x.c:8:58: error: too many args to 0x3e91: i64 = GlobalAddress<i32 (i32)* @g> 0, x.c:8:58",
        "Line 8 of x.c has a function with more than five arguments",
    ),
    (
        "19, 21",
        "x.c:8:58: error: 0x5567: i64 = GlobalAddress<ptr @g> 0, x.c:8:58 too many arguments",
        "Line 8 of x.c has a function with more than five arguments",
    ),
    ("14", "fatal error: error in backend: Unsupported dynamic stack allocation", "x.c has memory"),
    ("19, 21", "x.c:6:24: error: unsupported dynamic stack allocation", "Line 6 of x.c has memory"),
    (
        "19",
        "fatal error: error in backend: Cannot select: 0x5615: i64,ch = AtomicLoad<(load seq_cst "
        "(s64) from %ir.3)> 0x5, 0x6, /home/x.c:12:68",
        "Line 12 of x.c wants an atomic load",
    ),
    (
        "21",
        "x.c:12:68: error: sequentially consistent (seq_cst) atomic load/store is not supported",
        "Line 12 of x.c wants an atomic load",
    ),
    (
        "19, 21",
        "x.c:6:53: error: Looks like the BPF stack limit is exceeded. Please move large on stack "
        "variables into BPF per-cpu array map.",
        "Line 6 of x.c is in a function that needs more than the 512 bytes",
    ),
    (
        "19, 21",
        "x.c:4:45: error: aggregate returns are not supported",
        "Line 4 of x.c returns more",
    ),
    (
        "19, 21",
        "x.c:5:1: error: variadic functions are not supported",
        "Line 5 of x.c is a function",
    ),
    (
        "14, 19",
        "PLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/\nStack dump:\n"
        "0.\tProgram arguments: clang",
        "clang itself broke down while it compiled x.c",
    ),
    (
        "14",
        "fatal error: error in backend: IO failure on output stream: No space left on device",
        "x.c cannot be compiled, since the disk is full",
    ),
    ("none", "x.c:3:1: error: words to come", "x.c does not compile: look at line 3 first"),
    (
        "none",
        "fatal error: error in backend: words to come",
        "x.c does not compile, and the course does not know why (clang says: words to come)",
    ),
]


@pytest.mark.parametrize(("version", "log", "begin"), RECORDED)
def test_the_words_of_other_versions(version, log, begin):
    said = complaints.sentence(log, Path("x.c")).splitlines()[0]
    assert said.startswith(begin)
    assert said.endswith(".")


def test_an_error_after_a_warning_in_the_same_header_is_led_back_too():
    # clang does not repeat "In file included from" for the second.
    log = (
        "In file included from x.c:2:\nIn file included from a.h:1:\nb.h:1:1: warning: w\n"
        "b.h:2:1: error: words to come\n"
    )
    assert complaints.complaints(log)[0].through == (("x.c", 2), ("a.h", 1))
    assert complaints.sentence(log, Path("x.c")).endswith("line 2 of x.c, its #include.")


def test_what_the_tables_send_to_has_the_name(tmp_path):
    """Every header of the tables declares what it is named for, after <linux/bpf.h>."""
    for name, header in complaints.BROUGHT_BY.items():
        text = f"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include <{header}>\n"
        command = ["clang", "-target", "bpf", "-E", "-dD", "-D__TARGET_ARCH_x86"]
        command += [*toolchain.include_options(), "-x", "c", "-"]
        made = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        assert re.search(rf"\b{name}\b", made.stdout), (name, header)
