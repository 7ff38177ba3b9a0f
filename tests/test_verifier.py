"""The clinic of chapter 08: what the running kernel refuses, why, and what it takes."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from chapters.ch08 import check as ch08
from chapters.ch08 import clinic, verifier
from chapters.ch08.verifier import known, load, log
from chapters.ch08.verifier.verdict import shortened
from helpers import capabilities, kernel, loader, objfile, syscall, toolchain

EVERY_CASE = pytest.mark.parametrize("name", clinic.CASES)
# In each program, what stands in the line that the reader must point at, and in its sentence.
DECISIVE = {
    "null_check": ("__sync_fetch_and_add(bytes", "may be null"),
    "bounds": ("add(ip->protocol", "data_end"),
    "second_argument": ("int count_bytes(", "r2 holds nothing"),
    "padding": ("bpf_map_update_elem(", "gap"),
    "key_size": ("bpf_map_lookup_elem(", "smaller than the key"),
    "loop": ("for (", "sees no end"),
    "stack": ("byte_300(skb)", "bytes of stack"),
    "wrong_type": ("bpf_skb_store_bytes(", "not for this type"),
    "licence": ("bpf_perf_event_output(", "GPL"),
    "pointer": ("*last = ", "address of the kernel"),
}
# What holders of CAP_PERFMON are let through with.
LENIENT = {"padding", "pointer"}
EXIT = "9500000000000000"


@pytest.mark.kernel
@EVERY_CASE
def test_every_case_is_refused_and_the_reader_points_at_the_line(name):
    line, reason = DECISIVE[name]
    with clinic.case(name) as verdict:
        assert not verdict.accepted
        assert verdict.number in {errno.EACCES, errno.EINVAL, errno.E2BIG, errno.EFAULT}
        assert verdict.refusal.explained
        assert reason in verdict.refusal.reason
        instruction = verdict.refusal.instruction
        source = clinic.code(name).splitlines()
        assert line in source[instruction.line - 1]
        assert instruction.source.strip() == source[instruction.line - 1].strip()
        assert verdict.refusal.words in verdict.log


@pytest.mark.kernel
@EVERY_CASE
def test_every_case_is_accepted_when_mended_and_right_on_packets(name):
    with clinic.case(name, mended=True) as verdict:
        if limited(name, verdict):
            return
        assert verdict.accepted, verdict
        assert ch08.EFFECTS[name](verdict) is None


def limited(name: str, verdict: verifier.KernelVerdict) -> bool:
    """What older kernels cannot do with direct packet access, and the reader's words for it."""
    if name != "bounds" or kernel.version() >= (6, 18):
        return False
    if not verdict.accepted:
        assert kernel.version() < (6, 1) and "CAP_PERFMON" in verdict.refusal.reason
        return True
    return not ch08.runs(verdict)


@pytest.mark.kernel
@EVERY_CASE
def test_the_files_are_whole_programs_by_themselves(name, tmp_path):
    for mended in (False, True):
        options = ["-I", str(clinic.FOLDER)]
        target = toolchain.compile_bpf(clinic.path(name, mended), tmp_path / "case.o", options)
        with verifier.show(target) as verdict:
            assert verdict.accepted == mended or limited(name, verdict)


@EVERY_CASE
def test_a_case_is_short_and_says_what_its_author_meant(name):
    for mended in (False, True):
        code = [line for line in clinic.code(name, mended).splitlines() if line]
        assert len(code) <= 25
        assert code[0].startswith("// ")
        assert sum(line.startswith("//") for line in code) == 1
    assert clinic.code(name).startswith("// Meant: ")


@pytest.mark.kernel
@pytest.mark.parametrize("name", sorted(LENIENT))
def test_with_cap_perfmon_the_verifier_lets_it_pass(name, tmp_path):
    target = toolchain.compile_bpf(clinic.path(name), tmp_path / "case.o")
    try:
        verdict = verifier.show(target, holding=("CAP_BPF", "CAP_PERFMON"))
    except capabilities.CapabilityError:
        assert "CAP_PERFMON" not in capabilities.held()  # nothing to show here, then
        return
    with verdict:
        assert verdict.accepted


