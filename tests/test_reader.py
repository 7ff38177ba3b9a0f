"""The rules of the reader of refusals: what gives a reason, what withdraws it, and what it reads.

Logs here are the kernel's own, or made of its lines; tests/test_refusals.py has the programs.
"""

from __future__ import annotations

import errno

import pytest

from chapters.ch08 import clinic, verifier
from chapters.ch08.verifier import known, log, place, reasons, report, shape, special, subjects
from helpers import asm, objfile, toolchain

EXIT = "9500000000000000"
# r0 = 0, then a byte is read from where r0 points.
FOLLOWED = "b700000000000000 7100000000000000" + EXIT


def verdict(text: str, code: str, number: int = errno.EACCES, **more) -> verifier.KernelVerdict:
    return verifier.KernelVerdict(number, text, list(asm.decode(bytes.fromhex(code))), **more)


def log_of(words: str, value: str = "map_value_or_null(id=1,map=m,ks=4,vs=8)") -> str:
    first = f"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0   ; R0={value}\n"
    return f"{first}1: (71) r0 = *(u8 *)(r0 +0)\n{words}\n"


def test_the_state_makes_a_reason_and_not_the_words():
    for words in ("R0 invalid mem access 'map_value_or_null'", "R0 is odd", "no words known", ""):
        assert verdict(log_of(words), FOLLOWED).refusal.key == "null"
    assert verdict(log_of("R0 invalid mem access", "3"), FOLLOWED).refusal.key == "number_followed"
    # The same words beside a state that does not bear them out.
    odd = log_of("R0 invalid mem access 'map_value_or_null'", "odd_thing(id=1)")
    assert verdict(odd, FOLLOWED).refusal.key == ""


@pytest.mark.parametrize(
    "words",
    [
        "misaligned access off (0x0; 0x0)+0+0 size 8",  # another subject
        "R3 invalid mem access 'map_value_or_null'",  # another register
        "Unreleased reference id=2 alloc_insn=5",
        "program of this type cannot use helper",
    ],
)
def test_the_kernels_line_withdraws_a_reason(words):
    said = verdict(log_of(words), FOLLOWED)
    assert not said.refusal.explained
    # Then the kernel's own line comes first, right behind the error.
    assert [heading for heading, _ in said.lines()][:2] == ["Refused", "In its own words"]
    assert said.lines()[1][1] == words
    assert "no explanation" in said.lines()[-1][1]


@pytest.mark.parametrize(
    ("loaded", "key"), [("pkt(id=0,off=0,r=0,imm=0)", "unset"), ("inv(id=0)", "number_followed")]
)
def test_an_address_that_an_older_kernel_made_a_number_of_is_gone(loaded, key):
    # r7 = *(u32 *)(r1 + 76); call 18, after which a packet may lie elsewhere; r0 = *(u8 *)(r7 + 0)
    code = "61174c0000000000 8500000012000000 7170000000000000" + EXIT
    text = (
        "0: R1=ctx(id=0,off=0,imm=0) R10=fp0\n0: (61) r7 = *(u32 *)(r1 +76)\n"
        f"1: R7_w={loaded} R10=fp0\n1: (85) call bpf_skb_vlan_push#18\n"
        "2: R0_w=inv(id=0) R7_w=inv(id=0) R10=fp0\n2: (71) r0 = *(u8 *)(r7 +0)\n"
        "R7 invalid mem access 'inv'\n"
    )
    assert verdict(text, code).refusal.key == key


