"""The classic machine, the check and the translator, held against the kernel on drawn filters."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import socket
import struct
import sys
from dataclasses import replace

import compared
import pytest
from classic import (
    CHOICES,
    EXPRESSIONS,
    PACKETS,
    XOR_X,
    Pair,
    damaged,
    filters,
    frame,
    frames,
    pair,
    scratch_users,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import cbpf, libpcap, loader, sockets, syscall, toolchain, traffic
from helpers.cbpf import Instruction
from helpers.cbpf import instruction as c
from helpers.cbpf.check import NOT_IN_SECCOMP
from helpers.cbpf.instruction import FilterError
from helpers.cbpf.machine import MissingDataError
from helpers.cbpf.rules import FIELDS

pytestmark = pytest.mark.kernel
MANY = settings(max_examples=500, deadline=None, database=None)


def kept(result: int, packet: bytes) -> bytes | None:
    """What arrives when a filter returns this."""
    return packet[:result] if result else None


@pytest.fixture(scope="module")
def joined():
    with pair() as two:
        yield two


def outcomes(program: list[Instruction], packets: list[bytes]) -> dict[bytes, int]:
    """What our machine returns for each packet, without those for which it does not know."""
    found = {}
    for packet in packets:
        try:
            found[packet] = cbpf.run(program, packet)
        except MissingDataError:
            continue  # it loads from the start of another header
    return found


@MANY
@given(program=filters(), packets=st.lists(PACKETS, min_size=1, max_size=4))
@example(  # a division by zero returns 0, also behind a load that has succeeded
    [Instruction(c.LD | c.LEN), Instruction(c.ALU | c.DIV | c.X), Instruction(c.RET | c.A)],
    [b"12345"],
)
@example(  # an offset from X goes round at 32 bits
    [
        Instruction(c.LDX | c.IMM, k=20),
        Instruction(c.LD | c.B | c.IND, k=0xFFFFFFF0),
        Instruction(c.RET | c.A),
    ],
    [bytes(range(50, 60))],
)
@example(
    [
        Instruction(c.LDX | c.IMM, k=6),
        Instruction(c.LD | c.IMM, k=3),
        Instruction(c.LD | c.W | c.ABS, k=XOR_X),
        Instruction(c.RET | c.A),
    ],
    [bytes(10)],
)
def test_the_machine_returns_what_the_kernel_does(joined: Pair, program, packets):
    cbpf.check(program)
    sockets.attach_filter(joined.receiver, cbpf.encode(program))
    for packet, result in outcomes(program, packets).items():
        assert joined.arrives(packet) == kept(result, packet), cbpf.listing(program)
        compared.counts["packets through a classic filter: our machine and the kernel agree"] += 1


@MANY
@given(program=filters(), packets=st.lists(PACKETS, min_size=1, max_size=4))
def test_a_translated_filter_returns_the_same(joined: Pair, program, packets):
    with syscall.load_program(cbpf.translate(program)) as loaded:
        joined.receiver.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, loaded.fd)
        for packet, result in outcomes(program, packets).items():
            assert joined.arrives(packet) == kept(result, packet), cbpf.side_by_side(program)
            if packet:  # a test run refuses an empty one
                given = syscall.frame_for_test_run(packet)
                assert syscall.test_run(loaded, given).value == result, cbpf.side_by_side(program)
            compared.counts["packets through a filter's translation to eBPF: the same"] += 1


def kernel_takes(receiver: socket.socket, program: list[Instruction]) -> bool:
    code = cbpf.encode(program)
    buffer = ctypes.create_string_buffer(code, len(code))
    argument = struct.pack("HP", len(program), ctypes.addressof(buffer))
    try:
        receiver.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_FILTER, argument)
    except OSError as error:
        assert error.errno == errno.EINVAL
        return False
    return True


def check_takes(program: list[Instruction], mode: str = "packet") -> bool:
    try:
        cbpf.check(program, mode)
    except FilterError:
        return False
    return True


def count_verdict(taken: bool) -> None:
    verdict = "taken" if taken else "refused"
    compared.counts[f"classic filters {verdict} by the kernel, and by our check the same"] += 1


@MANY
@given(program=st.one_of(damaged(), scratch_users()))
def test_the_check_takes_what_the_kernel_takes(joined: Pair, program):
    taken = kernel_takes(joined.receiver, program)
    assert check_takes(program) == taken, cbpf.encode(program).hex(" ", 8)
    count_verdict(taken)


EDGES = (0, 1, 2, 3, 4, 15, 16, 31, 32, 62, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFEFFF, 0xFFFFFFFF)
EDGES += tuple(range(0xFFFFF000, 0xFFFFF046, 2))


def around(code: int, k: int, skip: int = 0) -> list[Instruction]:
    """Any instruction at all, with words stored before it and two returns behind it."""
    known = [Instruction(c.LDX | c.IMM, k=1), *(Instruction(c.ST, k=word) for word in range(16))]
    each = Instruction(code, skip, skip, ALLOW if code in (c.RET | c.K, c.RET | c.A) else k)
    return [*known, each, *[Instruction(c.RET | c.K, k=ALLOW)] * 2]


def test_the_check_takes_what_the_kernel_takes_at_every_edge(joined: Pair):
    programs = [around(code, k) for code in range(256) for k in EDGES]
    programs += [around(code, 0, skip) for code in range(256) for skip in (1, 2, 255)]
    ends = Instruction(c.RET | c.K, k=5)
    programs += [[ends] * length for length in (0, 1, 4096, 4097)]
    programs += [[ends, Instruction(code, k=5)] for code in range(256)]
    for program in programs:
        taken = kernel_takes(joined.receiver, program)
        assert check_takes(program) == taken, program[-3:]
        count_verdict(taken)


def libpcap_says(program: list[Instruction], packet: bytes) -> int:
    """What libpcap's own machine returns."""
    machine = libpcap.library().bpf_filter
    machine.restype = ctypes.c_uint
    return machine(cbpf.encode(program), packet, len(packet), len(packet))


