"""The same counter in five places of a packet's way, and what each adds to sending a datagram; the
moving plot and the playground at a packet socket and at tc.

Laboratory equipment, used by ./course bench. The five are compared on a cable: datagrams are sent
from one end, and at the other nobody is, so that they are thrown away there. The plot and the
playground are compared on lo, as learners have them. The floods are short and many, so that
whatever else the machine does hits few of them: what is looked for is a tenth of a microsecond.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

from chapters.ch11.flood import FRAME, Run, Seen, Sender, in_pairs
from chapters.ch11.measuring import duration, middle_half, times_as_much
from chapters.ch12 import attach
from chapters.playground.program import Counting
from chapters.playground.traffic import datagram
from helpers import loader, sockets, tc, toolchain, uapi
from helpers.counters import Counters
from helpers.errors import CourseError
from helpers.netlab import Network
from helpers.probes import RETURN_0
from helpers.protocols import NUMBERS
from helpers.syscall import Program, frame_for_test_run, load_program, test_run
from tools.bench.rows import Row, verdict

NONE, SOCKET = "no counter on the cable", "packet socket, at the tap of the sending end"
TCX, CLSACT = "tc at the sending end, by a tcx link", "tc at the sending end, in a clsact"
GENERIC, DRIVER = "XDP at the receiving end, generic", "XDP at the receiving end, veth's own"
CGROUP = "cgroup_skb, at the sender's cgroup"
ETHERNET = 14  # bytes that there are not yet at a cgroup
HERE, THERE, MACS = "192.0.2.1", "192.0.2.2", "02:00:00:00:00:0b"
A_QUARTER, PATIENCE = 0.25, 5.0  # of what the socket adds; seconds for frames under way
PLOT, PLAYGROUND = "the moving plot", "the playground"
TEST_RUNS = 100_000


@contextmanager
def counted(
    loaded: loader.LoadedObject, place: AbstractContextManager, size: int = FRAME
) -> Iterator[Callable[[], Seen]]:
    """Count in a place; what it gives waits until nothing has come in for a while."""
    with Counters(loaded.map("bytes_by_protocol")) as counters, place:
        before = counters.read()

        def seen() -> Seen:
            grown, deadline = -1, time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                now = int((counters.read() - before)[NUMBERS["UDP"]])
                if now == grown:
                    break
                grown = now
                time.sleep(0.001)
            return Seen(grown // size, grown, cpu=0)

        yield seen


@contextmanager
def clsact(net: Network, program_fd: int) -> Iterator[None]:
    """As on a kernel before 6.6."""
    kept, uapi.BPF_TCX = uapi.BPF_TCX, dict.fromkeys(uapi.BPF_TCX, 0xFFFF)
    try:
        with tc.Place(net, program_fd, "left", ["egress"]):
            yield
    finally:
        uapi.BPF_TCX = kept


@contextmanager
def cgroup(program_fd: int, folder: Path) -> Iterator[None]:
    """At a cgroup. Errors: CourseError."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        link = tc.link_to(None, program_fd, directory, uapi.BPF_CGROUP_INET_EGRESS)
    except OSError as error:
        said = f"No program can be attached to a cgroup here ({error.strerror})."
        raise CourseError(said) from error
    finally:
        os.close(directory)
    try:
        yield
    finally:
        os.close(link)


@contextmanager
def cgroup_of(net: Network) -> Iterator[Path | None]:
    """A new cgroup for the sockets that are opened in a network; None where there can be none.

    A socket belongs to the cgroup of the process that opens it, which is the network's own.
    """
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    roots = [Path(at) for _, at, kind, *_ in mounts if kind == "cgroup2"]
    if not roots or not os.access(roots[0], os.W_OK):
        yield None
        return
    pid = net.run(["sh", "-c", "echo $PPID"]).stdout.strip()
    own = Path(f"/proc/{pid}/cgroup").read_text().rpartition("0::")[2].strip().lstrip("/")
    folder = roots[0] / f"course_bench_{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "cgroup.procs").write_text(pid)
        yield folder
    finally:
        with suppress(OSError):  # it has ended
            (roots[0] / own / "cgroup.procs").write_text(pid)
        folder.rmdir()


