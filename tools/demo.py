"""./course demo: chapter 03's program without a notebook, the article's five lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from helpers import loader, netlab, sockets, toolchain
from helpers.errors import CourseError
from helpers.protocols import NUMBERS

# What they are, exactly: a ping and its answer are 98 bytes each, header of Ethernet included.
FIVE_LINES = [f"TCP 0 UDP 0 ICMP {98 * 2 * pings} bytes" for pings in range(5)]


def line(counters: loader.Map) -> str:
    """One line as the kernel's own sample prints it."""
    tcp, udp, icmp = (counters.counter(NUMBERS[name]) for name in ("TCP", "UDP", "ICMP"))
    return f"TCP {tcp} UDP {udp} ICMP {icmp} bytes"


def five_lines() -> Iterator[str]:
    """Yield the five lines: one before any traffic, then one after each of four pings.

    Errors: a CourseError of whichever stage fails.
    """
    with (
        loader.load(toolchain.compile_bpf("sockex1_kern.c")) as loaded,
        netlab.open_network() as net,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
    ):
        counters = loaded.map("bytes_by_protocol")
        yield line(counters)
        for _ in range(4):
            ping = net.run(["ping", "-4", "-c", "1", "127.0.0.1"])
            if ping.returncode:
                reason = (ping.stderr or ping.stdout).strip()
                raise netlab.NetworkError(f"ping got no reply from 127.0.0.1 ({reason}).")
            yield line(counters)


def main() -> int:
    try:
        for text in five_lines():
            print(text, flush=True)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
