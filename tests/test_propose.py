"""What would be accepted: proposals for the clinic and for tests/refused/, and a program beside the
course's own."""

from __future__ import annotations

import json
import re

import pytest
import stored
from test_chain import ASKED
from test_kernels import CLINIC

from chapters.ch08 import clinic, verifier
from chapters.ch08.verifier import cases, changes, heatmap, versus
from helpers import kernel
from tools.kernels import clinic as on_a_kernel
from tools.kernels import refusals

OPTIONS = (*refusals.OPTIONS, "-I", str(refusals.SOURCES), "-include", "refused.h")


def refused(name: str) -> verifier.KernelVerdict:
    """A program of tests/refused/, alone: family.name."""
    family, name = name.split(".")
    program = next(each for each in refusals.programs(family) if each.name == name)
    text = (refusals.SOURCES / f"{family}.c").read_text()
    blocks = re.split(r"^//= .+\n", text, flags=re.MULTILINE)
    block = next(each for each in blocks if re.search(rf"\b{name}\(", each))
    return cases.written(block, program.holding, OPTIONS)


@pytest.mark.kernel
@pytest.mark.parametrize("name", clinic.CASES)
def test_each_kind_of_the_clinic_has_a_proposal(name):
    with clinic.case(name) as said:
        proposal = verifier.propose(said)
    if name == "bounds" and kernel.version() < (6, 1):  # which refuses every such comparison
        assert not proposal.found
        return
    assert proposal.found, proposal
    assert "Accepted is not the same as meant" in repr(proposal)
    assert re.search(r"^\+", proposal.change, re.MULTILINE) or name == "wrong_type"
    with clinic.written(proposal.text) as again:
        assert again.accepted
        assert again.holding == said.holding


@pytest.mark.kernel
def test_what_the_machines_try_is_tried_here(tmp_path, monkeypatch):
    monkeypatch.setattr(on_a_kernel, "OBJECTS", tmp_path)
    found = on_a_kernel.tried()
    assert {name: (each["line"], each["chain"]) for name, each in found.items()} == CLINIC
    assert all(each["proposed"] and each["accepted"] for each in found.values())
    # What it was made of is kept, so that a machine need not compile it again.
    monkeypatch.setattr(cases, "compile", lambda text, *_: pytest.fail(text))
    assert on_a_kernel.tried() == found


# Reasons beside those of the clinic, each with a program of tests/refused/.
MORE = {
    "buffer_bounds": "arguments.sixteen_into_eight",
    "size": "arguments.perhaps_zero",
    "null": "references.socket_not_asked",
    "reference": "references.forgotten_on_one_path",
    "release_null": "references.released_unasked",
    "lock_kept": "references.unlocked_on_one_path",
    "lock_call": "references.calls_while_locked",
    "lock_twice": "references.locks_twice",
    "unlock_free": "references.unlocks_what_is_free",
    "result": "results.seven",
    "stack_unset": "stack.a_field_short",
    "value_bounds": "values.index_of_the_packet",
    "read_only": "values.writes_what_is_fixed",
    "packet_write": "packet.writes_at_the_cgroup",
}


@pytest.mark.kernel
@pytest.mark.parametrize("key", MORE)
def test_other_reasons_have_a_proposal_that_the_kernel_accepts(key):
    with refused(MORE[key]) as said:
        if said.refusal is None or said.refusal.key != key:  # another kernel, another reason
            assert kernel.version() < (6, 6) or said.refusal is None or not said.refusal.key
            return
        proposal = verifier.propose(said)
        assert proposal.found, proposal
        with cases.written(proposal.text, said.holding, OPTIONS) as again:
            assert again.accepted


EVENTS = """struct {
    __uint(type, BPF_MAP_TYPE_%s);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} of_mine SEC(".maps");
"""
SENDS = """
SEC("socket") int f(struct __sk_buff *skb)
{
    __u64 word = skb->len;

    bpf_ringbuf_output(&of_mine, &word, sizeof(word), 0);
    return 0;
}
"""
CALLS = """
SEC("socket") int f(struct __sk_buff *skb)
{
    bpf_tail_call(skb, &of_mine, 1);
    return 0;
}
"""
FIELDS = """
SEC("%s") int f(struct %s *ctx)
{
    return %s;
}
"""
LICENSED = 'char LICENSE[] SEC("license") = "GPL";\n'
PLAIN = ("-include", "linux/bpf.h", "-include", "bpf/bpf_helpers.h")
# A text, and what must come instead; "" if nothing is proposed.
MEANT = {
    "the one map that is right": (
        EVENTS % "ARRAY"
        + (EVENTS % "PERF_EVENT_ARRAY").replace("of_mine", "of_perf")
        + SENDS.replace(
            "bpf_ringbuf_output(&of_mine,", "bpf_perf_event_output(skb, &of_mine, 0,"
        ).replace(", 0);", ");"),
        "+    bpf_perf_event_output(skb, &of_perf, 0, &word, sizeof(word));",
    ),
    "two that are right": (
        EVENTS % "ARRAY"
        + (EVENTS % "PROG_ARRAY").replace("of_mine", "first")
        + (EVENTS % "PROG_ARRAY").replace("of_mine", "second")
        + CALLS,
        "",
    ),
    "a ring buffer": (EVENTS % "HASH" + SENDS, "+    __uint(type, BPF_MAP_TYPE_RINGBUF);"),
    "programs": (EVENTS % "HASH" + CALLS, "+    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);"),
    "a length": (
        FIELDS % ("socket", "__sk_buff", "ctx->data_end - ctx->data"),
        "+    return ctx->len;",
    ),
    "an address": (
        FIELDS % ("cgroup/connect4", "bpf_sock_addr", "ctx->user_ip6[0] == 1"),
        "+    return ctx->user_ip4 == 1;",
    ),
    "a field of which there is no other": (
        FIELDS % ("socket", "__sk_buff", "ctx->tc_classid"),
        "",
    ),
}