def cable(net: Network) -> None:
    """A cable on which datagrams can be sent to an address that nobody has."""
    net.add_veth()
    net.run(["ip", "address", "replace", f"{HERE}/24", "dev", "left"], check=True)
    known = ["lladdr", MACS, "dev", "left", "nud", "permanent"]
    net.run(["ip", "neighbour", "replace", THERE, *known], check=True)


def floods(net: Network, datagrams: int, repeats: int) -> tuple[dict[str, list[Run]], str]:
    """Floods under the counter in each place, in turns; and why a place is missing, if one is."""
    cable(net)
    with ExitStack() as stack:
        folder = stack.enter_context(cgroup_of(net))
        sender = stack.enter_context(Sender(net, to=(THERE, 9)))
        wanted = {"": "", "tc": "_tc", "xdp": "_xdp"} | ({"cgroup": "_cgroup"} if folder else {})
        loaded = {
            kind: stack.enter_context(loader.load(toolchain.compile_bpf(f"protocols{part}_kern.c")))
            for kind, part in wanted.items()
        }
        fds = {kind: each.program("count_bytes").fd for kind, each in loaded.items()}
        xdp = partial(attach.xdp, net, fds["xdp"], "right")
        places = {
            SOCKET: ("", lambda: sockets.packet_socket(net, fds[""], "left")),
            CLSACT: ("tc", lambda: clsact(net, fds["tc"])),
            TCX: ("tc", lambda: tc.Place(net, fds["tc"], "left", ["egress"])),
            GENERIC: ("xdp", lambda: xdp(mode=uapi.XDP_FLAGS_SKB_MODE)),
            DRIVER: ("xdp", lambda: xdp(mode=uapi.XDP_FLAGS_DRV_MODE)),
        }
        if folder:
            places[CGROUP] = ("cgroup", lambda: cgroup(fds["cgroup"], folder))
        ways = {NONE: lambda: nullcontext(lambda: Seen(0, 0, cpu=0))} | {
            name: partial(way, loaded[kind], place, size_at(name))
            for name, (kind, place) in places.items()
        }
        missing = "" if folder else "no cgroup can be made here"
        return in_pairs(sender, ways, datagrams, repeats), missing


def way(
    loaded: loader.LoadedObject, place: Callable[[], AbstractContextManager], size: int
) -> AbstractContextManager[Callable[[], Seen]]:
    """One way of counting, attached anew each time."""
    return counted(loaded, place(), size)


def size_at(name: str) -> int:
    """How many bytes of a frame a place shows."""
    return FRAME - ETHERNET * (name == CGROUP)


def five(net: Network, datagrams: int, repeats: int) -> list[Row]:
    """The rows about the five places, two of them in two ways."""
    runs, missing = floods(net, datagrams, repeats)
    without = statistics.median(run.without for run in runs[NONE])
    noise = middle_half([run.added for run in runs.pop(NONE)])
    rows = [
        Row(f"**The same counter in five places**, {repeats} floods of {datagrams:,} datagrams"),
        Row(NONE, f"{duration(without)} to send one", f"adds {noise}: the noise"),
    ]
    unit = statistics.median(run.added for run in runs[SOCKET])
    for name, each in runs.items():
        added = [run.added for run in each]
        exact = all(run.seen.bytes == datagrams * size_at(name) for run in each)
        median = statistics.median(added)
        rows.append(
            Row(
                name,
                f"adds {duration(median)}, bytes {'' if exact else 'not '}exact",
                middle_half(added),
                times_as_much(median, unit),
            )
        )
    return rows + ([Row(CGROUP, f"not measured: {missing}")] if missing else [])


def own_time(program: Program, idle: Program) -> float:
    """What a program takes for one datagram, beyond what the test run takes itself."""
    frame = datagram(1).ljust(FRAME, b"\0")
    at_socket = program.type == uapi.BPF_PROG_TYPE_SOCKET_FILTER
    packet = frame_for_test_run(frame) if at_socket else frame
    times = [
        [test_run(each, packet, TEST_RUNS).nanoseconds for each in (program, idle)]
        for _ in range(5)
    ]
    mine, nothing = (min(column) for column in zip(*times, strict=True))
    return mine - nothing


