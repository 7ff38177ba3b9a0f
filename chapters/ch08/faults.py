"""The road of sockex1 with one fault in it, for whoever wants to learn where to look.

Laboratory equipment, first used in chapter 08. road(n) builds all of it, from C source to counters,
in a private network; road(0) has no fault. If you want to find the faults yourself, read no further
than this line.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from helpers import capabilities, loader, netlab, sockets, toolchain
from helpers.errors import CourseError
from helpers.protocols import NUMBERS

PINGS = 4
SNAPSHOT = 256  # bytes that tcpdump takes of a frame: all its headers, and a ping whole
SECONDS_TO_SHOW = 20  # after which a frame that tcpdump has not shown is lost
ETH_P_IP = 0x0800
REFUSALS = "No such device exists\n", "is not up\n"  # how those of tcpdump end


class FaultError(CourseError):
    """There is no such road, or this machine cannot build it."""


class Road:
    """sockex1 at work, or meant to be.

    net: the private network; target: the address that ping() pings. object: the object file.
    program, map, sock: what was loaded and attached, None as far as it did not come to that.
    error: "" or what the system said; log: libbpf's messages then. thread: the number of the
    thread that did all this, see /proc/self/task.
    """

    def __init__(self, number: int) -> None:
        self.net = netlab.open_network()
        self.target = "127.0.0.1"
        self.program: loader.Program | None = None
        self.map: loader.Map | None = None
        self.sock: socket.socket | None = None
        self.error = self.log = ""
        self.thread = 0
        self.object = toolchain.BUILD / f"road_{number}_kern.o"
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._held: list = [self.net]

    def ping(self) -> None:
        """Send four pings to the target, and print how many were answered and what was counted."""
        before = self.counters()
        answered = self._answered()
        after = self.counters()
        grown = {name: after.get(n, 0) - before.get(n, 0) for name, n in NUMBERS.items()}
        print(f"{PINGS} pings sent, {answered} answered.", end=" ")
        if self.map is None:
            print("Nothing was loaded.")
        else:
            print(f"TCP {grown['TCP']} UDP {grown['UDP']} ICMP {grown['ICMP']} bytes")

    def _answered(self) -> int:
        """Send the pings; the number of answers."""
        ping = ["ping", "-c", str(PINGS), "-i", "0.01", "-W", "1", self.target]
        return self.net.run(ping).stdout.count("bytes from")

    def counters(self) -> dict[int, int]:
        """Every counter that is not zero, by its number; {} if there is no map."""
        self._require_open()
        values = {n: self.map.counter(n) for n in range(256)} if self.map else {}
        return {number: value for number, value in values.items() if value}

    def tcpdump(self, interface: str = "any") -> str:
        """What tcpdump sees on an interface of the network while the target is pinged.

        Errors: FaultError with tcpdump's words, if there is no such interface.
        """
        # Immediate mode keeps room for a few frames only, if they may be of any length: -s.
        options = ["-n", "-l", "-t", "--immediate-mode", "-s", str(SNAPSHOT), "-i", interface]
        with self.net.start(["tcpdump", *options]) as running:
            said = ""
            while "listening on" not in said:
                said = running.stderr.readline()
                if not said or said.endswith(REFUSALS):
                    raise FaultError(f"tcpdump cannot listen on {interface}: {said.strip()}")
            # Frames wait inside tcpdump: read as many as the answers need before it is stopped.
            seen = _read(running, 2 * self._answered() if interface in ("any", "lo") else 0)
            running.stop()
            text = seen + running.stdout.read()
            return f"{text.strip() or 'no frame'}\n"

    def map_ids(self) -> dict[str, object]:
        """The kernel's numbers of the map that is read, and of those that the program writes."""
        self._require_open()
        if self.program is None or self.map is None:
            return {}
        writes = list(self.program.info().map_ids)
        lines = Path(f"/proc/self/fdinfo/{self.map.fd}").read_text().splitlines()
        read = next(line.split()[1] for line in lines if line.startswith("map_id:"))
        return {"read": int(read), "the program's": writes}

    def _require_open(self) -> None:
        if not self._held:
            raise FaultError("This road was taken down: build it anew, with faults.road(number).")

    def close(self) -> None:
        """Take the road down."""
        if self.sock is not None:
            self.sock.close()
        for thing in reversed(self._held):
            thing.close()
        self._held.clear()
        self._worker.shutdown()

    def __enter__(self) -> Road:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _read(tcpdump: netlab.Command, echoes: int) -> str:
    """What it has printed once that holds so many echo requests and replies."""
    seen, shown = [], 0
    late = threading.Timer(SECONDS_TO_SHOW, tcpdump.stop)
    late.start()
    try:
        while shown < echoes:
            seen.append(tcpdump.stdout.readline())
            if not seen[-1]:
                raise FaultError(f"tcpdump showed {shown} of {echoes} frames: run the cell again.")
            shown += "echo re" in seen[-1]
    finally:
        late.cancel()
        late.join()
    return "".join(seen)


