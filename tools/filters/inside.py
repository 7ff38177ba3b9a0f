"""What runs inside the private network: libpcap for our filters, and tcpdump, once for each.

    python -m tools.filters.inside compile FILE    FILE: JSON, a list of [interface, expression]
    python -m tools.filters.inside tcpdump FILE

The first prints a JSON list: [code in hex], or the refusal. The second prints a line once all
listen, another at each of two SIGTERM, once each has read what its filter let through, and then a
JSON list: how many packets came between the two, or the refusal. Laboratory equipment.
"""

from __future__ import annotations

import json
import re
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers import cbpf
from helpers.errors import CourseError

CAPTURED = re.compile(r"(\d+) packets? captured")
IN_USER_SPACE = "in user space"
THREADS = 8  # the kernel takes its time to close a packet socket
# A small ring buffer each, for there are hundreds.
TCPDUMP = ["tcpdump", "-n", "-p", "--immediate-mode", "-B", "512", "-s", "2048", "-w", "/dev/null"]


def compiled(tap: tuple[str, str]) -> str | list:
    interface, expression = tap
    try:
        return [cbpf.encode(cbpf.compile_for_interface(expression, interface)).hex()]
    except CourseError as error:
        return str(error)


def compile_all(taps: list[tuple[str, str]]) -> list[str | list]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(compiled, taps))


class Tcpdump:
    """One tcpdump; what it says on its errors is kept."""

    def __init__(self, interface: str, expression: str) -> None:
        self._process = subprocess.Popen(
            [*TCPDUMP, "-i", interface, "--", expression],
            stderr=subprocess.PIPE,
            # The mask is inherited, and this one shall hear SIGTERM.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM]),
        )
        self._said = b""

    def listens(self) -> bool:
        """Wait until it listens: False if it has refused the expression."""
        while b"listening on" not in self._said:
            if not self._read():
                self._process.wait()
                return False
        return True

    def _read(self) -> bool:
        """More of what it says, waiting for it; False at its end."""
        pipe = self._process.stderr
        new = pipe.read1(4096)
        self._said += new
        return bool(new)

    def count(self) -> int:
        """How many packets it has counted, once it has read all that there are."""
        while self._state() != "S":  # it works on some, or is about to
            select.select([], [], [], 0.01)
        said = len(self._said)
        self._process.send_signal(signal.SIGUSR1)
        while not (found := CAPTURED.search(self._said[said:].decode())):
            if not self._read():
                raise RuntimeError(self._said.decode())
        return int(found[1])

    def _state(self) -> str:
        """R: it runs; S: it waits for packets. Source: proc(5)."""
        said = Path(f"/proc/{self._process.pid}/stat").read_text()
        return said.rpartition(") ")[2][0]

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self) -> None:
        while self._read():
            continue
        self._process.wait()

    def told(self, count: int) -> int | str:
        """A count, with a word on it where the kernel has not taken the filter."""
        return f"{count}, {IN_USER_SPACE}" if b"Kernel filter failed" in self._said else count

    def refusal(self) -> str:
        return self._said.decode().strip().removeprefix("tcpdump: ")


def count_all(taps: list[tuple[str, str]]) -> list[int | str]:
    """What each has counted between the first signal and the second.

    Its first packets libpcap filters once more, by itself, with a machine that does not know of
    interfaces and directions: findings/libpcap_first_packet.sh. So something has to come before.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    started = [Tcpdump(*tap) for tap in taps]
    listening = [each for each in started if each.listens()]
    print("all listen", flush=True)
    counts = []
    for _ in range(2):
        signal.sigwait([signal.SIGTERM])
        counts.append({each: each.count() for each in listening})
        print("counted", flush=True)
    for each in listening:
        each.terminate()
    for each in listening:
        each.wait()
    before, after = counts
    return [
        each.told(after[each] - before[each]) if each in after else each.refusal()
        for each in started
    ]


if __name__ == "__main__":
    does = {"compile": compile_all, "tcpdump": count_all}[sys.argv[1]]
    print(json.dumps(does(json.loads(Path(sys.argv[2]).read_text()))))