def seen_by(read: Callable[[], int]) -> Callable[[], Seen]:
    """What has been counted from now on."""
    before = read()

    def seen() -> Seen:
        grown = read() - before
        return Seen(grown // FRAME, grown, cpu=0)

    return seen


@contextmanager
def at(place: AbstractContextManager, read: Callable[[], int]) -> Iterator[Callable[[], Seen]]:
    with place:
        yield seen_by(read)


def profit(net: Network, datagrams: int, repeats: int) -> list[Row]:
    """The rows about the plot's and the playground's programs, at a socket and at tc."""
    with ExitStack() as stack:
        enter = stack.enter_context
        plots = [
            enter(loader.load(toolchain.compile_bpf(name)))
            for name in ("sockex1_kern.c", "sockex1_tc_kern.c")
        ]
        counters = [enter(Counters(each.map("bytes_by_protocol"))) for each in plots]
        grounds = [enter(Counting(at_tc=each)) for each in (False, True)]
        sender = enter(Sender(net))
        programs = {
            PLOT: [each.program("count_bytes") for each in plots],
            PLAYGROUND: [each.program for each in grounds],
        }
        reads = {
            PLOT: [partial(udp, each) for each in counters],
            PLAYGROUND: [partial(all_bytes, each) for each in grounds],
        }
        # As live.interfaces has it: the plot's program is shown both copies that lo makes.
        outgoing = {PLOT: True, PLAYGROUND: False}
        hooks = {PLOT: ["egress"], PLAYGROUND: ["ingress"]}
        ways = {}
        for who, (first, second) in programs.items():
            ways[f"{who}, at a packet socket"] = lambda who=who, fd=first.fd: at(
                sockets.packet_socket(net, fd, "lo", outgoing[who]), reads[who][0]
            )
            ways[f"{who}, at tc"] = lambda who=who, fd=second.fd: at(
                tc.Place(net, fd, "lo", hooks[who]), reads[who][1]
            )
        runs = in_pairs(sender, ways, datagrams, repeats)
        idle = [
            enter(load_program(RETURN_0, kind))
            for kind in (uapi.BPF_PROG_TYPE_SOCKET_FILTER, uapi.BPF_PROG_TYPE_SCHED_CLS)
        ]
        own = {
            who: [own_time(one, nothing) for one, nothing in zip(pair, idle, strict=True)]
            for who, pair in programs.items()
        }
    rows = [Row(f"**Counting at tc** on lo, {repeats} floods of {datagrams:,} datagrams")]
    for who, (socket_own, tc_own) in own.items():
        names = (f"{who}, at a packet socket", f"{who}, at tc")
        rows += compared(names, runs, datagrams, (socket_own * (1 + outgoing[who]), tc_own))
    return rows


def compared(
    names: tuple[str, str], runs: Mapping[str, list[Run]], datagrams: int, own: tuple[float, float]
) -> list[Row]:
    """Two rows: the socket's, which is 1, and that of tc with its target."""
    rows, added = [], [statistics.median(run.added for run in runs[name]) for name in names]
    net = [all_ - its for all_, its in zip(added, own, strict=True)]
    for name, median, its, alone in zip(names, added, own, net, strict=True):
        exact = all(run.seen.bytes == datagrams * FRAME for run in runs[name])
        said = f"adds {duration(median)}, {duration(alone)} without the program's own "
        said += f"{duration(its)}; bytes {'' if exact else 'not '}exact"
        spread = middle_half([run.added for run in runs[name]])
        ratio = f"{times_as_much(median, added[0])}; {times_as_much(alone, net[0])} without"
        rows.append(Row(name, said, spread, ratio))
    met = verdict("at most a quarter", added[1] <= A_QUARTER * added[0])
    met += f"; {verdict('without its own time', net[1] <= A_QUARTER * net[0])}"
    rows[1] = Row(rows[1].name, rows[1].measured, rows[1].spread, rows[1].ratio, met)
    return rows


def udp(counters: Counters) -> int:
    return int(counters.read()[NUMBERS["UDP"]])


def all_bytes(counting: Counting) -> int:
    return counting.read().bytes


def measure(net: Network, datagrams: int, repeats: int) -> list[Row]:
    """The rows about places; where a program may not be attached, a row that says so.

    Errors: MeasuringError, SocketError, NetworkError.
    """
    try:
        return five(net, datagrams, repeats) + profit(net, datagrams, repeats)
    except (attach.AttachError, loader.LoadError) as error:
        return [Row("**The same counter in five places**", f"not measured: {error}")]
