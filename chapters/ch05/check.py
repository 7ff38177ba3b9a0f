"""Checks of chapter 05, bcc."""

from __future__ import annotations

import ctypes
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chapters.ch05.table_counters import TableCounters
from helpers import asm, netlab, sockets, toolchain, traffic
from helpers.bcc import program as bcc_program
from helpers.bcc.headers import BccError
from helpers.check import (
    NO_PROGRAM,
    NOT_ATOMIC,
    Verdict,
    as_list,
    as_number,
    as_text,
    as_word,
    called,
    chosen,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.protocols import name

ECHO_4, ECHO_6 = 2 * 98, 2 * 118  # bytes of one ping, with 56 bytes of data
# EtherType 88b5 is kept for experiments; byte 14 looks like IPv4, byte 23 like UDP.
EXPERIMENT = bytes(12) + b"\x88\xb5\x45" + bytes(8) + b"\x11" + bytes(36)
# Ethernet's other form has the length of its data there, as switches use it among themselves.
LENGTH = bytes(12) + (38).to_bytes(2, "big") + bytes(6) + b"\x06" + bytes(2) + b"\x06" + bytes(36)
TURNED = bytes(12) + b"\x00\x08\x45" + EXPERIMENT[15:]  # IPv4's, with the smaller part first
OTHER_ADDRESS = "2a11::1"  # whose byte 23 says UDP


def program(which: str) -> str:
    """One of the chapter's programs, as bpf/ has it: "sockex1", "ports", "talkers", "sizes"."""
    return (toolchain.SOURCES / f"{which}_bcc.c").read_text()


def both_versions(text: str) -> Verdict:
    """Exercise 1: tried with pings over IPv4 and IPv6, and with a frame that is neither."""
    written = as_text(text)
    untouched = (written or "").replace("#include <linux/ipv6.h>\n", "").strip()
    if text is None or untouched == program("sockex1").strip():
        return not_attempted("Change the program so that it looks at the EtherType.")
    if written is None:
        return NO_PROGRAM
    try:
        with bcc_program.load(written) as loaded, netlab.open_network() as net:
            counters = TableCounters(loaded.table("bytes_by_protocol"))
            with sockets.packet_socket(net, loaded.program("count_bytes").fd):
                wrong = judge(counters, net)
            atomic = any(
                each.is_atomic for each in asm.decode(loaded.bpf.dump_func(b"count_bytes"))
            )
    except BccError as error:
        return not_yet(str(error))
    if not wrong and not atomic:
        return NOT_ATOMIC
    return wrong or right("IPv4 and IPv6 are told apart, and 88b5, which is neither, is left out.")


def judge(counters: TableCounters, net: netlab.Network) -> Verdict | None:
    """What is wrong with what a program makes of six frames, one after the other; or None."""
    net.add_address(OTHER_ADDRESS)
    cases = [
        ("a ping over IPv4", lambda: traffic.echo(net), {1: ECHO_4}),
        ("a ping to ::1", lambda: traffic.echo(net, to="::1"), {58: ECHO_6}),
        (
            f"a ping to {OTHER_ADDRESS}",
            lambda: traffic.echo(net, to=OTHER_ADDRESS),
            {58: ECHO_6},
        ),
        ("a UDP datagram over IPv6", lambda: traffic.udp(net, to="::1"), {17: 162}),
        ("a frame of EtherType 88b5", lambda: send_frame(net, EXPERIMENT), {}),
        ("a frame with a length for an EtherType", lambda: send_frame(net, LENGTH), {}),
    ]

    def counted(action: Callable[[], object]) -> dict[int, int]:
        before = counters.read()
        action()
        return {number: int(size) for number, size in enumerate(counters.read() - before) if size}

    for what, action, wanted in cases:
        found = counted(action)
        if found != wanted:
            said = f"For {what} it counted {in_words(found)}, not {in_words(wanted)}"
            turned = not found and counted(lambda: send_frame(net, TURNED))
            why = ": it takes the EtherType's two bytes in the other order" if turned else ""
            if not wanted:
                why = ": for what is neither IPv4 nor IPv6, which line gives protocol a value"
            return not_yet(f"{said}{why}.")
    return None


def send_frame(net: netlab.Network, frame: bytes) -> None:
    """Send a frame that is no IP, with the number of UDP in its byte 23."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.sendto(frame, ("lo", int.from_bytes(frame[12:14], "big")))


def in_words(counted: dict[int, int]) -> str:
    """{58: 236} as "236 bytes as ICMPv6", {} as "nothing"."""
    words = [f"{size} bytes as {name(number)}" for number, size in counted.items()]
    return ", ".join(words) or "nothing"


# Who sends to whom, and how many datagrams: the loudest is neither first nor last in any other
# order, and the addresses read differently backwards.
TALK = [
    ("127.0.0.4", "127.0.0.1", 3),
    ("127.1.2.3", "127.0.0.9", 9),
    ("127.2.0.4", "127.0.0.1", 6),
]

Top = Callable[[object, int], list[tuple[str, str, int]] | None]


@contextmanager
def talked() -> Iterator[object]:
    """The table of the chapter's talkers, after those of TALK have talked."""
    with bcc_program.load(program("talkers")) as loaded:
        with (
            netlab.open_network() as net,
            sockets.packet_socket(net, loaded.program("count_pairs").fd),
        ):
            for source, destination, count in TALK:
                traffic.udp(net, count, 100, destination, source=source)
        yield loaded.table("bytes_by_pair")


def top(function: Top) -> Verdict:
    """Exercise 2: tried on a table of three known talkers, for two, one and five of them."""
    order = sorted(TALK, key=lambda row: row[2], reverse=True)
    wanted = [(source, destination, count * 142) for source, destination, count in order]
    with talked() as table:
        for count in (2, 1, 5):
            answer, failure = called(function, table, count)
            if failure:
                return failure
            if answer is None:
                return not_attempted("Complete the function: it returns None.")
            verdict = judge_top(answer, wanted, count)
            if verdict:
                return verdict
    return right(f"The loudest of three talkers sent {wanted[0][2]} bytes, and stands first.")


def judge_top(answer: object, wanted: list[tuple[str, str, int]], count: int) -> Verdict | None:
    """What is wrong with one answer, or None."""
    rows = [as_list(row) or () for row in as_list(answer) or ()]
    if not rows or any(len(row) != 3 for row in rows):
        return not_yet(f"A list of tuples of three is wanted, not {shown(answer)}.")
    source, _, size = rows[0]
    if not isinstance(source, str):
        return not_yet(f"{shown(source)} should be text, such as '127.0.0.2'.")
    if isinstance(size, ctypes._SimpleCData):
        return not_yet(f"{shown(size)} is a C number; its .value is a Python number.")
    known = {address for row in wanted for address in row[:2]}
    if source not in known and ".".join(reversed(source.split("."))) in known:
        return not_yet(f"Nobody here has the address {source}: in which order do its bytes come?")
    if source not in known:
        return not_yet(f"{shown(source)} has not talked in the table that you are given here.")
    if len(rows) != min(count, len(wanted)):
        return not_yet(f"For a count of {count} it returned {len(rows)} of {len(wanted)} pairs.")
    for place, (row, right_one) in enumerate(zip(rows, wanted, strict=False), start=1):
        if (*map(as_word, row[:2]), as_number(row[2])) != right_one:
            return not_yet(
                f"The most bytes first: place {place} belongs to {right_one}, and it has "
                f"{shown(tuple(row))} there."
            )
    return None


# A word of each situation, the choice, and why.
REASONS = {
    "laptop": ("bcc", "asked once, on one machine that has a compiler"),
    "routers": ("libbpf", "clang, LLVM and headers would not fit on a router"),
    "changes": ("bcc", "a changed string runs in the next second"),
    "container": ("libbpf", "a second of compiling at each start, thousands of times a day"),
}


def which_one(choices: dict[str, str | None]) -> Verdict:
    """Exercise 3: four situations, each with a reason that the chapter has measured."""
    return chosen(choices, REASONS, ["bcc", "libbpf"]) or right(
        "bcc where a person waits for an answer, libbpf where a machine runs it."
    )
