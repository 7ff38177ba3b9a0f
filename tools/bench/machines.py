"""How fast sockex1 runs in chapter 07's machine, in steps and translated, and in the kernel; and
how long the stepper prepares what a click shows.

Laboratory equipment, used by ./course bench.
"""

from __future__ import annotations

import gc
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chapters.ch07 import ebpf
from chapters.ch07.translator import translate
from chapters.ch11.measuring import duration, middle_half, take_turns, times_as_much
from helpers import machine, objfile, syscall, toolchain, traffic
from helpers.machine import Machine
from helpers.machine.packet import HOST, Packet
from helpers.netlab import Network
from helpers.probes import RETURN_0
from helpers.sockets import ETH_P_ALL
from helpers.stepper import Stepper
from tools.bench.rows import Row, verdict

ENOUGH, FASTER, CLICK = 50_000, 4, 100e6  # packets a second, times, nanoseconds
STEPPED, TRANSLATED = "stepped, instruction by instruction", "translated to Python"
IN_KERNEL = "the kernel's JIT, by test runs"
LONG = 500  # instructions


def recorded(net: Network) -> list[bytes]:
    """A trace: what a packet socket on lo sees of some pings and datagrams, IPv4 and IPv6."""
    with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as witness:
        witness.bind(("lo", ETH_P_ALL))
        for address in ("127.0.0.1", "::1"):
            traffic.echo(net, 10, to=address)
            traffic.udp(net, 30, 100, to=address)
        witness.setblocking(False)
        frames = []
        while True:
            try:
                frames.append(witness.recv(1 << 16))
            except BlockingIOError:
                return frames


def of_both_directions() -> objfile.ObjectFile:
    """sockex1 without its check of the direction: the packets of test runs all come in."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "both_kern.c"
        text = (toolchain.SOURCES / "sockex1_kern.c").read_text()
        source.write_text(text.replace("skb->pkt_type != PACKET_OUTGOING", "0"))
        return objfile.read(toolchain.compile_bpf(source, Path(folder) / "both.o"))


def loaded(found: objfile.ObjectFile, counters: syscall.Map) -> syscall.Program:
    """The program in the kernel."""
    code = b"".join(each.raw for each in found.program("count_bytes").instructions)
    (gap,) = found.relocations
    return syscall.load_program(syscall.relocate(code, gap.offset, counters.fd))


def timed(run: Callable[[Packet], int], packets: list[Packet], rounds: int) -> float:
    """Nanoseconds for a packet, on average over the whole trace, `rounds` times."""
    start = time.perf_counter_ns()
    for _ in range(rounds):
        for packet in packets:
            run(packet)
    return (time.perf_counter_ns() - start) / (rounds * len(packets))


def timed_in_kernel(program: syscall.Program, frames: list[bytes], rounds: int) -> float:
    """The same, by the kernel's own clock."""
    given = [syscall.frame_for_test_run(frame) for frame in frames]
    times = [syscall.test_run(program, frame, repeat=100 * rounds).nanoseconds for frame in given]
    return statistics.fmean(times)


def click() -> Callable[[], float]:
    """A function that presses Step once, in a program of 500 instructions: nanoseconds."""
    store = bytes.fromhex("7a0af8ff01000000")  # *(u64 *)(r10 - 8) = 1
    program = Machine(store * (LONG - 2) + RETURN_0)
    stepper = Stepper({"packet": bytes(98)}, lambda packet: ebpf.walk(program, packet))

    def press() -> float:
        start = time.perf_counter_ns()
        stepper.step()
        return time.perf_counter_ns() - start

    return press


def measure(net: Network, repeats: int, rounds: int) -> list[Row]:
    """The rows about the machine; rounds: how often the trace is gone through at a time."""
    gc.collect()
    gc.freeze()  # what the parts before have left is not looked through again and again
    frames, found = recorded(net), of_both_directions()
    packets = [Packet(frame, pkt_type=HOST) for frame in frames]
    stepped = machine.load(found, "count_bytes")
    translated = translate(machine.load(found, "count_bytes"))
    with (
        syscall.create_map(syscall.ARRAY, 4, 8, 256) as counters,
        loaded(found, counters) as in_kernel,
    ):
        ways = {
            STEPPED: lambda: timed(stepped.run, packets, rounds),
            TRANSLATED: lambda: timed(translated.run, packets, rounds),
            IN_KERNEL: lambda: timed_in_kernel(in_kernel, frames, rounds),
        }
        times = take_turns(ways, repeats, "Chapter 07's machine")
    clicks = take_turns({"a click": click()}, repeats, "A click in the stepper")["a click"]
    return rows(times, clicks, len(frames))


def rows(times: dict[str, list[float]], clicks: list[float], frames: int) -> list[Row]:
    """The rows, from nanoseconds for a packet by way, and for a click."""
    medians = {name: statistics.median(found) for name, found in times.items()}
    speed = {name: 1e9 / median for name, median in medians.items()}
    targets = {
        STEPPED: verdict(f"at least {ENOUGH:,} a second", speed[STEPPED] >= ENOUGH),
        TRANSLATED: verdict(
            f"at least {FASTER} times as many", speed[TRANSLATED] >= FASTER * speed[STEPPED]
        ),
    }
    found = [Row(f"**Chapter 07's machine** on a trace of {frames} packets, {len(clicks)} times")]
    for name in times:
        faster = times_as_much(medians[STEPPED], medians[name])
        found.append(
            Row(
                name,
                f"{speed[name]:,.0f} packets a second",
                f"{middle_half(times[name])} each",
                "1.0" if name == STEPPED else f"1/{faster}",
                targets.get(name, ""),
            )
        )
    click = statistics.median(clicks)
    target = verdict(f"under {duration(CLICK)}", click < CLICK)
    name = f"what a click in the stepper shows, of {LONG} instructions"
    found.append(Row(name, duration(click), middle_half(clicks), "", target))
    return found
