"""Sends datagrams while chapter 13's program sits at some functions, and bpftrace at the same ones.

    python entered.py

Runs as root, in a mount namespace of its own, where it mounts tracefs, and on a machine with one
processor, or the order would be nobody's. Prints, as JSON, how
many functions of this kernel take a packet first, which of them were watched, both lists of
[function, address], in the order of their times, and why, if nothing can be watched.
"""

from __future__ import annotations

import bisect
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chapters.ch13 import functions, recording
from helpers import netlab, traffic
from helpers.tracepoints import TracingError

# In the order in which a datagram passes them; which a kernel has is asked. All call it skb.
NAMES = ("validate_xmit_skb", "loopback_xmit", "eth_type_trans", "netif_rx_internal")
NAMES += ("enqueue_to_backlog", "ip_rcv", "ip_local_deliver", "udp_rcv", "__udp4_lib_rcv")
DATAGRAMS = 20
SECONDS = 300  # for bpftrace, on an emulated processor


@contextmanager
def watched(names: list[str], told: list[str]) -> Iterator[None]:
    """bpftrace at these functions: its lines, until the last one has been told of each datagram."""
    clauses = [f'kfunc:{name} {{ printf("{name} %llx\\n", args->skb); }}' for name in names]
    program = 'BEGIN { printf("begun\\n"); } ' + " ".join(clauses)
    command = ["bpftrace", "-B", "line", "-e", program]
    tracer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    late = threading.Timer(SECONDS, tracer.kill)
    late.start()
    try:
        for line in tracer.stdout:
            if line == "begun\n":
                break
        yield
        for line in tracer.stdout:
            told.append(line)
            if sum(each.startswith(f"{names[-1]} ") for each in told) == DATAGRAMS:
                break
    finally:
        late.cancel()
        tracer.kill()
        tracer.wait()


def main() -> None:
    # bpftrace looks there for what can be traced.
    subprocess.run(["mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing"], check=True)
    names = [name for name in NAMES if name in functions.taking_a_packet()]
    kept: list[bytes] = []
    told: list[str] = []
    refused, numbered = "", recording.numbered
    recording.numbered = lambda taken: kept.extend(taken) or numbered(taken)
    with netlab.open_network() as net:

        def action() -> None:
            with watched(names, told):
                traffic.udp(net, DATAGRAMS)

        try:
            functions.record(net, action, names)
        except TracingError as error:
            refused = str(error)
    starts, named = recording.known(Path("/proc/kallsyms"))
    mine = []
    for event in sorted(map(recording.EVENT.unpack, kept)):
        mine.append([named[bisect.bisect_right(starts, event[4]) - 1], event[1]])
    theirs = [[name, int(address, 16)] for name, address in map(str.split, told)]
    found = {"count": len(functions.taking_a_packet()), "names": names, "refused": refused}
    print(json.dumps(found | {"mine": mine, "theirs": theirs}))


if __name__ == "__main__":
    main()
