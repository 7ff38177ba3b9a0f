"""python -m chapters.ch13.store: records what comes with the course, into chapters/ch13/recorded/.

For machines on which chapter 13 may not record. It takes CAP_PERFMON. Functions are recorded only
where the kernel has fentry; what is there is of Debian 13's, in a virtual machine of the matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chapters.ch13 import functions, recording, router, ways
from helpers import netlab, traffic
from helpers.tracepoints import TracingError


def actions(net: netlab.Network) -> dict[str, Callable[[], object]]:
    """What is recorded, by the name of its file without the ending."""
    sent = {
        "ping": partial(traffic.echo, net),
        "three pings": partial(traffic.echo, net, 3),
        "ten pings": partial(traffic.echo, net, 10),
        "three datagrams": partial(traffic.udp, net, 3),
        "with a tap": partial(ways.with_tap, net),
        "through a router": partial(router.through, net),
    }
    return sent | {name: partial(way, net) for name, way in ways.WAYS.items()}


def main() -> None:
    recording.STORED.mkdir(exist_ok=True)
    with netlab.open_network() as net:
        ways.prepare(net)
        for name, action in actions(net).items():
            recording.record(net, action).save(recording.stored(name))
        try:
            functions.record(net, partial(traffic.udp, net, 1)).save(recording.stored("functions"))
        except TracingError as refusal:
            print(refusal)


if __name__ == "__main__":
    main()