def test_the_fields_that_only_the_kernel_may_touch_are_read_from_the_types(tmp_path):
    source = tmp_path / "a.c"
    source.write_text(
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
        "struct counted { __u64 bytes; struct { struct bpf_timer alarm; } inside;\n"
        "  struct bpf_spin_lock lock; };\n"
        "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);\n"
        '  __type(key, __u32); __type(value, struct counted); } first SEC(".maps");\n'
        "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);\n"
        '  __type(key, __u32); __type(value, __u64); } second SEC(".maps");\n'
        "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);\n"
        '  __uint(key_size, 4); __uint(value_size, 8); } third SEC(".maps");\n'
    )
    found = special.fields(objfile.read(toolchain.compile_bpf(source, tmp_path / "a.o")))
    fields = [special.Field(special.TIMER, 8, 16), special.Field(special.LOCK, 24, 4)]
    assert found == {"first": tuple(fields), "second": ()}


def test_a_list_of_what_would_have_been_right_is_no_subject():
    assert subjects.found("R2 type=scalar expected=fp, pkt, map_value") == {"number", "argument"}


def test_no_reason_is_given_when_two_fit(monkeypatch):
    second = place.Rule(lambda at: place.Reason("other", "also"), frozenset(subjects.STEMS))
    monkeypatch.setattr(reasons, "RULES", [*place.RULES, second])
    assert not verdict(log_of(""), FOLLOWED).refusal.explained


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("pkt(r=20)", 0, 0),
        ("pkt(off=14,r=20,imm=0)", 14, 14),
        ("map_value(id=0,off=8,ks=4,vs=8,imm=0)", 8, 8),
        ("ringbuf_mem(id=2,sz=16,imm=8)", 8, 8),
        ("map_value(map=m,ks=4,vs=8,off=2,smin=smin32=0,smax=umax=7,var_off=(0x0; 0x7))", 2, 9),
        ("pkt(id=2,off=14,r=0,umax_value=60,var_off=(0x0; 0x3c))", 14, 74),
        ("map_value(map=m,ks=4,vs=8,smin=-4,smax=3,var_off=(0x0; 0xff))", -4, 3),
    ],
)
def test_how_far_an_address_has_been_moved(value, low, high):
    assert known.moved(value) == (low, high)


def test_copies_of_a_number_change_with_it():
    text = (
        "0: R1=ctx() R10=fp0\n"
        "0: (bf) r2 = r4   ; R2=scalar(id=1,umax=4095) R4=scalar(id=1,umax=4095)\n"
        "1: (26) if r2 > 0x3f goto pc+1   ; R2=scalar(id=1,umax=63)\n"
        "2: (95) exit\n"
    )
    assert log.read(text)[-1].before["R4"] == "scalar(id=1,umax=63)"
    apart = text.replace("R2=scalar(id=1,", "R2=scalar(id=1-1,")
    assert known.limits(log.read(apart)[-1].before["R4"]) == (1, 64)
    apart = text.replace("R4=scalar(id=1,", "R4=scalar(id=1-9,")
    assert log.read(apart)[-1].before["R4"] == log.UNSURE
    either = "map_value_or_null(id=1,ks=4,vs=8)"
    null = (
        "0: R1=ctx() R10=fp0\n"
        f"0: (bf) r6 = r0   ; R0={either} R6={either}\n"
        "1: (15) if r0 == 0x0 goto pc+1   ; R0=map_value(ks=4,vs=8)\n"
        "2: (95) exit\n"
    )
    assert log.read(null)[-1].before["R6"] == "map_value(ks=4,vs=8)"


@pytest.mark.parametrize(
    ("held", "call"),
    [
        ("ringbuf_mem(ref_obj_id=2,sz=8)", "call bpf_ringbuf_submit#132"),
        ("ringbuf_mem(id=2,sz=8)", "call bpf_ringbuf_submit#132"),  # Linux 7.3
        ("pkt(r=8)", "call bpf_skb_pull_data#39"),
    ],
)
def test_what_a_call_takes_away_is_gone(held, call):
    text = (
        f"0: R1={held} R6={held} R10=fp0 refs=2\n"
        f"0: (b7) r2 = 0   ; R2=0 refs=2\n1: (85) {call}   ; R0=scalar()\n"
        "2: (71) r0 = *(u8 *)(r6 +0)\nR6 !read_ok\n"
    )
    code = "b702000000000000 8500000084000000 7160000000000000" + EXIT
    assert log.read(text)[-1].before["R6"] == log.GONE
    refusal = verdict(text, code).refusal
    assert refusal.key == "unset" and "any more" in refusal.reason
    # For a holder of CAP_PERFMON a number is left there: of that nothing is known.
    lenient = verdict(text.replace("!read_ok", "odd"), code, holding=("CAP_BPF", "CAP_PERFMON"))
    assert not lenient.refusal.explained


