"""The playground without the kernel: history, styles, names, the joint of two programs."""

from __future__ import annotations

import numpy as np
import pytest

from chapters.playground import breakdown, program
from chapters.playground.breakdown import NO_ROOM, REST
from chapters.playground.history import LINES_SHOWN, READINGS_KEPT, History
from chapters.playground.program import TRAFFIC, Reading
from chapters.playground.screen import LineStyles
from helpers.cbpf import rules
from helpers.flows import FLOW
from helpers.pictures import style


def reading(flows: dict[int, int], missed: int = 0, protocol: int = 17) -> Reading:
    """Made-up flows to port 9: by their source port, how many frames of 100 bytes."""
    keys, traffic = np.zeros(len(flows), FLOW), np.zeros(len(flows), TRAFFIC)
    keys["from_port"], keys["to_port"], keys["protocol"], keys["version"] = [*flows], 9, protocol, 4
    traffic["packets"] = [*flows.values()]
    traffic["bytes"] = traffic["packets"] * 100
    sizes = np.zeros(12, TRAFFIC)
    packets = sum(flows.values()) + missed
    sizes[1] = (packets, packets * 100)
    return Reading(keys, traffic, sizes, np.array((missed, missed * 100), TRAFFIC)[()], packets)


def test_rates_are_exact_and_flows_may_come_in_any_order():
    history = History()
    history.add(1.0, reading({5000: 1, 6000: 2}))
    history.add(3.0, reading({7000: 10, 6000: 4, 5000: 1}))
    curves = history.curves("flow")
    assert curves.times.tolist() == [1.0, 3.0]
    senders = (name.split(" > ")[0] for name in curves.names)
    named = dict(zip(senders, curves.rates[1], strict=True))
    assert named == {"UDP 0.0.0.0:7000": 500, "UDP 0.0.0.0:6000": 100, "UDP 0.0.0.0:5000": 0}
    assert np.isnan(curves.rates[0]).all()
    assert curves.totals.tolist() == [[0, 200, 100], [1000, 400, 100]]


def test_a_reading_right_after_another_takes_its_place():
    history = History()
    for now, frames in ((1.0, 1), (2.0, 2), (2.001, 3)):
        history.add(now, reading({5000: frames}), nearest=0.5)
    assert history.curves("protocol").rates[1:].tolist() == [[pytest.approx(200 / 1.001)]]


def test_everything_else_is_the_rest_to_the_byte():
    history = History()
    flows = {port: 1 + port % 7 for port in range(1000, 1100)}
    history.add(0.0, reading(dict.fromkeys(flows, 0)))
    history.add(1.0, reading(flows, missed=3))
    curves = history.curves("flow")
    assert len(curves.names) == LINES_SHOWN + 1
    assert curves.names[-1] == REST
    total = 100 * (sum(flows.values()) + 3)
    assert curves.totals[-1].sum() == total
    assert sum(size for _, _, size in history.rows("flow")) == total
    assert history.rows("flow")[-1] == (NO_ROOM, 3, 300)
    assert history.rows("size") == [("64 to 127 bytes", total // 100, total)]


def test_the_record_is_bounded():
    history = History()
    for now in range(2 * READINGS_KEPT):
        history.add(float(now), reading({5000: now}))
    curves = history.curves("port")
    assert len(curves.times) == READINGS_KEPT
    assert curves.totals[-1].tolist() == [100 * (2 * READINGS_KEPT - 1)]


def test_a_line_keeps_its_style_and_place_while_others_come_and_go():
    styles = LineStyles("flow")
    assert styles.arrange(("a", "b", "c", "d", "e", REST)) == ("a", "b", "c", "d", "e", REST)
    before = {name: styles(name) for name in "abde"}
    assert styles.arrange(("f", "e", "d", "b", "a")) == ("a", "b", "d", "e", "f")
    assert {name: styles(name) for name in "abde"} == before
    assert len({styles(name) for name in "abdef"}) == 5


def test_a_protocol_looks_as_everywhere_in_the_course():
    styles = LineStyles("protocol")
    styles.arrange(("UDP", "ARP", "truncated"))
    assert [styles(name) for name in ("UDP", "ARP")] == [style("UDP"), style("ARP")]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "under 64 bytes"),
        (1, "64 to 127 bytes"),
        (10, "32,768 to 65,535 bytes"),
        (11, "65,536 bytes and more"),
    ],
)
def test_a_class_of_sizes_in_words(number, name):
    assert breakdown.size_class(number) == name


def test_every_exit_of_the_filter_leads_to_the_joint():
    give_up = rules.ebpf(rules.EXIT)
    nothing = rules.ebpf(rules.SET32, 0)
    code = program.joined(nothing + give_up + nothing + give_up, b"counting")
    slots = [code[at : at + 8] for at in range(0, len(code), 8)]
    assert [slot[0] for slot in slots[:4]] == [rules.SET32, rules.GOTO, rules.SET32, rules.GOTO]
    assert [1 + at + int.from_bytes(slots[at][2:4], "little") for at in (1, 3)] == [4, 4]
    assert slots[-1] == b"counting"
    assert program.joined(b"", b"counting") == b"counting"
