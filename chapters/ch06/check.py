"""Checks of chapter 06, the_bpf_system_call."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import string
import sys
from collections.abc import Callable
from functools import cache

from helpers import netlab, objfile, sockets, syscall, toolchain, traffic
from helpers.check import Verdict, as_bytes, called, not_attempted, not_yet, right, shown

# What exercise 1 asks for: type, key, value, entries.
WANTED = (syscall.HASH, 6, 8, 1000)
DATA = 100
HEADERS = 14 + 20
MOST_BYTES = 1 << 24  # bytes of the kernel's memory for a try
# What exercise 3 sends: TTL -> datagrams. Neither value is any system's own choice.
SENT = {7: 3, 200: 4}
FRAME = HEADERS + 8 + DATA


def from_hex(text: object) -> bytes | str:
    """The bytes of a text such as "01 ff", or what spoils it, in words. Bytes are left as they are.

    None and a text without anything in it are no bytes at all: b"".
    """
    if (given := as_bytes(text)) is not None:
        return given
    if text is not None and not isinstance(text, str):
        return f"{shown(text)} is no text: write the bytes in hex between the quotes."
    pieces = (text or "").split()
    strange = [piece for piece in pieces if not all(digit in string.hexdigits for digit in piece)]
    if strange:
        return f"{strange[0][:20]!r} is no hex: write 0 to 9 and a to f, without 0x and commas."
    odd = [piece for piece in pieces if len(piece) % 2]
    if odd:
        return f"{odd[0][:20]!r} has a digit too few or too many: a byte has two."
    return bytes.fromhex(" ".join(pieces))


def twenty_bytes(form: str | bytes | None) -> Verdict:
    """Exercise 1: the bytes are handed to bpf(2), and the kernel is asked what it has made."""
    given = from_hex(form)
    if given == b"":
        return not_attempted("Write the five numbers between the quotes, four bytes each, in hex.")
    if isinstance(given, str):
        return not_yet(given)
    if len(given) != 20:
        return not_yet(
            f"Write five numbers of four bytes, so twenty bytes; these are {len(given)}."
        )
    numbers = [int.from_bytes(given[at : at + 4], sys.byteorder) for at in range(0, 20, 4)]
    if max(numbers) > 1 << 16:
        return not_yet(f"The kernel reads these numbers: {numbers}: which byte comes first?")
    if (numbers[1] + numbers[2]) * numbers[3] > MOST_BYTES:
        return not_yet(f"That is more than we want to take from the kernel: {numbers}.")
    fd = syscall.bpf(syscall.Command.MAP_CREATE, ctypes.create_string_buffer(given, 20))
    if fd < 0:
        return not_yet(f"bpf(2) answers {os.strerror(-fd)}: it has read the numbers {numbers}.")
    with syscall.Map(fd, *numbers[:4]) as made:
        info = made.info()
    if (info.type, info.key_size, info.value_size, info.max_entries, info.flags) == (*WANTED, 0):
        return right(f"The kernel has made a map with the id {info.id}: {numbers}.")
    return not_yet(f"The kernel has made a map, but another one: {numbers} is what it has read.")


def headers_only(code: str | bytes | None) -> Verdict:
    """Exercise 2: the program is loaded, and shown one datagram; 34 bytes must be left of it."""
    given = from_hex(code)
    if given == b"":
        return not_attempted("Write two instructions between the quotes, eight bytes each, in hex.")
    if isinstance(given, str):
        return not_yet(given)
    if len(given) % 8:
        return not_yet(f"An instruction has eight bytes; these are {len(given)} bytes.")
    try:
        program = syscall.load_program(given)
    except syscall.SyscallError as error:
        if error.number == errno.EPERM:
            raise
        said = [line for line in error.log.splitlines() if not line.startswith("processed")]
        return not_yet(f"The kernel does not take these instructions: {(said or [error])[-1]}")
    with program:
        left = left_of_a_datagram(program)
    if left == HEADERS:
        return right(f"Of a frame of {FRAME} bytes, {left} have reached the socket.")
    if left == 0x34:
        return not_yet("The socket got 52 bytes: hex 34 is 52, and you want 34.")
    return not_yet(
        f"Of a frame of {FRAME} bytes the socket got {left or 'nothing'}, not {HEADERS}."
    )


def left_of_a_datagram(program: syscall.Program) -> int:
    """How many bytes of one UDP datagram a socket gets behind this program; 0 for no frame."""
    with netlab.open_network() as net, sockets.packet_socket(net, program.fd) as sock:
        traffic.udp(net, 1, DATA, ttl=64)
        sock.setblocking(False)
        try:
            return len(sock.recv(2048))
        except BlockingIOError:
            return 0


@cache
def sockex1() -> tuple[bytes, int]:
    """The instructions of sockex1, and the offset of the one that wants the map's descriptor."""
    built = objfile.read(toolchain.compile_bpf("sockex1_kern.c"))
    (relocation,) = built.relocations
    return built.sections["socket"].data, relocation.offset


def by_ttl(change: Callable[[bytes], bytes]) -> Verdict:
    """Exercise 3: sockex1's instructions, changed; then loaded, attached and given packets."""
    code, gap = sockex1()
    changed, failure = called(change, code)
    if failure:
        return failure
    as_given = as_bytes(changed)
    if as_given == code:
        return not_attempted("The function returns the instructions as they were.")
    if as_given is None or len(as_given) != len(code):
        return not_yet("Return as many bytes as you have got, with one of them changed.")
    with syscall.create_map(syscall.ARRAY, 4, 8, 256) as counted:
        changed = syscall.relocate(as_given, gap, counted.fd)
        try:
            program = syscall.load_program(changed)
        except syscall.SyscallError as error:
            if error.number == errno.EPERM:
                raise
            return not_yet("The kernel does not take it: is anything changed but that one byte?")
        with (
            program,
            netlab.open_network() as net,
            sockets.packet_socket(net, program.fd),
        ):
            for ttl, datagrams in SENT.items():
                traffic.udp(net, datagrams, DATA, ttl=ttl)
        grown = {
            int.from_bytes(key, sys.byteorder): int.from_bytes(value, sys.byteorder)
            for key, value in counted.batch().items()
            if any(value)
        }
    if grown == {ttl: datagrams * FRAME for ttl, datagrams in SENT.items()}:
        return right(f"Sent 3 datagrams with TTL 7 and 4 with TTL 200; counted: {grown}.")
    if 0x22 in {new for new, old in zip(as_given, code, strict=True) if new != old}:
        return not_yet("Hex 22 is 34, and the TTL is byte 22: which hex number is that?")
    if list(grown) == [socket.IPPROTO_UDP]:
        return not_yet("It still counts by protocol: change the imm of the instruction 0x30.")
    return not_yet(
        f"Sent: TTL 7 and 200; slots that grew: {list(grown) or 'none'}: which byte is it?"
    )
