"""What is compared with each prediction: every letter, and no answer in view of who predicts."""

import errno
import importlib
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from helpers.capabilities import mask

COURSE = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((COURSE / "notebooks").glob("[01]*.ipynb"))
ASKED = re.compile(r"prediction = None  # (.*)")
TOOK = {"bcc:    compile": 1.0, "bcc:    load, verify": 2.0, "either: attach": 0.5}
BPF, BPF_RAW, SYS_ADMIN = mask("CAP_BPF"), mask("CAP_BPF", "CAP_NET_RAW"), mask("CAP_SYS_ADMIN")
PLACES = ("XDP left", "tap left", "XDP right", "tap right")


def orders(exact: int, every: int) -> list:
    return [SimpleNamespace(lost=number >= exact) for number in range(every)]


def seen(*where: str) -> dict:
    return {place: {"UDP": 1} | ({"truncated": 1} if place in where else {}) for place in PLACES}


# By chapter and prediction: what may be measured, and its letter; None: none of those offered.
MEASURED = {
    ("01", "without_capabilities"): [
        (("works",), "a"),
        (("Invalid argument",), "b"),
        (("Operation not permitted",), "c"),
        (("Device or resource busy",), None),
    ],
    ("02", "share"): [((0.9,), "a"), ((0.5,), "b"), ((0.02,), "c")],
    ("02", "careless"): [(("clang",), "a"), ((None,), "b"), (("the kernel",), "c")],
    ("03", "closed_port"): [
        (({"TCP": 0, "UDP": 142, "ICMP": 0},), "a"),
        (({"TCP": 0, "UDP": 0, "ICMP": 0},), "b"),
        (({"TCP": 0, "UDP": 142, "ICMP": 170},), "c"),
        (({"TCP": 1, "UDP": 142, "ICMP": 170},), None),
    ],
    ("03", "over_ipv6"): [
        (({1: 236},), "a"),
        (({58: 236},), "b"),
        (({0: 236},), "c"),
        (({},), None),
        ((None,), None),
    ],
    ("03", "returning_0"): [
        (("nothing", "nothing"), "a"),
        ((98, "nothing"), "b"),
        ((98, 98), "c"),
        (("nothing", 98), None),
    ],
    ("03", "full_queue"): [((100, 100), "a"), ((50, 100), "b"), ((0, 100), "c")],
    ("04", "two_names"): [((7100,), "a"), ((0,), "c"), ((142,), None)],
    ("04", "moved"): [((1_066_000,), "a"), ((2048,), "b"), ((8,), "c")],
    ("04", "held_up"): [((4260,), "a"), ((0,), "c"), ((142,), None)],
    ("04", "steps"): [
        ((np.array([0, 142e3, 0, 14.2e3, 0]),), "c"),
        ((np.array([0, 142e3, 0, 142e3]),), None),
        ((np.zeros(3),), None),
        ((np.array([]),), None),
    ],
    ("05", "longest"): [
        ((TOOK | {"bcc:    compile": 4855.0},), "a"),
        ((TOOK,), "b"),
        ((TOOK | {"either: attach": 9.0},), "c"),
    ],
    ("05", "by_bcc"): [((196,), "a"), ((0,), "b"), ((98,), "c"), ((392,), None)],
    ("05", "full_table"): [
        (({1: 9, 2: 9}, 3, 5), "a"),
        (({1: 9, 2: 9, 3: 9}, 3, 3), "b"),
        (({1: 9, 3: 9}, 3, 5), "c"),
    ],
    ("05", "slots"): [
        (({10: 4, 6: 6},), "a"),
        (({7: 6, 11: 4},), "b"),
        (({98: 6, 1042: 4},), "c"),
        (({7: 6},), None),
    ],
    ("06", "next_number"): [(([3, 3],), "a"), (([3, 0],), "b"), (([3, 4],), "c"), (([],), None)],
    ("06", "beyond"): [
        ((3, 0), "a"),
        ((3, 77), "b"),
        ((3, -errno.ENOENT), "c"),
        ((-errno.EPERM, -errno.EBADF), None),
    ],
    ("06", "same_order"): [((3, 98), "a"), ((3, 0), "b"), ((3, -1), "c"), ((-1, 0), None)],
    ("06", "received"): [((142,), "a"), ((23,), "b"), ((17,), "c"), ((1,), None)],
    ("06", "written_beyond"): [
        ((-errno.ENOENT,), "a"),
        ((0,), "b"),
        ((-errno.E2BIG,), "c"),
        ((-errno.EBADF,), None),
    ],
    ("07", "wrapped"): [((1,), "a"), ((2**64 + 1,), "b"), ((2**64 - 1,), None)],
    ("07", "first_difference"): [((0x30,), "a"), ((0x55,), "b"), ((0x85,), "c"), ((0x95,), None)],
    ("08", "steps"): [((5,), "a"), ((7,), "b"), ((4_000_000_000,), "c")],
    ("08", "unasked"): [
        (("long *bytes = bpf_map_lookup_elem(&counts, &key);",), "b"),
        (("__sync_fetch_and_add(bytes, skb->len);",), "c"),
    ],
    ("08", "unbounded"): [
        (("",), "a"),
        (("struct iphdr *ip = (void *)(long)skb->data;",), "b"),
        (("__u32 key = ip->protocol;",), "c"),
    ],
    ("09", "pings"): [((1,), "a"), ((2,), "b"), ((4,), "c"), ((3,), None)],
    ("09", "too_short"): [(([30],), "a"), (([],), "c"), (([4],), None)],
    ("09", "judged_otherwise"): [((0,), "a"), ((1,), "b"), ((2,), "c"), ((3,), None)],
    ("09", "two_filters"): [
        (([98] * 4,), "a"),
        (([142, 142],), "b"),
        (([],), "c"),
        (([98],), None),
    ],
    ("09", "cut"): [((b"Hello, filte",), "a"), ((b"Hell",), "b"), ((b"",), "c"), ((b"H",), None)],
    ("10", "two_networks"): [(([1420, 2840],), "b"), (([1420, 1420],), "c"), (([0, 0],), None)],
    ("10", "stopped_at"): [
        ((1, "course: clang is not installed"), "a"),
        ((1, "course: bpf(2) is refused"), "b"),
        ((0, ""), "d"),
        ((1, "course: no network"), None),
    ],
    ("10", "least"): [
        (([0, BPF, BPF_RAW, SYS_ADMIN],), "a"),
        (([BPF_RAW, BPF],), "b"),
        (([BPF_RAW],), "c"),
        (([SYS_ADMIN],), "d"),
        (([],), None),
    ],
    ("11", "second_flood"): [((0.1,), "a"), ((0.01,), "b"), ((-0.1,), "c")],
    ("11", "sniffed"): [((10_000, 10_000), "a"), ((6000, 10_000), "b"), ((900, 10_000), "c")],
    ("11", "plain_counter"): [((1000, 2000), "b"), ((7, 2000), "c")],
    ("11", "orders"): [
        ((orders(462, 924),), "a"),
        ((orders(92, 924),), "b"),
        ((orders(20, 924),), "c"),
    ],
    ("11", "held_up"): [((2000, 3000), "a"), ((2900, 3000), "b"), ((3000, 3000), "c")],
    ("12", "four_addresses"): [
        ((["IPv4"],), "a"),
        ((["ICMP", "ICMPv6"],), "b"),
        ((list("abcd"),), "c"),
        ((list("abc"),), None),
    ],
    ("12", "tagged"): [
        ((["not IP"], ["not IP"]), "a"),
        ((["UDP"], ["UDP"]), "b"),
        ((["not IP"], ["UDP"]), "c"),
        (([], ["UDP"]), None),
    ],
    ("12", "hop_by_hop"): [(("UDP",), "a"), (("HOPOPT",), "b"), (("not IP",), "c")],
    ("12", "port_6"): [(({"UDP": 1},), "a"), (({"TCP": 1},), "b"), (({},), "c")],
    ("12", "broken_frame"): [
        ((seen(*PLACES[1:]),), "a"),
        ((seen("XDP left", "tap left"),), "b"),
        ((seen("tap left", "XDP right"),), "c"),
        ((seen("tap right"),), None),
    ],
    ("12", "longest"): [((1514,), "a"), ((9014,), "b"), ((65_226,), "c"), ((20_000,), None)],
    ("13", "three_pings"): [((3,), "a"), ((6,), "b"), ((12,), "c"), ((5,), None)],
    ("13", "addresses"): [((44,), "a"), ((20,), "b"), ((5,), "c"), ((13,), None)],
    ("13", "tapped"): [((1,), "a"), ((2,), "b"), ((3,), "c"), ((4,), None)],
}


