"""A private network to experiment in.

Laboratory equipment, first used in chapter 03. What it promises: a network namespace of its own
whose only interface at first is lo, up, with IPv4 and IPv6; nothing travels in it but what you
send; and nothing of it outlives this process, even if that is killed. `helpers/netlab_child.py` is
the process that lives inside.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from helpers import own_lo
from helpers.errors import CourseError

# Tried in this order. "own lo" is a container's: as quiet as the others if nobody else in there
# speaks through it. The last one is this machine's own lo, where other traffic passes too.
KINDS = ("user namespace", "network namespace", "own lo", "shared lo")
# The EtherType that IEEE keeps free for experiments.
TEST_TYPE = 0x88B5
CHILD = Path(__file__).with_name("netlab_child.py")


class NetworkError(CourseError):
    """The private network could not be made, or is closed, or a command in it is missing."""


class Network:
    """A network to experiment in, from open_network().

    kind: one of KINDS. private: False if only this machine's lo was to be had.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.private = kind != "shared lo"
        self._added: list[list[str]] = []
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-I", CHILD, str(theirs.fileno()), kind],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the caller alone
            )
        try:
            self._reply()
        except BaseException:
            self.close()
            raise

    def socket(
        self, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """A socket inside the network: the same arguments as socket.socket, the same result.

        The caller stays outside; a socket belongs to the network it was opened in for good.
        Errors: OSError as socket.socket, NetworkError if the network is closed.
        Source: network_namespaces(7), unix(7) for how the socket is handed over.
        """
        request = {"do": "socket", "family": family, "type": type, "protocol": protocol}
        _, (fd,) = self._ask(request)
        return socket.socket(fileno=fd)

    def start(self, command: list[str]) -> Command:
        """Start a command inside, such as ["ping", "-c", "4", "127.0.0.1"], and return at once.

        Errors: NetworkError if there is no such command.
        """
        try:
            reply, fds = self._ask({"do": "start", "argv": command})
        except FileNotFoundError as error:
            raise NetworkError(
                f"The command {command[0]} is not installed: run ./course lab, which installs it."
            ) from error
        return Command(self, reply["pid"], fds)

    def run(self, command: list[str], check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end; the result has .returncode, .stdout and .stderr.

        Errors: NetworkError if there is no such command, and with `check` if it fails.
        """
        with self.start(command) as running:
            # Both pipes at once, so that neither fills up while the other is read.
            errors: list[str] = []
            reader = threading.Thread(target=lambda: errors.append(running.stderr.read()))
            reader.start()
            output = running.stdout.read()
            reader.join()
            done = subprocess.CompletedProcess(command, running.wait(), output, errors[0])
        if check and done.returncode:
            raise NetworkError(refused(command[0], done.stderr))
        return done

    def namespace(self) -> int:
        """The number by which the kernel tells this network from others: an inode number.

        Errors: NetworkError if the network is closed.
        Source: namespaces(7), /proc/PID/ns/net. First used in chapter 12.
        """
        self._require_open()
        return Path(f"/proc/{self._child.pid}/ns/net").stat().st_ino

    def add_address(self, address: str, interface: str = "lo") -> None:
        """Give an interface of the network one more address, and wait until it can be reached.

        Errors: NetworkError if it is not an address that an interface can have.
        """
        options = ["/128", "nodad"] if ":" in address else ["/32"]
        added = [f"{address}{options[0]}", "dev", interface]
        result = self.run(["ip", "address", "replace", *added, *options[1:]])
        if "not permitted" in result.stderr:
            raise NetworkError(refused("ip address", result.stderr))
        if result.returncode:
            raise NetworkError(f"{interface} cannot have the address {address}: choose another.")
        self._added.append(added)
        # The kernel enters the route to an IPv6 address a little later, and drops until then.
        deadline = time.monotonic() + 5
        while "local" not in self.run(["ip", "route", "get", address]).stdout:
            if time.monotonic() > deadline:
                raise NetworkError(f"There is no route to {address}: open a new network.")

    def add_veth(self, left: str = "left", right: str = "right", mtu: int = 1500) -> None:
        """Add a veth pair: two Ethernet interfaces with a cable between them, both in this network.

        Their addresses are 02:00:00:00:00:0a and 02:00:00:00:00:0b. Neither has an IP address, and
        IPv6 is off, which would send frames of its own: nothing travels on the cable but what you
        send. It returns once frames get through, in both directions. A pair that is there already
        stays as it is.

        Arguments: mtu: the longest frame, in bytes, without its Ethernet header.
        Errors: NetworkError if this network or this kernel can have none. Source: veth(4).
        First used in chapter 12.
        """
        added = ["ip", "link", "add", left, "mtu", str(mtu), "address", "02:00:00:00:00:0a"]
        added += ["type", "veth"]
        added += ["peer", "name", right, "mtu", str(mtu), "address", "02:00:00:00:00:0b"]
        if not self.kind.endswith("namespace"):
            raise NetworkError("A veth pair needs a network namespace, and there is none here.")
        if self.run(["ip", "link", "show", left]).returncode == 0:
            return
        result = self.run(added)
        if result.returncode:
            raise NetworkError(f"No veth pair can be made here ({result.stderr.strip()}).")
        for end in (left, right):
            setting = f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6"
            self.run(["sh", "-c", f"[ ! -e {setting} ] || echo 1 > {setting}"])
        for end in (left, right):
            self.run(["ip", "link", "set", end, "up"])
        self._await_frame(left, right)
        self._await_frame(right, left)

    def _await_frame(self, sender: str, receiver: str) -> None:
        """Send one empty frame after the other until one arrives: a new cable is slow to wake."""
        nothing = bytes(12) + TEST_TYPE.to_bytes(2, "big")
        with (
            self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sends,
            self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as hears,
        ):
            sends.bind((sender, 0))
            hears.bind((receiver, TEST_TYPE))
            hears.settimeout(0.05)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    sends.send(nothing)
                    hears.recv(1)
                    return
        raise NetworkError(f"No frame gets from {sender} to {receiver}: open a new network.")

    def close(self) -> None:
        """End the process inside; its commands and the network end with it.

        An lo that was there before stays, without the addresses that it was given.
        """
        while self._added and self.kind.endswith(" lo") and self._control.fileno() >= 0:
            self.run(["ip", "address", "delete", *self._added.pop()])
        self._control.close()
        self._child.wait()

    def _ask(self, request: dict) -> tuple[dict, list[int]]:
        with self._lock:
            self._require_open()
            self._control.send(json.dumps(request).encode())
            return self._reply()

    def _require_open(self) -> None:
        if self._control.fileno() < 0:
            raise NetworkError("This network is closed: open a new one with open_network().")

    def _reply(self) -> tuple[dict, list[int]]:
        fds = array.array("i")
        message, ancillary, _, _ = self._control.recvmsg(1 << 16, socket.CMSG_SPACE(8))
        for _, _, data in ancillary:
            fds.frombytes(data)
        if not message:
            raise NetworkError("The private network ended by itself: open a new one.")
        reply = json.loads(message)
        if "errno" in reply:
            raise OSError(reply["errno"], reply["error"], reply.get("file"))
        return reply, list(fds)

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Command:
    """A command that runs inside a network: .stdout and .stderr to read, wait() for its status."""

    def __init__(self, network: Network, pid: int, fds: list[int]) -> None:
        self._network, self.pid = network, pid
        self.stdout, self.stderr = (os.fdopen(fd, errors="replace") for fd in fds)
        self.status: int | None = None

    def wait(self) -> int:
        """Wait for the end; the exit status, negative if a signal ended it."""
        if self.status is None:
            self.status = self._network._ask({"do": "wait", "pid": self.pid})[0]["status"]
        return self.status

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to end, as Ctrl-C would, and wait for that; the exit status."""
        if self.status is None:
            self._network._ask({"do": "stop", "pid": self.pid, "signal": number})
        return self.wait()

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.status is None:
            self.stop(signal.SIGKILL)
        self.stdout.close()
        self.stderr.close()


def refused(what: str, said: str) -> str:
    """One sentence for a command that failed; what it lacks where lo is a container's own."""
    reason = (said.strip().splitlines() or ["it gave no reason"])[-1].removesuffix(".")
    if "not permitted" not in said:
        return f"{what} failed ({reason}): correct it."
    return f"{what} may not change this lo: start the container with --cap-add NET_ADMIN as well."


def open_network() -> Network:
    """A private network: in a user namespace if this machine lets anyone have one, else in a
    network namespace if we may, else the lo that a container has for itself, else this machine's
    (then `.private` is False).

    Errors: NetworkError if not even lo is to be had.
    Source: user_namespaces(7), network_namespaces(7).
    """
    refusals = []
    for kind in KINDS:
        if kind == "own lo" and not own_lo.is_private():
            continue
        try:
            return Network(kind)
        except OSError as error:
            refusals.append(f"{kind}: {error.strerror}")
    raise NetworkError(
        f"No network to experiment in ({'; '.join(refusals)}): allow user namespaces, or start the "
        "course with ./course lab, a container with --cap-add NET_RAW, which add CAP_NET_RAW."
    )