@settings(max_examples=200, deadline=None, database=None)
@given(text=st.sampled_from(EXPRESSIONS), optimize=st.booleans(), packets=st.lists(frames()))
def test_expressions_on_frames(joined: Pair, text, optimize, packets):
    program = cbpf.compile_expression(text, optimize=optimize)
    results = [cbpf.run(program, packet) for packet in packets]
    assert results == [libpcap_says(program, packet) for packet in packets]
    sockets.attach_filter(joined.receiver, cbpf.encode(program))
    assert [joined.arrives(p) for p in packets] == list(map(kept, results, packets))
    with syscall.load_program(cbpf.translate(program)) as loaded:
        joined.receiver.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, loaded.fd)
        assert [joined.arrives(p) for p in packets] == list(map(kept, results, packets))
    what = "frames through a filter expression: our machine, libpcap, kernel and translation agree"
    compared.counts[what] += len(packets)


def test_every_expression_takes_some_of_such_frames_and_leaves_some():
    some = random.Random(1992)
    made = [
        frame(**{name: some.choice(values) for name, values in CHOICES.items()})
        for _ in range(1000)
    ]
    for text in EXPRESSIONS:
        program = cbpf.compile_expression(text)
        assert {cbpf.run(program, each) > 0 for each in made} == {True, False}, text


def test_the_same_filter_in_c_takes_the_same_frames(joined: Pair):
    some = random.Random(2014)
    made = [
        frame(**{name: some.choice(values) for name, values in CHOICES.items()}) for _ in range(500)
    ]
    classic = cbpf.compile_expression("icmp")
    with loader.load(toolchain.compile_bpf("icmp_kern.c")) as loaded:
        fd = loaded.program("only_icmp").fd
        joined.receiver.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, fd)
        for each in made:
            assert joined.arrives(each) == kept(cbpf.run(classic, each), each)


@pytest.mark.parametrize("name", sorted(set(FIELDS) | {"xor_x"}))
def test_what_is_known_of_a_packet_is_the_same_in_both(net, name):
    """The value itself, as the number of bytes that arrive, on every frame of three pings."""
    offset = next(offset for offset, known in c.AUXILIARY.items() if known == name)
    program = [
        Instruction(c.LDX | c.IMM, k=5),
        Instruction(c.LD | c.W | c.ABS, k=c.AUXILIARY_OFFSET + offset),
        Instruction(c.ALU | c.AND | c.K, k=63),
        Instruction(c.ALU | c.ADD | c.K, k=1),
        Instruction(c.RET | c.A),
    ]
    with syscall.load_program(cbpf.translate(program)) as loaded:
        lengths = []
        for attach in ("classic", "translated"):
            with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
                if attach == "classic":
                    sockets.attach_filter(sock, cbpf.encode(program))
                else:
                    sock.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, loaded.fd)
                sock.bind(("lo", sockets.ETH_P_ALL))
                traffic.echo(net, 3)
                lengths.append([len(sock.recv(1 << 16)) for _ in range(12)])
    assert lengths[0] == lengths[1]
    known = {"type": [5, 1] * 6, "ifidx": [2] * 12, "proto": [1] * 12, "xor_x": [6] * 12}
    assert lengths[0] == known.get(name, lengths[0])


