"""What the stepper shows of a classic filter."""

from __future__ import annotations

import pytest

from chapters.ch09.classic import walk
from helpers import cbpf
from helpers.cbpf import Instruction
from helpers.cbpf.check import ReturnError
from helpers.stepper import Stepper
from helpers.stepper.view import Cell, Group

PORT_53 = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x11" + bytes(12) + b"\x00\x35" * 2 + bytes(18)


def test_a_walk_through_an_expression():
    program = cbpf.compile_expression("ip and udp dst port 53")
    shown = walk(program, PORT_53)
    first, *views = shown
    assert first.executed is None
    assert first.following == 0
    assert [view.executed for view in views] == [first.following] + [
        view.following for view in views[:-1]
    ]
    assert [view.reading for view in views if view.reading] == [
        (12, 14),
        (23, 24),
        (20, 22),
        (14, 15),
        (36, 38),
    ]
    assert views[0].note == "from the packet: 08 00"
    assert views[0].registers == (Cell("A", "0x800 = 2048", changed=True), Cell("X", "0"))
    assert views[1].note == f"yes: goes on at {views[1].following}"
    header = next(view for view in views if view.reading == (14, 15))
    assert header.registers[1] == Cell("X", "0x14 = 20", changed=True)
    assert views[-1].ending == "The filter returns 262144."
    assert views[-1].following is None
    assert [line.number for line in shown.lines] == list(range(len(program)))
    assert shown.lines[0].text == "ldh      [12]"


@pytest.mark.parametrize(
    ("program", "ending"),
    [
        ([Instruction(0x30, k=60), Instruction(0x16)], "there is no byte 60 in this packet."),
        ([Instruction(0x20, k=57), Instruction(0x16)], "there is no byte 58 in this packet."),
        (
            [Instruction(0x40, k=0xFFFFFFF0), Instruction(0x16)],
            "no byte 4294967280 in this packet.",
        ),
        ([Instruction(0x3C), Instruction(0x16)], "The filter returns 0: a division by 0."),
    ],
)
def test_how_a_filter_ends_early(program, ending):
    assert len(PORT_53) == 58
    *_, last = walk(program, PORT_53)
    assert last.ending.endswith(ending)
    assert last.ending.startswith("The filter returns 0: ")
    assert last.reading is None
    assert not any(cell.changed for cell in last.registers)


def test_scratch_words_and_jumps():
    program = [
        Instruction(0x80),  # ld #pktlen
        Instruction(0x02, k=3),  # st M[3]
        Instruction(0x05, k=0),  # ja
        Instruction(0x07),  # tax
        Instruction(0x25, jt=1, k=100),  # jgt #100
        Instruction(0x87),  # txa
        Instruction(0x16),  # ret
    ]
    views = list(walk(program, PORT_53))
    assert views[0].memory == (Group("scratch memory", (Cell("M[3]", "0"),)),)
    assert views[2].memory == (Group("scratch memory", (Cell("M[3]", "0x3a = 58", changed=True),)),)
    assert [view.note for view in views[3:6]] == ["goes on at 3", "", "no: goes on at 5"]
    assert [tuple(cell.changed for cell in view.registers) for view in views[4:7]] == [
        (False, True),
        (False, False),
        (True, False),
    ]
    assert views[-1].ending == "The filter returns 58."


def test_a_filter_that_is_none_has_no_walk():
    with pytest.raises(ReturnError):
        walk([Instruction(0x80)], PORT_53)


def test_the_stepper_takes_such_a_walk():
    program = cbpf.compile_expression("icmp")
    packets = {"to port 53": PORT_53, "cut off": PORT_53[:13]}
    stepper = Stepper(packets, lambda packet: walk(program, packet))
    stepper.step()
    assert stepper.sentence == (
        "1 instruction done. ldh      [12]: A = 0x800 = 2048, from the packet: 08 00"
    )
    stepper.run_to()
    assert stepper.sentence == f"{stepper.steps} instructions done. The filter returns 0."
    stepper.choose("cut off")
    stepper.run_to()
    assert stepper.sentence.endswith("The filter returns 0: there is no byte 13 in this packet.")
