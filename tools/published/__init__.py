"""What published kernel configurations say of the course, by the parser of chapter 01.

python -m tools.published writes the table of docs/elsewhere.md. The files beside this are excerpts:
the lines that PARTS asks for, and those of the article's listing, each file with its source.
Laboratory equipment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from helpers import kernel
from helpers.toolchain import COURSE
from tools import marked

FOLDER = Path(__file__).parent
PAGE = COURSE / "docs" / "elsewhere.md"
ORDER = ("wsl", "fedora", "alpine", "raspberry", "android")
# What the course does, and the options that it takes.
PARTS = (
    ("maps and programs: every chapter", ("CONFIG_BPF_SYSCALL",)),
    ("packet sockets: every chapter", ("CONFIG_PACKET",)),
    ("a private network without root", ("CONFIG_USER_NS", "CONFIG_NET_NS")),
    ("a cable in it: 12", ("CONFIG_VETH",)),
    ("IPv6: 03, 12", ("CONFIG_IPV6",)),
    ("a firewall: 03", ("CONFIG_NF_TABLES",)),
    ("another's filter shown: 09", ("CONFIG_PACKET_DIAG",)),
    ("programs at tc: 12", ("CONFIG_NET_CLS_BPF", "CONFIG_NET_SCH_INGRESS")),
    ("VLAN devices: 12", ("CONFIG_VLAN_8021Q",)),
    ("the kernel's own types: 13", ("CONFIG_DEBUG_INFO_BTF",)),
    ("tracepoints: 13", ("CONFIG_BPF_EVENTS",)),
    ("/proc/config.gz: 01", ("CONFIG_IKCONFIG",)),
)
# What an option is if nobody names it. CONFIG_NET_NS hangs on CONFIG_NAMESPACES, which each of the
# shortened files names, the others on nothing that these leave out, and nothing selects them. Held
# against Linux 6.1: init/, net/ipv6/, net/netfilter/ and net/packet/Kconfig, lib/Kconfig.debug.
DEFAULTS = {"CONFIG_NET_NS": "y", "CONFIG_IPV6": "y", "CONFIG_USER_NS": "n"}
DEFAULTS |= {"CONFIG_NF_TABLES": "n", "CONFIG_PACKET_DIAG": "n", "CONFIG_DEBUG_INFO_BTF": "n"}
SAID = {"y": "yes", "m": "module", "n": "no", "absent": "not named"}
WEAKEST_FIRST = ("n", "absent", "m", "y")


@dataclass(frozen=True)
class Published:
    """An excerpt. name: whose; what: version and kind of file; source: its address at a commit."""

    name: str
    what: str
    source: str
    config: kernel.Config


def read(path: Path) -> Published:
    """One excerpt: its head's lines, and its options."""
    lines = kernel.read_lines(path)
    name, what, source = (line.removeprefix("# ") for line in lines[:3])
    return Published(name, what, source, kernel.Config(path, kernel.parse(lines)))


def value(config: kernel.Config, options: tuple[str, ...]) -> str:
    """What a configuration says to options that are needed together: the weakest answer."""
    answers = [config.options.get(option, DEFAULTS.get(option, "absent")) for option in options]
    return SAID[next(each for each in WEAKEST_FIRST if each in answers)]


def markdown(found: list[Published]) -> str:
    """The table, a column for each, and where each comes from."""
    head = ["what it is for", *(each.name for each in found)]
    rows = [head, ["---"] * len(head)]
    rows += [[what, *(value(each.config, options) for each in found)] for what, options in PARTS]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.append("")
    for each in found:
        commit = re.search(r"/blob/(\w{12})", each.source)[1]
        file = each.source.rpartition("/")[2]
        lines.append(f"- {each.name}: {each.what} ([{file}]({each.source}) at {commit}).")
    return "\n".join(lines)


def keep(page: Path = PAGE) -> None:
    """Write the table. Errors: MarkError if the page has no place for it."""
    marked.put(page, "published", markdown([read(FOLDER / f"{name}.config") for name in ORDER]))