def code(path: Path) -> list[str]:
    return [each.source for each in nbformat.read(path, 4).cells if each.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_prediction_is_compared_once_and_its_answer_stands_nowhere_in_the_notebook(path):
    cells, chapter = code(path), path.stem[:2]
    asked = [found[1] for each in cells if (found := ASKED.fullmatch(each.strip()))]
    told = [
        name for each in cells for name in re.findall(r"predictions\.(\w+)\(\s*prediction,", each)
    ]
    assert len(asked) == len(told) == len(set(told))
    assert {(chapter, name) for name in told} == {key for key in MEASURED if key[0] == chapter}
    assert not any("compare(prediction" in each for each in cells)
    for letters, name in zip(asked, told, strict=True):
        offered = set(re.findall(r'"(\w)"', letters))
        assert {letter for _, letter in MEASURED[chapter, name]} - {None} <= offered, name


@pytest.mark.parametrize(("chapter", "name"), MEASURED)
def test_what_was_measured_has_its_letter(chapter, name, capsys):
    judge = getattr(importlib.import_module(f"chapters.ch{chapter}.predictions"), name)
    for measured, letter in MEASURED[chapter, name]:
        judge(None, *measured)
        said = capsys.readouterr().out
        wanted = f"What happened is ({letter}): " if letter else "Something else happened"
        assert said.startswith(wanted), (measured, said)


def test_a_race_that_lost_nothing_says_what_to_do(capsys):
    importlib.import_module("chapters.ch11.predictions").plain_counter("c", 0, 2_000_000)
    assert "Run the cell above again." in capsys.readouterr().out


def test_no_prediction_is_left_out():
    found = set()
    for path in sorted((COURSE / "chapters").glob("ch*/predictions.py")):
        module = importlib.import_module(f"chapters.{path.parent.name}.predictions")
        found |= {
            (path.parent.name[2:], name)
            for name, each in inspect.getmembers(module, inspect.isfunction)
            if each.__module__ == module.__name__
        }
    assert found == set(MEASURED)
