"""The rows about two senders at once: an atomic add on one array, a per-CPU array, a plain add.

Laboratory equipment, used by ./course bench; chapter 11 has the lesson.
"""

from __future__ import annotations

import statistics
import struct
from contextlib import ExitStack, nullcontext

from chapters.ch11.flood import FRAME, Sender
from chapters.ch11.measuring import duration, middle_half, progress, times_as_much
from chapters.ch11.two_cpus import at_once, two_cpus
from helpers import loader, sockets, syscall, toolchain
from helpers.loader import LoadedObject, Map
from helpers.netlab import Network
from helpers.protocols import NUMBERS
from tools.bench.rows import Row, verdict

NAMES = {
    "atomic": "an atomic add on one array, as sockex1 has it",
    "per_cpu": "a per-CPU array",
    "plain": "a plain add on one array",
}
# The beginning of a datagram as the programs see it: IPv4, UDP. In front what a test run cuts off,
# an Ethernet header, addressed to everybody.
IPV4 = struct.pack("!BBHIBBHII", 0x45, 0, FRAME - 14, 0, 64, NUMBERS["UDP"], 0, 1 << 24, 1 << 24)
PACKET = b"\xff" * 6 + bytes(8) + (bytes(12) + b"\x08\x00" + IPV4).ljust(FRAME, b"\0")


def udp_packets(counters: Map) -> int:
    """How many datagrams of a flood are in a map, whatever its kind."""
    raw = counters.lookup(struct.pack("=I", NUMBERS["UDP"]))
    return sum(struct.unpack(f"={len(raw) // 8}Q", raw)) // FRAME


def flood(senders: list[Sender], datagrams: int) -> float:
    """Let all send at once: the nanoseconds that one datagram took, the mean of the senders."""
    for sender in senders:
        sender.begin(datagrams)
    return statistics.fmean(sender.finish() for sender in senders) / datagrams


def measure(net: Network, datagrams: int, repeats: int) -> list[Row]:
    """The rows. Errors: MeasuringError, CompileError, LoadError, SocketError."""
    with ExitStack() as stack:
        loaded = stack.enter_context(loader.load(toolchain.compile_bpf("three_adds_kern.c")))
        senders = [stack.enter_context(Sender(net, cpu)) for cpu in two_cpus()]
        added: dict[str, list[float]] = {way: [] for way in NAMES}
        counted = dict.fromkeys(NAMES, 0)
        for _ in progress("Two senders at once", repeats):
            for way in NAMES:
                without = under(net, senders, None, datagrams)
                before = udp_packets(loaded.map(way))
                fd = loaded.program(f"count_{way}").fd
                added[way].append(under(net, senders, fd, datagrams) - without)
                counted[way] += udp_packets(loaded.map(way)) - before
        runs = {way: runs_at_once(loaded, way, datagrams * 10, repeats) for way in NAMES}
    sent = 2 * repeats * (datagrams + datagrams // 10)
    course = statistics.median(runs["atomic"])
    head = f"**Two senders at once** {repeats} times 2 x {datagrams:,} datagrams, on two CPUs"
    rows = [Row(head)]
    for way, name in NAMES.items():
        run = statistics.median(runs[way])
        rows.append(
            Row(
                name,
                f"{counted[way]:,} of {sent:,} counted, adds "
                f"{duration(statistics.median(added[way]))} to sending one; "
                f"one run, on both CPUs at once, takes {duration(run)}",
                f"adds {middle_half(added[way])}",
                times_as_much(run, course),
                verdict("misses nothing", counted[way] == sent) if way == "atomic" else "",
            )
        )
    return rows


def under(net: Network, senders: list[Sender], program_fd: int | None, datagrams: int) -> float:
    """One flood of all senders, under a program or none, after a short one for the caches."""
    attached = sockets.packet_socket(net, program_fd) if program_fd is not None else nullcontext()
    with attached:
        flood(senders, datagrams // 10)
        return flood(senders, datagrams)


def runs_at_once(loaded: LoadedObject, way: str, repeat: int, repeats: int) -> list[float]:
    """Nanoseconds for one run while the other CPU runs the same: the slower of the two."""
    program = loaded.program(f"count_{way}")

    def run() -> int:
        return syscall.test_run(program, PACKET, repeat).nanoseconds

    return [float(max(at_once(run))) for _ in range(repeats)]