@pytest.mark.kernel
@pytest.mark.parametrize("name", MEANT)
def test_a_field_or_a_map_is_proposed_where_one_alone_is_meant(name):
    text, wanted = MEANT[name]
    with cases.written(text + LICENSED, ("CAP_BPF", "CAP_NET_ADMIN"), PLAIN) as said:
        assert said.refusal.key in ("context", "map_type"), said
        proposal = verifier.propose(said)
    assert proposal.found == bool(wanted), proposal
    if wanted:
        assert wanted in proposal.change.splitlines()
    else:
        assert repr(proposal).startswith("No proposal: ")


@pytest.mark.kernel
@pytest.mark.parametrize("name", ["stack.array_by_length", "stack.store_by_mark"])
def test_where_no_change_is_found_it_says_so(name):
    with refused(name) as said:
        if said.accepted:  # with mitigations=off
            return
        proposal = verifier.propose(said)
    assert not proposal.found and not proposal.change
    assert repr(proposal).startswith("No proposal: ")


def test_without_a_refusal_a_text_or_a_reason_there_is_nothing_to_propose():
    from helpers import asm

    code = list(asm.decode(bytes.fromhex("b700000000000000 9500000000000000")))
    assert "nothing to change" in repr(verifier.propose(verifier.KernelVerdict(0, "", code)))
    odd = verifier.KernelVerdict(95, "something odd\n", code)
    assert "not at hand" in repr(verifier.propose(odd))
    odd = verifier.KernelVerdict(95, "something odd\n", code, source="int x;")
    assert "no reason" in repr(verifier.propose(odd))


@pytest.mark.kernel
def test_a_line_of_a_header_is_not_changed():
    with clinic.written(
        'SEC("socket") int f(struct __sk_buff *skb)\n{\n    return 0;\n}\n'
    ) as said:
        assert said.accepted and not verifier.propose(said).found


@pytest.mark.kernel
def test_which_of_both_the_kernel_accepts_and_where_they_differ():
    said = verifier.compare(ASKED, "null_check")
    assert said.sentence == versus.sentence(mine=False, own=True)
    assert re.search(r"^-    if \(protocol != 17 && !bytes\)$", said.source, re.MULTILINE)
    assert re.search(r"^\+    if \(bytes\)$", said.source, re.MULTILINE)
    assert "call bpf_map_lookup_elem" in repr(said.bytecode)
    assert "<details>" in said._repr_html_()
    same = verifier.compare(clinic.code("null_check", mended=True), "null_check")
    assert same.source == "No line differs." and "accepts both" in same.sentence
    assert not any(mark for _, mark, _ in same.bytecode.rows)
    with pytest.raises(clinic.ClinicError, match="null_check"):
        verifier.compare(ASKED, "null")


def test_the_four_sentences_differ():
    assert len({versus.sentence(mine, own) for mine in (True, False) for own in (True, False)}) == 4


def test_comments_and_tabs_are_no_difference():
    assert versus.differing("a;\n\n\tb; // why\n", "a;\n    b;\n") == "No line differs."
    assert "+c;" in versus.differing("a;\n", "a;\nc;\n")


@pytest.mark.kernel
def test_a_long_log_is_counted_by_line(monkeypatch):
    text = (
        'SEC("socket")\nint f(struct __sk_buff *skb)\n{\n    __u32 zeros = 0;\n\n'
        "    for (__u32 at = 0; at < 100; at++)\n        if (load_byte(skb, at) == 0)\n"
        "            zeros++;\n    return zeros;\n}\n"
    )
    shown = []
    monkeypatch.setattr(heatmap.pictures, "show", lambda figure, alt: shown.append((figure, alt)))
    with clinic.written(text) as said:
        table = heatmap.show(said)
        steps = sum(not step.pruned for step in said.steps)
    assert sum(int(count.replace(",", "")) for _, count in table.rows) == steps
    assert f"{steps:,} steps" in table.caption
    figure, alt = shown[0]
    assert "load_byte" in alt or "for (" in alt
    assert len(figure.axes[0].texts) == 2 * len(table.rows)


def test_the_chapter_proposes_only_after_the_learner_has_tried():
    (path,) = [path for path in stored.CHAPTERS if path.name.startswith("08")]
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
    proposing = [at for at, source in enumerate(cells) if "verifier.propose(" in source]
    tried = [at for at, source in enumerate(cells) if source.startswith("check.mended(")]
    assert len(tried) == 3 and proposing and min(proposing) > max(tried)


def test_every_change_belongs_to_a_reason():
    assert len(changes.CHANGES) >= 18
