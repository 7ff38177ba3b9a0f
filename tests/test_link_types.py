"""Every link type that the course knows: by class, what is counted of it is what tshark says.

It also writes the tables in docs/links.md:
LINKS_TABLE=docs/links.md ./course test -n 0 tests/test_link_types.py
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import captures
import pytest
import tshark
import waiting
from kinds import FRAMES
from test_captures import by_tshark, counted, summed
from test_tunnels import OTHER_LINKS, PACKETS, RAW, add_link, send, send_through

from chapters.playground.history import History
from chapters.playground.program import Counting
from helpers import libpcap, links, sockets
from tools import marked
from tools.kernels.attempts import LINKS

pytestmark = [pytest.mark.kernel, pytest.mark.own_network]

# In a file: the number of a link type, and how a frame of Ethernet would look there.
FRAMES_OF = {
    links.EN10MB: captures.ALL,
    links.RAW: [captures.other_link(captures.RAW, each) for each in captures.IP],
    links.IPV4_ONLY: [each[14:] for each in captures.IP if each[12:14] == b"\x08\0"],
    links.IPV6_ONLY: [each[14:] for each in captures.IP if each[12:14] != b"\x08\0"],
    links.NULL: [captures.other_link(captures.NULL, each) for each in captures.IP],
    links.LOOP: [captures.other_link(captures.LOOP, each) for each in captures.IP],
    links.LINUX_SLL: [captures.other_link(captures.COOKED, each) for each in captures.ALL],
    links.LINUX_SLL2: [captures.other_link(captures.COOKED_2, each) for each in captures.ALL],
}
# Interfaces that every kernel has.
ALWAYS = ("veth", "lo", "tun")


def others() -> str:
    """The types that the course refuses with a sentence."""
    return ", ".join(f"{name} ({number})" for number, name in links.OTHER_DEVICES.items()) + "."


@pytest.fixture(scope="module")
def tables() -> Iterator[dict[str, dict[str | int, list[str]]]]:
    """Lines of the tables, written where that is asked for."""
    found: dict[str, dict[str | int, list[str]]] = {"files": {}, "interfaces": {}}
    yield found
    if page := os.environ.get("LINKS_TABLE"):
        assert set(found["files"]) == set(links.BY_NUMBER)
        assert set(ALWAYS) <= set(found["interfaces"])
        version = tshark.run("--version").splitlines()[0].rstrip(".")
        marked.put(Path(page), "run", f"{date.today()}, Linux {platform.release()}, {version}.")
        for part, rows in found.items():
            head = ["type", "what" if part == "files" else "interface", "counted", "tshark"]
            lines = [head, ["---"] * len(head), *rows.values()]
            marked.put(Path(page), part, "\n".join(f"| {' | '.join(line)} |" for line in lines))
        marked.put(Path(page), "others", others())


@pytest.mark.parametrize(("link", "number"), [(k, n) for k in links.LINKS for n in k.numbers])
def test_in_a_file(tmp_path, tables, link, number):
    path = tmp_path / "capture"
    path.write_bytes(captures.pcap(captures.frames(FRAMES_OF[link]), link=number))
    ours, theirs = rows_of(counted(path)[0]), by_tshark(path)
    name = libpcap.link_name(number) or link.name
    tables["files"][number] = [f"{name} ({number})", link.text, summed(ours), summed(theirs)]
    assert ours == theirs


def rows_of(history: History) -> dict[str, tuple[int, int]]:
    return {name: (packets, size) for name, packets, size in history.rows("protocol")}


@pytest.mark.parametrize("name", [*ALWAYS, *OTHER_LINKS])
def test_on_an_interface(net, tmp_path, tables, name):
    interface = {"veth": "left", "lo": "lo", "tun": "tun0"}.get(name, "link0")
    with contextlib.ExitStack() as stack:
        packets = list(PACKETS.values() if name == "tun" else FRAMES.values())
        if name == "veth":
            net.add_veth()
        elif name == "tun":
            stack.enter_context(net.add_tun())
        elif name in LINKS:
            packets = add_link(net, name)
        number, link = links.device_type(interface, net), links.of_device(interface, net)
        kind = f"{(links.ETHERNET_DEVICES | links.IP_DEVICES)[number]} ({number})"
        counting = stack.enter_context(Counting())
        # On lo each frame is seen twice, as it leaves and as it comes.
        fd, twice = counting.program.fd, name == "lo"
        stack.enter_context(sockets.packet_socket(net, fd, interface, outgoing=not twice))
        if name in LINKS:
            send_through(net, name, packets)
        else:
            send(net, packets, 0, interface)
        assert waiting.until(lambda: counting.read().packets == len(packets))
        history = History()
        history.add(0.0, counting.read())
    path = tshark.write_pcap(tmp_path / "sent.pcap", packets, 1 if link is links.EN10MB else RAW)
    ours, theirs = rows_of(history), by_tshark(path)
    tables["interfaces"][name] = [kind, name, summed(ours), summed(theirs)]
    assert ours == theirs
