"""The whole road on the real kernel: exact traffic in a private network, exact counts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import waiting

from helpers import counters, loader, netlab, sockets, toolchain, traffic
from tools import demo

pytestmark = pytest.mark.kernel

FIVE_LINES = [
    "TCP 0 UDP 0 ICMP 0 bytes",
    "TCP 0 UDP 0 ICMP 196 bytes",
    "TCP 0 UDP 0 ICMP 392 bytes",
    "TCP 0 UDP 0 ICMP 588 bytes",
    "TCP 0 UDP 0 ICMP 784 bytes",
]


@pytest.fixture
def counted(net, sockex1) -> Callable[[Callable[[], object]], dict[int, int]]:
    """Run something, and say by how many bytes which counters grew."""
    reader = counters.Counters(sockex1.map("bytes_by_protocol"))

    def run(what: Callable[[], object]) -> dict[int, int]:
        with sockets.packet_socket(net, sockex1.program("count_bytes").fd):
            before = reader.read()
            what()
            grown = reader.read() - before
        return {int(number): int(grown[number]) for number in grown.nonzero()[0]}

    return run


@pytest.mark.parametrize(("count", "size"), [(1, 56), (7, 0), (20, 1000)])
def test_echoes_are_counted_exactly(net, counted, count, size):
    # A request and its reply, each with 14 Ethernet + 20 IPv4 + 8 ICMP bytes of headers.
    assert counted(lambda: traffic.echo(net, count, size)) == {1: count * 2 * (42 + size)}


@pytest.mark.parametrize(("count", "size"), [(1, 1), (10, 100), (3, 1400)])
def test_datagrams_are_counted_exactly(net, counted, count, size):
    assert counted(lambda: traffic.udp(net, count, size)) == {17: count * (42 + size)}


@pytest.mark.own_network
@pytest.mark.parametrize(("address", "slot"), [("::1", 0), ("2001:db8::1", 1), ("2a11::1", 17)])
def test_ipv6_lands_in_the_slot_of_its_second_source_byte(net, counted, address, slot):
    net.add_address(address)
    # 14 Ethernet + 40 IPv6 + 8 ICMPv6 or UDP bytes of headers.
    assert counted(lambda: traffic.echo(net, 3, 56, to=address)) == {slot: 3 * 2 * 118}
    assert counted(lambda: traffic.udp(net, 4, 100, to=address)) == {slot: 4 * 162}


def test_tcp_agrees_with_an_independent_count_of_the_same_packets(net, sockex1):
    reader = counters.Counters(sockex1.map("bytes_by_protocol"))
    with (
        net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as witness,
        sockets.packet_socket(net, sockex1.program("count_bytes").fd),
    ):
        witness.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        witness.bind(("lo", sockets.ETH_P_ALL))
        traffic.tcp(net, 100_000)  # what an ordinary user's witness has room for
        # The last acknowledgements may still be under way: the two agree once they are through.
        seen = []
        assert waiting.until(lambda: seen.append(outgoing_bytes(witness)) or agree(reader, seen))
    assert sum(seen) > 100_000


def agree(reader: counters.Counters, seen: list[int]) -> bool:
    return int(reader.read()[6]) == sum(seen) == int(reader.read().sum())


def outgoing_bytes(witness: socket.socket) -> int:
    """All bytes of the outgoing frames that a packet socket holds ready."""
    total = 0
    witness.setblocking(False)
    while True:
        try:
            # MSG_TRUNC: the length of the frame, however small the buffer.
            size, _, _, address = witness.recvmsg_into([bytearray(1)], 0, socket.MSG_TRUNC)
        except BlockingIOError:
            return total
        total += size if address[2] == socket.PACKET_OUTGOING else 0


def test_tcp_delivers_what_was_sent(net):
    assert traffic.tcp(net, 123_457) == 123_457


def test_the_program_does_not_see_what_came_before_it(net, counted):
    traffic.udp(net, 5)
    assert counted(lambda: None) == {}


def test_the_five_lines():
    assert list(demo.five_lines()) == FIVE_LINES


def test_the_five_lines_of_the_c_program(net, sockex1_object, tmp_path):
    program = tmp_path / "sockex1_user"
    source = toolchain.SOURCES / "sockex1_user.c"
    subprocess.run(["clang", "-O2", "-Wall", "-Werror", source, "-o", program, "-lbpf"], check=True)
    # The program may use BPF and is not in the network; its socket and the pings are.
    with (
        net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw,
        subprocess.Popen(
            [program, sockex1_object, str(raw.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[raw.fileno()],
            text=True,
        ) as user,
    ):
        lines = [user.stdout.readline()]
        for _ in range(4):
            assert net.run(["ping", "-4", "-c", "1", "127.0.0.1"]).returncode == 0
            print("reply", file=user.stdin, flush=True)
            lines.append(user.stdout.readline())
    assert [line.strip() for line in lines] == FIVE_LINES
    assert user.returncode == 0


def test_without_the_direction_check_every_frame_of_lo_counts_twice(net, tmp_path):
    source = (toolchain.SOURCES / "sockex1_kern.c").read_text()
    changed = tmp_path / "both_directions_kern.c"
    changed.write_text(source.replace("if (skb->pkt_type != PACKET_OUTGOING)", "if (0)"))
    with (
        loader.load(toolchain.compile_bpf(changed, tmp_path / "both.o")) as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
    ):
        traffic.echo(net, 5)
        grown = counters.Counters(loaded.map("bytes_by_protocol")).read()
    assert grown[1] == 5 * 2 * 2 * 98


def in_the_kernel(program_id: str) -> bool:
    """Whether the kernel has a program with this id."""
    command = ["bpftool", "prog", "show", "id", program_id]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="asking for a program needs CAP_SYS_ADMIN")
def test_nothing_is_left_behind_by_a_killed_process(sockex1_object):
    script = (
        "import re, sys\n"
        "from helpers import loader, netlab, sockets\n"
        "loaded = loader.load(sys.argv[1])\n"
        "fd = loaded.program('count_bytes').fd\n"
        "net = netlab.open_network()\n"
        "sock = sockets.packet_socket(net, fd)\n"
        "ping = net.start(['ping', '-i', '0.2', '127.0.0.1'])\n"
        "program = re.search(r'prog_id:\\s*(\\d+)', open(f'/proc/self/fdinfo/{fd}').read())[1]\n"
        "print(net._control.pid, program, flush=True)\n"
        "ping.wait()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, sockex1_object], stdout=subprocess.PIPE, text=True
    )
    pid, program = process.stdout.readline().split()
    child = Path("/proc") / pid
    children = (child / "task" / pid / "children").read_text().split()
    assert len(children) == 1
    assert in_the_kernel(program)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert waiting.until(lambda: not child.exists())
    assert waiting.until(lambda: not Path("/proc", children[0]).exists())
    assert waiting.until(lambda: not in_the_kernel(program))


def test_a_closed_network_says_so(net):
    net.close()
    with pytest.raises(netlab.NetworkError, match="open a new one"):
        net.socket()


def test_a_missing_command_is_named(net):
    with pytest.raises(netlab.NetworkError, match="no-such-command is not installed"):
        net.run(["no-such-command"])


def test_a_command_is_a_list_of_words_and_numbers(net):
    with pytest.raises(netlab.NetworkError, match=r"write \['ping', '-c', '1'\]"):
        net.run("ping -c 1")
    assert net.run(["echo", 1, 2.5]).stdout == "1 2.5\n"


def test_a_network_that_has_died_says_so(net):
    os.kill(net._control.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(netlab.NetworkError, match="ended by itself: open a new one"):
            net.run(["true"])


def test_the_stop_button_leaves_the_network_as_it_was(net):
    # SIGALRM in the place of SIGINT, at 60 moments of a command's life.
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for moment in range(1, 61):
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, moment / 4000)
                while True:
                    net.run(["true"])
            assert net.run(["echo", str(moment)]).stdout == f"{moment}\n"
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_command_that_is_waited_for_keeps_nobody_else_waiting(net):
    with net.start(["sleep", "infinity"]) as sleeps, ThreadPoolExecutor(max_workers=1) as pool:
        status = pool.submit(sleeps.wait)
        assert net.run(["echo", "here"]).stdout == "here\n"
        sleeps.stop(signal.SIGTERM)
        assert status.result() == -signal.SIGTERM


@pytest.mark.own_network
@pytest.mark.parametrize("send", [traffic.tcp, traffic.bulk, traffic.udp])
def test_traffic_that_does_not_get_through_ends_in_a_sentence(net, send, monkeypatch):
    monkeypatch.setattr(traffic, "TIMEOUT_SECONDS", 0.2)
    net.run(["nft", "add table inet t"], check=True)
    net.run(["nft", "add chain inet t c { type filter hook input priority 0; }"], check=True)
    net.run(["nft", "add rule inet t c ip length > 1000 drop"], check=True)
    with pytest.raises(traffic.TrafficError, match=r"Nothing came through to 127\.0\.0\.1"):
        send(net, size=5000)


def test_a_map_of_a_closed_object_says_so(sockex1_object):
    with loader.load(sockex1_object) as loaded:
        counted = loaded.map("bytes_by_protocol")
    with pytest.raises(loader.LoadError, match="load its object again"):
        counted.counter(6)


def test_run_gives_output_errors_and_status(net):
    result = net.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 3)


@pytest.mark.own_network
def test_the_network_is_empty_but_for_lo(net):
    assert net.run(["ip", "-o", "link"]).stdout.count("\n") == 1


def test_an_interface_that_is_not_there_is_named(net, sockex1):
    with pytest.raises(sockets.SocketError, match="no interface eth77 here; there is: lo"):
        sockets.packet_socket(net, sockex1.program("count_bytes").fd, "eth77")


def test_a_descriptor_that_is_no_program_is_refused_in_one_sentence(net):
    with pytest.raises(sockets.SocketError, match="not a loaded socket filter"):
        sockets.packet_socket(net, 0)