def test_a_long_log_is_read_from_where_all_is_known():
    path = "from 4 to 6: R0=0 R1=ctx() R10=fp0\n6: (b7) r3 = 3   ; R3=3\n"
    text = "0: R1=ctx() R10=fp0\n" + "5: (b7) r2 = 1   ; R2=1\n" * 1000 + path
    assert log.end(text, 200) == path
    assert log.end(text, len(text) - 30).endswith(path)


# Instructions of newer kernels, and bytes that are none: shown as they are.
ODD = {
    "r15": ("b70f000000000000" + EXIT, "encoding"),
    "be24": ("b700000001000000 dc00000018000000" + EXIT, "encoding"),
    "opcode ff": ("ff00000000000000" + EXIT, "encoding"),
    "address of another space": ("b700000001000000 bf02010001000000" + EXIT, ""),
}


@pytest.mark.kernel
@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_decoded_is_shown_as_its_bytes(name):
    code, key = ODD[name]
    said = verifier.show_bytes(bytes.fromhex(code))
    assert said.refusal.key in (key, "")
    assert "(not decoded)" in repr(said) and "(not decoded)" in said._repr_html_()
    repr(verifier.steps(said))


@pytest.mark.kernel
@pytest.mark.parametrize(
    "code",
    [
        "b700000000000000 e500010000000000 0500feff00000000 bf20000000000000" + EXIT,  # may_goto
        "b701000000000000 7b1af8ff00000000 dba0f8ff00010000 bf20000000000000" + EXIT,  # in order
    ],
)
def test_an_instruction_of_newer_kernels_is_no_island_and_no_crash(code):
    said = verifier.show_bytes(bytes.fromhex(code))
    assert said.refusal.key in ("unset", "")  # it is the one that follows that is refused
    repr(said), repr(verifier.steps(said))


LOOP = """
static long each(__u32 at, void *sum)
{
    *(__u64 *)sum += at;
    return 0;
}
SEC("socket") int loops(struct __sk_buff *skb)
{
    __u64 sum = 0;

    bpf_loop(10, each, &sum, 0);
    return sum;
}
"""


@pytest.mark.kernel
def test_a_callback_is_linked_and_named():
    with clinic.written(LOOP) as said:
        if said.accepted:  # bpf_loop came with Linux 5.17
            assert ", in each" in repr(verifier.steps(said))
            assert "a caller's stack, 8 below" in repr(verifier.steps(said))
        repr(said), said._repr_html_()


def test_the_report_of_linux_7_3_is_taken_apart():
    found = report.read(report.SAMPLE.read_text())
    assert found.title == "Register Type Safety: Invalid dereference"
    assert found.reason.startswith("R0 may be NULL here")
    assert (found.at.function, found.at.line, found.at.instruction) == ("followed_at_once", 11, 8)
    assert [(event.line, event.instruction) for event in found.path] == [(9, 7)]
    assert found.path[0].said.endswith("nullable map value from counters at offset 0")
    assert found.suggestion.startswith("Add a NULL check")
    assert list(found.parts) == ["Reason", "At", "Causal path", "Suggestion"]
    assert report.read("0: (95) exit\nR0 !read_ok\n") is None


