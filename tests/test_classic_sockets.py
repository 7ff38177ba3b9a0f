"""Classic filters on sockets: what arrives, in whose place they come, and what is refused."""

from __future__ import annotations

import re
import socket
import subprocess

import pytest
from unwelcome import ordinary_user

from chapters.ch09.check import waiting
from helpers import capabilities, cbpf, loader, sockets, toolchain, traffic
from helpers.cbpf import Instruction
from helpers.cbpf.check import JumpError, LengthError
from helpers.sockets import SocketError

pytestmark = pytest.mark.kernel
SO_LOCK_FILTER = 44
WHOLE = Instruction(0x06, k=262144)


def expression(text: str) -> bytes:
    return cbpf.encode(cbpf.compile_expression(text))


def lengths(sock: socket.socket) -> list[int]:
    return [len(message) for message in waiting(sock)]


@pytest.fixture
def listener(net):
    """A packet socket on lo that hears nothing but what a filter lets through."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sockets.attach_filter(sock, expression("less 0"))
        sock.bind(("lo", sockets.ETH_P_ALL))
        yield sock


def test_a_socket_has_one_place_for_a_filter(net, listener):
    def received() -> list[int]:
        traffic.echo(net, 2)
        traffic.udp(net)
        return lengths(listener)

    pings, datagrams = [98] * 8, [142] * 2
    assert received() == []
    sockets.attach_filter(listener, expression("icmp"))
    assert received() == pings
    with loader.load(toolchain.compile_bpf("icmp_kern.c")) as loaded:
        fd = loaded.program("only_icmp").fd
        sockets.attach_filter(listener, expression("udp"))
        assert received() == datagrams
        listener.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, fd)
        assert received() == pings
        sockets.attach_filter(listener, expression("udp"))
        assert received() == datagrams
        listener.setsockopt(socket.SOL_SOCKET, sockets.SO_ATTACH_BPF, fd)
    sockets.detach_filter(listener)
    assert received() == pings + datagrams


def test_nothing_to_detach_and_a_lock(listener):
    listener.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
    with pytest.raises(SocketError, match=r"^The filter is right, but .* \(SO_LOCK_FILTER\)"):
        sockets.attach_filter(listener, expression("icmp"))
    with pytest.raises(SocketError, match="does not give its filter away"):
        sockets.detach_filter(listener)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        sockets.attach_filter(own, expression("icmp"))
        sockets.detach_filter(own)
        with pytest.raises(SocketError, match="^This socket has no filter, so there is none"):
            sockets.detach_filter(own)


@pytest.mark.parametrize(
    ("program", "error", "place"),
    [
        ([Instruction(0x15, jf=9), WHOLE], JumpError, 0),
        ([WHOLE] * 4097, LengthError, 4096),
        ([WHOLE] * 70_000, LengthError, 4096),  # more than the kernel's 16 bits can say
    ],
)
def test_a_refusal_is_named(program, error, place):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own,
        pytest.raises(error) as raised,
    ):
        sockets.attach_filter(own, cbpf.encode(program))
    assert raised.value.place == place


def test_an_ordinary_udp_socket_without_any_capability():
    def kept(length: int) -> bytes:
        assert capabilities.held() == []
        family = socket.AF_INET, socket.SOCK_DGRAM
        with socket.socket(*family) as receiver, socket.socket(*family) as sender:
            receiver.bind(("127.0.0.1", 0))
            sockets.attach_filter(receiver, cbpf.encode([Instruction(0x06, k=length)]))
            sender.sendto(b"Hello", receiver.getsockname())
            receiver.settimeout(5)
            return receiver.recv(100)

    for length, data in ((8, b""), (12, b"Hell"), (13, b"Hello"), (262144, b"Hello")):
        assert capabilities.without_capabilities(kept, length) == data


def test_the_filter_of_a_running_tcpdump(net):
    text = "tcp port 80 or icmp"
    with net.start(["tcpdump", "-i", "lo", "-n", text]) as tcpdump:
        next(line for line in tcpdump.stderr if "listening on" in line)
        seen = net.run(["ss", "-0pb"]).stdout
        without = ["setpriv", "--bounding-set=-all", "--ambient-caps=-all", "--inh-caps=-all"]
        unprivileged = net.run([*without, "ss", "-0pb"]).stdout
    numbers = re.findall(r"0x(\w+) (\d+) (\d+) (\d+),", seen)
    found = [Instruction(int(code, 16), *map(int, rest)) for code, *rest in numbers]
    assert found == cbpf.compile_expression(text)
    assert "bpf filter (0):" in unprivileged


def test_outside_an_ordinary_user_does_not_see_a_filter():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sockets.attach_filter(sock, expression("icmp"))
        command = [*ordinary_user(), "ss", "-0b"]
        seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "bpf filter" in seen
    assert "0x28" not in seen
