"""Checks of chapter 09, classic_bpf."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Sequence

from helpers import capabilities, cbpf, netlab, sockets, syscall, traffic
from helpers.cbpf import Instruction
from helpers.check import Verdict, as_bytes, called, not_attempted, not_yet, right
from helpers.sockets import ETH_P_ALL

HEADER_BYTES = 34  # of Ethernet and IPv4
# Pings from this address have a 17 at byte 23.
LOOKS_LIKE_UDP = "2a11::1"
# UDP over IPv4 in all that a filter is likely to look at, but for the EtherType, which is ARP's.
NOT_IPV4 = bytes(12) + b"\x08\x06\x45" + bytes(8) + b"\x11" + bytes(76)
LARGEST_DATAGRAM = 65_507  # bytes of data that UDP over IPv4 carries
SCRATCH_WORDS = 16
STORED = [3 * word + 100 for word in range(SCRATCH_WORDS)]


def complaint(code: bytes | None) -> str | None:
    """What keeps a filter from being one, in a sentence."""
    if code is None:
        return "Write a list of row(...)s, with commas between them."
    try:
        cbpf.check(cbpf.decode(code))
    except cbpf.FilterError as error:
        return str(error)
    return None


def udp_headers(rows: list[bytes] | None) -> Verdict:
    """Exercise 1: shown a datagram over IPv4, and five frames that are none of that kind."""
    code = as_bytes(rows)
    if code == b"" or rows is None:
        return not_attempted("Write rows into the list, one for each instruction.")
    if reason := complaint(code):
        return not_yet(reason)
    kept = {}
    with netlab.open_network() as net:
        net.add_address(LOOKS_LIKE_UDP)
        for name, send in (
            ("datagram over IPv4", lambda: traffic.udp(net)),
            ("ping over IPv4", lambda: traffic.echo(net)),
            ("datagram over IPv6", lambda: traffic.udp(net, to="::1")),
            (f"ping from {LOOKS_LIKE_UDP}", lambda: traffic.echo(net, to=LOOKS_LIKE_UDP)),
            ("segment of TCP", lambda: traffic.tcp(net, size=100)),
            ("frame of EtherType 0x806 with 17 at byte 23", lambda: by_hand(net, NOT_IPV4)),
        ):
            kept[name] = lengths(net, code, send)
    wanted = kept.pop("datagram over IPv4")
    for name, arrived in kept.items():
        if arrived:
            return not_yet(f"A {name} got through, too: {arrived[0]} bytes of it.")
    if not wanted:
        return not_yet(
            "A datagram over IPv4 was sent, and nothing of it arrived: do both jumps compare with "
            "the right number, and lead to the right row?"
        )
    if wanted != [HEADER_BYTES] * 2:
        return not_yet(
            f"Of a datagram over IPv4 {wanted[0]} bytes arrived; {HEADER_BYTES} are the headers."
        )
    return right(
        f"{HEADER_BYTES} bytes of each UDP datagram over IPv4, and nothing of five others."
    )


def lengths(net: netlab.Network, code: bytes, send: Callable[[], object]) -> list[int]:
    """What arrives at a packet socket with this filter, in bytes."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sockets.attach_filter(sock, code)
        sock.bind(("lo", ETH_P_ALL))
        send()
        return [len(message) for message in waiting(sock)]


def by_hand(net: netlab.Network, frame: bytes) -> None:
    """Send a frame as it is."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.sendto(frame, ("lo", 0))


def waiting(sock: socket.socket) -> list[bytes]:
    """All that a socket has received so far."""
    sock.setblocking(False)
    messages = []
    while True:
        try:
            messages.append(sock.recv(1 << 16))
        except BlockingIOError:
            return messages


def segment(
    options: int = 0,
    fragment: int = 0x4000,
    protocol: int = 6,
    ports: tuple[int, int] = (50_000, 443),
    ethertype: bytes = b"\x08\x00",
) -> bytes:
    """A frame that looks like TCP over IPv4, with so many bytes of IP options.

    fragment: the flags and the offset, 0x4000 for "in one piece", as TCP sends. Source: RFC 791.
    """
    tcp = struct.pack("!HHIIBBHHH", *ports, 0, 0, 0x50, 2, 0, 0, 0) + bytes(20)
    packet = traffic.ipv4(protocol, tcp, fragment, bytes([1] * options))
    return bytes(12) + ethertype + packet


# What exercise 2 shows a filter: the frame, whether it is to arrive, and what is wrong if not so.
SEGMENTS = (
    (segment(), True, "An ordinary one, in one piece and without options, does not arrive"),
    (segment(options=4), True, "Behind 4 bytes of IP options the port is not found"),
    (segment(options=40), True, "Behind 40 bytes of IP options the port is not found"),
    (segment(fragment=0x2000), True, "The first of several pieces has the port, and is refused"),
    (segment(fragment=0), True, "One without any flag does not arrive"),
    (segment(fragment=1), False, "A later piece arrives, whose data look like a port"),
    (segment(fragment=0x1000), False, "A piece from far behind arrives: all 13 bits count"),
    (segment(ports=(50_000, 80)), False, "One to port 80 arrives"),
    (segment(ports=(443, 50_000)), False, "One that comes from port 443 arrives"),
    (segment(protocol=17), False, "A datagram of UDP arrives"),
    (segment(ethertype=b"\x08\x06"), False, "A frame arrives whose EtherType is 0x806"),
)


def to_port_443(rows: list[bytes] | None) -> Verdict:
    """Exercise 2: attached to one of two local sockets, and shown eleven frames."""
    code = as_bytes(rows)
    if code == b"" or rows is None:
        return not_attempted("Write rows into the list, one for each instruction.")
    if reason := complaint(code):
        return not_yet(reason)
    for frame, wanted, otherwise in SEGMENTS:
        arrived = through(code, frame)
        if bool(arrived) != wanted:
            return not_yet(f"{otherwise}.")
        if wanted and arrived != [frame]:
            return not_yet(f"Of {len(frame)} bytes {len(arrived[0])} arrive: the rest is cut off.")
    return right(f"{sum(wanted for _, wanted, _ in SEGMENTS)} of {len(SEGMENTS)} frames arrived.")


def through(code: bytes, frame: bytes) -> list[bytes]:
    """What arrives at a local socket with this filter, which sees just what is sent to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        sockets.attach_filter(theirs, code)
        ours.send(frame)
        return waiting(theirs)