@pytest.mark.kernel
def test_the_verifier_is_shown_programs_by_a_thread_with_cap_bpf_alone():
    mine = capabilities.held()
    assert capabilities.with_only(verifier.LEAST_CAPABILITIES, capabilities.held) == ["CAP_BPF"]
    assert capabilities.held() == mine
    with pytest.raises(ZeroDivisionError):
        capabilities.with_only(("CAP_BPF",), lambda: 1 // 0)


@pytest.mark.kernel
def test_a_program_is_gone_from_this_process_when_its_verdict_is_closed():
    def held():
        links = [fd.readlink().name for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        return sorted(name for name in links if name.startswith("anon_inode:bpf"))

    before = held()
    with clinic.case("null_check", mended=True):
        assert held() != before
    with clinic.case("null_check"):
        assert held() == before
    verdict = verifier.show_bytes(bytes.fromhex("b700000000000000" + EXIT))
    verdict.close()
    assert held() == before
    with pytest.raises(verifier.RefusedError, match="closed"):
        verdict.run(bytes(64))
    with pytest.raises(verifier.RefusedError, match="closed"):
        verdict.counter(1)


# By hand: what C cannot say, or a compiler would not write.
BY_HAND = {
    "no exit": ("b700000000000000", 0, "no instruction"),
    "out of the program": ("0500050000000000 b700000000000000" + EXIT, 0, "no instruction"),
    "no way there": ("0500010000000000 b700000000000000 b700000000000000" + EXIT, 1, "No path"),
    "the end of the stack": ("bf1a000000000000 b700000000000000" + EXIT, 0, "only be read"),
    "no result": (EXIT, 0, "without a result"),
    "a secret result": ("bf10000000000000" + EXIT, 1, "secret"),
    "never set": ("bf20000000000000" + EXIT, 0, "r2 holds nothing"),
    "lost in a call": ("8500000005000000 bf10000000000000" + EXIT, 1, "r1 holds nothing"),
    "a number for an address": ("b701000007000000 6110000000000000" + EXIT, 1, "r1 is a number"),
    "beside the stack": ("7a0a000000000000 b700000000000000" + EXIT, 0, "512 bytes"),
    "unwritten stack": ("79a0f8ff00000000" + EXIT, 0, "Nothing was put"),
    "no such field": ("61100c0300000000" + EXIT, 0, "field of its context"),
    "a product of addresses": ("bf10000000000000 2700000002000000" + EXIT, 1, "nothing else"),
    "an address with its bytes swapped": ("dc01000010000000" + EXIT, 0, "nothing else"),
    "nothing to compare with": (
        "7a0af8ff00000000 b702000001000000 db2af8fff1000000" + EXIT,
        2,
        "r0 holds nothing",
    ),
    "an argument short": ("850000001a000000" + EXIT, 0, "r2 holds nothing"),
    "round and round": ("b700000000000000 1500ffff00000000" + EXIT, 1, "sees no end"),
}


@pytest.mark.kernel
@pytest.mark.parametrize("name", BY_HAND)
def test_refusals_that_only_instructions_by_hand_meet(name):
    code, number, reason = BY_HAND[name]
    verdict = verifier.show_bytes(bytes.fromhex(code))
    assert not verdict.accepted
    if name == "nothing to compare with" and kernel.version() < (5, 12):
        return  # which does not have that instruction at all
    assert verdict.refusal.explained, verdict
    assert verdict.refusal.instruction.number == number
    assert reason in verdict.refusal.reason
    assert f"Instruction {number}" in repr(verdict)


WRITTEN = {
    "null in a function": (
        "static __attribute__((noinline)) int look(struct __sk_buff *skb)\n{\n"
        "\t__u32 key = load_byte(skb, PROTOCOL);\n"
        "\t__u64 *value = bpf_map_lookup_elem(&bytes_by_protocol, &key);\n"
        '\treturn *value;\n}\nSEC("socket") int f(struct __sk_buff *skb)\n{\n'
        "\treturn look(skb) + 1;\n}\n",
        5,
        "may be null",
    ),
    "bpf_printk": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\tbpf_printk("here");\n\treturn 0;\n}\n',
        3,
        "CAP_PERFMON",
    ),
    "a result": ('SEC("cgroup_skb/ingress") int f(void *skb)\n{\n\treturn 7;\n}\n', 3, "result, 7"),
    "data in a socket filter": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\treturn skb->data;\n}\n',
        3,
        "field of its context",
    ),
    "an index": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\t__u32 key = 0;\n'
        "\t__u64 *value = bpf_map_lookup_elem(&bytes_by_protocol, &key);\n"
        "\tif (!value)\n\t\treturn 0;\n\treturn value[skb->len];\n}\n",
        7,
        "first",  # with mitigations=off it is stopped one instruction later, for another reason
    ),
    "a fixed index": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\t__u32 key = 0;\n'
        "\t__u64 *value = bpf_map_lookup_elem(&bytes_by_protocol, &key);\n"
        "\tif (!value)\n\t\treturn 0;\n\treturn value[2];\n}\n",
        7,
        "has 8 bytes",
    ),
    "an addition out of line": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\t__u32 key = 0;\n'
        "\t__u64 *value = bpf_map_lookup_elem(&bytes_by_protocol, &key);\n"
        "\tif (value)\n\t\t__sync_fetch_and_add((__u64 *)((char *)value + 4), 1);\n"
        "\treturn 0;\n}\n",
        6,
        "multiple of 8",
    ),
    "a key that was never set": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\t__u32 key;\n'
        "\tbpf_map_lookup_elem(&bytes_by_protocol, &key);\n\treturn 0;\n}\n",
        4,
        "never set",
    ),
    "an address cut to 32 bits": (
        'SEC("cgroup_skb/egress") int f(struct __sk_buff *skb)\n{\n'
        "\tif (skb->data + 20 > skb->data_end)\n\t\treturn 1;\n\tadd(0, 1);\n\treturn 1;\n}\n",
        3,
        "(void *)(long)",
    ),
    "a loop that a guessing processor leaves": (
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n\t__u32 zeros = 0;\n\n'
        "\tfor (__u32 at = 0; at < 34; at++)\n\t\tif (load_byte(skb, at) == 0)\n"
        "\t\t\tzeros++;\n\tadd(0, zeros);\n\treturn 0;\n}\n",
        5,
        "pragma unroll",
    ),
}


