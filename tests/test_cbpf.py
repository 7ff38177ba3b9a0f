"""Classic BPF without the kernel: notation, format, expressions, and every named error."""

from __future__ import annotations

import ctypes
import subprocess

import pytest
from classic import EXPRESSIONS

from helpers import cbpf, libpcap
from helpers.cbpf import Instruction, check
from helpers.cbpf import instruction as c
from helpers.cbpf.check import ConstantError, JumpError, LengthError, ReturnError, ScratchError
from helpers.cbpf.expression import ExpressionError, ExpressionSyntaxError, LinkTypeError
from helpers.cbpf.instruction import InstructionError
from helpers.cbpf.machine import MissingDataError
from helpers.cbpf.rules import TranslationError
from helpers.libpcap import PcapError

ACCEPT, DROP = Instruction(c.RET | c.K, k=262144), Instruction(c.RET | c.K)
ICMP = bytes.fromhex(
    "28 00 00 00 0c 00 00 00  15 00 00 03 00 08 00 00  30 00 00 00 17 00 00 00"
    "15 00 00 01 01 00 00 00  06 00 00 00 00 00 04 00  06 00 00 00 00 00 00 00"
)


def tcpdump(*options: str) -> str:
    result = subprocess.run(["tcpdump", *options], capture_output=True, text=True, check=True)
    return result.stdout.rstrip("\n")


def listing(*options: str) -> str:
    """What tcpdump lists, without the spaces that libpcap before 1.11 leaves behind tax."""
    return "\n".join(line.rstrip() for line in tcpdump(*options).split("\n"))


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_becomes_and_reads_as_tcpdump_has_it(text, optimize):
    program = cbpf.compile_expression(text, optimize=optimize)
    options = [] if optimize else ["-O"]
    assert cbpf.listing(program) == listing("-d", "-y", "EN10MB", *options, text)
    numbers = tcpdump("-ddd", "-y", "EN10MB", *options, text).split("\n")[1:]
    assert [f"{i.code} {i.jt} {i.jf} {i.k}" for i in program] == numbers


@pytest.mark.parametrize("link", ["RAW", "LINUX_SLL", "IEEE802_11_RADIO", "PPP", "NULL"])
def test_other_link_types_as_tcpdump_has_them(link):
    text = "udp port 53"
    theirs = listing("-d", "-y", link, text)
    assert cbpf.listing(cbpf.compile_expression(text, link)) == theirs


def test_every_opcode_reads_as_libpcap_has_it():
    class Fields(ctypes.Structure):
        _fields_ = (
            ("code", ctypes.c_ushort),
            ("jt", ctypes.c_ubyte),
            ("jf", ctypes.c_ubyte),
            ("k", ctypes.c_uint32),
        )

    image = libpcap.library().bpf_image
    image.restype = ctypes.c_char_p
    known = set()
    for code in set(range(256)) - {c.LDX | c.LEN}:  # the kernel's own, libpcap never uses it
        for k in (0, 5, 0x80000000, 0xFFFFFFFF, *range(0xFFFFF000, 0xFFFFF044, 2)):
            theirs = image(ctypes.byref(Fields(code, 2, 3, k)), 7).decode()
            if "unimp" in theirs:
                with pytest.raises(InstructionError, match="Instruction 7 has the opcode"):
                    cbpf.text(Instruction(code, 2, 3, k), 7)
            else:
                assert cbpf.text(Instruction(code, 2, 3, k), 7) == theirs.rstrip()
                known.add(code)
    assert known == set(c.NOTATION) - {c.LDX | c.LEN}


def test_bytes_and_back():
    program = cbpf.decode(ICMP)
    assert program == cbpf.compile_expression("icmp")
    assert cbpf.encode(program) == ICMP
    with pytest.raises(InstructionError, match="^9 bytes are no whole number") as raised:
        cbpf.decode(ICMP[:9])
    assert raised.value.place == 1
    with pytest.raises(InstructionError, match="^Instruction 1 does not fit") as raised:
        cbpf.encode([ACCEPT, Instruction(c.RET, jt=256)])
    assert raised.value.place == 1


