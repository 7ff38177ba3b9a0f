"""Two processors at one map, in every order; and in the kernel, whose orders are its own."""

from __future__ import annotations

import sys
from itertools import combinations
from math import comb

import pytest

from chapters.ch11 import race
from chapters.ch11.two_cpus import at_once
from chapters.playground.traffic import datagram
from helpers import capabilities, loader, syscall, toolchain

FRAME = datagram(1)
CURES = {
    "count_atomic": "three_adds_kern.c",
    "count_per_cpu": "three_adds_kern.c",
    "count_locked": "locked_add_kern.c",
}
MANY = 300_000


def lost_by_hand(packets: int) -> list[int]:
    """Packets lost for each order of reads and writes, by a few lines of Python instead."""
    lost = []
    for first in combinations(range(4 * packets), 2 * packets):
        counter, held, writes = 0, [0, 0], [False, False]
        for at in range(4 * packets):
            cpu = at not in first
            if writes[cpu]:
                counter = held[cpu] + 1
            else:
                held[cpu] = counter
            writes[cpu] = not writes[cpu]
        lost.append(2 * packets - counter)
    return lost


@pytest.mark.parametrize("packets", [1, 2, 3])
def test_a_plain_addition_loses_what_a_read_between_read_and_write_loses(packets):
    orders = race.orders("three_adds_kern.c", "count_plain", FRAME, packets)
    assert len({tuple(access.cpu for access in order.accesses) for order in orders}) == len(orders)
    assert sorted(each.lost for each in orders) == sorted(
        lost * len(FRAME) for lost in lost_by_hand(packets)
    )


def test_the_chapters_numbers():
    orders = race.orders("three_adds_kern.c", "count_plain", FRAME, 3)
    assert (len(orders), sum(order.lost == 0 for order in orders)) == (924, 20)
    assert max(order.lost for order in orders) == 4 * len(FRAME)


@pytest.mark.parametrize("packets", [1, 2, 3])
@pytest.mark.parametrize(
    ("program", "steps"), [("count_atomic", 1), ("count_per_cpu", 2), ("count_locked", 1)]
)
def test_three_cures_lose_nothing_in_any_order(program, steps, packets):
    """Steps: for each packet, how many there are that the other processor can come between."""
    orders = race.orders(CURES[program], program, FRAME, packets)
    assert len(orders) == comb(2 * steps * packets, steps * packets)
    assert {order.lost for order in orders} == {0}


def test_the_shortest_order_that_loses_reads_well():
    losing = [o for o in race.orders("three_adds_kern.c", "count_plain", FRAME) if o.lost]
    size = str(len(FRAME))
    assert losing[0].table().rows == [
        ("reads 0", "", "0"),
        ("", "reads 0", "0"),
        (f"writes {size}", "", size),
        ("", f"writes {size}", size),
    ]


def test_nobody_gets_in_between_lock_and_unlock():
    for order in race.orders("locked_add_kern.c", "count_locked", FRAME, 2):
        for at in range(0, len(order.accesses), 4):
            four = order.accesses[at : at + 4]
            assert len({access.cpu for access in four}) == 1
            assert [access.does.split()[0] for access in four] == [
                "takes",
                "reads",
                "writes",
                "gives",
            ]


@pytest.mark.kernel
@pytest.mark.skipif("CAP_NET_ADMIN" not in capabilities.held(), reason="XDP and tc are for root")
def test_the_kernel_takes_the_lock_and_loses_nothing(tmp_path):
    with loader.load(toolchain.compile_bpf("locked_add_kern.c", tmp_path / "locked.o")) as locked:
        program = locked.program("count_locked")
        at_once(lambda: syscall.test_run(program, FRAME, repeat=MANY))
        value = locked.map("locked").lookup((17).to_bytes(4, sys.byteorder))
    assert int.from_bytes(value[-race.COUNTER :], sys.byteorder) == 2 * MANY * len(FRAME)
