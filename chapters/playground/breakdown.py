"""How the flows are added up: by protocol, port, sender, receiver, size, or each on its own.

Laboratory equipment. A breakdown puts every frame into exactly one group, so the groups of each
add up to the same sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers import protocols
from helpers.flows import FLOW, decode

BREAKDOWNS = ("protocol", "port", "sender", "receiver", "size", "flow")
# Frames of flows that found no room in the map, and the sum of all groups without a line.
NO_ROOM, REST = "no room in the map", "everything else"
WITH_PORTS = tuple(protocols.number(name) for name in ("TCP", "UDP", "SCTP"))


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
        codes = keys["protocol"].astype("u4")
    elif by == "port":
        codes = keys["protocol"].astype("u4") << 16 | service(keys)
    else:
        codes = addresses(keys, "from" if by == "sender" else "to")
    unique, of = np.unique(codes, return_inverse=True)
    return Groups(by, unique, of.reshape(-1))


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
        return str(decode(code))
    if by == "protocol":
        return protocols.name(int(code))
    if by == "port":
        return service_name(int(code) >> 16, int(code) & 0xFFFF)
    return address_name(code)


def address_name(code: np.void) -> str:
    """An address as text, from what addresses() makes of it."""
    key = np.zeros(1, FLOW)
    key["version"], key["from"] = code.tobytes()[0], np.frombuffer(code.tobytes()[1:], "u1")
    return decode(key[0]).sender or "no IP address"


def service_name(protocol: int, port: int) -> str:
    """A protocol with its port, as far as it has one."""
    if protocol not in WITH_PORTS:
        return protocols.name(protocol)
    return f"{protocols.name(protocol)} {port or 'without a port'}"


def size_class(number: int, classes: int = 12) -> str:
    """The class of sizes of bpf/playground_kern.c in words, in bytes."""
    low, high = 32 << number, (64 << number) - 1
    if number == 0:
        return "under 64 bytes"
    return f"{low:,} bytes and more" if number == classes - 1 else f"{low:,} to {high:,} bytes"