def test_a_report_without_a_path_or_with_nothing_at_all():
    bare = report.read("Verification failed: Policy: Something new\n\nCausal path:\n  nothing\n")
    assert (bare.title, bare.reason, bare.at, bare.path) == ("Policy: Something new", "", None, [])
    assert bare.lines([]) == [("The kernel explains", "Policy: Something new")]


def explained(title: str, reason: str = "R0 may be NULL here.") -> verifier.KernelVerdict:
    """A program that follows null, with a report of that title."""
    text = f"Verification failed: {title}\n\nReason:\n  {reason}\n\nprocessed 2 insns\n"
    return verdict(log_of("R0 invalid mem access 'map_value_or_null'\n\n" + text), FOLLOWED)


def test_on_such_a_kernel_the_report_comes_first_and_the_reader_where_both_agree():
    both = explained("Register Type Safety: Invalid dereference")
    headings = [heading for heading, _ in both.lines()]
    assert both.agrees and headings.index("The kernel explains") < headings.index("This reader")
    assert both.lines()[-1] == ("In its own words", "R0 invalid mem access 'map_value_or_null'")
    for other in (
        explained("Policy: Operation is not allowed"),
        explained("Something: Not known"),
        explained("Register Type Safety: Invalid dereference", "R7 may be NULL here."),
    ):
        assert not other.agrees
        assert "This reader" not in dict(other.lines()) and "Why" not in dict(other.lines())


def test_the_last_line_before_processed_is_not_the_reason():
    assert log.words(report.SAMPLE.read_text()) == ["R0 invalid mem access 'map_value_or_null'"]


@pytest.mark.parametrize("type", ["xdp", "tc"])
def test_a_cure_names_what_this_type_of_program_has(type):
    # r2 = r1 in the packet; r2 += r3, of which nothing is known
    text = "0: R1=ctx() R2=pkt(r=34) R3=scalar(umax=60) R10=fp0\n0: (0f) r2 += r3\nnot for you\n"
    said = verdict(text, "0f32000000000000" + EXIT, type=type).refusal
    assert said.key == "guess"
    assert f"bpf_{'xdp' if type == 'xdp' else 'skb'}_load_bytes" in said.reason


# r0 = 0, then r0 += 1 and back as long as it is below r1.
COUNTED = "b700000000000000 0700000001000000 ad10feff00000000" + EXIT


def turns(state: str, count: int, branch: str = "from 2 to 1: ") -> str:
    """A log in which a loop is gone through; state: of both registers that are compared."""
    lines = ["0: R1=scalar() R10=fp0", "0: (b7) r0 = 0"]
    for turn in range(count):
        held = state.format(turn)
        lines += [f"{branch}{held}", f"1: {held}", "1: (07) r0 += 1", f"2: {held}"]
        lines += ["2: (ad) if r0 < r1 goto pc-2"]
    return "\n".join([*lines, "The sequence of 8193 jumps is too complex.\n"])


@pytest.mark.parametrize("number", [errno.E2BIG, errno.EFAULT, errno.ENOSPC])
@pytest.mark.parametrize(
    ("state", "key"),
    [
        ("R0={} R1=9000000", "many_turns"),
        ("R0={} R1=scalar(umax=9000000)", "many_turns"),
        ("R0={} R1=scalar(umax=4294967295)", "endless"),
        ("R0=scalar() R1=scalar()", "endless"),
        ("R0=7 R1=9", "endless"),
        ("R10=fp0", ""),
    ],
)
def test_a_loop_is_told_to_turn_too_often_only_if_its_turns_are_counted(number, state, key):
    assert verdict(turns(state, 6), COUNTED, number).refusal.key == key


# r1 = 9, then down to 0 in turns of their own, and back to r1 = 9 as long as r0 is not 5.
WITHIN = "b701000009000000 0701000001000000 5501feff00000000 5500fcff05000000" + EXIT


