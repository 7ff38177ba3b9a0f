"""Where a value came from: the chain's links and branches, and where it says that it ends.

The judge of values is the kernel's own log: what the chain takes for a constant, an address on the
stack or the context must be that in the state which the kernel has printed.
"""

from __future__ import annotations

import errno
import re

import pytest

from chapters.ch08 import clinic, verifier
from chapters.ch08.verifier import known, origins, way
from helpers import asm, capabilities, objfile
from tools.kernels import refusals

EXIT = "9500000000000000"


def verdict(text: str, code: str, **more) -> verifier.KernelVerdict:
    instructions = list(asm.decode(bytes.fromhex(code)))
    return verifier.KernelVerdict(errno.EACCES, text, instructions, **more)


def walked(text: str, code: str) -> way.Way:
    said = verdict(text, code)
    return way.walked(said.steps, {each.number: each for each in said.instructions})


def numbers(found: way.Way) -> list[int]:
    return [each.number for each in found.instructions]


# 0: r0 = 0; 1: if r1 == 0 goto +1; 2: r0 += 1; 3: if r0 < 3 goto -3; 4: r0 = *(u8 *)(r0 + 0); exit
LOOP = "b700000000000000 1501010000000000 0700000001000000 a500fdff03000000 7100000000000000" + EXIT
ROUNDS = (
    "0: R1=scalar() R10=fp0\n0: (b7) r0 = 0\n1: (15) if r1 == 0x0 goto pc+1\n2: (07) r0 += 1\n"
    "3: (a5) if r0 < 0x3 goto pc-3\n1: (15) if r1 == 0x0 goto pc+1\n2: (07) r0 += 1\n"
    "3: (a5) if r0 < 0x3 goto pc-3\n4: (71) r0 = *(u8 *)(r0 +0)\n5: (95) exit\n\n"
)


def test_the_way_is_whole_if_one_jump_alone_may_be_meant():
    straight = "0: (b7) r0 = 0\n1: (15) if r1 == 0x0 goto pc+1\n3: (a5) if r0 < 0x3 goto pc-3\n"
    found = walked(f"0: R1=scalar() R10=fp0\n{straight}4: (71) r0 = *(u8 *)(r0 +0)\n", LOOP)
    assert numbers(found) == [0, 1, 3, 4] and found.whole
    back = ROUNDS.replace(
        "1: (15) if r1 == 0x0 goto pc+1\n2: (07) r0 += 1\n3: (a5) if r0 < 0x3 goto pc-3\n4", "4", 1
    )
    found = walked(f"{back}from 1 to 3: R0=0 R1=0 R10=fp0\n3: (a5) if r0 < 0x3 goto pc-3\n", LOOP)
    assert numbers(found) == [0, 1, 3] and found.whole


def test_in_a_loop_the_log_does_not_tell_the_round_and_the_way_begins_there():
    found = walked(f"{ROUNDS}from 1 to 3: R0=0 R1=0 R10=fp0\n3: (a5) if r0 < 0x3 goto pc-3\n", LOOP)
    assert (numbers(found), found.begins) == ([3], way.ROUND)


def test_older_kernels_do_not_say_which_jump_it_was():
    # 0: if r1 == 0 goto +2; 1: if r1 == 1 goto +1; 2: r0 = 0; 3: exit: two jumps lead to 3.
    code = "1501020000000000 1501010001000000 b700000000000000" + EXIT
    path = (
        "0: R1=inv(id=0) R10=fp0\n0: (15) if r1 == 0x0 goto pc+2\n1: R1=inv(id=0) R10=fp0\n"
        "1: (15) if r1 == 0x1 goto pc+1\n2: (b7) r0 = 0\n3: R0=inv0 R10=fp0\n3: (95) exit\n"
        "3: R1=inv1 R10=fp0\n3: (95) exit\nR0 !read_ok\n"
    )
    found = walked(path, code)
    assert (numbers(found), found.begins) == ([3], way.ROUND)


