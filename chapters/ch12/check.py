"""Checks of chapter 12, beyond_sockex1."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from chapters.ch12 import attach, xdp
from helpers import (
    counters,
    flows,
    frames,
    loader,
    netlab,
    protocols,
    sockets,
    syscall,
    toolchain,
    traffic,
    uapi,
)
from helpers.check import (
    NO_PROGRAM,
    Verdict,
    as_list,
    as_number,
    as_text,
    called,
    not_attempted,
    not_yet,
    right,
    shown,
)
from helpers.errors import CourseError
from helpers.machine import faults

LLDP = 0x88CC
TALK = frames.ethernet(LLDP, bytes(50))
# What must be counted as before, by the class it belongs to.
OTHERS = {
    "UDP": frames.ethernet(frames.IPV4, frames.ipv4(17, frames.udp(b"check"))),
    "ARP": frames.ethernet(frames.ARP, bytes(28)),
    "not IP": frames.ethernet(0x88B6, bytes(46)),
    "truncated": frames.ethernet(frames.IPV6, bytes(39)),
}


def lldp(parser: str | None) -> Verdict:
    """Exercise 1: compiled, loaded, and shown an LLDP frame among others."""
    if parser is None:
        return not_attempted("Replace None by the text of protocols.h, changed.")
    written = as_text(parser)
    if written is None:
        return not_yet("my_parser is the text of a C file: begin with parser.replace(...).")
    try:
        grown = count(written)
    except CourseError as error:
        return not_yet(f"It does not get into the kernel: {error}")
    if len(grown) < protocols.CLASSES["too many headers"] + 2:
        return not_yet("There are as many counters as before: give LLDP a name before CLASSES.")
    if grown[protocols.number("not IP")] == len(OTHERS["not IP"]) + len(TALK):
        return not_yet(
            "The LLDP frame still counts as not IP: does parse() give it the new class, and is "
            "0x88cc in network order?"
        )
    for name, frame in OTHERS.items():
        if grown[protocols.number(name)] != len(frame):
            return not_yet(
                f"A frame of the class {name} is not counted as before: have the numbers of the "
                "old classes moved, or is it taken for LLDP?"
            )
    if grown[protocols.CLASSES["too many headers"] + 1] != len(TALK):
        return not_yet("The LLDP frame is not in the new class: where does parse() look at type?")
    return right(f"LLDP has a counter of its own: {len(TALK)} bytes. The others are as they were.")


def count(parser: str) -> np.ndarray:
    """Bytes per class of TALK and OTHERS, by this parser. Errors: CompileError, LoadError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parser.h"
        path.write_text(parser)
        options = [f'-DPARSER="{path}"']
        compiled = toolchain.compile_bpf("protocols_kern.c", Path(folder) / "p.o", options)
        with (
            loader.load(compiled) as loaded,
            counters.Counters(loaded.map("bytes_by_protocol")) as values,
            netlab.open_network() as net,
        ):
            net.add_veth()
            with sockets.packet_socket(net, loaded.program("count_bytes").fd, "left"):
                traffic.frames(net, [TALK, *OTHERS.values()], "left")
            return values.read()


def tunnel_port(port: object) -> Verdict:
    """Exercise 4: a datagram to that port through a tunnel, past sockex1."""
    if port is None:
        return not_attempted("Replace None by the number of a port.")
    number = as_number(port)
    if number is None or not 0 < number < 1 << 16:
        return not_yet(f"{shown(port)} is no port: those are the numbers from 1 to 65535.")
    try:
        grown = through_tunnel(int(number))
    except netlab.NetworkError as refusal:
        return not_yet(str(refusal))
    if grown == {protocols.number("ICMP")}:
        return right(f"A datagram to port {number} counts as ICMP: its low byte is 1.")
    if number >> 8 == 1:
        return not_yet(f"Port {number} has its 1 in the high byte, and byte 23 is the other one.")
    landed = " and ".join(map(str, sorted(grown)))
    return not_yet(f"A datagram to port {number} raises the counter {landed}: what is byte 23?")


