"""A seccomp filter in front of a child: what the kernel refuses, what the machine says of it."""

from __future__ import annotations

import errno
import platform
import sys

import pytest

from chapters.ch10 import seccomp
from helpers import cbpf
from helpers.syscall.call import NUMBERS

pytestmark = pytest.mark.kernel
BPF = NUMBERS[platform.machine()]
HERE = seccomp.ARCHITECTURES[platform.machine()]
ASK = [
    sys.executable,
    "-c",
    "from helpers import probes; print(probes.access(), probes.bpf(9999, bytes(16)))",
]


def test_the_form_that_a_filter_is_shown_has_the_kernels_layout():
    shown = seccomp.call(BPF, HERE, (1, 2, 3))
    assert len(shown) == 64
    assert int.from_bytes(shown[:4], sys.byteorder) == BPF
    assert int.from_bytes(shown[4:8], sys.byteorder) == HERE
    assert [int.from_bytes(shown[i : i + 8], sys.byteorder) for i in (16, 24, 32, 40)] == [
        1,
        2,
        3,
        0,
    ]


def test_machine_and_kernel_refuse_the_same_call():
    program = cbpf.decode(seccomp.refuse(BPF))
    refused = seccomp.ERRNO | errno.EPERM
    assert cbpf.run(program, seccomp.call(BPF, HERE), mode="seccomp") == refused
    assert cbpf.run(program, seccomp.call(BPF + 1, HERE), mode="seccomp") == seccomp.ALLOW
    assert seccomp.behind(seccomp.refuse(BPF), ASK).stdout.split() == ["seccomp", "-1"]
    assert seccomp.behind(seccomp.refuse(BPF + 1), ASK).stdout.split() == ["works", "-22"]


def test_the_road_stops_at_loading_with_a_sentence():
    demo = seccomp.behind(seccomp.refuse(BPF), [sys.executable, "-m", "tools.demo"])
    assert (demo.returncode, demo.stdout) == (1, "")
    assert "seccomp" in demo.stderr
    assert demo.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "code",
    [
        seccomp.refuse(BPF)[:-8],  # without a return at the end
        bytes.fromhex("2800000000000000 0600000000000000"),  # a load of 16 bits
        bytes.fromhex("2000000040000000 0600000000000000"),  # a load behind the 64 bytes
    ],
)
def test_a_filter_that_the_kernel_does_not_take_ends_in_one_sentence(code):
    done = seccomp.behind(code, ["true"])
    assert done.returncode == 1
    assert done.stderr.startswith("course: The kernel does not take this as a filter")