def test_a_log_that_is_cut_gives_no_beginning():
    found = walked(
        "3: R0=0 R10=fp0\n3: (a5) if r0 < 0x3 goto pc-3\n4: (71) r0 = *(u8 *)(r0 +0)\n", LOOP
    )
    assert (numbers(found), found.begins) == ([3, 4], way.CUT)
    chain = verdict("4: R0=0 R10=fp0\n4: (71) r0 = *(u8 *)(r0 +0)\n", LOOP).chain
    assert "what r0 held before is not known" in repr(chain)
    assert "Further back nothing is known: the log is cut" in repr(chain)
    assert "Further back nothing is known" in chain._repr_html_()
    assert "compared" not in repr(chain)  # nobody can say


def test_a_step_that_is_left_out_is_seen():
    found = walked("0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n4: (71) r0 = *(u8 *)(r0 +0)\n", LOOP)
    assert (numbers(found), found.begins) == ([4], way.CUT)


def chain_of(code: str, register: int = 0) -> str:
    """The chain of a straight program whose last instruction is refused."""
    instructions = list(asm.decode(bytes.fromhex(code)))
    steps = (f"{i.number}: ({i.opcode:02x}) {asm.text(i)}" for i in instructions)
    text = "\n".join(["0: R1=ctx() R10=fp0", *steps, ""])
    said = verdict(text, code)
    from chapters.ch08.verifier import chain

    return repr(chain.trace(said.steps, said.instructions, [register]))


def test_a_value_is_followed_through_the_stack():
    # r6 = 7; *(u64 *)(r10 - 8) = r6; r0 = *(u64 *)(r10 - 8); r0 = *(u8 *)(r0 + 0)
    code = "b706000007000000 7b6af8ff00000000 79a0f8ff00000000 7100000000000000"
    said = chain_of(code)
    assert (
        said.index("r6 is 7")
        < said.index("r6 is put on the stack, 8 below")
        < said.index("r0 is read from the stack, 8 below its end")
    )


@pytest.mark.parametrize(
    ("between", "doubt"),
    [
        # r2 = r10; r2 += r7, with r7 unknown; *(u8 *)(r2 - 8) = 0
        (
            "bfa2000000000000 0f72000000000000 7202f8ff00000000",
            "not known exactly may have changed",
        ),
        # r1 = r10; r1 += -8; r2 = 8; call 113: bpf_probe_read_kernel fills it
        ("bfa1000000000000 07010000f8ffffff b702000008000000 8500000071000000", "fills 8 bytes"),
        # r2 = r10; r2 += -16; call 89, of which the course knows nothing
        (
            "bfa1000000000000 07010000f0ffffff bfa2000000000000 07020000f0ffffff 8500000059000000",
            "may have changed what is there",
        ),
        # The same with a function that no header has.
        (
            "bfa1000000000000 07010000f0ffffff 850000000f270000",
            "may have changed what is there",
        ),
    ],
)
def test_what_may_have_changed_the_stack_is_said(between, doubt):
    # r7 = *(u32 *)(r1 + 0); r6 = 7; *(u64 *)(r10 - 8) = r6; ...; r0 = *(u64 *)(r10 - 8)
    first = "6117000000000000 b706000007000000 7b6af8ff00000000"
    said = chain_of(f"{first} {between} 79a0f8ff00000000 7100000000000000")
    assert doubt in said
    assert "Compared" not in said


def test_a_lookup_reads_its_key_and_changes_nothing():
    # *(u64 *)(r10 - 8) = r1; r2 = r10; r2 += -16; r1 = 5; call 1; r0 = *(u64 *)(r10 - 8)
    code = "7b1af8ff00000000 bfa2000000000000 07020000f0ffffff b701000005000000 8500000001000000"
    said = chain_of(f"{code} 79a0f8ff00000000 7100000000000000")
    assert "context" in said and "may have changed" not in said


def test_what_a_call_uses_up_is_said():
    said = chain_of("8500000005000000 7111000000000000", 1)
    assert "r1 is used up by the call of" in said