@pytest.mark.parametrize(("number", "key"), [(errno.E2BIG, "many_turns"), (errno.EFAULT, "")])
def test_a_loop_within_another_of_which_the_log_says_nothing(number, key):
    lines = ["0: R0=scalar() R10=fp0", "0: (b7) r1 = 9", "1: (07) r1 += 1"]
    lines += ["2: (55) if r1 != 0x0 goto pc-2", "3: (55) if r0 != 0x5 goto pc-4", "0: (b7) r1 = 9"]
    for turn in range(6):
        lines += ["1: (07) r1 += 1 ; R1=" + str(turn + 3), f"2: R1={turn + 3}"]
        lines += ["2: (55) if r1 != 0x0 goto pc-2"]
    said = verdict("\n".join([*lines, "BPF program is too large.\n"]), WITHIN, number).refusal
    assert said.key == key
    assert ("It lies in another loop" in said.reason) == bool(key)


def test_a_loop_that_a_guess_runs_past_is_told_as_such():
    said = verdict(
        turns("R0=scalar() R1=9", 6, "from 2 to 1 (speculative execution): "), COUNTED, 14
    )
    assert said.refusal.key == "endless"
    assert "guesses" in said.refusal.reason
    assert "packet" not in said.refusal.reason


def test_a_function_that_is_checked_alone_is_told_as_such():
    called = "8510000001000000" + EXIT + "7910000000000000" + EXIT
    log_ = (
        "0: R1=ctx() R10=fp0\n0: (85) call pc+1\nFunc#1 ('f') is global and assumed valid.\n"
        "1: R0=scalar()\n1: (95) exit\nValidating f() func#1...\n"
        "2: R1=mem_or_null(id=1,sz=8) R10=fp0\n2: (79) r0 = *(u64 *)(r1 +0)\n"
        "R1 invalid mem access 'mem_or_null'\n"
    )
    said = verdict(log_, called).refusal
    assert said.key == "null"
    assert "not static" in said.reason
    # What a helper has given to such a function is no argument of it.
    given = log_.replace(
        "2: (79) r0 = *(u64 *)(r1 +0)", "2: (85) call bpf_x#131 ; R0=mem_or_null(id=2)"
    )
    given = given.replace("\nR1 inv", "\n3: (79) r0 = *(u64 *)(r0 +0)\nR0 inv")
    called = "8510000001000000" + EXIT + "8500000083000000 7900000000000000" + EXIT
    said = verdict(given, called).refusal
    assert said.key == "null"
    assert "not static" not in said.reason


@pytest.mark.parametrize(
    "remark", ["(0) frame 0 insn 8 +live -8", "(8,11) frame 0 insn 13 +live -8", "SCC enter (1)"]
)
def test_a_remark_of_the_kernels_is_not_its_word(remark):
    refusal = verdict(log_of(f"{remark}\nR0 invalid mem access"), FOLLOWED).refusal
    assert refusal.words == "R0 invalid mem access"
    assert refusal.key == "null"


def test_a_loop_that_was_taken_up_twice_with_nothing_new_has_no_end():
    # 0: r0 = the context's first word; 1: back to it while that is not 7; 2: exit.
    code = "6110000000000000 5500feff07000000" + EXIT
    again = "\nfrom 1 to 0: {}\n0: {}\n0: (61) r0 = *(u32 *)(r1 +0) ; R0=scalar()\n"
    again += "1: (55) if r0 != 0x7 goto pc-2 ; R0=7\n2: (95) exit\n"
    start = again.partition("\n0: ")[2].format("R1=ctx() R10=fp0")
    state = "R0=scalar() R1=ctx() R10=fp0"

    def key(*states: str) -> str:
        text = "0: " + start + "".join(again.format(each, each) for each in states)
        return verdict(text + "infinite loop detected at insn 0\n", code, 22).refusal.key

    assert key(state, state) == "endless"
    assert key(state) == ""
    assert key(state, state.replace("scalar()", "scalar(umin=8)")) == ""