@dataclass(frozen=True)
class RoadFault:
    """One fault, as changes to a road that is right.

    name: the diagnosis. hint: where it shows. source: (old, new) in the C file. rights: the
    capabilities that the road is built with. before: done to the road before the attaching,
    after: once it is attached. interface: where to attach.
    """

    name: str
    hint: str
    source: tuple[str, str] = ("", "")
    rights: tuple[str, ...] = ("CAP_BPF",)
    before: Callable[[Road], None] = lambda road: None
    after: Callable[[Road], None] = lambda road: None
    interface: str = "lo"


def _ping_ipv6(road: Road) -> None:
    road.target = "::1"


def _another_interface(road: Road) -> None:
    for kind in ("dummy", "veth", "bridge"):
        if road.net.run(["ip", "link", "add", "eth0", "type", kind]).returncode == 0:
            road.net.run(["ip", "link", "set", "eth0", "up"])
            return
    raise FaultError("This kernel makes no second interface for a road: take another number.")


def _another_network(road: Road) -> None:
    elsewhere = netlab.open_network()
    road._held.append(elsewhere)
    road.sock = sockets.packet_socket(elsewhere, road.program.fd)


def _load_once_before(road: Road) -> None:
    road._held.append(road._worker.submit(loader.load, road.object).result())


def _read_the_older_map(road: Road) -> None:
    older = next(thing for thing in road._held if isinstance(thing, loader.LoadedObject))
    road.map = older.map(road.map.name)


def _wall(road: Road) -> None:
    road.net.run(["nft", "add table inet road"])
    wall = "{ type filter hook output priority 0; policy drop; }"
    done = road.net.run(["nft", f"add chain inet road wall {wall}"])
    if done.returncode:
        raise FaultError("This kernel has no firewall for a road: take another number.")


DIRECTION = "skb->pkt_type != PACKET_OUTGOING"
FAULTS = (
    RoadFault("none", "this road is right"),
    RoadFault(
        "stale map",
        "Compare the map that is read with those that the program writes.",
        before=_load_once_before,
        after=_read_the_older_map,
    ),
    RoadFault(
        "wrong interface",
        "Compare the interface that the frames pass with the one that the socket listens on.",
        before=_another_interface,
        interface="eth0",
    ),
    RoadFault(
        "wrong section name",
        "It was not loaded: read the words of libbpf, and the sections of the object.",
        source=('SEC("socket")', 'SEC("socket1")'),
    ),
    RoadFault("IPv6", "Look at every counter, and at the frames.", before=_ping_ipv6),
    RoadFault(
        "socket closed",
        "Who listens in this network, and what does road.sock say of itself?",
        after=lambda road: road.sock.close(),
    ),
    RoadFault(
        "missing capability",
        "It was not loaded: with which rights did the thread try?",
        rights=(),
    ),
    RoadFault(
        "wrong byte order",
        "All is in place, and nothing is counted: read the program.",
        source=(DIRECTION, f"skb->protocol != ETH_P_IP || {DIRECTION}"),
    ),
    RoadFault(
        "another network",
        "Nobody listens in this network, and yet the socket is open.",
        after=_another_network,
    ),
    RoadFault(
        "wrong protocol in bind",
        "Look at what the socket listens for; the program counts outgoing frames.",
        after=lambda road: road.sock.bind(("lo", ETH_P_IP)),
    ),
    RoadFault("firewall", "Are the pings answered, and does a frame pass at all?", after=_wall),
)
DECOYS = ("interface down", "map full", "out of memory", "program not attached")
NAMES = tuple(sorted([fault.name for fault in FAULTS[1:]] + list(DECOYS), key=str.lower))


def road(number: int) -> Road:
    """Build road `number`, 1 to 10, each with a fault of its own; 0 is without.

    Result: a Road; use it with `with`, or close() it.
    Errors: FaultError if there is no such road, or this machine cannot build it; NetworkError;
        CapabilityError for a right that this process does not hold.
    """
    if number not in range(len(FAULTS)):
        raise FaultError(f"There is no road {number!r}: choose from 0 to {len(FAULTS) - 1}.")
    fault, built = FAULTS[number], Road(number)
    try:
        if not built.net.private:
            raise FaultError("There is no private network here, and a road needs one.")
        _build(built, fault)
    except BaseException:
        built.close()
        raise
    return built


def _build(built: Road, fault: RoadFault) -> None:
    text = (toolchain.SOURCES / "sockex1_kern.c").read_text()
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        source = Path(folder) / "road_kern.c"
        source.write_text(text.replace(*fault.source) if fault.source[0] else text)
        toolchain.compile_bpf(source, built.object)
    built._worker.submit(capabilities.keep, fault.rights).result()
    built.thread = built._worker.submit(threading.get_native_id).result()
    fault.before(built)
    try:
        loaded = built._worker.submit(loader.load, built.object).result()
    except loader.LoadError as error:
        built.error, built.log = "the object was not loaded", error.log
        return
    built._held.append(loaded)
    built.program = loaded.program("count_bytes")
    built.map = loaded.map("bytes_by_protocol")
    if fault.name != "another network":
        built.sock = sockets.packet_socket(built.net, built.program.fd, fault.interface)
    fault.after(built)