@pytest.mark.kernel
def test_a_function_is_entered_and_left():
    text = (
        "static __attribute__((noinline)) __u64 *look(struct __sk_buff *skb, __u32 key)\n{\n"
        "    return bpf_map_lookup_elem(&bytes_by_protocol, &key);\n}\n"
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n    return *look(skb, 1) + skb->len;\n}\n'
    )
    with clinic.written(text) as said:
        assert said.refusal.key == "null"
        chain = repr(said.chain)
    assert "r0 is the result of look" in chain
    assert "line 3, " in chain and "result of bpf_map_lookup_elem in bytes_by_protocol" in chain
    assert "Not compared with anything since." in chain


ASKED = """SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
    __u32 protocol = load_byte(skb, PROTOCOL);
    __u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &protocol);

    if (protocol != 17 && !bytes)
        return 0;
    __sync_fetch_and_add(bytes, skb->len);
    return 0;
}
"""


@pytest.mark.kernel
def test_the_branches_tell_the_path_that_was_not_asked():
    with clinic.written(ASKED) as said:
        assert said.refusal.key == "null"
        chain, page = said.chain, said._repr_html_()
    assert [register.name for register in chain.registers] == ["r0"]
    assert chain.registers[0].links[-1].line == 5
    assert chain.registers[0].since == "Not compared with anything since."
    assert [branch.line for branch in chain.branches] == [7]
    assert "17" in chain.branches[0].said and "on to line 9" in chain.branches[0].said
    # In the page each link opens, to its marked line of C.
    assert "<summary>Where r0 came from</summary>" in page
    assert re.search(r"<b>→\s+5 .*bpf_map_lookup_elem", page)
    assert page.count("<details>") == page.count("</details>")
    assert "<script" not in page and 'style="color' not in page


@pytest.mark.kernel
def test_a_callback_of_a_helper_ends_the_chain():
    text = (
        "static long each(__u32 at, void *sum)\n{\n    __u64 *value;\n\n"
        "    value = bpf_map_lookup_elem(&bytes_by_protocol, &at);\n    return *value;\n}\n"
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n    __u64 sum = 0;\n\n'
        "    bpf_loop(10, each, &sum, 0);\n    return sum;\n}\n"
    )
    with clinic.written(text) as said:
        if said.refusal.key != "null":  # bpf_loop came with Linux 5.17
            return
        assert way.CALLED in repr(said.chain)
        assert "result of bpf_map_lookup_elem" in repr(said.chain)


@pytest.fixture(scope="module")
def refused() -> list[verifier.KernelVerdict]:
    """The programs of tests/refused/, as this kernel refuses them."""
    refusals.compile()
    objects, found = {}, []
    try:
        for program in refusals.programs():
            path = refusals.OBJECTS / f"{program.family}.o"
            file = objects.setdefault(program.family, objfile.read(path))
            said = verifier.show(file, program.holding, program.name)
            if said.refusal:
                found.append(said)
            said.close()
    except capabilities.CapabilityError:
        pytest.skip("this process may not load programs at tc, at XDP and at tracepoints")
    return found


@pytest.mark.kernel
def test_what_the_chain_says_is_what_the_kernel_knew(refused):
    compared = 0
    for said in refused:
        if not said.steps or said.steps[-1].pruned:
            continue
        found = way.walked(said.steps, {each.number: each for each in said.instructions})
        if not found.instructions:
            continue
        before, at = said.steps[-1].before, origins.found(found)
        for register in range(10):
            value, state = at.of(register), before.get(f"R{register}", "")
            if value.number is not None and known.constant(state) is not None:
                assert (value.number - known.constant(state)) % (1 << 64) == 0, said
                compared += 1
            elif value.stack and value.stack[0] == at.frame.turn and known.kind(state) == "fp":
                assert value.stack[1] in (known.stack_offset(state), None), said
                compared += 1
            elif value.origin.said == origins.CONTEXT:
                assert known.kind(state) in ("ctx", ""), said
                compared += 1
            elif "has not been set" in value.said:
                assert not state, said
                compared += 1
            elif state and known.kind(state) == "ctx":
                assert not value.sure or value.origin.said == origins.CONTEXT or value.made_of, said
    assert compared > 1000


@pytest.mark.kernel
def test_every_refusal_is_shown_with_its_chain(refused):
    whole = [said for said in refused if said.chain and not said.chain.begins]
    assert len(whole) > 0.7 * len(refused)
    for said in refused:
        repr(said), said._repr_html_()