@pytest.mark.parametrize(
    ("program", "error", "place", "words"),
    [
        ([], LengthError, None, "has 0 instructions"),
        ([ACCEPT] * 4097, LengthError, 4096, "has 4,097 instructions: it takes 1 to 4,096"),
        ([Instruction(c.JMP | c.JA, k=1), ACCEPT], JumpError, 0, "0 jumps to 2, out of the filter"),
        (
            [ACCEPT, Instruction(c.JMP | c.JEQ, jt=5), ACCEPT],
            JumpError,
            1,
            "Instruction 1 jumps, if its condition is true, to 7, .* its last instruction is 2",
        ),
        (
            [Instruction(c.JMP | c.JGT | c.X, jf=9), ACCEPT],
            JumpError,
            0,
            "jumps, if it is false, to 10",
        ),
        ([ACCEPT, Instruction(c.LD | c.LEN)], ReturnError, 1, "last instruction, 1, does not ret"),
        ([Instruction(0x63), ACCEPT], InstructionError, 0, "opcode 0x63, which classic BPF"),
        ([Instruction(c.ALU | c.DIV), ACCEPT], ConstantError, 0, "divides by 0"),
        ([Instruction(c.ALU | c.MOD), ACCEPT], ConstantError, 0, "divides by 0"),
        ([Instruction(c.ALU | c.LSH, k=32), ACCEPT], ConstantError, 0, "shifts by 32"),
        ([Instruction(c.ST, k=16), ACCEPT], ConstantError, 0, r"the scratch word M\[16\]"),
        ([Instruction(c.LD | c.ABS, k=0xFFFFF040), ACCEPT], ConstantError, 0, "nothing that the"),
        ([Instruction(c.LD | c.MEM, k=3), ACCEPT], ScratchError, 0, r"0 reads M\[3\], and not"),
        (
            [
                Instruction(c.JMP | c.JEQ, jt=1),
                Instruction(c.ST),
                Instruction(c.LD | c.MEM),
                ACCEPT,
            ],
            ScratchError,
            2,
            r"Instruction 2 reads M\[0\]",
        ),
    ],
)
def test_a_filter_that_is_none_has_its_error_and_its_place(program, error, place, words):
    for attempt in (check, cbpf.translate, lambda filter: cbpf.run(filter, b"")):
        with pytest.raises(error, match=words) as raised:
            attempt(program)
        assert raised.value.place == place


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        (Instruction(c.LD | c.H | c.ABS, k=16), "opcode 0x28, which a seccomp filter does not"),
        (Instruction(c.LD | c.W | c.IND, k=16), "opcode 0x40, which a seccomp filter does not"),
        (Instruction(c.LD | c.W | c.ABS, k=18), "loads from offset 18: in seccomp"),
        (Instruction(c.LD | c.W | c.ABS, k=64), "loads from offset 64: in seccomp"),
        (Instruction(c.ALU | c.MOD | c.K, k=3), "opcode 0x94, which a seccomp filter does not"),
    ],
)
def test_seccomp_takes_less(instruction, words):
    check([instruction, ACCEPT])
    with pytest.raises((InstructionError, ConstantError), match=words):
        check([instruction, ACCEPT], "seccomp")


@pytest.mark.parametrize(
    ("text", "error", "place", "words"),
    [
        ("icmp and and tcp", ExpressionSyntaxError, 9, "goes wrong at 'and', offset 9"),
        ("icmp and", ExpressionSyntaxError, 8, "at its end, offset 8"),
        ("icmp and (tcp or = udp)", ExpressionSyntaxError, 17, "at '=', offset 17"),
        ("(icmp or tcp", ExpressionSyntaxError, 12, "at its end, offset 12"),
        ("icmp )", ExpressionSyntaxError, 5, r"at '\)', offset 5"),
        ("tcp prot 80", ExpressionSyntaxError, 4, "at 'prot', offset 4"),
        ("tcp[13 & 2", ExpressionSyntaxError, 10, "at its end"),
        ("ether proto 0x800 and vlan 3 and", ExpressionSyntaxError, 32, "at its end"),
        ("udp\nand tcp tcp", ExpressionSyntaxError, 12, "at 'tcp', offset 12"),
        ("wlan type mgt", LinkTypeError, 5, "does not fit the link type EN10MB, at 'type', off"),
        ("port 99999999", ExpressionError, 5, "'99999999', offset 5: (illegal port|port number)"),
        ("tcp[0:3] = 0", ExpressionError, 4, "at '0:3', offset 4: data size"),
        ("ip and ip6", ExpressionError, None, "No packet can be like that"),
    ],
)
def test_an_expression_that_is_none_has_its_error_and_its_place(text, error, place, words):
    with pytest.raises(error, match=words) as raised:
        cbpf.compile_expression(text)
    assert type(raised.value) is error
    assert raised.value.place == place


