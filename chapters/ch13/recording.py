"""What the kernel's tracepoints tell of one private network's packets, recorded, saved, opened.

Built in chapter 13, one_packets_journey. What is recorded tells nothing of where this kernel keeps
its things: addresses are numbered from 1, in the order in which they came; 0 is none.
"""

from __future__ import annotations

import bisect
import ctypes
import json
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from helpers import libbpf, loader, toolchain
from helpers.netlab import Network
from helpers.tracepoints import MissingError, TracingError, attached, reasons

# The tracepoints of bpf/journey_kern.c, in the order in which a packet can pass them.
STATIONS = {
    "net_dev_queue": "the network layers hand it to the interface's queue",
    "net_dev_start_xmit": "the queue hands it to the driver",
    "netif_rx_entry": "a driver hands it in, to be received",
    "netif_rx_ni_entry": "the same, outside of an interrupt",
    "netif_rx": "it is put into the backlog of this CPU",
    "net_dev_xmit": "the driver is back, and has taken it",
    "napi_gro_receive_entry": "a network card's driver hands it in",
    "netif_receive_skb_entry": "the same, without joining packets (GRO)",
    "netif_receive_skb": "receiving begins: the tap, tc, then IP",
    "icmp_send": "the kernel answers it with an error message",
    "skb_copy_datagram_iovec": "its bytes are copied to the program that calls recv(2)",
    "consume_skb": "it was used, and its memory is given back",
    "kfree_skb": "it is dropped",
}
STORED = Path(__file__).with_name("recorded")
ROOM = 1 << 22  # bytes of the ring buffer
# struct event in bpf/journey_kern.c.
EVENT = struct.Struct("5Q3I16s28s")
_RING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


@dataclass(frozen=True)
class Event:
    """One packet at one station.

    time: nanoseconds since the machine started. station: a key of STATIONS. skb: the number of
    its struct sk_buff; data: of its bytes; socket: of the socket that owns it. length: bytes, from
    the header on that is looked at now. reason, place: of kfree_skb, why, and the function of the
    kernel, as far as this kernel tells.
    """

    time: int
    station: str
    skb: int
    data: int = 0
    socket: int = 0
    length: int = 0
    cpu: int = 0
    interface: str = ""
    reason: str = ""
    place: str = ""


@dataclass(frozen=True)
class Recording:
    """What was seen: the events, oldest first; how many found no room in the ring buffer; the
    stations that this kernel lacks; and which kernel it was."""

    events: list[Event]
    lost: int = 0
    missing: list[str] = field(default_factory=list)
    kernel: str = ""

    def save(self, path: str | Path) -> None:
        """Write it to a file as JSON, which read() opens, with or without a kernel that can trace.

        Errors: TracingError if the file cannot be written. Built in chapter 13.
        """
        lines = ",\n".join(json.dumps(asdict(event)) for event in self.events)
        rest = {"kernel": self.kernel, "lost": self.lost, "missing": self.missing}
        head = json.dumps(rest).removesuffix("}")
        try:
            Path(path).write_text(f'{head}, "events": [\n{lines}\n]}}\n', "utf-8")
        except OSError as error:
            raise TracingError(
                f"{path} cannot be written ({error.strerror}): name a folder of your own."
            ) from error


def read(path: str | Path) -> Recording:
    """Open a recording that Recording.save wrote.

    Errors: TracingError if it is none. Built in chapter 13.
    """
    try:
        kept = json.loads(Path(path).read_text("utf-8"))
        events = [Event(**event) for event in kept.pop("events")]
        return Recording(events, **kept)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no recording"
        raise TracingError(
            f"{path} cannot be opened ({reason}): name a file that save() wrote."
        ) from error


def record(
    net: Network,
    action: Callable[[], object],
    stations: Sequence[str] = tuple(STATIONS),
    room: int = ROOM,
) -> Recording:
    """Do something, and record what passes the stations in one private network meanwhile.

    Arguments: action: called once all programs are attached. stations: names in STATIONS. room:
        bytes of the ring buffer, a power of two and at least a page.
    Errors: TracingError without CAP_PERFMON, on a kernel without BTF or ring buffer, or if it has
        none of the stations; NetworkError if the network is closed; what the action raises.
    Source: Documentation/bpf/ringbuf.rst; bpf/libbpf.h. Built in chapter 13.
    """
    if unknown := [name for name in stations if name not in STATIONS]:
        raise TracingError(f"There is no station {unknown[0]!r}; there are: {', '.join(STATIONS)}.")
    missing: list[str] = []
    with load(room) as loaded, ExitStack() as stack:
        for name in stations:
            try:
                stack.enter_context(attached(loaded.program(name).fd, name))
            except MissingError as error:
                missing.append(name)
                if len(missing) == len(stations):
                    raise error
        return taken(net, loaded, action, missing)