@pytest.mark.parametrize("name", ["cpu", "random"])
def test_what_changes_by_itself_is_translated_too(joined, name):
    offset = next(offset for offset, known in c.AUXILIARY.items() if known == name)
    program = [
        Instruction(c.LD | c.W | c.ABS, k=c.AUXILIARY_OFFSET + offset),
        Instruction(c.ALU | c.OR | c.K, k=1),
        Instruction(c.RET | c.A),
    ]
    with syscall.load_program(cbpf.translate(program)) as loaded:
        joined.receiver.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, loaded.fd)
        assert len(joined.arrives(bytes(100))) >= 1


# Seccomp: the same machine, another load.

NUMBER = 1_000_000  # no system call, on any processor
ERRNO, ALLOW, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 0x50000, 0x7FFF0000, 38, 22, 2
KILLED = "killed"
IN_SECCOMP = tuple(sorted(set(c.NOTATION) - NOT_IN_SECCOMP - {c.RET | c.K, c.RET | c.A}))
# The number of the call, and the two halves of each argument; not the address of the caller.
KNOWN = (0, *range(16, 64, 4))


def seccomp_data(arguments: list[int]) -> bytes:
    return struct.pack("=iIQ6Q", NUMBER, 0, 0, *arguments)


def with_errno(program: list[Instruction]) -> list[Instruction]:
    """The filter with loads from what is known, and its last word an error number of 8 bits."""
    loads = c.LD | c.W | c.ABS
    body = [replace(i, k=KNOWN[i.k % len(KNOWN)]) if i.code == loads else i for i in program[:-1]]
    ending = [Instruction(c.ALU | c.AND | c.K, k=0xFF), Instruction(c.ALU | c.OR | c.K, k=ERRNO)]
    return [*body, *ending, Instruction(c.RET | c.A)]


def install(libc: ctypes.CDLL, program: list[Instruction]) -> bool:
    code = cbpf.encode(program)
    buffer = ctypes.create_string_buffer(code, len(code))
    argument = struct.pack("HP", len(program), ctypes.addressof(buffer))
    return libc.prctl(PR_SET_SECCOMP, MODE_FILTER, argument, 0, 0) == 0


def in_a_child(action) -> bytes:
    """What `action` returns, in a process of its own that ends with it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, action(ctypes.CDLL(None, use_errno=True)))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def errno_of_call(program: list[Instruction], arguments: list[int]) -> int | str:
    """The error number that a call gets once the filter is installed, or KILLED."""
    ours = [
        Instruction(c.LD | c.W | c.ABS, k=0),
        Instruction(c.JMP | c.JEQ | c.K, 1, 0, NUMBER),
        Instruction(c.RET | c.K, k=ALLOW),
        Instruction(c.LD | c.IMM, k=0),
    ]

    def action(libc: ctypes.CDLL) -> bytes:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if not install(libc, ours + program):
            return b"refused"
        result = libc.syscall(NUMBER, *map(ctypes.c_uint64, arguments))
        return str(ctypes.get_errno() if result < 0 else 0).encode()

    answer = in_a_child(action)
    assert answer != b"refused", cbpf.listing(ours + program)
    return int(answer) if answer else KILLED


@settings(max_examples=60, deadline=None, database=None)
@given(
    program=filters(IN_SECCOMP).map(with_errno),
    arguments=st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=6),
)
def test_a_seccomp_filter_answers_what_the_kernel_does(program, arguments):
    result = cbpf.run(program, seccomp_data(arguments), "seccomp")
    expected = result - ERRNO if result else KILLED  # a division by zero returns 0: kill
    assert errno_of_call(program, arguments) == expected, cbpf.listing(program)
    compared.counts["system calls through a seccomp filter: our machine and the kernel agree"] += 1


def test_the_check_takes_what_seccomp_takes():
    codes = sorted({*range(256)} - {c.RET | c.A})  # which would kill
    # Few enough for what the kernel lets one process install.
    programs = [around(code, k) for code in codes for k in (*EDGES[:11], 0xFFFFF000)]

    def action(libc: ctypes.CDLL) -> bytes:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bytes(install(libc, program) for program in programs)

    taken = [bool(answer) for answer in in_a_child(action)]
    assert taken == [check_takes(program, "seccomp") for program in programs]
    compared.counts["filters taken or refused by seccomp, and by our check the same"] += len(taken)


def test_host_byte_order_in_seccomp():
    program = [Instruction(c.LD | c.W | c.ABS, k=16), Instruction(c.RET | c.A)]
    data = seccomp_data([0x0102030405060708, 0, 0, 0, 0, 0])
    low = 0x05060708 if sys.byteorder == "little" else 0x01020304
    assert cbpf.run(program, data, "seccomp") == low
    assert cbpf.run(program, data) == int.from_bytes(data[16:20], "big")