def test_an_expression_for_another_link_type():
    text = "ip and ether host 02:00:00:00:00:01"
    cbpf.compile_expression(text)
    with pytest.raises(LinkTypeError, match="link type RAW, at 'host', offset 13: it fits EN10MB"):
        cbpf.compile_expression(text, "RAW")
    with pytest.raises(LinkTypeError, match="libpcap knows no link type ETHERNET: Ethernet is EN"):
        cbpf.compile_expression(text, "ETHERNET")


def test_without_libpcap_one_sentence(monkeypatch):
    def missing(*_):
        raise OSError("libpcap.so: cannot open shared object file")

    libpcap.library.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(PcapError, match="^libpcap is not installed: run ./course lab, or install"):
        cbpf.compile_expression("icmp")
    libpcap.library.cache_clear()


def test_the_machine_step_by_step():
    frame = bytes(12) + b"\x08\x00" + bytes(9) + b"\x01" + bytes(60)
    states = list(cbpf.steps(cbpf.decode(ICMP), frame))
    assert [state.number for state in states] == [0, 1, 2, 3, 4, 4]
    assert [state.a for state in states] == [0, 0x800, 0x800, 1, 1, 1]
    assert [state.result for state in states] == [None] * 5 + [262144]


def test_an_offset_goes_round_at_32_bits():
    back = [Instruction(c.LDX | c.IMM, k=20), Instruction(c.LD | c.B | c.IND, k=0xFFFFFFF0)]
    assert cbpf.run([*back, Instruction(c.RET | c.A)], bytes(range(50, 60))) == 54


def test_the_machine_says_what_it_was_not_told():
    program = [Instruction(c.LD | c.ABS, k=c.AUXILIARY_OFFSET + 4), Instruction(c.RET | c.A)]
    assert cbpf.run(program, b"", auxiliary={"type": 4}) == 4
    with pytest.raises(MissingDataError, match=r'asks for \[type\].*auxiliary=\{"type": ...\}'):
        cbpf.run(program, b"")
    from_ip_header = [Instruction(c.LD | c.ABS, k=0xFFF00000), Instruction(c.RET | c.A)]
    with pytest.raises(MissingDataError, match=r"loads from -1048576, .*\"network\": \.\.\.\}"):
        cbpf.run(from_ip_header, bytes(100))
    assert cbpf.run(from_ip_header, bytes(range(20)), auxiliary={"network": 14}) == 0x0E0F1011


@pytest.mark.parametrize("name", ["nla", "nlan", "hatype", "poff"])
def test_what_ebpf_does_not_have_is_named(name):
    offset = next(offset for offset, known in c.AUXILIARY.items() if known == name)
    with pytest.raises(TranslationError, match=rf"Instruction 0 asks for \[{name}\]") as raised:
        cbpf.translate([Instruction(c.LD | c.ABS, k=c.AUXILIARY_OFFSET + offset), ACCEPT])
    assert raised.value.place == 0


def test_a_translation_leaves_out_what_nothing_leads_to():
    program = [ACCEPT, Instruction(c.LD | c.LEN), DROP]
    assert cbpf.translate(program) == cbpf.translate([ACCEPT])


def test_side_by_side():
    shown = cbpf.side_by_side(cbpf.decode(ICMP)).split("\n")
    left, right = zip(*((line[:46].strip(), line[47:]) for line in shown), strict=True)
    assert [line for line in left if line] == [
        line.expandtabs() for line in cbpf.listing(cbpf.decode(ICMP)).split("\n")
    ]
    assert "r0 = *(u16 *)skb[12]" in right
    assert "if r0 != 0x800 goto +4" in right
