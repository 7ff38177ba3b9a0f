"""The machine against the real kernel: the same program, the same packets, the same outcome."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import compared
import generated
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import syscall
from helpers.machine import Machine
from helpers.machine.maps import Map
from helpers.machine.packet import HOST, Packet
from helpers.machine.state import World
from helpers.syscall.maps import possible_cpus

pytestmark = pytest.mark.kernel

PROGRAMS = 3000
ETHERNET = bytes(14)  # what a test run of a socket filter cuts off
FORMS = {
    generated.OUT_FD: (syscall.ARRAY, 4, generated.OUT_SIZE, 4),
    generated.HASH_FD: (syscall.HASH, 4, 8, 4),
    generated.CPU_FD: (syscall.PERCPU_ARRAY, 4, 8, 3),
}


def packets() -> list[bytes]:
    """Frames of several lengths, their bytes drawn once and for all."""
    draw = random.Random(7)
    return [draw.randbytes(size) for size in (14, 42, 98)]


def seen(frame: bytes) -> Packet:
    """What a program sees of a frame in a test run: see helpers.syscall.test_run."""
    return Packet(frame, pkt_type=HOST, protocol=0x0400)


class Kernel:
    """Maps in the kernel that generated programs use, one after the other."""

    def __init__(self) -> None:
        self.maps = {fd: syscall.create_map(*form) for fd, form in FORMS.items()}
        self.fds = {fd: each.fd for fd, each in self.maps.items()}

    def emptied(self) -> None:
        for each in self.maps.values():
            for key in list(each.keys()):
                if each.kind == syscall.HASH:
                    each.delete(key)
                else:
                    each.update(key, bytes(each.slots_size))


def contents(each: Map | syscall.Map) -> dict[bytes, bytes]:
    return {key: each.lookup(key) for key in list(each.keys())}


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    found = Kernel()
    yield found
    for each in found.maps.values():
        each.close()


@pytest.fixture(scope="module")
def newest() -> bool:
    """Whether this kernel has the instructions that came with Linux 6.6."""
    try:
        syscall.load_program(bytes.fromhex("b700000007000000 3700010003000000 9500000000000000"))
    except syscall.SyscallError:
        return False
    return True


def in_the_machine(code: bytes, cpu: int, translated: bool) -> tuple[list[int], dict]:
    maps = {fd: Map(f"map_{fd:x}", *form, possible_cpus()) for fd, form in FORMS.items()}
    program = Machine(code, maps, world=World(cpu))
    run = program.translate().run if translated else program.run
    values = [run(seen(frame)) for frame in packets()]
    return values, {fd: contents(each) for fd, each in maps.items()}


@pytest.fixture(scope="module")
def cpu() -> Iterator[int]:
    """This process on one processor, so that per-CPU maps are comparable; its number."""
    before = os.sched_getaffinity(0)
    one = min(before)
    os.sched_setaffinity(0, {one})
    yield one
    os.sched_setaffinity(0, before)


def test_generated_programs_leave_the_same_behind(kernel: Kernel, newest: bool, cpu: int) -> None:
    refused = []

    @settings(
        max_examples=PROGRAMS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=20, max_size=400))
    def the_same(data: bytes) -> None:
        code = generated.program(data, newest)
        try:
            loaded = syscall.load_program(generated.with_fds(code, kernel.fds))
        except syscall.SyscallError as refusal:
            refused.append(refusal)
            return
        with loaded:
            kernel.emptied()
            values = [syscall.test_run(loaded, ETHERNET + frame).value for frame in packets()]
            theirs = values, {fd: contents(each) for fd, each in kernel.maps.items()}
        for translated in (False, True):
            assert in_the_machine(code, cpu, translated) == theirs
        compared.count(programs=1, packets=len(packets()))

    the_same()
    assert len(refused) < PROGRAMS / 10, refused[0].log[-2000:]
