"""Two networks, and the private one between them as their router.

Laboratory equipment, used in chapter 13. Each host is a process in a network namespace of its own,
which the private network's process has started, so they go when that goes. Nothing travels by
itself: there is no IPv6, and everybody knows everybody's hardware address.
"""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from helpers.netlab import Command, Network, NetworkError

# The router's interface for each: its own address, the host's, and both hardware addresses.
HOSTS = {
    "west": ("10.0.1.1", "10.0.1.2", "02:00:00:00:01:01", "02:00:00:00:01:02"),
    "east": ("10.0.2.1", "10.0.2.2", "02:00:00:00:02:01", "02:00:00:00:02:02"),
}
SHORT = 576  # bytes, the longest packet on the cable to the east
SECONDS = 5.0  # that a new cable may take to wake
_opened: WeakKeyDictionary[Network, dict[str, Command]] = WeakKeyDictionary()


def prepare(net: Network) -> None:
    """The two hosts, once for a network; it returns when each has an answer from the router.

    Errors: NetworkError if this network can have none.
    """
    if net in _opened:
        return
    found = {}
    for name, (own, theirs, mac, host_mac) in HOSTS.items():
        host = net.start(["unshare", "--net", "sh", "-c", "echo there; exec sleep infinity"])
        if not host.stdout.readline():
            raise NetworkError(
                f"No second network can be made here ({host.stderr.read().strip()})."
            )
        pair = ["ip", "link", "add", name, "address", mac, "type", "veth"]
        pair += ["peer", "name", "eth0", "address", host_mac, "netns", str(host.pid)]
        inside = ["nsenter", "--target", str(host.pid), "--net"]
        net.run(pair, check=True)
        up(net, [], name, own, (theirs, host_mac))
        up(net, inside, "eth0", theirs, (own, mac))
        net.run([*inside, *f"ip route add default via {own} mtu lock 1500".split()], check=True)
        setting = f"/proc/sys/net/ipv4/conf/{name}/forwarding"
        net.run(["sh", "-c", f"echo 1 > {setting}"], check=True)
        found[name] = host
    net.run(["ip", "link", "set", "east", "mtu", str(SHORT)], check=True)
    _opened[net] = found
    for name, (own, *_) in HOSTS.items():
        deadline = time.monotonic() + SECONDS
        while ping(net, name, own, 8):
            if time.monotonic() > deadline:
                raise NetworkError(f"The host in the {name} has no answer: open a new network.")


def up(net: Network, inside: list[str], name: str, own: str, known: tuple[str, str]) -> None:
    """Bring an interface up that sends nothing by itself."""
    address, mac = known
    for words in (
        f"ip link set {name} addrgenmode none",
        f"ip address add {own}/24 dev {name}",
        f"ip link set {name} up",
        f"ip neighbour replace {address} lladdr {mac} dev {name} nud permanent",
    ):
        net.run([*inside, *words.split()], check=True)


def ping(net: Network, host: str, to: str, data: int) -> int:
    """One ping from a host that must not be cut up; its exit status, 0: an answer has come."""
    inside = ["nsenter", "--target", str(_opened[net][host].pid), "--net"]
    sends = ["ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", str(data), to]
    return net.run([*inside, *sends]).returncode


def through(net: Network) -> None:
    """One ping from the west to the east, and its answer. Errors: NetworkError if none comes."""
    if ping(net, "west", HOSTS["east"][1], 56):
        raise NetworkError("No answer has come through the router: open a new network.")


def too_long(net: Network) -> None:
    """A ping that is too long for the cable to the east, and must not be cut up."""
    ping(net, "west", HOSTS["east"][1], 1000)
