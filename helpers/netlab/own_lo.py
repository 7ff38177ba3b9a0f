"""Is the lo of this process its own? In a container it may be, and then experiments can do with it.

Laboratory equipment, used by helpers.netlab where no network namespace is to be had.
"""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

ESTABLISHED = "01"  # a connection's state in /proc/net/tcp


def is_private(proc: Path = Path("/proc")) -> bool:
    """Whether this process's lo is not the machine's, and nobody speaks through it right now.

    A connection over lo means company: a notebook kernel that listens on TCP, or another container
    of the same pod. (JupyterLab as the course starts it uses Unix sockets.)
    Source: network_namespaces(7), proc(5).
    """
    if machine_wide(proc):
        return False
    tables = [proc / "thread-self/net" / name for name in ("tcp", "tcp6")]
    lines = "".join(path.read_text() for path in tables if path.exists()).splitlines()
    rows = [line.split() for line in lines if ":" in line.split()[0]]
    return not any(row[3] == ESTABLISHED and inside(row[1], row[2]) for row in rows)


def machine_wide(proc: Path = Path("/proc")) -> bool:
    """Whether this process is in the machine's first network namespace, as all are unless they, or
    their container, were given another one.

    The first one alone shows the settings of the whole machine, netdev_budget among them; each has
    its own somaxconn. Source: network_namespaces(7); net/core/sysctl_net_core.c in the kernel tree.
    """
    settings = proc / "sys/net/core"
    return (settings / "netdev_budget").exists() or not (settings / "somaxconn").exists()


def inside(local: str, remote: str) -> bool:
    """Whether a connection between two addresses, as proc(5) writes them, passes over lo."""
    ends = []
    for text in (local.partition(":")[0], remote.partition(":")[0]):
        words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
        address = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
        ends.append(getattr(address, "ipv4_mapped", None) or address)
    return ends[0].is_loopback or ends[0] == ends[1]
