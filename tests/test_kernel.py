"""The kernel's version and configuration as files say them, and what it answers when tried."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stored import COURSE
from unwelcome import no_bpf_call, ordinary_user, without_bpf

from helpers import capabilities, kernel, libbpf, probes, syscall

RELEASE = "5.0.0-31-generic"
LINES = """\
# Linux/x86 5.0.0 Kernel Configuration
CONFIG_CC_VERSION_TEXT="gcc (Ubuntu 7.4.0) 7.4.0"
CONFIG_CMDLINE="console=ttyS0 root=/dev/vda"
CONFIG_BPF=y
CONFIG_BPF_SYSCALL=y
CONFIG_NET_CLS_BPF=m
CONFIG_HZ=250
# CONFIG_BPF_JIT is not set
# end of BPF subsystem
"""
OPTIONS = {
    "CONFIG_CC_VERSION_TEXT": '"gcc (Ubuntu 7.4.0) 7.4.0"',
    "CONFIG_CMDLINE": '"console=ttyS0 root=/dev/vda"',
    "CONFIG_BPF": "y",
    "CONFIG_BPF_SYSCALL": "y",
    "CONFIG_NET_CLS_BPF": "m",
    "CONFIG_HZ": "250",
    "CONFIG_BPF_JIT": "n",
}
PLACES = [
    "proc/config.gz",
    f"boot/config-{RELEASE}",
    f"lib/modules/{RELEASE}/config",
    f"lib/modules/{RELEASE}/build/.config",
]


def write(root: Path, place: str, text: str = LINES) -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if place.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(
    ("release", "numbers"),
    [
        ("5.0.0-31-generic", (5, 0)),
        ("6.18.44-cloud-amd64", (6, 18)),
        ("6.1-rc3", (6, 1)),
        ("6.6.87.2-microsoft-standard-WSL2", (6, 6)),
    ],
)
def test_a_release_begins_with_the_version(release, numbers):
    assert kernel.version(release) == numbers


def test_this_kernels_own_version():
    major, minor = kernel.version()
    assert os.uname().release.startswith(f"{major}.{minor}")


def test_a_release_without_numbers_is_one_sentence():
    with pytest.raises(kernel.KernelError, match="'custom' does not begin with two numbers"):
        kernel.version("custom")


@pytest.mark.parametrize("place", PLACES)
def test_each_place_is_found_and_named(tmp_path, place):
    path = write(tmp_path, place)
    assert kernel.config(tmp_path, RELEASE) == kernel.Config(path, OPTIONS)


def test_the_first_place_wins(tmp_path):
    for place in reversed(PLACES):
        write(tmp_path, place)
    assert kernel.config(tmp_path, RELEASE).path == tmp_path / PLACES[0]
    assert kernel.config_places(tmp_path, RELEASE) == [tmp_path / place for place in PLACES]


def test_a_kernel_without_configuration_is_no_error(tmp_path):
    nowhere = kernel.config(tmp_path, RELEASE)
    assert nowhere == kernel.Config(None, {})
    assert nowhere.value("CONFIG_BPF") == "no config found"
    assert {row[1] for row in kernel.options_table(nowhere).rows} == {"no config found"}


def test_values_as_the_file_says_them(tmp_path):
    write(tmp_path, PLACES[0])
    found = kernel.config(tmp_path, RELEASE)
    names = ["CONFIG_BPF", "CONFIG_NET_CLS_BPF", "CONFIG_BPF_JIT", "CONFIG_BPFILTER"]
    assert [found.value(name) for name in names] == ["y", "m", "n", "absent"]


@pytest.mark.parametrize(
    "content", [b"not compressed", gzip.compress(LINES.encode())[:60]], ids=["plain", "cut off"]
)
def test_a_broken_file_is_one_sentence(tmp_path, content):
    write(tmp_path, "proc/config.gz").write_bytes(content)
    with pytest.raises(kernel.KernelError, match="config.gz cannot be read"):
        kernel.config(tmp_path, RELEASE)


def test_every_option_of_the_articles_listing_is_explained():
    listing = """
        CGROUP_BPF BPF BPF_SYSCALL BPF_JIT_ALWAYS_ON IPV6_SEG6_BPF NETFILTER_XT_MATCH_BPF BPFILTER
        BPFILTER_UMH NET_CLS_BPF NET_ACT_BPF BPF_JIT BPF_STREAM_PARSER LWTUNNEL_BPF HAVE_EBPF_JIT
        BPF_EVENTS BPF_KPROBE_OVERRIDE TEST_BPF
    """
    assert sorted(o.name for o in kernel.OPTIONS) == sorted(f"CONFIG_{n}" for n in listing.split())
    assert all(o.since and o.purpose and o.without for o in kernel.OPTIONS)
    assert {o.name: o.gone for o in kernel.OPTIONS if o.gone} == {
        "CONFIG_BPFILTER": "6.8",
        "CONFIG_BPFILTER_UMH": "6.8",
    }


def test_settings_are_read_from_files(tmp_path):
    write(tmp_path, "proc/version_signature", "Ubuntu 5.0.0-31.33~18.04.1-generic 5.0.21\n")
    write(tmp_path, "proc/sys/kernel/unprivileged_bpf_disabled", "1\n")
    write(tmp_path, "proc/sys/net/core/bpf_jit_enable", "0\n")
    write(tmp_path, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    write(tmp_path, "sys/kernel/btf/vmlinux", "12345")
    assert [row[1] for row in kernel.settings(tmp_path).rows] == [
        "Ubuntu 5.0.0-31.33~18.04.1-generic 5.0.21",
        "1",
        "0",
        "integrity",
        "5 bytes",
    ]


def test_settings_that_are_not_there_say_so(tmp_path):
    values = [row[1] for row in kernel.settings(tmp_path).rows]
    assert values == ["no such file"] * 4 + ["none"]


def open_files() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


@pytest.mark.kernel
@pytest.mark.parametrize("type", probes.TYPES, ids=lambda type: type.name)
def test_a_type_is_tried_and_given_up(type):
    libbpf.library()
    before = open_files()
    answer = type.attempt()
    allowed = set(type.needs.split(", ")) <= set(capabilities.held())
    assert answer == ("works" if allowed else "Operation not permitted")
    assert open_files() == before


@pytest.mark.kernel
@pytest.mark.parametrize(
    "arguments", [(999, 4, 8, 1), (27, 4, 8, 65536), (27, 0, 0, 1), (27, 0, 0, 5000)]
)
def test_unknown_types_and_wrong_sizes_are_invalid(arguments):
    assert probes.try_map(*arguments) == "Invalid argument"


@pytest.mark.kernel
def test_without_capabilities_the_kernel_refuses_and_the_rest_of_the_process_goes_on():
    setting = Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip()
    expected = "works" if setting == "0" else "Operation not permitted"
    assert capabilities.without_capabilities(probes.try_map, 2) == expected
    assert capabilities.without_capabilities(capabilities.held) == []
    assert probes.try_map(2) == "works"


def test_an_error_in_the_thread_without_capabilities_comes_out():
    with pytest.raises(ZeroDivisionError):
        capabilities.without_capabilities(lambda: 1 // 0)


def test_a_processor_that_the_course_does_not_know_is_one_sentence(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    with pytest.raises(syscall.SyscallError, match="number of bpf\\(2\\) on pdp11"):
        probes.access()


@pytest.mark.kernel
def test_access_that_works():
    assert probes.access() == "works"


ASK = [sys.executable, "-c", "from helpers import probes; print(probes.access())"]


def ask(command: list[str], **options) -> str:
    return subprocess.check_output([*command, *ASK], cwd=COURSE, text=True, **options).strip()


@pytest.mark.parametrize("drop", [ordinary_user, without_bpf])
def test_access_without_the_capability(drop):
    assert ask(drop()) == "capability"


def test_access_refused_by_seccomp():
    assert ask([], preexec_fn=no_bpf_call()) == "seccomp"


def test_access_in_a_user_namespace():
    assert ask(["unshare", "--user", "--map-root-user"]) == "user namespace"
