"""A private network to experiment in.

Laboratory equipment, first used in chapter 03. What it promises: a network namespace of its own
whose only interface at first is lo, up, with IPv4 and IPv6; nothing travels in it but what you
send; and nothing of it outlives this process, even if that is killed. `helpers/netlab/child.py` is
the process that lives inside, `helpers/netlab/control.py` how it is asked.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.netlab import own_lo, patience
from helpers.netlab.control import Control, NetworkError
from helpers.places import exhausted

# Tried in this order. "own lo" is a container's: as quiet as the others if nobody else in there
# speaks through it. The last one is this machine's own lo, where other traffic passes too.
KINDS = ("user namespace", "network namespace", "own lo", "shared lo")
# The EtherType that IEEE keeps free for experiments.
TEST_TYPE = 0x88B5


class Network:
    """A network to experiment in, from open_network().

    kind: one of KINDS. private: False if only this machine's lo was to be had.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.private = kind != "shared lo"
        self._added: list[list[str]] = []
        self._control = Control(kind)

    @property
    def ended(self) -> bool:
        """Whether it is closed, or has ended by itself: nothing can be sent in it any more."""
        return self._control.ended

    def socket(
        self, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """A socket inside the network: the same arguments as socket.socket, the same result.

        The caller stays outside; a socket belongs to the network it was opened in for good.
        To wait for something in vain ends after a minute.
        Errors: OSError as socket.socket, NetworkError if the network is closed.
        Source: network_namespaces(7), unix(7) for how the socket is handed over.
        """
        _, (fd,) = self._control.ask(do="socket", family=family, type=type, protocol=protocol)
        return patience.PatientSocket(fd)

    def link(self, program_fd: int, index: int, hook: int) -> int:
        """A descriptor that holds a program at an interface of this network: see helpers/tc.py.

        Errors: OSError. Source: bpf(2), BPF_LINK_CREATE.
        """
        from helpers.syscall.call import call_number  # rarely needed

        at = {"call": call_number(), "index": index, "hook": hook}
        return self._control.ask(program_fd, do="link", **at)[1][0]

    def require_ipv6(self) -> None:
        """Go on if this network has IPv6. Errors: NetworkError, which says why it has none."""
        try:
            with self.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
                probe.bind(("::1", 0))
        except OSError as error:
            cause = "its lo has no address ::1, since net.ipv6.conf.lo.disable_ipv6 is 1"
            if error.errno == errno.EAFNOSUPPORT:
                cause = "this kernel was started with ipv6.disable=1, or built without"
            raise NetworkError(
                f"This network has no IPv6 ({cause}): go on with the next part, or have IPv6 "
                "switched on; the stored chapter shows what happens with it."
            ) from error

    def start(self, command: list[str], seconds: float = patience.SECONDS) -> Command:
        """Start a command inside, such as ["ping", "-c", "4", "127.0.0.1"], and return at once.

        Arguments: seconds: how long its output, or its end, is waited for.
        Errors: NetworkError if there is no such command, or it is a string and no list.
        """
        if isinstance(command, str):
            raise NetworkError(f"A command is a list of words: write {command.split()}.")
        try:
            words = [str(word) for word in command]
            reply, fds = self._control.ask(do="start", argv=words)
        except FileNotFoundError as error:
            raise NetworkError(
                f"The command {command[0]} is not installed: run ./course lab, which installs it."
            ) from error
        return Command(self._control, reply["pid"], fds, words[0], seconds)

    def run(self, command: list[str], check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end; the result has .returncode, .stdout and .stderr.

        Errors: NetworkError if there is no such command, and with `check` if it fails.
        """
        # Both pipes at once, so that neither fills up while the other is read.
        with ThreadPoolExecutor(max_workers=1) as pool, self.start(command) as running:
            errors = pool.submit(running.stderr.read)
            output = running.stdout.read()
            status = running.wait()
            done = subprocess.CompletedProcess(command, status, output, errors.result())
        if check and done.returncode:
            raise NetworkError(refused(command[0], done.stderr))
        return done

    def namespace(self) -> int:
        """The number by which the kernel tells this network from others: an inode number.

        Errors: NetworkError if the network is closed.
        Source: namespaces(7), /proc/PID/ns/net. First used in chapter 12.
        """
        self._control.require_open()
        return Path(f"/proc/{self._control.pid}/ns/net").stat().st_ino

    def add_address(self, address: str, interface: str = "lo") -> None:
        """Give an interface of the network one more address, and wait until it can be reached.

        Errors: NetworkError if it is not an address that an interface can have.
        """
        if ":" in address:
            self.require_ipv6()
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
            # Where /proc/sys is read-only, as in a container: no address, so nothing to say.
            self.run(["ip", "link", "set", end, "addrgenmode", "none"])
        for end in (left, right):
            self.run(["ip", "link", "set", end, "up"])
        self._await_frame(left, right)
        self._await_frame(right, left)

    def add_tun(self, name: str = "tun0", mtu: int = 1500) -> io.FileIO:
        """Add a tun device: an interface without Ethernet, whose other end is a file.

        What goes out there comes out of the file, one packet for each read() (None if there is
        none), and what is written to the file comes in. So it is with a VPN program. It has
        no IP address, and sends nothing by itself; give it some with `ip address add`.

        Arguments: mtu: the longest packet, in bytes.
        Result: the file; the interface goes when it is closed.
        Errors: NetworkError if this network or this kernel can have none.
        Source: Documentation/networking/tuntap.rst. First used in chapter 12.
        """
        if not self.kind.endswith("namespace"):
            raise NetworkError("A tun device needs a network namespace, and there is none here.")
        try:
            _, (fd,) = self._control.ask(do="tun", name=name)
        except OSError as error:
            raise NetworkError(
                f"No tun device can be made here ({error.strerror}): in a container, start it with "
                "--device /dev/net/tun; elsewhere load the kernel's module tun."
            ) from error
        tunnel = os.fdopen(fd, "r+b", buffering=0)
        # Before it is up: then it gives itself no address, and asks for no router.
        quiet = ["mtu", str(mtu), "multicast", "off", "addrgenmode", "none"]
        self.run(["ip", "link", "set", name, *quiet], check=True)
        self.run(["ip", "link", "set", name, "up"], check=True)
        return tunnel

    def _await_frame(self, sender: str, receiver: str) -> None:
        """Send frames until the last one sent arrives: a new cable is slow to wake."""
        header = bytes(12) + TEST_TYPE.to_bytes(2, "big")
        with (
            self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sends,
            self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as hears,
        ):
            sends.bind((sender, 0))
            hears.bind((receiver, TEST_TYPE))
            hears.settimeout(0.05)
            deadline, number = time.monotonic() + 5, 0
            while time.monotonic() < deadline:
                number += 1
                frame = header + number.to_bytes(2, "big")
                sends.send(frame)
                with contextlib.suppress(TimeoutError):
                    # A slow one of before may come first, and must not be left for who counts next.
                    while hears.recv(len(frame)) != frame:
                        continue
                    return
        raise NetworkError(f"No frame gets from {sender} to {receiver}: open a new network.")

    def close(self) -> None:
        """End the process inside; its commands and the network end with it.

        An lo that was there before stays, without the addresses that it was given.
        """
        try:
            while self._added and self.kind.endswith(" lo") and not self._control.closed:
                self.run(["ip", "address", "delete", *self._added.pop()])
        finally:
            self._control.close()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Command:
    """A command that runs inside a network: .stdout and .stderr to read, wait() for its status.

    Neither waits for longer than the seconds that it was started with.
    """

    def __init__(
        self, control: Control, pid: int, fds: list[int], name: str, seconds: float
    ) -> None:
        self._control, self.pid, self._name, self._seconds = control, pid, name, seconds
        *pipes, self._ended = fds
        self.stdout, self.stderr = (patience.text(fd, name, seconds) for fd in pipes)
        self.status: int | None = None

    def wait(self) -> int:
        """Wait for the end; the exit status, negative if a signal ended it.

        Errors: NetworkError if it does not end.
        """
        if self.status is None:
            # Here and not inside, so that others may ask meanwhile.
            if not patience.poll(self._ended, self._seconds):
                raise NetworkError(
                    f"{self._name} has not ended for {self._seconds:.0f} seconds: stop() it."
                )
            self.status = self._control.ask(do="wait", pid=self.pid)[0]["status"]
        return self.status

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to end, as Ctrl-C would, and wait for that; the exit status."""
        if self.status is None:
            self._control.ask(do="stop", pid=self.pid, signal=number)
        return self.wait()

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.status is None:
            self.stop(signal.SIGKILL)
        self.stdout.close()
        self.stderr.close()
        os.close(self._ended)


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
            if lack := exhausted(error):
                raise NetworkError(f"No network to experiment in: {lack}") from error
            refusals.append(f"{kind}: {error.strerror}")
    raise NetworkError(
        f"No network to experiment in ({'; '.join(refusals)}): allow user namespaces, or start the "
        "course with ./course lab, a container with --cap-add NET_RAW, which add CAP_NET_RAW."
    )