def marked(rows: list[bytes] | None) -> Verdict:
    """Exercise 3: attached to an ordinary UDP socket by a thread that has no capability."""
    code = as_bytes(rows)
    if code == b"" or rows is None:
        return not_attempted("Write rows into the list, one for each instruction.")
    if reason := complaint(code):
        return not_yet(reason)
    sent = [
        b"!",
        b"!help",
        b"help",
        b"",
        b"?!",
        b"!" * 60,
        b"x" * 33 + b"!",
        b"!" * LARGEST_DATAGRAM,
    ]
    wanted = [data for data in sent if data.startswith(b"!")]
    arrived = capabilities.without_capabilities(exchange, code, sent)
    if arrived == wanted:
        return right(f"Of {len(sent)} datagrams the {len(wanted)} that are marked arrived, whole.")
    unmarked = [data for data in arrived if data in sent and data[:1] not in (b"", b"!")]
    if unmarked:
        return not_yet(f"{unmarked[0]} arrived, which is not marked.")
    for whole, piece in zip(wanted, arrived, strict=False):
        if len(piece) < len(whole):
            return not_yet(
                f"A marked datagram arrived cut: {len(piece):,} of {len(whole):,} bytes. "
                "What a filter returns counts the UDP header, too, and must be enough for the "
                "largest datagram."
            )
    return not_yet(
        f"Of the {len(wanted)} that are marked {len(arrived) or 'none'} arrived. Look at the load: "
        "from which offset, and how many bytes? And at the number that they are compared with."
    )


def exchange(code: bytes, sent: list[bytes]) -> list[bytes]:
    """Send datagrams to a UDP socket with this filter, and read what arrives."""
    family = socket.AF_INET, socket.SOCK_DGRAM
    with socket.socket(*family) as receiver, socket.socket(*family) as sender:
        receiver.bind(("127.0.0.1", 0))
        sockets.attach_filter(receiver, code)
        for data in sent:
            sender.sendto(data, receiver.getsockname())
        return waiting(receiver)


def scratch(rule: Callable[[Instruction], bytes | None]) -> Verdict:
    """Exercise 4: every word is stored through the rule and loaded again, in the kernel."""
    made = []
    for word in range(SCRATCH_WORDS):
        returned = {}
        for name, code in (("st", 0x02), ("ld", 0x60)):
            returned[name], failure = called(rule, Instruction(code, k=word))
            if failure:
                return failure
        if all(each is None for each in returned.values()):
            return not_attempted("Return an instruction made by ebpf(...) instead of None.")
        made.append([as_bytes(each) for each in returned.values()])
        for name, one in zip(returned, made[-1], strict=True):
            if one is None or len(one) != 8:
                return not_yet(f"For {name} M[{word}] one instruction of 8 bytes is wanted.")
    for word in range(SCRATCH_WORDS):
        try:
            value = kept(made, word)
        except syscall.SyscallError as error:
            if error.number == errno.EPERM:
                raise
            said = [line for line in error.log.splitlines() if not line.startswith("processed")]
            return not_yet(f"The verifier does not take it: {said[-1] if said else error}")
        if value != STORED[word]:
            return not_yet(
                f"{STORED[word]} was stored in M[{word}], and {value} came out of it: "
                "do two words overlap, or are dst and src the wrong way round?"
            )
    return right("16 different numbers were stored in the 16 words, and each came out again.")


def kept(made: Sequence[Sequence[bytes]], word: int) -> int:
    """What the kernel finds in a scratch word after all of them were stored."""
    w0_is, exit_ = "<BBhi", struct.pack("<BBhi", 0x95, 0, 0, 0)
    code = b""
    for (store, _), worth in zip(made, STORED, strict=True):
        code += struct.pack(w0_is, 0xB4, 0, 0, worth) + store
    code += struct.pack(w0_is, 0xB4, 0, 0, 0) + made[word][1] + exit_
    with syscall.load_program(code) as program:
        return syscall.test_run(program, bytes(64)).value