@pytest.mark.kernel
@pytest.mark.parametrize("name", WRITTEN)
def test_refusals_of_what_a_learner_may_write(name):
    text, line, reason = WRITTEN[name]
    with clinic.written(text) as verdict:
        off = "mitigations=off" in Path("/proc/cmdline").read_text()
        if "guessing" in name and off and kernel.version() > (5, 10):  # which looks all the same
            assert verdict.accepted and not any(step.speculative for step in verdict.steps)
            return
        assert not verdict.accepted
        assert verdict.refusal.instruction.line == line, verdict
        assert reason in verdict.refusal.reason


@pytest.mark.kernel
def test_the_bounds_are_asked_for_by_xdp_and_tc_too(tmp_path):
    text = clinic.path("bounds").read_text()
    for section in ("xdp", "tc"):
        changed = text.replace("cgroup_skb/egress", section)
        if section == "xdp":
            changed = changed.replace("__sk_buff", "xdp_md").replace("skb->len", "1")
        source = tmp_path / f"{section}_kern.c"
        source.write_text(changed)
        target = toolchain.compile_bpf(source, options=["-I", str(clinic.FOLDER)])
        try:
            verdict = verifier.show(target, holding=("CAP_BPF", "CAP_NET_ADMIN"))
        except capabilities.CapabilityError:
            assert "CAP_NET_ADMIN" not in capabilities.held()
            return
        assert "data_end" in verdict.refusal.reason
        with pytest.raises(loader.LoadError, match="CAP_BPF"):
            verifier.show(target)


