"""Checks of chapter 05, bcc."""

from __future__ import annotations

import numbers
import socket
from collections.abc import Callable

from chapters.ch05.table import TableCounters
from helpers import netlab, sockets, toolchain, traffic
from helpers.bcc import program as bcc_program
from helpers.bcc.headers import BccError
from helpers.check import Verdict, not_attempted, not_yet, right
from helpers.protocols import name

ECHO_4, ECHO_6 = 2 * 98, 2 * 118  # bytes of one ping, with 56 bytes of data
# EtherType 88b5 is kept for experiments; byte 14 looks like IPv4, byte 23 like UDP.
EXPERIMENT = bytes(12) + b"\x88\xb5\x45" + bytes(8) + b"\x11" + bytes(36)
OTHER_ADDRESS = "2a11::1"  # whose byte 23 says UDP


def program(which: str) -> str:
    """One of the chapter's programs, as bpf/ has it: "sockex1", "ports", "talkers", "sizes"."""
    return (toolchain.SOURCES / f"{which}_bcc.c").read_text()


def both_versions(text: str) -> Verdict:
    """Exercise 1: tried with pings over IPv4 and IPv6, and with a frame that is neither."""
    if text.replace("#include <linux/ipv6.h>\n", "").strip() == program("sockex1").strip():
        return not_attempted("Change the program so that it looks at the EtherType.")
    try:
        with bcc_program.load(text) as loaded, netlab.open_network() as net:
            counters = TableCounters(loaded.table("bytes_by_protocol"))
            with sockets.packet_socket(net, loaded.program("count_bytes").fd):
                return judge(counters, net)
    except BccError as error:
        return not_yet(str(error))


def judge(counters: TableCounters, net: netlab.Network) -> Verdict:
    """What a program makes of four kinds of frames, one after the other."""
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
        ("a frame of EtherType 88b5", lambda: send_frame(net), {}),
    ]
    for what, action, wanted in cases:
        before = counters.read()
        action()
        grown = counters.read() - before
        counted = {number: int(size) for number, size in enumerate(grown) if size}
        if counted != wanted:
            return not_yet(f"For {what} it counted {in_words(counted)}, not {in_words(wanted)}.")
    return right("IPv4 and IPv6 are told apart, and 88b5, which is neither, is left out.")


def send_frame(net: netlab.Network) -> None:
    """Send a frame that is no IP, with the number of UDP in its byte 23."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.sendto(EXPERIMENT, ("lo", 0x88B5))


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


def top(function: Top) -> Verdict:
    """Exercise 2: tried on a table of three known talkers, for two, one and five of them."""
    with bcc_program.load(program("talkers")) as loaded, netlab.open_network() as net:
        with sockets.packet_socket(net, loaded.program("count_pairs").fd):
            for source, destination, count in TALK:
                traffic.udp(net, count, 100, destination, source=source)
        table = loaded.table("bytes_by_pair")
        order = sorted(TALK, key=lambda row: row[2], reverse=True)
        wanted = [(source, destination, count * 142) for source, destination, count in order]
        for count in (2, 1, 5):
            try:
                answer = function(table, count)
            except Exception as error:
                return not_yet(f"It stops with {type(error).__name__}: {error}.")
            if answer is None:
                return not_attempted("Complete the function: it returns None.")
            verdict = judge_top(answer, wanted, count)
            if verdict:
                return verdict
    return right(f"The loudest of three talkers sent {wanted[0][2]} bytes, and stands first.")


def judge_top(answer: object, wanted: list[tuple[str, str, int]], count: int) -> Verdict | None:
    """What is wrong with one answer, or None."""
    rows = list(answer) if isinstance(answer, list | tuple) else []
    if not rows or not all(isinstance(row, list | tuple) and len(row) == 3 for row in rows):
        return not_yet(f"A list of tuples of three is wanted, not {answer!r}.")
    source, _, size = rows[0]
    if not isinstance(source, str):
        return not_yet(f"{source!r} should be text, such as '127.0.0.2'.")
    if not isinstance(size, numbers.Integral):
        return not_yet(f"{size!r} is a C number; its .value is a Python number.")
    known = {address for row in wanted for address in row[:2]}
    if source not in known:
        return not_yet(f"Nobody here has the address {source}: in which order do its bytes come?")
    if len(rows) != min(count, len(wanted)):
        return not_yet(f"For a count of {count} it returned {len(rows)} of {len(wanted)} pairs.")
    if [tuple(row) for row in rows] != wanted[:count]:
        return not_yet(f"The loudest is {wanted[0]}; it puts {tuple(rows[0])} first, or adds up.")
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
    if all(choice is None for choice in choices.values()):
        return not_attempted("Put a name between quotes for each None.")
    wrong = []
    for situation, choice in choices.items():
        choice = str(choice).strip().lower()
        if choice not in ("bcc", "libbpf"):
            return not_yet(f'Put "bcc" or "libbpf" for: {situation}')
        known = [REASONS[word] for word in REASONS if word in situation]
        if not known:
            return not_yet("Leave the four situations as they are: ./course reset 05 has them.")
        better, reason = known[0]
        if choice != better:
            wrong.append(f"{situation.rstrip('?')} ({reason})")
    if wrong:
        return not_yet(f"Think again about: {'; '.join(wrong)}.")
    return right("bcc where a person waits for an answer, libbpf where a machine runs it.")
