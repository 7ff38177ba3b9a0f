"""The stepper: what it shows at each moment, and how its controls move it."""

from __future__ import annotations

import re

import pytest
from generated import insn, wide

from chapters.ch07 import ebpf
from helpers import machine, objfile
from helpers.errors import CourseError
from helpers.machine import Machine
from helpers.machine.maps import HASH, MachineMap
from helpers.machine.packet import HOST, Packet
from helpers.stepper import Stepper, StepperError, text
from helpers.stepper.view import View, Walk

PING = bytes(12) + b"\x08\x00" + bytes(9) + b"\x01" + bytes(74)
EXIT = insn(0x95)


@pytest.fixture
def sockex1(sockex1_object) -> machine.Machine:
    return machine.load(objfile.read(sockex1_object), "count_bytes")


@pytest.fixture
def stepper(sockex1) -> Stepper:
    packets = {"ping": PING, "reply": Packet(PING, pkt_type=HOST), "short": bytes(20)}
    return Stepper(packets, lambda packet: ebpf.walk(sockex1, packet))


def register(view: View, number: int):
    return view.registers[number]


def test_a_walk_shows_what_each_instruction_did(sockex1):
    walk = ebpf.walk(sockex1, PING)
    begin, *views = list(walk)
    assert begin.executed is None
    assert begin.following == 0
    assert register(begin, 1).meaning == "the context"
    assert register(begin, 10).meaning == "the end of the stack"
    assert register(begin, 0).value == ""
    (read,) = [view for view in views if view.reading]
    assert read.reading == (23, 24)
    assert (register(read, 0).value, register(read, 0).changed) == ("1", True)
    (counted,) = [view for view in views if any(c.changed for c in view.memory[1].cells)]
    assert counted.memory[1].name == "map bytes_by_protocol"
    (cell,) = counted.memory[1].cells
    assert (cell.name, cell.value) == ("[1]", "98")
    assert views[-1].following is None
    assert views[-1].ending == "The program returns 0."
    for before, after in zip([begin, *views], views, strict=False):
        assert before.following == after.executed


def test_every_line_has_its_line_of_c(sockex1):
    lines = ebpf.walk(sockex1, PING).lines
    assert all(line.source for line in lines)
    assert any("27: __u32 protocol = load_byte" in line.source for line in lines)


def test_as_text(sockex1):
    written = text.written(ebpf.walk(sockex1, PING))
    assert re.search(
        r"^ +\d+: r0 = \*\(u8 \*\)skb\[23\] +r0 = 1, from the packet: 01; r1: no value$",
        written,
        re.M,
    )
    assert re.search(r": call bpf_map_lookup_elem +r0 = .*; r1, r2: no value$", written, re.M)
    assert "; 30: if (skb->pkt_type != PACKET_OUTGOING)" in written
    assert "map bytes_by_protocol: [1] = 98" in written
    assert written.endswith("The program returns 0.")
    again = text.written(ebpf.walk(sockex1, PING))
    assert "[1] = 196" in again
    assert "[1] = 98" not in again


def test_text_stops_at_its_limit():
    loop = insn(0xB7, 0, imm=100) + insn(0x17, 0, imm=1) + insn(0x55, 0, 0, -2) + EXIT
    written = text.written(ebpf.walk(Machine(loop), PING), limit=10)
    assert written.count("\n") == 10
    assert written.endswith("... and 192 instructions more")


def test_a_fault_ends_the_walk_with_its_sentence():
    views = list(ebpf.walk(Machine(insn(0xB7, 2) + insn(0x61, 0, 2) + EXIT), PING))
    assert views[-1].ending.startswith("Instruction 1, r0 = *(u32 *)(r2 + 0): it reads")
    assert views[-1].following is None


def test_a_zero_that_is_stored_shows_and_stays():
    code = insn(0x7A, 10, 0, -16, 0) + insn(0xB7, 0) + insn(0x7A, 10, 0, -16, 0) + EXIT
    begin, *views = list(ebpf.walk(Machine(code), PING))
    assert begin.memory[0].cells == ()
    changed = [[(c.name, c.changed) for c in view.memory[0].cells] for view in views]
    assert changed == [
        [("r10 - 16", True)],
        [("r10 - 16", False)],
        [("r10 - 16", True)],
        [("r10 - 16", False)],
    ]


def test_each_function_shows_its_own_stack():
    code = insn(0xB7, 0) + insn(0x7A, 10, 0, -8, 7) + insn(0x85, 0, 1, 0, 1) + EXIT
    code += insn(0x7A, 10, 0, -8, 9) + insn(0xB7, 0) + EXIT
    groups = [view.memory[0] for view in ebpf.walk(Machine(code), PING)]
    names = [group.name for group in groups]
    assert names == ["stack"] * 3 + ["stack of call 1"] * 3 + ["stack"] * 2
    assert groups[4].cells[0].value.startswith("09")
    assert groups[6].cells[0].value.startswith("07")


def test_elements_of_a_hash_come_and_go():
    seen = MachineMap("seen", HASH, 4, 8, 10)
    key = insn(0x62, 10, 0, -4, 5) + insn(0xBF, 2, 10) + insn(0x07, 2, imm=-4)
    code = key + insn(0xBF, 3, 10) + insn(0x07, 3, imm=-16) + insn(0x7A, 10, 0, -16, 77)
    code += insn(0xB7, 4) + wide(1, 9, 1) + insn(0x85, imm=2) + key + wide(1, 9, 1)
    code += insn(0x85, imm=3) + EXIT
    shown = [view.memory[1].cells for view in ebpf.walk(Machine(code, {9: seen}), PING)]
    assert [(c.name, c.value) for c in next(filter(None, shown))] == [("[5]", "77")]
    assert shown[-1] == ()


def test_the_controls(stepper):
    assert stepper.sentence == "Before the first instruction: press Step."
    stepper.step()
    assert stepper.steps == 1
    assert "r6 = the context" in stepper.sentence
    stepper.back()
    stepper.back()
    assert stepper.steps == 0
    call = next(line.number for line in stepper.walk.lines if line.text.startswith("call"))
    stepper.run_to(call)
    assert stepper.view.following == call
    stepper.run_to()
    assert stepper.view.ending == "The program returns 0."
    last = stepper.steps
    stepper.step()
    assert stepper.steps == last
    assert "The program returns 0." in repr(stepper)
    stepper.choose("short")
    assert stepper.steps == 0
    stepper.run_to()
    assert "is not in this packet" in stepper.sentence


def test_it_says_what_there_is_not(stepper):
    with pytest.raises(StepperError, match="no packet 'x' here; there is: ping, reply, short"):
        stepper.choose("x")
    with pytest.raises(StepperError, match="no instruction at place 999"):
        stepper.run_to(999)
    with pytest.raises(CourseError, match="no packet to step over"):
        Stepper({}, lambda packet: None)


def test_the_page_marks_the_byte_and_the_line(stepper):
    while stepper.view.reading is None:
        stepper.step()
    html = stepper._page.value
    assert "packet, 98 bytes, reading byte 23" in html
    assert html.count("outline") == 1
    assert re.search(r"→ +\d+ ", html)
    assert "• r0" in html


def test_a_walk_is_taken_only_as_far_as_it_is_looked_at():
    endless = Machine(insn(0x05, 0, 0, -1) + EXIT)
    walk = ebpf.walk(endless, PING)
    assert walk.view(3).executed == 0
    assert len(walk._seen) == 4
    short = Walk(walk.lines, PING, walk.moments, limit=50)
    assert short.last() == 50
    assert short.view(51) is None
