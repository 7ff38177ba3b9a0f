"""What a child may do that holds exactly the capabilities it was given."""

from __future__ import annotations

import socket
import subprocess

import pytest
import stored

from chapters.ch10 import confined
from chapters.ch10.confined_child import MACHINE, ROAD
from helpers import capabilities, toolchain

pytestmark = pytest.mark.kernel
# Each step of the road that some capabilities are needed for, and those that are enough.
NEEDS = {
    "make a map": {"CAP_BPF"},
    "load a socket filter": {"CAP_BPF"},
    "count in the private network": {"CAP_BPF"},
    "attach a program it was handed": set(),
    "read a map it was handed": set(),
    "open a packet socket here": {"CAP_NET_RAW"},
    "load an XDP program": {"CAP_BPF", "CAP_NET_ADMIN"},
    "load a tracing program": {"CAP_BPF", "CAP_PERFMON"},
    "list the kernel's programs": {"CAP_SYS_ADMIN"},
}


@pytest.mark.parametrize(
    "names",
    [
        set(),
        {"CAP_BPF"},
        {"CAP_NET_RAW"},
        {"CAP_BPF", "CAP_NET_RAW"},
        {"CAP_BPF", "CAP_NET_ADMIN"},
        {"CAP_BPF", "CAP_PERFMON"},
    ],
    ids=lambda names: ",".join(sorted(names)) or "none",
)
def test_each_step_works_with_what_it_needs_and_with_no_less(net, names):
    if missing := capabilities.mask(*names) & ~capabilities.permitted():
        pytest.skip(f"this process does not hold {capabilities.in_words(missing)}")
    answers = confined.attempt(capabilities.mask(*names), net)
    assert set(answers) == set(ROAD) | set(MACHINE)
    assert answers["count in the private network"] in ("1,420 bytes", "LoadError")
    works = {step for step in ROAD if answers[step] in ("works", "1,420 bytes")}
    assert works == {step for step, needed in NEEDS.items() if needed <= names}


def test_what_this_process_does_not_hold_is_not_guessed(net, monkeypatch):
    monkeypatch.setattr(capabilities, "permitted", lambda: 0)
    table = confined.road_table({"BPF": capabilities.mask("CAP_BPF")}, net)
    assert {row[1] for row in table.rows} == {"not held here"}
    with pytest.raises(confined.ConfinedError, match="does not hold CAP_BPF"):
        confined.attempt(capabilities.mask("CAP_BPF"), net)


def test_an_unknown_name_is_named_with_those_that_there_are():
    with pytest.raises(capabilities.CapabilityError, match="no CAP_FLY .* CAP_BPF"):
        capabilities.mask("CAP_FLY")


def test_a_mask_in_words():
    assert (
        capabilities.in_words(capabilities.mask("CAP_BPF", "CAP_NET_RAW")) == "CAP_NET_RAW, CAP_BPF"
    )
    assert capabilities.in_words(1 << 63) == "capability 63"
    assert capabilities.in_words(0) == "none"


@pytest.mark.skipif(
    not capabilities.permitted() & capabilities.mask("CAP_SETUID"),
    reason="only root starts something as another user",
)
def test_another_user_counts_with_one_capability_and_not_without(net, capsys):
    """The cells of chapter 10, as they are: user 65534, whom no file of the course is open to."""
    (chapter,) = (path for path in stored.CHAPTERS if path.name.startswith("10"))
    cells = [c.source for c in stored.code_cells(chapter) if c.id.startswith("another-user-")]
    known = {"net": net, "socket": socket, "subprocess": subprocess, "toolchain": toolchain}
    known |= {"permitted": capabilities.permitted, "mask": capabilities.mask}
    for cell in cells:
        exec(cell, known)
    assert capsys.readouterr().out.splitlines() == [
        "setpriv --ambient-caps=-all,+bpf",
        "user 65534 holds 0000008000000000",
        "UDP 1420 bytes",
        "",
        "setpriv --ambient-caps=-all",
        "user 65534 holds 0000000000000000",
        "loading is refused",
    ]