def taken(
    net: Network, loaded: loader.LoadedObject, action: Callable[[], object], missing: list[str]
) -> Recording:
    """Do something while programs of journey_kern.c are attached, and take what they have told.

    Errors: as record.
    """
    kept, numbers = [], loaded.map("numbers")
    take = _RING(lambda _, data, size: kept.append(ctypes.string_at(data, size)) or 0)
    ring = libbpf.library().ring_buffer__new(loaded.map("events").fd, take, None, None)
    if not ring:
        reason = os.strerror(ctypes.get_errno())
        raise TracingError(f"The ring buffer cannot be read ({reason}): run the cell again.")
    try:
        numbers.update(struct.pack("I", 0), struct.pack("Q", net.namespace()))
        action()
        libbpf.library().ring_buffer__consume(ring)
    finally:
        libbpf.library().ring_buffer__free(ring)
    lost = numbers.counter(1)
    return Recording(numbered(kept), lost, missing, os.uname().release.split("-")[0])


def load(room: int = ROOM) -> loader.LoadedObject:
    """The programs and maps of bpf/journey_kern.c. Errors: TracingError."""
    source = toolchain.SOURCES / "journey_kern.c"
    try:
        return loader.load(compiled(room, source.stat().st_mtime))
    except loader.LoadError as error:
        raise TracingError(str(error)) from error


@cache
def compiled(room: int, changed: float) -> Path:
    """The object file for a ring buffer of that many bytes; changed: when its source was."""
    output = toolchain.BUILD / f"journey_kern_{room}.o"
    return toolchain.compile_bpf("journey_kern.c", output, [f"-DROOM={room}"])


def numbered(taken: list[bytes]) -> list[Event]:
    """The events as the ring buffer gave them, with numbers and names in place of addresses.

    In the order of their times: two CPUs may have come to the ring buffer the other way round.
    """
    skbs, datas, sockets = {0: 0}, {0: 0}, {0: 0}
    unpacked = sorted((EVENT.unpack(each) for each in taken), key=lambda event: event[0])
    places = functions({event[4] for event in unpacked if event[4]})
    events = []
    for time, skb, data, socket, place, length, reason, cpu, interface, station in unpacked:
        dropped = place != 0
        events.append(
            Event(
                time=time,
                station=text(station),
                skb=skbs.setdefault(skb, len(skbs)),
                data=datas.setdefault(data, len(datas)),
                socket=sockets.setdefault(socket, len(sockets)),
                length=length,
                cpu=cpu,
                interface=text(interface),
                reason=reasons().get(reason, str(reason)) if dropped and reason else "",
                place=places.get(place, ""),
            )
        )
    return events


def text(field: bytes) -> str:
    """A string of C: up to its first zero."""
    return field.split(b"\0")[0].decode(errors="replace")


def functions(addresses: set[int], symbols: Path = Path("/proc/kallsyms")) -> dict[int, str]:
    """The kernel's functions in which these addresses lie, as far as this process may know.

    Without CAP_SYSLOG the kernel shows zeros in place of addresses. Source: proc(5), kptr_restrict
    in Documentation/admin-guide/sysctl/kernel.rst.
    """
    starts, names = known(symbols) if addresses else ([], [])
    if not starts or not starts[-1]:
        return {}
    found = {at: bisect.bisect_right(starts, at) - 1 for at in addresses}
    return {at: names[index].partition(".")[0] for at, index in found.items() if index >= 0}


@cache
def known(symbols: Path) -> tuple[list[int], list[str]]:
    """The addresses of the kernel's functions, the lowest first, and their names."""
    if not os.access(symbols, os.R_OK):
        return [], []
    words = (line.split() for line in symbols.read_text().splitlines())
    found = sorted((int(at, 16), name) for at, kind, name, *_ in words if kind in "tTwW")
    return [at for at, _ in found], [name for _, name in found]


def stored(name: str) -> Path:
    """Where the recording of that name lies that comes with the course."""
    return STORED / f"{name.replace(' ', '_')}.json"


def recorded(
    net: Network,
    action: Callable[[], object],
    otherwise: str,
    stations: Sequence[str] = tuple(STATIONS),
) -> Recording:
    """record(), and where that is refused a recording that comes with the course.

    It prints which it is, and the reason. Arguments: otherwise: the name of the one to take.
    Errors: TracingError if there is none of that name.
    """
    try:
        return record(net, action, stations)
    except TracingError as refusal:
        found = read(stored(otherwise))
        print(refusal)
        print(f"So what you see was recorded on Linux {found.kernel}; the course brings it.")
        events = [event for event in found.events if event.station in stations]
        return Recording(events, found.lost, found.missing, found.kernel)
