"""What the checks say where no answer of tests/wrong leads: the chapter's own cells went astray."""

from __future__ import annotations

import pytest

from chapters.ch03 import check as ch03
from chapters.ch06 import check as ch06
from chapters.ch10 import check as ch10


def test_a_counter_that_does_not_grow_is_a_hint(net):
    verdict = ch03.counted_as_tcp("fd06::1", net, lambda action: {})
    assert repr(verdict) == ("Not yet. The counter did not grow at all: run sections 2 to 4 again.")


@pytest.mark.parametrize("answer", [["CAP_BPF"], "CAP_BPF", {"CAP_BPF"}, None])
def test_three_processes_want_three_names(net, answer):
    assert repr(ch10.least(answer, net)).startswith("Not yet. Give a set for each of the three")


@pytest.mark.parametrize("answer", [[], {}, {"open"}])
def test_a_gate_that_is_no_name_is_told(monkeypatch, answer):
    monkeypatch.setattr(ch10, "observed", lambda: {"open": (0, 22), "seccomp": (1, 1)})
    assert repr(ch10.gate(lambda *_: answer)) == f"Not yet. For done and EINVAL it says {answer!r}."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, b""),
        (" ", b""),
        ("01 ff\n0203", b"\x01\xff\x02\x03"),
        ("01 0x2", "'0x2' is no hex: write 0 to 9 and a to f, without 0x and commas."),
        ("01 f", "'f' has a digit too few or too many: a byte has two."),
    ],
)
def test_hex_as_it_is_written(text, found):
    assert ch06.from_hex(text) == found