def test_what_was_compared_beyond_a_packets_reach_counts_for_nothing():
    # r4 = r2 + 64; if r4 > r3 exit; r0 = *(u8 *)(r2).
    code = "bf24000000000000 0704000040000000 2d34010000000000 7120000000000000" + EXIT

    def key(far: int) -> str:
        text = (
            f"0: R2=pkt(off={far},r=8) R3=pkt_end() R10=fp0\n"
            f"0: (bf) r4 = r2 ; R4=pkt(off={far},r=8)\n"
            f"1: (07) r4 += 64 ; R4=pkt(off={far + 64},r=8)\n2: (2d) if r4 > r3 goto pc+1\n"
            "3: (71) r0 = *(u8 *)(r2 +0)\ninvalid access to packet\n"
        )
        return verdict(text, code).refusal.key

    assert key(65_472) == "packet_far"
    assert key(65_471) == "packet_end"


def branches(count: int) -> list[asm.Instruction]:
    """A program of so many conditions upon each other, none of which leads back."""
    condition = bytes.fromhex("1502010005000000 b703000001000000")  # if r2 == 5 goto +1; r3 = 1
    return list(asm.decode(condition * count + bytes.fromhex("b700000000000000 9500000000000000")))


def gone_through(count: int) -> str:
    lines = (
        f"{2 * at}: (15) if r2 == 0x5 goto pc+1\n{2 * at + 1}: (b7) r3 = 1\n" for at in range(count)
    )
    return "".join(lines) + "processed {} insns (limit 1000000) max_states_per_insn 0\n"


@pytest.mark.parametrize(
    ("number", "count", "processed", "key"),
    [
        (errno.EFAULT, 8193, 16387, "many_branches"),
        (errno.EFAULT, 8191, 16387, ""),
        (errno.E2BIG, 25, 1000001, "many_paths"),
        (errno.E2BIG, 25, 999999, ""),
        (errno.EINVAL, 8193, 16387, ""),
    ],
)
def test_too_many_conditions_are_told_where_they_are_counted(number, count, processed, key):
    text = gone_through(count).format(processed)
    found = shape.branching(branches(count), number, text)
    assert (found.key if found else "") == key
    if found:
        assert f"{count:,} conditions" in found.sentence
        back = asm.decode(bytes.fromhex("0500ffff00000000"))  # goto itself: then it may be a loop
        assert shape.branching([*branches(count), *back], number, text) is None
        assert shape.branching(branches(count), number, text[: text.rindex("processed")]) is None


def test_conditions_on_several_paths_are_not_counted_together():
    text = gone_through(8193).format(16387)
    for other in ("from 2 to 4: R2=5\n", "7: (95) exit\n"):
        assert (
            shape.branching(branches(8193), errno.EFAULT, f"{other}{text}\n{other}{text}") is None
        )


@pytest.mark.kernel
def test_a_sixth_argument_of_newer_compilers_is_told_as_such():
    verdict = verifier.show_bytes(
        bytes.fromhex(
            "b700000000000000 7b0bf8ff00000000 9500000000000000"
        )  # *(u64 *)(r11 - 8) = r0
    )
    assert "sixth argument" in verdict.refusal.reason or not verdict.refusal.explained
    assert verdict.refusal.key in ("encoding", "")
    assert "R11" not in verdict.refusal.words or verdict.refusal.explained


def test_a_field_of_a_context_is_found_also_in_what_has_no_name(tmp_path):
    (tmp_path / "any.c").write_text(
        "#include <linux/bpf.h>\nint f(struct __sk_buff *skb) { return skb->len; }\n"
    )
    built = objfile.read(toolchain.compile_bpf(tmp_path / "any.c", tmp_path / "any.o"))
    fields = special.members(built)["__sk_buff"]
    named = {field.type: (field.offset, field.size) for field in fields}
    assert named["data"] == (76, 4) and named["cb"] == (48, 20) and named["sk"] == (168, 8)
