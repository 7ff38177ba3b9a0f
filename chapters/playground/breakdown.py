"""How the flows are added up: by protocol, port, sender, receiver, size, or each on its own.

Laboratory equipment. A breakdown puts every frame into exactly one group, so the groups of each
add up to the same sum.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import numpy as np

from helpers import counters
from helpers.flows import Flow

BREAKDOWNS = ("protocol", "port", "sender", "receiver", "size", "flow")
# Frames of flows that found no room in the map, and the sum of all groups without a line.
NO_ROOM, REST = "no room in the map", "everything else"
WITH_PORTS = tuple(counters.number(name) for name in ("TCP", "UDP", "SCTP"))


@dataclass(frozen=True)
class Groups:
    """Which group each flow belongs to.

    codes: shape (groups,), what label() makes a name of. of: shape (flows,), indices into codes.
    """

    by: str
    codes: np.ndarray
    of: np.ndarray

    def label(self, group: int) -> str:
        """The name of one group."""
        return label(self.by, self.codes[group])


def group(keys: np.ndarray, by: str) -> Groups:
    """Sort flows into groups.

    Arguments: keys: of dtype FLOW, shape (n,). by: one of BREAKDOWNS; for "size", which is not a
        matter of flows, the codes are the classes of sizes.
    """
    if by == "size":
        return Groups(by, np.arange(len(keys)), np.arange(len(keys)))
    if by == "flow":
        return Groups(by, keys, np.arange(len(keys)))
    if by == "protocol":
        codes = keys["class"].astype("u4")
    elif by == "port":
        codes = keys["class"].astype("u4") << 16 | service(keys)
    else:
        codes = addresses(keys, "from" if by == "sender" else "to")
    found, of = np.unique(codes, return_inverse=True)
    return Groups(by, found, of.reshape(-1))


def service(keys: np.ndarray) -> np.ndarray:
    """The lower of the two ports of each flow, as a rule that of the service; 0 without ports."""
    return np.minimum(keys["from_port"], keys["to_port"]).astype("u4")


def addresses(keys: np.ndarray, side: str) -> np.ndarray:
    """One end's address behind the IP version, 17 bytes as one value each."""
    joined = np.empty((len(keys), 17), "u1")
    joined[:, 0], joined[:, 1:] = keys["version"], keys[side]
    return joined.view("V17").reshape(-1)


def label(by: str, code: object) -> str:
    """The name of a group, from its code."""
    if by == "size":
        return size_class(int(code))
    if by == "flow":
        return flow_name(code)
    if by == "protocol":
        return counters.name(int(code))
    if by == "port":
        return service_name(int(code) >> 16, int(code) & 0xFFFF)
    version, address = code.tobytes()[0], code.tobytes()[1:]
    return text(version, address) or "no IP address"


def flow(key: np.void) -> Flow:
    """What the 40 bytes of a key say."""
    version, name = int(key["version"]), counters.name(int(key["class"]))
    sender, receiver = (text(version, key[side].tobytes()) for side in ("from", "to"))
    return Flow(name, sender, int(key["from_port"]), receiver, int(key["to_port"]))


def flow_name(key: np.void) -> str:
    """A flow in words; of frames without IP there is only what they are."""
    return str(flow(key)) if key["version"] else counters.name(int(key["class"]))


def text(version: int, address: bytes) -> str:
    """An address as text, "" for IP version 0: none."""
    if version not in (4, 6):
        return ""
    return str(ipaddress.ip_address(address[: 4 if version == 4 else 16]))


def service_name(protocol: int, port: int) -> str:
    """A protocol with its port, as far as it has one."""
    if protocol not in WITH_PORTS:
        return counters.name(protocol)
    return f"{counters.name(protocol)} {port or 'without a port'}"


def size_class(number: int, classes: int = 12) -> str:
    """The class of sizes of bpf/playground_kern.c in words, in bytes."""
    low, high = 32 << number, (64 << number) - 1
    if number == 0:
        return "under 64 bytes"
    return f"{low:,} bytes and more" if number == classes - 1 else f"{low:,} to {high:,} bytes"
