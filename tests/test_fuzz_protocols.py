"""Random packets through the kernel's test run, a million, and through the machine: no fault, and
nothing uncounted."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import tshark
from kinds import FRAMES, cut

from chapters.ch07.translator import translate
from helpers import counters, flows, links, loader, machine, objfile, protocols, toolchain
from helpers.syscall.call import call_number
from helpers.syscall.forms import Command, ProgTestRun

# A test run of a socket filter cuts 14 bytes off before the program runs.
CUT_OFF, LONGEST = 14, 150
TYPES = np.array([0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x88B5], ">u2").view(np.uint8)
HEADERS = np.array([0, 43, 60] * 4 + [44, 17, 51, 59], np.uint8)


def random_packets(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random bytes, most of them bent towards something that the program goes on reading.

    Result: shape (count, CUT_OFF + LONGEST), and how long each frame is, from 0 on.
    """
    random = np.random.default_rng(seed)
    packets = random.integers(0, 256, (count, CUT_OFF + LONGEST), np.uint8)
    frames = packets[:, CUT_OFF:]
    for at in (12, 16, 20):  # an EtherType, or one behind a tag, or behind two
        bent = np.flatnonzero(random.random(count) < 0.9)
        frames[bent, at : at + 2] = random.choice(TYPES.reshape(-1, 2), len(bent))
    likely = np.where(random.random(count) < 0.1, 0.97, 0.5)
    for at in (14, 18, 22):  # the version, in the first byte of an IP header behind any of them
        bent = np.flatnonzero(random.random(count) < 0.4)
        frames[bent, at] = random.choice(np.array([0x45, 0x4F, 0x60], np.uint8), len(bent))
        # IPv6: what follows, and a chain of extension headers of 8 bytes each.
        for place in (at + 6, *range(at + 40, LONGEST - 1, 8)):
            chain = np.flatnonzero(random.random(count) < likely)
            frames[chain, place] = random.choice(HEADERS, len(chain))
            frames[chain, place + 1] = 0
    return packets, random.integers(0, LONGEST + 1, count)


def run_all(program_fd: int, packets: np.ndarray, lengths: np.ndarray) -> None:
    """A test run for each packet, of as many bytes as its frame has; each must return 0."""
    out = ctypes.create_string_buffer(packets.shape[1])
    start, stride = packets.ctypes.data, packets.shape[1]
    form = ProgTestRun(program_fd, repeat=1)
    form.data_out = ctypes.addressof(out)
    # syscall.bpf opens the C library anew in each call, as chapter 06 does: too slow for a million.
    call = ctypes.CDLL(None).syscall
    number, command = call_number(), int(Command.PROG_TEST_RUN)
    where, size = ctypes.byref(form), ctypes.sizeof(form)
    for at, length in enumerate(lengths.tolist()):
        form.data_in = start + at * stride
        form.data_size_in = form.data_size_out = CUT_OFF + length
        assert call(number, command, where, size) == form.retval == 0


@pytest.mark.kernel
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_random_packets(seed):
    packets, lengths = random_packets(100_000, seed)
    packets[:, :CUT_OFF] = 0  # a type in here would promise headers to the kernel
    with loader.load(toolchain.compile_bpf("protocols_kern.c")) as loaded:
        run_all(loaded.program("count_bytes").fd, packets, lengths)
        counted = counters.Counters(loaded.map("bytes_by_protocol")).read()
    assert counted.sum() == lengths.sum()
    # And the packets were not all of one kind.
    assert np.all(counted[[0, 17, 43, 44, 60, *protocols.CLASSES.values()]] > 0)


@pytest.mark.kernel
def test_random_packets_are_in_the_flows_that_have_a_protocol(tmp_path):
    packets, lengths = random_packets(30_000, seed=12)
    packets[:, :CUT_OFF] = 0
    options = ["-DFLOWS=65536", "-DFLOWS_TYPE=BPF_MAP_TYPE_HASH"]
    with (
        loader.load(toolchain.compile_bpf("flows_kern.c", tmp_path / "f.o", options)) as by_flow,
        loader.load(toolchain.compile_bpf("protocols_kern.c", tmp_path / "p.o")) as by_class,
    ):
        run_all(by_flow.program("count_flows").fd, packets, lengths)
        run_all(by_class.program("count_bytes").fd, packets, lengths)
        counted = counters.Counters(by_class.map("bytes_by_protocol")).read()
        reading = flows.Flows(by_flow).read()
    assert reading.missed == 0
    assert reading.traffic["bytes"].sum() == counted[:256].sum() > 0
    by_protocol = np.bincount(reading.keys["protocol"], reading.traffic["bytes"], 256)
    assert np.array_equal(by_protocol, counted[:256])


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> objfile.ObjectFile:
    target = tmp_path_factory.mktemp("bpf") / "protocols.o"
    return objfile.read(toolchain.compile_bpf("protocols_kern.c", target))


def total(loaded: machine.Machine) -> dict[str, int]:
    """Bytes per class, as the machine of chapter 07 has counted them."""
    counted = loaded.maps["bytes_by_protocol"]
    values = {number: counted.lookup(number.to_bytes(4, "little")) for number in range(261)}
    found = {number: int.from_bytes(value, "little") for number, value in values.items()}
    return {protocols.name(number): value for number, value in found.items() if value}


def test_the_machine_says_what_tshark_says(compiled, tmp_path):
    everything = [piece for frame in FRAMES.values() for piece in cut(frame)]
    stepped = machine.load(compiled, "count_bytes")
    translated = machine.load(compiled, "count_bytes")
    run = translate(translated, "count_bytes").run
    for frame in everything:
        assert stepped.run(frame) == run(frame) == 0
    assert total(stepped) == total(translated) == tshark.totals(everything, tmp_path)


def test_the_machine_says_what_tshark_says_of_packets_without_ethernet(compiled, tmp_path):
    packets = [p for p in map(without_ethernet, FRAMES.values()) if p]
    everything = [p[:length] for p in packets for length in range(8, len(p) + 1)]
    stepped = machine.load(compiled, "count_bytes")
    translated = machine.load(compiled, "count_bytes")
    run = translate(translated, "count_bytes").run
    for data in everything:
        kind = {4: links.IPV4, 6: links.IPV6}[data[0] >> 4]
        protocol = int.from_bytes(kind.to_bytes(2, "big"), "little")
        packet = machine.Packet(data, protocol=protocol, network=0)
        assert stepped.run(packet) == run(packet) == 0
    assert total(stepped) == total(translated) == tshark.totals(everything, tmp_path, 101)


def without_ethernet(frame: bytes) -> bytes:
    """The packet of a frame that carries IP, else nothing."""
    kind, at = links.network(links.EN10MB, frame)
    return frame[at:] if kind in (links.IPV4, links.IPV6) else b""


def test_random_packets_through_the_machine(compiled):
    loaded = machine.load(compiled, "count_bytes")
    run = translate(loaded, "count_bytes").run
    packets, lengths = random_packets(50_000, seed=7)
    for packet, length in zip(packets, lengths.tolist(), strict=True):
        assert run(packet[CUT_OFF : CUT_OFF + length].tobytes()) == 0
    counted = total(loaded)
    assert sum(counted.values()) == lengths.sum()
    assert set(protocols.CLASSES) <= set(counted)
