"""What this kernel was built with, and how it is set up: version, configuration, settings.

The first stage of the road. Built in chapter 01, kernel_config; helpers/probes.py tries what
this module only reads.
"""

from __future__ import annotations

import gzip
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from helpers.errors import CourseError
from helpers.table import Table

ROOT = Path("/")


class KernelError(CourseError):
    """The kernel's version or configuration cannot be read."""


@dataclass(frozen=True)
class Option:
    """One option of the kernel's configuration. since, gone: kernel versions; gone is "" if not."""

    name: str
    since: str
    purpose: str
    without: str
    gone: str = ""


# Those of an Ubuntu kernel of 2019, as `grep BPF` shows them there; the text after each name
# says what it is for, and what its absence costs.
OPTIONS = (
    Option("CONFIG_BPF", "3.18", "BPF itself, classic filters included",
           "everything; but any kernel with networking has it"),
    Option("CONFIG_BPF_SYSCALL", "3.18", "the system call bpf(2): maps, and loading programs",
           "the whole course"),
    Option("CONFIG_BPF_JIT", "3.0", "translates programs to machine code when they are loaded",
           "speed: programs are interpreted"),
    Option("CONFIG_HAVE_EBPF_JIT", "4.7", "this processor has a translator for eBPF",
           "speed: BPF_JIT does nothing for eBPF"),
    Option("CONFIG_BPF_JIT_ALWAYS_ON", "4.15", "removes the interpreter, against Spectre",
           "nothing: an interpreter stays as a second way"),
    Option("CONFIG_BPF_EVENTS", "4.1", "programs on kprobes, uprobes and tracepoints",
           "tracing; counting on sockets goes on"),
    Option("CONFIG_NET_CLS_BPF", "3.13", "programs in traffic control (tc)",
           "programs on tc, as in chapter 12"),
    Option("CONFIG_NET_ACT_BPF", "4.0", "programs as an action of another tc filter",
           "little: NET_CLS_BPF does it alone"),
    Option("CONFIG_CGROUP_BPF", "4.10", "programs per group of processes (cgroup)",
           "filters per container or service"),
    Option("CONFIG_NETFILTER_XT_MATCH_BPF", "3.9", "a BPF filter as an iptables match",
           "iptables -m bpf"),
    Option("CONFIG_LWTUNNEL_BPF", "4.10", "programs on a route",
           "ip route ... encap bpf"),
    Option("CONFIG_IPV6_SEG6_BPF", "4.18", "programs on an IPv6 segment routing hop",
           "such hops in BPF"),
    Option("CONFIG_BPF_STREAM_PARSER", "4.14", "programs that cut a TCP stream into messages",
           "sockmap with a stream parser"),
    Option("CONFIG_BPF_KPROBE_OVERRIDE", "4.16", "programs that make a kernel function fail",
           "fault injection in tests"),
    Option("CONFIG_TEST_BPF", "3.16", "the kernel's own test of its BPF, a module",
           "that test"),
    Option("CONFIG_BPFILTER", "4.18", "iptables rules as BPF, an experiment",
           "nothing: it never came to be", "6.8"),
    Option("CONFIG_BPFILTER_UMH", "4.18", "the helper process of BPFILTER",
           "nothing, like BPFILTER", "6.8"),
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """A configuration: the file it came from (None: there was none), and its options."""

    path: Path | None = None
    options: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """ "y", "m", "n", a number or a text; "absent" if the file does not name the option."""
        return self.options.get(name, "absent") if self.path else "no config found"


def version(release: str | None = None) -> tuple[int, int]:
    """The first two numbers of a kernel release (by default this kernel's): (6, 18).

    Errors: KernelError. Source: uname(2). Built in chapter 01.
    """
    release = release or os.uname().release
    numbers = re.match(r"(\d+)\.(\d+)", release)
    if numbers is None:
        raise KernelError(f"The kernel release {release!r} does not begin with two numbers.")
    return int(numbers[1]), int(numbers[2])


def config_places(root: Path = ROOT, release: str | None = None) -> list[Path]:
    """Where a kernel's configuration may be, its own word first. Built in chapter 01."""
    release = release or os.uname().release
    modules = root / "lib" / "modules" / release
    return [
        root / "proc" / "config.gz",
        root / "boot" / f"config-{release}",
        modules / "config",
        modules / "build" / ".config",
    ]


def read_lines(path: Path) -> list[str]:
    """The lines of a configuration file, compressed or not.

    Errors: KernelError. Source: gzip(1). Built in chapter 01.
    """
    try:
        # chapter 01: begin read
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt") as file:
            lines = file.read().splitlines()
        # chapter 01: end read
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise KernelError(
            f"The configuration {path} cannot be read ({error}): "
            "go on without it, the course tries what it needs."
        ) from error
    return lines


def parse(lines: list[str]) -> dict[str, str]:
    """Option names and values; "n" where a line says that an option is not set.

    Source: Documentation/kbuild/kconfig.rst in the kernel tree. Built in chapter 01.
    """
    options = {}
    for line in lines:
        if line.startswith("CONFIG_") and "=" in line:
            name, value = line.split("=", 1)
            options[name] = value
        elif line.startswith("# CONFIG_") and line.endswith(" is not set"):
            options[line.split()[1]] = "n"
    return options


def config(root: Path = ROOT, release: str | None = None) -> Config:
    """This kernel's configuration, from the first place that has it; a Config without a path
    if none has.

    Errors: KernelError if there is a file that cannot be read. Built in chapter 01.
    """
    for path in config_places(root, release):
        if path.is_file():
            return Config(path, parse(read_lines(path)))
    return Config()


def options_table(config: Config) -> Table:
    """OPTIONS with their values here, for a notebook. Built in chapter 01."""
    rows = [
        (o.name, config.value(o.name), o.since, o.gone or "still there", o.purpose, o.without)
        for o in OPTIONS
    ]
    head = ("option", "here", "since", "until", "what it is for", "without it you lose")
    return Table("The options of the article's listing, and this kernel", head, rows, folded=True)


UNPRIVILEGED = {
    "0": "anyone may load socket filters",
    "1": "only with CAP_BPF, and that cannot be changed until the next start",
    "2": "only with CAP_BPF; an administrator may change it",
}
JIT = {
    "0": "off: programs are interpreted",
    "1": "on: programs are translated to machine code",
    "2": "on, and each translation goes to the kernel's log",
}


def settings(root: Path = ROOT) -> Table:
    """How this kernel is set up, as far as BPF is concerned, for a notebook.

    Source: Documentation/admin-guide/sysctl/ (kernel, net); kernel_lockdown(7).
    Built in chapter 01.
    """
    unprivileged = _read(root / "proc/sys/kernel/unprivileged_bpf_disabled")
    jit = _read(root / "proc/sys/net/core/bpf_jit_enable")
    lockdown = _read(root / "sys/kernel/security/lockdown")
    chosen = re.search(r"\[(\w+)\]", lockdown)
    btf = root / "sys/kernel/btf/vmlinux"
    rows = [
        ("/proc/version_signature", _read(root / "proc/version_signature"),
         "the exact source that Ubuntu built; only Ubuntu has this file"),
        ("unprivileged_bpf_disabled", unprivileged, UNPRIVILEGED.get(unprivileged, "not known")),
        ("bpf_jit_enable", jit, JIT.get(jit, "not known")),
        ("lockdown", chosen[1] if chosen else lockdown,
         "confidentiality would keep BPF from reading kernel memory; socket filters still work"),
        ("BTF", f"{btf.stat().st_size:,} bytes" if btf.exists() else "none",
         "the kernel's own types, for tracing programs; socket filters do without"),
    ]  # fmt: skip
    return Table("How this kernel is set up", ("setting", "here", "meaning"), rows, folded=True)


def _read(path: Path) -> str:
    """What a one-line file says, or why it does not."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return error.strerror
