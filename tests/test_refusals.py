"""The reader of chapter 08 on the programs of tests/refused/, each with its true reason beside it.

The judge is whoever wrote the program; the reader is never asked what is right. What it gives must
be that, or nothing.
"""

from __future__ import annotations

import json

import pytest

from chapters.ch08 import verifier
from chapters.ch08.verifier import wants
from helpers import asm, capabilities, kernel, objfile, toolchain
from tools import marked
from tools.kernels import refusals

OPTIONS = refusals.OPTIONS
# The reasons that lie in the arguments of a helper function.
ARGUMENTS = {"argument_kind", "argument_null", "leak_argument", "map_type", "size", "constant_size"}
ARGUMENTS |= {"buffer_bounds", "buffer_unset", "key_bounds", "key_unset", "value_short"}
ARGUMENTS |= {"value_unset", "release", "release_null"}
MOST_SILENT = 0.25  # of a kernel's refusals may be without a reason


@pytest.fixture(scope="module")
def found() -> dict[str, list]:
    refusals.compile()
    try:
        return refusals.judged()
    except capabilities.CapabilityError:
        needed = {name for names in refusals.HOLDING.values() for name in names}
        assert not needed <= set(capabilities.held())
        pytest.skip("this process may not load programs at tc, at XDP and at tracepoints")


@pytest.mark.kernel
def test_the_reader_is_never_wrong(found):
    assert found["wrong"] == []


@pytest.mark.kernel
def test_the_reader_has_a_reason_for_three_of_four(found):
    refused = len(found["right"]) + len(found["none"])
    assert len(found["none"]) <= MOST_SILENT * refused, found["none"]


@pytest.mark.kernel
def test_this_kernel_refuses_what_was_written_to_be_refused(found):
    assert len(found["accepted"]) <= 12, found["accepted"]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("family", "name", "said"),
    [
        ("arguments", "tail_into_an_array", "a map of BPF_MAP_TYPE_PROG_ARRAY, and counters is of"),
        ("callbacks", "each_of_a_ring", "524, a number of the kernel's own"),
        ("packet", "key_within_but_compared_beyond", "It was compared with data_end at a place"),
        ("arithmetic", "length_of_the_packet", "but if (data + 99 <= data_end), which"),
        ("arithmetic", "end_less_eight", "not data <= data_end - 99, but data + 99 <= data_end"),
        (
            "habits",
            "header_of_a_socket",
            "read that field of its context, data (4 bytes at byte 76)",
        ),
        ("context", "writes_the_mark", "write that field of its context, mark (4 bytes at byte 8)"),
        ("cgroups", "sets_the_family", "write that field of its context, user_family (4 bytes"),
        ("references", "used_after_submit", "bpf_ringbuf_submit (line 69) has given back what"),
        ("skb", "old_address_after_a_pull", "since the call of bpf_skb_pull_data (line 61) the"),
        ("registers", "lost_in_the_call", "has emptied it, as every call does with r1 to r5"),
        ("first_sight", "address_kept_and_pulled", "it was read from the stack, and the kernel"),
        ("first_sight", "context_or_stack", "On one way r1 leads here to the stack, on this one"),
        ("references", "record_of_a_cgroup", "Hand it to bpf_ringbuf_submit or"),
        ("references", "never_unlocked", "taken by bpf_spin_lock (line"),
    ],
)
def test_a_refusal_says_what_it_knows(found, family, name, said):
    if kernel.version() < (6, 1):
        pytest.skip("Linux 5.10 refuses these for other reasons")
    built = objfile.read(refusals.OBJECTS / f"{family}.o")
    holding = next(each for each in refusals.programs(family) if each.name == name).holding
    with verifier.show(built, holding, name) as verdict:
        assert said in " ".join(words for _, words in verdict.lines())


def test_the_programs_are_many_and_of_all_types():
    programs = list(refusals.programs())
    assert len(programs) >= 200
    assert len({program.name for program in programs}) == len(programs)
    for type in refusals.HOLDING:
        assert sum(program.section.startswith(type) for program in programs) >= 10


def test_the_page_shows_the_stored_table_in_which_nothing_is_wrong():
    kernels = json.loads(refusals.FILE.read_text())
    assert marked.part(refusals.PAGE, "refusals") == refusals.markdown(kernels)
    for each in kernels:
        assert each["wrong"] == []
        assert set(each["other"]) <= refusals.BOTH_TRUE
        assert each["right"] >= 3 * len(each["none"])


def test_a_run_takes_the_place_of_the_older_one_of_its_suite(tmp_path):
    file, page = tmp_path / "found.json", tmp_path / "page.md"
    page.write_text("<!-- refusals: begin -->\nold\n<!-- refusals: end -->\n")
    found = {"release": "7.3.4", "version": [7, 3], "right": ["a"] * 3, "none": ["b"], "wrong": []}
    found |= {"accepted": ["c", "d"], "report": ["a"], "same": ["a"], "other": []}
    refusals.keep("trixie-backports", found | {"right": []}, file, page)
    refusals.keep("trixie-backports", found, file, page)
    assert len(json.loads(file.read_text())) == 1
    assert "| 7.3 | 4 | 3 (75%) | 1 | 0 | 2 | 1 | 1 |" in page.read_text()


def test_a_reason_may_differ_by_kernel(monkeypatch):
    program = refusals.Program("f", "tc", "n", "guess; 5.10 comparison; off context")
    for version, key in (((5, 10), "comparison"), ((6, 1), "guess")):
        monkeypatch.setattr(refusals.kernel, "version", lambda version=version: version)
        assert program.key == key


def test_each_program_has_its_reason_above_it():
    for path in refusals.SOURCES.glob("*.c"):
        text = path.read_text()
        assert text.count("\n//= ") == len(list(refusals.programs(path.stem)))


@pytest.fixture(scope="module")
def proofs(found: dict[str, list], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[int]]:
    """The helper functions, by number, for whose arguments there is a program that is accepted, and
    one that is refused."""
    path = refusals.SOURCES / "accepted" / "wants.c"
    target = toolchain.compile_bpf(path, tmp_path_factory.mktemp("wants") / "wants.o", OPTIONS)
    proven: dict[str, set[int]] = {"accepted": set(), "refused": set()}
    accepted = objfile.read(target)
    for name, program in accepted.programs.items():
        if program.section == asm.FUNCTIONS:
            continue
        with verifier.show(accepted, refusals.holding(program.section), name) as verdict:
            assert verdict.accepted, verdict
            proven["accepted"] |= {i.helper for i in verdict.instructions}
    right = {tuple(name.split(".")) for name in found["right"]}
    for program in refusals.programs():
        if (program.family, program.name) in right and program.reasons.split(";")[0] in ARGUMENTS:
            refused = objfile.read(refusals.OBJECTS / f"{program.family}.o")
            with verifier.show(refused, program.holding, program.name) as verdict:
                proven["refused"].add(verdict.refusal.instruction.helper)
    return proven


@pytest.mark.kernel
@pytest.mark.parametrize("helper", wants.WANTS)
def test_each_row_of_what_helpers_want_is_proven(proofs, helper):
    assert helper in proofs["accepted"]
    assert helper in proofs["refused"]