@pytest.mark.kernel
def test_the_five_instructions_of_the_chapter():
    verdict = verifier.show_bytes(
        bytes.fromhex(
            "6110000000000000 b500010040000000 b700000040000000 2700000002000000 9500000000000000"
        )
    )
    assert verdict.accepted
    assert [(s.path, s.number) for s in verdict.steps] == [
        (1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4),
    ]  # fmt: skip
    limits = [known.limits(step.after["R0"]) for step in verdict.steps]
    whole, low, high = (0, (1 << 32) - 1), (65, (1 << 32) - 1), (0, 128)
    assert limits == [whole, low, (64, 64), (128, 128), (128, 128), high, high]
    table = verifier.steps(verdict)
    assert len(table.rows) == 7
    assert table.head == ("path", "instruction", "r0 after it", "r1 after it")
    assert table.rows[5][:3] == ("2, from 1", "3: r0 *= 2", "number 0 to 128")


# The same refusal in the words and the form of other kernels.
OLD = """\
0: R1=ctx(id=0,off=0,imm=0) R10=fp0
0: (bf) r6 = r1
1: R1=ctx(id=0,off=0,imm=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0
1: (30) r0 = *(u8 *)skb[23]
2: R0_w=inv(id=0,umax_value=255,var_off=(0x0; 0xff)) R6_w=ctx(id=0,off=0,imm=0) R10=fp0
2: (63) *(u32 *)(r10 -4) = r0
3: R0_w=inv(id=0,umax_value=255,var_off=(0x0; 0xff)) R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=mmmm????
3: (bf) r2 = r10
4: R0_w=inv(id=0) R2_w=fp0 R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=mmmm????
4: (07) r2 += -4
5: R0_w=inv(id=0) R2_w=fp-4 R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=mmmm????
5: (18) r1 = 0xffff888003f55c00
7: R0_w=inv(id=0) R1_w=map_ptr(id=0,off=0,ks=4,vs=8,imm=0) R2_w=fp-4 R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=mmmm????
7: (85) call bpf_map_lookup_elem#1
8: R0_w=map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=mmmm????
8: (61) r1 = *(u32 *)(r6 +0)
9: R0_w=map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0) R1_w=inv(id=0,umax_value=4294967295,var_off=(0x0; 0xffffffff)) R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=mmmm????
9: (db) lock *(u64 *)(r0 +0) += r1
 R0_w=map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0) R1_w=inv(id=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0
R0 invalid mem access 'map_value_or_null'
processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""  # noqa: E501


def test_a_log_of_linux_5_10_is_read_as_well():
    steps = log.read(OLD)
    assert [step.number for step in steps] == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert log.last_instruction(OLD) == 9
    assert known.limits(steps[1].after["R0"]) == (0, 255)
    assert "R1" not in steps[6].after and "R2" not in steps[7].before
    assert steps[-1].before["R0"].startswith("map_value_or_null")
    assert known.attribute(steps[6].before["R1"], "ks") == 4
    assert log.words(OLD)[0] == "R0 invalid mem access 'map_value_or_null'"


OLD_FIVE = """\
func#0 @0
0: R1=ctx(id=0,off=0,imm=0) R10=fp0
0: (61) r0 = *(u32 *)(r1 +0)
1: R0_w=inv(id=0,umax_value=4294967295,var_off=(0x0; 0xffffffff)) R1=ctx(id=0,off=0,imm=0) R10=fp0
1: (b5) if r0 <= 0x40 goto pc+1
 R0_w=inv(id=0,umin_value=65,umax_value=4294967295,var_off=(0x0; 0xffffffff)) R1=ctx(id=0) R10=fp0
2: R0_w=inv(id=0,umin_value=65,umax_value=4294967295,var_off=(0x0; 0xffffffff)) R1=ctx(id=0) R10=fp0
2: (b7) r0 = 64
3: R0_w=inv64 R1=ctx(id=0,off=0,imm=0) R10=fp0
3: (27) r0 *= 2
4: R0_w=inv128 R1=ctx(id=0,off=0,imm=0) R10=fp0
4: (95) exit
3: R0_w=inv(id=0,umax_value=64,var_off=(0x0; 0x7f)) R1=ctx(id=0,off=0,imm=0) R10=fp0
3: (27) r0 *= 2
4: R0_w=inv(id=0,umax_value=128,var_off=(0x0; 0xfe)) R1=ctx(id=0,off=0,imm=0) R10=fp0
4: (95) exit
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""