def through_tunnel(port: int) -> set[int]:
    """The counters that grow when sockex1 sees a datagram leave through a tun device.

    Errors: NetworkError where there can be none; CompileError, LoadError.
    """
    with (
        netlab.open_network() as net,
        net.add_tun(),
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
        counters.Counters(loaded.map("bytes_by_protocol")) as values,
    ):
        net.run(["ip", "address", "add", "10.8.0.1/24", "dev", "tun0"], check=True)
        with (
            sockets.packet_socket(net, loaded.program("count_bytes").fd, "tun0"),
            net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            sender.sendto(bytes(100), ("10.8.0.2", port))
        return {int(number) for number in np.flatnonzero(values.read())}


def key_of(protocol: int, from_port: int, to_port: int, version: int = 4) -> bytes:
    """A key of the map of flows."""
    key = np.zeros(1, flows.FLOW)
    key["from"], key["to"] = np.arange(16) + 1, np.arange(16) + 101
    key["protocol"], key["version"] = protocol, version
    key["from_port"], key["to_port"] = from_port, to_port
    return key.tobytes()


def ports(answer: Callable[[bytes], object]) -> Verdict:
    """Exercise 2: held against keys whose ports are known."""
    samples = [(443, 50_000), (53, 5353), (0, 0), (65_535, 256)]
    for from_port, to_port in samples:
        given, failure = called(answer, key_of(6, from_port, to_port, 6))
        if failure:
            return failure
        if given is None:
            return not_attempted("Replace None by the two ports, as numbers.")
        pair = as_list(given)
        if pair is None or len(pair) != 2:
            return not_yet(f"ports gives {shown(given)}: give both ports, (from_port, to_port).")
        pair = [*map(as_number, pair)]
        if pair == [from_port, to_port]:
            continue
        if pair == [to_port, from_port]:
            return not_yet("The two ports are the other way round: the sender's comes first.")
        swapped = [int.from_bytes(p.to_bytes(2, "big"), "little") for p in (from_port, to_port)]
        if pair == swapped:
            return not_yet(
                f"Port {from_port} came out as {pair[0]}: which byte order has a packet?"
            )
        return not_yet(
            f"For the ports {from_port} and {to_port} it gives {shown(given)}: which bytes?"
        )
    return right("Ports lie in a key as they lay in the packet: in network order.")


def reading_of(flow_bytes: dict[tuple[int, int, int], int]) -> flows.Reading:
    """Flows as Flows.read() gives them, made up: protocol and ports, and their bytes."""
    keys = b"".join(key_of(*flow) for flow in flow_bytes)
    counted = np.zeros(len(flow_bytes), flows.TRAFFIC)
    counted["bytes"], counted["packets"] = list(flow_bytes.values()), 2
    return flows.Reading(np.frombuffer(keys, flows.FLOW), counted, 0, 0)


# Protocol, from port, to port; bytes. DNS is whatever has port 53 at one end.
MIXED = {
    (17, 53, 53): 700,
    (17, 40_000, 53): 1000,
    (17, 53, 40_000): 20_000,
    (6, 53, 40_001): 300_000,
    (6, 40_001, 53): 4_000_000,
    (17, 5353, 5353): 50_000_000,
    (6, 443, 40_002): 600_000_000,
    (1, 0, 0): 7_000_000_000,
}
DNS = 4_321_700


def dns(answer: Callable[[flows.Reading], object]) -> Verdict:
    """Exercise 3: held against made-up flows, some of them with port 53 at one end."""
    given, failure = called(answer, reading_of(MIXED))
    if failure:
        return failure
    if given is None:
        return not_attempted("Replace None by the sum of the bytes of some flows.")
    total = as_number(given)
    if total is None:
        return not_yet(f"dns_bytes gives no number, but {shown(given)}: .sum() adds up.")
    if total == DNS:
        return right(f"{DNS:,} bytes of questions and answers, over UDP and over TCP.")
    hints = {
        DNS + 700: "A flow from port 53 to port 53 is in your sum twice: | takes each flow once.",
        DNS - 700: "A flow from port 53 to port 53 is missing: it has 53 at one end at least.",
        700: "Those are flows with 53 at both ends alone: & asks for both, | for one or both.",
        4_001_700: "Those are the questions alone, to port 53: the answers come from there.",
        320_700: "Those are the answers alone, from port 53: the questions go there.",
        21_700: "That is UDP alone: long answers travel over TCP.",
        4_300_000: "That is TCP alone: most questions travel over UDP.",
        5: "That is the number of flows: add up their bytes.",
        10: "Those are packets: add up bytes.",
    }
    return not_yet(hints.get(total, f"For the flows of the check it gives {total:,}, not {DNS:,}."))


PING = frames.ethernet(frames.IPV4, frames.ipv4(1, bytes(64)))
DATAGRAM = frames.ethernet(frames.IPV4, frames.ipv4(17, frames.udp(bytes(56))))
# Its byte 23 is 1, and lies in the sender's address: 2001:db8::1.
SIX = frames.ethernet(frames.IPV6, frames.ipv6(17, frames.udp(bytes(56))))
SHORTEST = 14  # bytes; no frame has fewer
PROTOCOL_ENDS = 24  # from so many bytes on, byte 23 is there


def no_pings(program: str | None) -> Verdict:
    """Exercise 5: an XDP program, on frames of every length in chapter 07's machine, which stops
    where it reads too far, then in the kernel and on a cable, where it may be loaded."""
    if program is None:
        return not_attempted("Write an XDP program, as text between quotes.")
    written = as_text(program)
    if written is None:
        return NO_PROGRAM
    try:
        with xdp.compiled(written) as path:
            return _by_the_machine(path) or _by_the_kernel(path)
    except CourseError as error:
        return not_yet(f"It is no XDP program yet. {error}")


def _by_the_machine(path: Path) -> Verdict | None:
    """What is wrong with the program; None if nothing is, or only the kernel can tell."""
    guard, at = xdp.in_machine(path), 0
    try:
        answers = [guard.run(PING[: (at := length)]) for length in range(SHORTEST, len(PING) + 1)]
        datagram, six = guard.run(DATAGRAM), guard.run(SIX)
    except faults.BadAddress as fault:
        return not_yet(f"Of a ping only {at} bytes came. {fault} Compare with data_end before.")
    except faults.UnknownHelper as fault:
        return None if xdp.may_load() else not_yet(f"Only the kernel could run it. {fault}")
    if {*answers, datagram, six} == {xdp.PASS} and xdp.reads_nothing(path):
        return not_attempted("It lets everything pass: have it look at its frame.")
    return _judged(answers[-1], datagram, six, answers[: PROTOCOL_ENDS - SHORTEST])


def _judged(ping: int, datagram: int, six: int, short: list[int]) -> Verdict | None:
    """What is wrong with the answers to a ping, a datagram, one over IPv6, and pieces of a ping."""
    other = {ping, datagram, six, *short} - {xdp.DROP, xdp.PASS}
    if other:
        return not_yet(
            f"One of its answers is {xdp.action(min(other))}: give XDP_DROP or XDP_PASS."
        )
    if datagram == six == xdp.DROP:
        return not_yet("It drops datagrams, over IPv4 and over IPv6: they are to pass.")
    if six == xdp.DROP:
        return not_yet("It drops a datagram over IPv6, from 2001:db8::1: what is its byte 23?")
    if datagram == xdp.DROP:
        return not_yet("It drops a datagram of UDP over IPv4: which protocol is to be dropped?")
    if ping == xdp.PASS:
        return not_yet("A ping gets through: which bytes make it one, and in which order?")
    if xdp.DROP in short:
        return not_yet("It drops a frame that ends before byte 23: nobody can tell what that was.")
    return None


def _by_the_kernel(path: Path) -> Verdict:
    if not xdp.may_load():
        return right(
            "Chapter 07's machine ran it on frames of every length. The kernel was not asked: "
            "an XDP program is loaded by holders of CAP_NET_ADMIN only."
        )
    try:
        with xdp.in_kernel(path) as program:
            ran = [syscall.test_run(program, frame).value for frame in (PING, DATAGRAM, SIX)]
            wrong = _judged(*ran, [])
            passed = None if wrong else _through(program.fd)
    except loader.LoadError as refusal:
        return not_yet(f"It does the right thing, but cannot prove it. {refusal}")
    if wrong:
        return wrong
    if passed != [DATAGRAM, SIX]:
        return not_yet(f"On a cable {len(passed)} of three frames got through: two are to.")
    return right("Attached to a cable's end, it dropped the ping, and two datagrams got through.")


def _through(program_fd: int) -> list[bytes]:
    """Send a ping and two datagrams through a cable at whose end the program is; what comes out.

    Errors: NetworkError where there can be no cable; AttachError.
    """
    with netlab.open_network() as net:
        net.add_veth()
        with (
            attach.xdp(net, program_fd, "right"),
            net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as tap,
        ):
            tap.bind(("right", uapi.ETH_P_ALL))
            tap.settimeout(traffic.TIMEOUT_SECONDS)
            traffic.frames(net, [PING, DATAGRAM, SIX], "left")
            arrived: list[bytes] = []
            while SIX not in arrived:
                frame = tap.recv(2048)
                arrived += [frame] if frame in (PING, DATAGRAM, SIX) else []
        return arrived
