"""The reader of chapter 08 on the programs of tests/refused/, each with its true reason beside it.

The judge is whoever wrote the program; the reader is never asked what is right. What it gives must
be that, or nothing.
"""

from __future__ import annotations

import pytest

from helpers import capabilities
from tools.kernels import refusals

FAMILIES = sorted({program.family for program in refusals.programs()})
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


def test_the_programs_are_many_and_of_all_types():
    programs = list(refusals.programs())
    assert len(programs) >= 200
    assert len({program.name for program in programs}) == len(programs)
    for type in refusals.HOLDING:
        assert sum(program.section.startswith(type) for program in programs) >= 10


def test_each_program_has_its_reason_above_it():
    for path in refusals.SOURCES.glob("*.c"):
        text = path.read_text()
        assert text.count("\n//= ") == len(list(refusals.programs(path.stem)))