def test_where_linux_5_10_does_not_say_where_a_path_branches_off():
    steps = log.read(OLD_FIVE)
    assert [(s.path, s.origin, s.number) for s in steps] == [
        (1, None, 0), (1, None, 1), (1, None, 2), (1, None, 3), (1, None, 4), (2, 1, 3), (2, 1, 4),
    ]  # fmt: skip
    assert known.limits(steps[4].after["R0"]) == (128, 128)
    assert known.limits(steps[5].before["R0"]) == (0, 64)
    assert known.limits(steps[6].after["R0"]) == (0, 128)
    pruned = OLD_FIVE.replace("3: (27) r0 *= 2\n4: R0_w=inv(id=0,umax_value=128", "3: safe\n9: R0=")
    last = log.read(pruned)[5]
    assert (last.path, last.origin, last.number, last.pruned) == (2, 1, 3, True)


# What Linux 7.3 puts around its log.
NEW = """\
func#0 @0
Live regs before insn:
 99: .1........ (61) r0 = *(u32 *)(r1 +0)              ; zext
100: (b7) r0 = 5
0: R1=ctx() R10=fp0
0: (b7) r0 = 0                        ; R0=0
1: (71) r1 = *(u8 *)(r0 +0)
R0 invalid mem access 'scalar'

Verification failed: Register Type Safety: Invalid dereference

Instruction context:
  >>>  1 | (71) r1 = *(u8 *)(r0 +0)

Suggestion:
  Do something else.

processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""


def test_a_log_of_linux_7_3_is_read_as_well():
    assert [step.number for step in log.read(NEW)] == [0, 1]
    assert log.last_instruction(NEW) == 1
    assert log.words(NEW)[0] == "R0 invalid mem access 'scalar'"


def test_paths_are_followed_from_where_they_branch_off():
    text = "\n".join(
        [
            "0: R1=ctx() R10=fp0",
            "0: (61) r0 = *(u32 *)(r1 +0)          ; R0_w=scalar(umax=4294967295) R1=ctx()",
            "1: (15) if r0 == 0x0 goto pc+1        ; R0_w=scalar(umin=1)",
            "2: (b7) r0 = 1                        ; R0_w=1",
            "3: (95) exit",
            "",
            "from 1 to 3: R0_w=0 R1=ctx() R10=fp0",
            "3: (95) exit",
            "",
            "from 0 to 2 (speculative execution): R0=scalar() R1=ctx() R10=fp0",
            "2: (b7) r0 = 1                        ; R0_w=1",
            "from 2 to 3: safe",
        ]
    )
    steps = log.read(text)
    assert [(s.path, s.origin, s.number, s.pruned) for s in steps] == [
        (1, None, 0, False),
        (1, None, 1, False),
        (1, None, 2, False),
        (1, None, 3, False),
        (2, 1, 3, False),
        (3, 0, 2, False),
        (4, 2, 3, True),
    ]
    assert [step.speculative for step in steps] == [False] * 5 + [True, False]
    assert [step.number for step in log.last_path(steps[:5])] == [0, 1, 3]
    assert [step.number for step in log.last_path(steps)] == [0, 2, 3]
    assert steps[4].before["R0"] == "0"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("inv4", "4"),
        ("4", "4"),
        ("0x40", "64"),
        ("P7", "7"),
        ("scalar()", "number"),
        ("inv(id=0)", "number"),
        ("scalar(smin=smin32=0,smax=umax=smax32=umax32=64,var_off=(0x0; 0x7f))", "number 0 to 64"),
        ("inv(id=0,umin_value=65,umax_value=4294967295)", "number 65 to 2^32-1"),
        ("fp0", "stack, its end"),
        ("fp-8", "stack, 8 below its end"),
        ("ctx(id=0,off=0,imm=0)", "context"),
        ("map_value_or_null(id=1,map=m,ks=4,vs=8)", "map value or null"),
        ("pkt(r=20)", "packet, 20 bytes checked"),
        ("pkt_end()", "end of the packet"),
        ("sock_common(id=3)", "sock_common(id=3)"),
    ],
)
def test_a_state_in_words(value, words):
    assert known.in_words(value) == words


def test_which_bytes_of_the_stack_hold_something():
    assert known.written({"fp-8": "mmmm???m"}) == {-1, -2, -3, -4, -8}
    assert known.written({"fp-8": "???????scalar()"}) == {-8}
    assert known.written({"fp-16": "ctx(id=0)", "R1": "inv0"}) == set(range(-16, -8))
    assert known.written({"fp-8": "00000000"}) == set(range(-8, 0))


def test_what_the_reader_cannot_explain_it_says_so():
    steps = (
        "0: R1=ctx() R10=fp0\n0: (bf) r0 = r1  ; R0=ctx() R1=ctx()\n1: (95) exit\nNo, thank you\n"
    )
    code = bytes.fromhex("b700000000000000" + EXIT)
    instructions = list(objfile.decode(code))
    verdict = verifier.KernelVerdict(
        errno.EOPNOTSUPP, steps.replace("=ctx() R1", "=odd R1"), instructions
    )
    assert not verdict.refusal.explained
    assert "no explanation" in repr(verdict)
    assert "No, thank you" in repr(verdict)
    silent = verifier.KernelVerdict(errno.ENOMEM, "something odd\n", instructions)
    assert not silent.refusal.explained and silent.refusal.instruction is None
    assert "something odd" in repr(silent)


def test_the_whole_log_is_one_click_away_and_a_long_one_is_cut():
    verdict = verifier.KernelVerdict(errno.EACCES, OLD, list(objfile.decode(bytes.fromhex(EXIT))))
    page = verdict._repr_html_()
    assert "<details><summary>The whole log</summary>" in page
    assert "invalid mem access &#x27;map_value_or_null" in page
    long = "\n".join(f"{number}: (b7) r0 = 0" for number in range(100_000))
    cut = shortened(long)
    assert len(cut) < 8_500 and "lines are left out here" in cut
    assert cut.startswith("0: (b7)") and cut.endswith("99999: (b7) r0 = 0")
    assert set(cut.splitlines()) - set(long.splitlines()) == {
        "",
        f"... {100_000 - cut.count('(b7)'):,} lines are left out here, .log has them ...",
    }


def test_an_object_of_no_or_two_programs(tmp_path):
    for text, count in (("int x;", 0), ('SEC("socket") int f(void *c) { return 0; }\n' * 2, 2)):
        source = tmp_path / "many_kern.c"
        source.write_text('#include "clinic.h"\n' + text.replace("f(", "g(", 1))
        target = toolchain.compile_bpf(source, options=["-I", str(clinic.FOLDER)])
        with pytest.raises(verifier.NotOneProgramError, match=f"holds {count} programs"):
            verifier.show(target)


@pytest.mark.kernel
def test_what_does_not_come_to_a_verdict_is_an_error_with_its_cause():
    with pytest.raises(loader.LoadError, match=r"SEC.\"socket1\". before f"):
        clinic.written('SEC("socket1") int f(struct __sk_buff *skb) { return 0; }\n')
    with pytest.raises(toolchain.CompileError, match="line 2"):
        clinic.written('SEC("socket") int f(struct __sk_buff *skb)\n{ return 0 }\n')
    with pytest.raises(clinic.ClinicError, match="null_check"):
        clinic.case("null")
    with pytest.raises(syscall.SyscallError):
        verifier.show_bytes(b"")


def test_a_process_without_cap_bpf_is_told_so(sockex1_object):
    with pytest.raises(capabilities.CapabilityError, match="CAP_BPF"):
        capabilities.without_capabilities(verifier.show, sockex1_object)


def refuses_every_answer(name: str) -> bool:
    """Whether this kernel does: 5.10 lets only CAP_PERFMON compare addresses of a packet."""
    with clinic.case(name, mended=True) as reference:
        if reference.accepted:
            return False
    assert name == "bounds" and kernel.version() < (6, 1)
    return True


@pytest.mark.kernel
@EVERY_CASE
def test_the_check_of_a_case_tells_untouched_refused_and_right(name):
    assert repr(ch08.mended(name, clinic.code(name))).startswith("Not attempted yet.")
    if refuses_every_answer(name):
        said = repr(ch08.mended(name, clinic.code(name, mended=True)))
        assert said.startswith("Not yet. This kernel refuses every answer") and "6.1 does" in said
        return
    again = clinic.code(name) + "\nint more;"
    assert repr(ch08.mended(name, again)).startswith("Not yet. The verifier still refuses it")
    assert repr(ch08.mended(name, clinic.code(name, mended=True))).startswith("Right.")
    assert repr(ch08.mended(name, "int")).startswith("Not yet.")


# Accepted, and yet not what was meant: the check runs them on packets.
ACCEPTED_AND_WRONG = {
    "null_check": ("__sync_fetch_and_add(bytes, skb->len)", "__sync_fetch_and_add(bytes, 1)"),
    "bounds": ("> end)\n        return 1;", "> end)\n        return 0;"),
    "second_argument": ("skb->len", "1"),
    "padding": ("key.source = load_word(skb, SOURCE);", ""),
    "key_size": ("load_byte(skb, PROTOCOL)", "load_byte(skb, 22)"),
    "loop": ("at < ETH_HLEN", "at < 12"),
    "stack": ("== 0 && first[0] == byte_300(skb)", "== 0"),
    "wrong_type": ("return SOURCE", "return 30"),
    "licence": ("add(0, length)", "add(1, length)"),
    "pointer": ("*last = skb->len", "*last = 7"),
}


@pytest.mark.kernel
@EVERY_CASE
def test_the_check_runs_what_the_verifier_takes(name):
    old, new = ACCEPTED_AND_WRONG[name]
    code = clinic.code(name, mended=True)
    assert old in code
    if refuses_every_answer(name):
        return  # the test above saw what is said then
    said = repr(ch08.mended(name, code.replace(old, new)))
    assert said.startswith("Not yet. The verifier takes it, but"), said


@pytest.mark.kernel
def test_a_page_of_the_clinic_is_folded():
    page = clinic.Page("padding")
    text, folded = repr(page), page._repr_html_()
    assert "Mended: accepted" in text and "gap" in text
    with clinic.case("padding") as verdict:
        chain = verdict.chain._repr_html_().count("<details>")
    # Itself, the verdict with its log, the mended program, and where the value came from.
    assert chain and folded.count("<details>") == 4 + chain
    assert re.search(r"<summary>Mended \(accepted\)</summary>", folded)


@pytest.mark.kernel
def test_a_program_of_more_than_a_million_instructions_is_told_as_such_at_once(tmp_path):
    """Without CAP_PERFMON it would be the branches that are too many."""
    source, holding = tmp_path / "long_kern.c", ("CAP_BPF", "CAP_PERFMON")
    source.write_text(
        '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = '
        '"GPL";\nSEC("raw_tp") int turns(void *ctx)\n{\n\tunsigned long sum = 0;\n\n'
        "\tfor (int i = 0; i < 3000000; i++)\n"
        '\t\tasm volatile("%0 += 1" : "+r"(sum));\n\treturn sum & 1;\n}\n'
    )
    with verifier.show(toolchain.compile_bpf(source, tmp_path / "long.o"), holding) as verdict:
        assert (verdict.number, verdict.refusal.key) == (errno.E2BIG, "many_turns")
        assert "Processed 1000001 insn" in verdict.refusal.words
        assert verdict.refusal.instruction.line == 8
        # The whole log would be more than the buffer's 64 MB; it takes the kernel most of a minute.
        assert len(verdict.log) <= load.SHORT_LOG
        assert len(verdict._repr_html_()) < 50_000
