"""Sends datagrams while chapter 13's program sits at some functions, and bpftrace at the same ones.

    python entered.py FOLDER

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chapters.ch13 import functions, recording
from helpers import netlab, traffic
from helpers.tracepoints import TracingError

# Their first argument is called skb; which of them a kernel has is asked.
NAMES = ("validate_xmit_skb", "loopback_xmit", "eth_type_trans", "netif_rx_internal", "ip_rcv")
NAMES += ("enqueue_to_backlog", "ip_local_deliver", "udp_rcv", "__udp4_lib_rcv")
DATAGRAMS = 20


@contextmanager
def watched(names: list[str], output: Path) -> Iterator[None]:
    """bpftrace at these functions, which writes what it sees to a file."""
    clauses = [f'kfunc:{name} {{ printf("{name} %llx\\n", args->skb); }}' for name in names]
    program = 'BEGIN { printf("begun\\n"); } ' + " ".join(clauses)
    with output.open("w") as written:
        command = ["bpftrace", "-B", "line", "-e", program]
        tracer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in tracer.stdout:
            if line == "begun\n":
                break
        else:
            raise RuntimeError("bpftrace has ended before it began")
        yield
        tracer.send_signal(2)  # it prints what it has, and ends
        written.write(tracer.communicate()[0])


def main(folder: Path) -> None:
    # bpftrace looks there for what can be traced.
    subprocess.run(["mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing"], check=True)
    names = [name for name in NAMES if name in functions.taking_a_packet()]
    kept: list[bytes] = []
    refused, numbered = "", recording.numbered
    recording.numbered = lambda taken: kept.extend(taken) or numbered(taken)
    with netlab.open_network() as net:

        def action() -> None:
            with watched(names, folder / "told"):
                traffic.udp(net, DATAGRAMS)

        try:
            functions.record(net, action, names)
        except TracingError as error:
            refused = str(error)
    starts, named = recording.known(Path("/proc/kallsyms"))
    mine = []
    for event in sorted(map(recording.EVENT.unpack, kept)):
        mine.append([named[bisect.bisect_right(starts, event[4]) - 1], event[1]])
    told = (folder / "told").read_text() if mine else ""
    lines = (line.split() for line in told.splitlines() if line)
    theirs = [[name, int(address, 16)] for name, address in lines]
    found = {"count": len(functions.taking_a_packet()), "names": names, "refused": refused}
    print(json.dumps(found | {"mine": mine, "theirs": theirs}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
