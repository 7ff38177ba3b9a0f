"""Ours and tcpdump's count of the same packets at both ends of a cable, and on `any`.

Laboratory equipment. Each expression has three witnesses at each place: a tcpdump; a packet socket
with our classic filter; one with its translation to eBPF. All of them hear the same traffic.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from helpers import cbpf, netlab, sockets, syscall, traffic
from helpers.errors import CourseError
from tools.filters.expressions import EXPRESSIONS
from tools.filters.frames import both_ways
from tools.filters.inside import THREADS

ENDS = ("left", "right")
ANY = "any"
AT_ONCE = 50
PACKET_STATISTICS = 6  # linux/if_packet.h


@dataclass(frozen=True)
class Row:
    """One expression at one place: how many packets each witness counted, or why it refused."""

    expression: str
    place: str
    theirs: int | str
    classic: int | str
    translated: int | str

    @property
    def agrees(self) -> bool:
        """Whether all counted the same, or the kernel can do it for none of them.

        On any, libpcap also filters by itself what asks for its own header, and does not say so.
        """
        if self.place == ANY and "out of the header that libpcap puts" in str(self.classic):
            return isinstance(self.theirs, int)
        return agree(self.theirs, self.classic, self.translated)


def agree(*counts: int | str) -> bool:
    """Whether all counted the same, or each refused."""
    return len(set(counts)) == 1 or not any(isinstance(count, int) for count in counts)


class Witness:
    """A packet socket that counts what its filter lets through."""

    def __init__(self, net: netlab.Network, place: str) -> None:
        # On all interfaces at once libpcap takes packets without their link header.
        one = place != ANY
        kind, protocol = (socket.SOCK_RAW, 0) if one else (socket.SOCK_DGRAM, sockets.ETH_P_ALL)
        self.socket = net.socket(socket.AF_PACKET, kind, socket.htons(protocol))
        self._place = place

    def listen(self) -> None:
        """From now on it counts."""
        if self._place == ANY:  # it hears already, and asking begins anew
            self.count()
        else:
            self.socket.bind((self._place, sockets.ETH_P_ALL))

    def count(self) -> int:
        """All that came, whether there was room for it or not. Source: packet(7)."""
        said = self.socket.getsockopt(sockets.SOL_PACKET, PACKET_STATISTICS, 8)
        return struct.unpack("=II", said)[0]


def inside(net: netlab.Network, what: str, file: Path) -> netlab.Command:
    command = [sys.executable, "-m", "tools.filters.inside", what, str(file)]
    return net.start(command, seconds=600)  # hundreds of expressions


def compare(expressions: list[str] | None = None, places: tuple[str, ...] = ENDS) -> list[Row]:
    """Count each expression at each place, all on the same traffic."""
    texts, rows = expressions or list(EXPRESSIONS), []
    for at in range(0, len(texts), AT_ONCE):
        rows += compare_at_once(texts[at : at + AT_ONCE], places)
    return rows


def compare_at_once(expressions: list[str], places: tuple[str, ...]) -> list[Row]:
    """The same with a tcpdump for each at the same time."""
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        net = stack.enter_context(netlab.open_network())
        net.add_veth()
        numbers = {end: ifindex(net, end) for end in ENDS}
        texts = [text.format(**numbers) for text in expressions]
        taps = [(place, text) for text in texts for place in places]
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        file = Path(folder) / "taps.json"
        file.write_text(json.dumps(taps))
        Path(folder).chmod(0o755)
        theirs = stack.enter_context(inside(net, "tcpdump", file))
        with inside(net, "compile", file) as compiles:
            made = json.loads(compiles.stdout.read())
        ours = [
            attached(stack, pool, net, tap[0], code) for tap, code in zip(taps, made, strict=True)
        ]
        assert theirs.stdout.readline() == "all listen\n", theirs.stderr.read()
        there, back = both_ways()
        for counting in (False, True):  # see inside.count_all: the first time is for nothing
            if counting:
                for witness in (each for two in ours for each in two if isinstance(each, Witness)):
                    witness.listen()
            traffic.frames(net, there, "left")
            traffic.frames(net, back, "right")
            net.run(["sh", "-c", f"kill -TERM {theirs.pid}"], check=True)
            assert theirs.stdout.readline() == "counted\n", theirs.stderr.read()
        said = json.loads(theirs.stdout.read())
        counted = [
            [each.count() if isinstance(each, Witness) else each for each in two] for two in ours
        ]
    return [
        Row(expression, place, count, *two)
        for (place, expression), count, two in zip(taps, said, counted, strict=True)
    ]


def ifindex(net: netlab.Network, interface: str) -> int:
    said = net.run(["ip", "-j", "link", "show", interface], check=True).stdout
    return json.loads(said)[0]["ifindex"]


def attached(
    stack: contextlib.ExitStack,
    pool: ThreadPoolExecutor,
    net: netlab.Network,
    place: str,
    made: str | list,
) -> list[Witness | str]:
    """A witness with the classic filter and one with its translation, or what is in the way."""
    if isinstance(made, str):
        return [made, made]
    program = cbpf.decode(bytes.fromhex(made[0]))
    two: list[Witness | str] = []
    for attach in (attach_classic, attach_translated):
        witness = Witness(net, place)
        stack.callback(pool.submit, witness.socket.close)
        try:
            attach(witness.socket, program)
            two.append(witness)
        except CourseError as error:
            two.append(str(error))
    return two


def attach_classic(sock: socket.socket, program: list[cbpf.Instruction]) -> None:
    sockets.attach_filter(sock, cbpf.encode(program))


def attach_translated(sock: socket.socket, program: list[cbpf.Instruction]) -> None:
    with syscall.load_program(cbpf.translate(program)) as loaded:
        sock.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, loaded.fd)
