"""Sends packets while chapter 13 records them, and the kernel's own trace, tracefs, does as well.

    python traced.py FOLDER [PART]

Runs as root in a mount namespace of its own, where it mounts tracefs on FOLDER. Its network's lo
has a name that no other interface of the machine has, so the trace of net:* is of that one alone;
skb:* is the whole machine's, and if that was too much for the kernel's buffer, a run is made again.
Prints JSON: for each run how many events found no room on either side, and both lists of [station,
address, length or reason], in the order of their times; what one datagram to a closed port passes;
whether the kernel hides the addresses in its trace (before Linux 5.12); and for each station
whether it could be attached to, and whether tracefs has it. PART: 10 for a tenth of each run.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chapters.ch13 import recording
from helpers import netlab, tracepoints, traffic

NAME = f"jo{os.getpid()}"  # at most 15 letters
EVENTS = dict.fromkeys(recording.STATIONS, "net") | dict.fromkeys(
    ("skb_copy_datagram_iovec", "consume_skb", "kfree_skb"), "skb"
)
EVENTS["icmp_send"] = "icmp"
# seconds of CLOCK_MONOTONIC: event: its fields
LINE = re.compile(r"\s(\d+\.\d+): (\w+): (.*)$")
ADDRESS, LENGTH = re.compile(r"(?:skbaddr|skb)=(?:0x)?([0-9a-f]+)"), re.compile(r"\blen=(\d+)")
REASON = re.compile(r"reason: ?(\w*)")


TRIES = 10


def closed_port(net: netlab.Network, count: int) -> None:
    with net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(b"anybody?", ("127.0.0.1", 9))


def set_up(instance: Path) -> list[str]:
    """Have the kernel trace; the stations that it can trace."""
    instance.mkdir()
    (instance / "tracing_on").write_text("0")
    (instance / "trace_clock").write_text("mono")
    (instance / "buffer_size_kb").write_text("16384")
    if (hashed := instance / "options" / "hash-ptr").exists():
        hashed.write_text("0")
    traced = []
    for name, system in EVENTS.items():
        event = instance / "events" / system / name
        if not event.exists() or system == "icmp":
            continue
        if system == "net":
            (event / "filter").write_text(f'name == "{NAME}"')
        (event / "enable").write_text("1")
        traced.append(name)
    return traced


def trace(instance: Path, until: int) -> tuple[int, list[list[object]]]:
    """How many events the kernel's own buffer had no room for, and those that it has, up to that
    time, in microseconds."""
    overrun = sum(
        int(re.search(rf"^{word}: (\d+)", stats.read_text(), re.MULTILINE)[1])
        for stats in instance.glob("per_cpu/cpu*/stats")
        for word in ("overrun", "dropped events")
    )
    found = []
    for line in (instance / "trace").read_text().splitlines():
        match = LINE.search(line)
        if match and int(match[1].replace(".", "")) <= until:
            fields = match[3]
            if match[2] == "kfree_skb":
                reason = REASON.search(fields)
                # Linux 6.1's trace leaves the word out while it shows addresses: None.
                detail: object = (reason[1] or None) if reason else ""
            else:
                length = LENGTH.search(fields) if EVENTS[match[2]] == "net" else None
                detail = int(length[1]) if length else 0
            found.append([match[2], int(ADDRESS.search(fields)[1], 16), detail])
    return overrun, found


def reasons() -> dict[int, str]:
    """Those of this kernel; before Linux 5.17 there are none."""
    try:
        return tracepoints.reasons()
    except tracepoints.TracingError:
        return {}


def mine(taken: list[bytes], until: int) -> list[list[object]]:
    """The same of chapter 13's events, before their addresses become numbers."""
    names, found = reasons(), []
    for event in sorted(map(recording.EVENT.unpack, taken)):
        at, skb, _, _, _, length, reason, _, _, station = event
        if at // 1000 > until:
            continue
        name = recording.text(station)
        size = length if EVENTS[name] == "net" else 0
        found.append([name, skb, names.get(reason, "") if name == "kfree_skb" else size])
    return found


def both(
    net: netlab.Network, action: Callable[[], object], folder: Path
) -> tuple[int, int, list[list[object]], int]:
    """Do it under both eyes: what chapter 13 lost, what the kernel's trace lost, that trace, and
    the time of its end, in microseconds."""
    instance = folder / "instances" / f"course_{net.namespace()}"
    traced, ended = set_up(instance), []

    def watched() -> None:
        (instance / "tracing_on").write_text("1")
        action()
        # What comes later, as the end of a TCP connection may, is seen by one side only.
        ended.append(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
        (instance / "tracing_on").write_text("0")

    try:
        lost = recording.record(net, watched, traced).lost
        return lost, *trace(instance, ended[0]), ended[0]
    finally:
        instance.rmdir()


def stations(folder: Path) -> dict[str, list[bool]]:
    """For each whether a program can be attached there, and whether tracefs has it."""
    found = {}
    with recording.load() as loaded:
        for name, system in EVENTS.items():
            try:
                with tracepoints.attached(loaded.program(name).fd, name):
                    found[name] = [True]
            except tracepoints.MissingError:
                found[name] = [False]
            found[name].append((folder / "events" / system / name).exists())
    return found


def main(folder: Path, part: int = 1) -> None:
    subprocess.run(["mount", "-t", "tracefs", "tracefs", folder], check=True)
    kept: list[bytes] = []
    numbered = recording.numbered
    recording.numbered = lambda taken: kept.extend(taken) or numbered(taken)
    result: dict = {"stations": stations(folder)}
    with netlab.open_network() as net:
        # Before Linux 6.2 an interface takes no new name while it is up.
        for words in ("lo down", f"lo name {NAME}", f"{NAME} up"):
            net.run(["ip", "link", "set", *words.split()], check=True)
        runs = {
            "pings": partial(traffic.echo, net, 200 // part),
            "closed port": partial(closed_port, net, 300 // part),
            "datagrams": partial(traffic.udp, net, 1000 // part),
            "tcp": partial(traffic.tcp, net, 1_000_000 // part),
        }
        for name, action in runs.items():
            for _ in range(TRIES):
                kept.clear()
                lost, overrun, theirs, ended = both(net, action, folder)
                if not overrun:
                    break
            result[name] = {
                "lost": lost,
                "overrun": overrun,
                "mine": mine(kept, ended),
                "theirs": theirs,
            }
        # icmp:* has no filter for an interface, so it is not in the runs.
        seen = recording.record(net, partial(closed_port, net, 1))
        result["passed"] = sorted({event.station for event in seen.events})
        result["hidden"] = not (folder / "options" / "hash-ptr").exists()
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((sys.argv[2:] or [1])[0]))
