"""Can the course run for real here? Every part is looked at or tried, and has a cure.

Laboratory equipment, first used in chapter 00; what the rows mean is taught in chapter 01.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chapters.ch00 import checkout, surroundings
from helpers import (
    kernel,
    libbpf,
    loader,
    netlab,
    places,
    probes,
    rights,
    sockets,
    toolchain,
    traffic,
    uapi,
)
from helpers.bcc import headers as bcc_headers
from helpers.bcc import program as bcc_program
from helpers.errors import CourseError
from helpers.table import Table

OK, WARNING, MISSING = "ok", "warning", "missing"
TIMEOUT_SECONDS = 60  # for another program's answer: a cold disk is slow
INCLUDE = (Path("/usr/include"), Path("/usr/local/include"))
HEADERS = {"linux/bpf.h": "linux-libc-dev", "bpf/bpf_helpers.h": "libbpf-dev"}
# What only parts of the course use: package, and where.
TOOLS = {
    "tcpdump": ("tcpdump", "chapters 03 and 09 look at packets with it"),
    "bpftool": ("bpftool", "chapter 06 looks into the kernel with it"),
    "strace": ("strace", "chapter 06 watches system calls with it"),
    "nft": ("nftables", "one experiment of chapter 03 is a firewall"),
    "zstd": ("zstd", "the playground reads capture files that zstd has compressed"),
}
REFUSALS = {
    "user namespace": "Use a machine whose root is the real one; a rootless container's is not.",
    "seccomp": "Start the container with --cap-add BPF --cap-add NET_RAW, or with --privileged "
    "if its seccomp profile dates from before 2023 (chapter 10).",
}
IN_A_CONTAINER = "Start the container with --privileged or --cap-add BPF, and without --user."
COPIES = (toolchain.COURSE / "notebooks", toolchain.WORK)
ECHO = 196  # one echo of 56 bytes: 98 bytes of request, 98 bytes of reply


@dataclass(frozen=True)
class Finding:
    """What a check found. status: OK, WARNING or MISSING; cure: one sentence, "" if OK."""

    found: str
    status: str = OK
    cure: str = ""


@dataclass(frozen=True)
class Row(Finding):
    """A finding, and the part of the machine that it is about."""

    what: str = ""


@dataclass(frozen=True)
class Report:
    """The rows, as a table in a notebook and as text elsewhere."""

    rows: list[Row]

    @property
    def ready(self) -> bool:
        """Whether the course can run for real: nothing is missing; a warning may remain."""
        return all(row.status != MISSING for row in self.rows)

    @property
    def verdict(self) -> str:
        """The report in one sentence."""
        if not self.ready:
            return "The course cannot run for real here yet: mend what is missing."
        if any(row.status == WARNING for row in self.rows):
            return "The course can run for real here, but for what the warnings name."
        return "The course can run for real here."

    def __repr__(self) -> str:
        width = max(len(row.what) for row in self.rows)
        lines = []
        for row in self.rows:
            lines.append(f"{row.status:<7}  {row.what:<{width}}  {row.found}")
            indent = {"initial_indent": " " * 9, "subsequent_indent": " " * 9}
            whole = {"break_long_words": False, "break_on_hyphens": False}  # a command is copied
            lines += textwrap.wrap(row.cure, 90, **indent, **whole)
        return "\n".join([*lines, "", self.verdict])

    def _repr_html_(self) -> str:
        rows = [(row.what, row.found, row.status, row.cure) for row in self.rows]
        return Table(self.verdict, ("part", "found", "status", "cure"), rows)._repr_html_()


def report(for_root: str = "") -> Report:
    """Look at and try every part; no exception, whatever is missing. Takes about a second.

    for_root: what root has to run, where the capabilities are missing and there is no sudo.
    """
    needed = [
        check("Python", python),
        check("course folder", course_folder),
        check("Python packages", packages),
        check("kernel version", kernel_version),
        check("bpf(2)", partial(bpf, for_root)),
        check("clang", clang),
        check("libbpf", library),
        check("BPF headers", headers),
        check("ping", ping),
        check("network", network),
    ]
    wanted = [
        check("IPv6", ipv6, WARNING),
        check("kernel config", kernel_config, WARNING),
        check("BTF of the kernel", btf, WARNING),
        *(check(name, partial(tool, name), WARNING) for name in TOOLS),
        check("bcc", bcc, WARNING),
        check("headers for bcc", kernel_headers, WARNING),
        check("tracing", tracing, WARNING),
        check("temporary files", partial(around, surroundings.temporary_files), WARNING),
        check("watched files", partial(around, surroundings.watches), WARNING),
        check("proxy", partial(around, surroundings.proxy), WARNING),
        check("home", partial(around, surroundings.home), WARNING),
        check("your copies", partial(around, partial(surroundings.old_copies, *COPIES)), WARNING),
    ]
    gone = " and ".join(row.what for row in needed if row.status == MISSING)
    return Report([*needed, *wanted, check("the whole road", partial(road, gone))])


def check(what: str, look: Callable[[], Finding], worst: str = MISSING) -> Row:
    """Run one check; an exception becomes a row like any other, with `worst` as its status."""
    try:
        finding = look()
    except CourseError as error:
        finding = said(str(error), worst)
    except OSError as error:
        lack = places.exhausted(error)
        finding = said(lack or f"{error}: run ./course lab, which sets up what it can.", worst)
    except Exception as error:
        finding = Finding(
            f"{type(error).__name__}: {error}",
            worst,
            "Run ./course lab, which sets up what it can.",
        )
    return Row(finding.found, finding.status, finding.cure, what)


def said(sentence: str, status: str = MISSING) -> Finding:
    """The finding that a sentence of the form "cause: cure" is."""
    cause, _, cure = sentence.rpartition(": ")
    return Finding(cause, status, cure[:1].upper() + cure[1:])


def around(look: Callable[[], str]) -> Finding:
    """What a look at the surroundings found."""
    trouble = look()
    return said(trouble[:1].upper() + trouble[1:], WARNING) if trouble else Finding("nothing wrong")


def course_folder(course: Path = toolchain.PLACE, prefix: Path = Path(sys.prefix)) -> Finding:
    """Whether the course's folder can be set up and worked in, as ./course lab will ask."""
    set_up = (prefix / checkout.PACKAGES).is_file()
    trouble = checkout.trouble(course, None if set_up else course / ".venv")
    return said(trouble) if trouble else Finding("can be worked in")


def packages(course: Path = toolchain.COURSE, prefix: Path = Path(sys.prefix)) -> Finding:
    """The Python packages that the notebooks need."""
    if not (prefix / checkout.PACKAGES).is_file():
        return Finding("not set up yet", WARNING, "Run ./course lab, which installs them in .venv.")
    if reason := checkout.why_anew(course, prefix):
        return Finding(reason.rstrip("."), MISSING, "Run ./course lab, which installs them anew.")
    return Finding("all there")


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python 3.10 or later."""
    number = ".".join(map(str, version))
    if version >= (3, 10):
        return Finding(number)
    return Finding(number, MISSING, "Install Python 3.10 or later, and run ./course lab again.")


def kernel_version(release: str | None = None) -> Finding:
    """5.5 for a map that is read as memory; 5.8 for CAP_BPF and the ring buffer."""
    release = release or os.uname().release
    if kernel.version(release) >= (5, 8):
        return Finding(release)
    if kernel.version(release) >= (5, 5):
        cure = "Run the course as root, since CAP_BPF came with 5.8; chapter 12 needs 5.8."
        return Finding(release, WARNING, cure)
    cure = "Start a kernel of version 5.8 or later, best in a virtual machine."
    return Finding(release, MISSING, cure)


def kernel_config(root: Path = kernel.ROOT, release: str | None = None) -> Finding:
    """Where the configuration is, and whether it has bpf(2)."""
    config = kernel.config(root, release)
    if config.path is None:
        cure = "Go on without: the course tries what it needs, only chapter 01 has less to show."
        return Finding("not in any of its four places", WARNING, cure)
    value = config.value("CONFIG_BPF_SYSCALL")
    found = f"{config.path}, CONFIG_BPF_SYSCALL is {value}"
    if value == "y":
        return Finding(found)
    return Finding(found, WARNING, "Believe the row bpf(2), which tried it.")


def bpf(for_root: str = "") -> Finding:
    """Whether this process may use bpf(2), and if not, who refuses; for_root as report() has it."""
    answer = probes.access()
    if answer == "works":
        return Finding(answer)
    if answer == "no system call":
        return said(rights.no_bpf())
    cure = REFUSALS.get(answer, "Look this answer up in the manual page bpf(2).")
    if answer == "capability":
        cure = rights.cure([*rights.here((rights.BPF,))])
        cure = cure[:1].upper() + cure[1:] + "."
        if for_root:
            cure = f"There is no sudo for you here: let root run {for_root}"
        if os.environ.get("COURSE_IMAGE"):
            cure = IN_A_CONTAINER
    return Finding(f"refused: {answer}", MISSING, cure)


def ipv6() -> Finding:
    """IPv6 in the network to experiment in, for the experiments that are about it."""
    with netlab.open_network() as net:
        net.require_ipv6()
    return Finding("::1 can be reached")


def btf(root: Path = kernel.ROOT) -> Finding:
    """The kernel's own types."""
    if (root / "sys/kernel/btf/vmlinux").exists():
        return Finding("/sys/kernel/btf/vmlinux")
    cure = "Start a kernel with CONFIG_DEBUG_INFO_BTF=y to trace; to count packets needs none."
    return Finding("none", WARNING, cure)


def clang() -> Finding:
    """The compiler."""
    if shutil.which("clang") is None:
        cure = "Run ./course lab, or install the package clang."
        return Finding("not installed", MISSING, cure)
    kills = places.memory_kills()
    result = subprocess.run(
        ["clang", "--version"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    if result.returncode < 0:
        return said(places.ended("clang", -result.returncode, kills))
    number = re.search(r"version (\S+)", result.stdout)
    return Finding(number[1] if number else result.stdout.strip())


def library() -> Finding:
    """libbpf, version 1.0 or later."""
    libbpf_here = libbpf.library()
    return Finding(f"{libbpf_here.libbpf_major_version()}.{libbpf_here.libbpf_minor_version()}")


def headers(folders: tuple[Path, ...] = INCLUDE) -> Finding:
    """The headers that a BPF program includes."""
    gone = [n for n in HEADERS if not any((folder / n).is_file() for folder in folders)]
    if not gone:
        return Finding(", ".join(HEADERS))
    packages = " and ".join(HEADERS[name] for name in gone)
    cure = f"Run ./course lab, or install {packages}."
    return Finding(f"no {', no '.join(gone)}", MISSING, cure)


def ping() -> Finding:
    """The command that makes the article's traffic."""
    if path := shutil.which("ping"):
        return Finding(path)
    cure = "Run ./course lab, or install the package iputils-ping."
    return Finding("not installed", MISSING, cure)


def tool(name: str) -> Finding:
    """A command that only a part of the course needs."""
    if path := shutil.which(name):
        return Finding(path)
    package, where = TOOLS[name]
    cure = f"Run ./course lab, or install the package {package}: {where}."
    return Finding("not on the PATH", WARNING, cure)


def bcc() -> Finding:
    """bcc as the distribution packages it, imported in a process of its own (it is large)."""
    code = "import bcc; print(bcc.__version__ if hasattr(bcc, 'BPF') else 'wrong')"
    command = [sys.executable, "-c", "print('wrong')" if bcc_program.is_of_pypi() else code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    version = result.stdout.strip()
    if version == "wrong":
        cure = "Run pip uninstall bcc, then ./course lab, which links the real one (chapter 05)."
        return Finding("another package of that name, from PyPI", WARNING, cure)
    if result.returncode:
        cure = "Run ./course lab, which links the distribution's python3-bpfcc (chapter 05)."
        return Finding(result.stderr.strip().splitlines()[-1], WARNING, cure)
    if bcc_program.too_old(version):
        cure = "Use a distribution with 0.21 or later, as Debian 12 or Ubuntu 24.04 (chapter 05)."
        return Finding(f"{version}, too old", WARNING, cure)
    return Finding(version)


def kernel_headers() -> Finding:
    """The kernel headers that bcc will compile with."""
    return Finding(str(bcc_headers.find()))


def tracing() -> Finding:
    """Whether chapter 13 may record here, or shows what was recorded elsewhere."""
    answer = probes.try_program(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT)
    if answer == "works":
        return Finding("chapter 13 can record packets")
    return Finding(f"{answer}; chapter 13 has recordings, and records with ./course lab --tracing")


def network() -> Finding:
    """A network to experiment in."""
    with netlab.open_network() as net:
        if net.private:
            where = "its own lo" if net.kind == "own lo" else f"in a {net.kind}"
            return Finding(f"private, {where}")
        cure = f"{namespaces()}, or other traffic is counted too."
        if os.environ.get("COURSE_IMAGE"):
            cure = (
                "Add --privileged, or leave out the host's network: other traffic is counted too."
            )
        return Finding(net.kind, WARNING, cure)


def namespaces(root: Path = kernel.ROOT) -> str:
    """What allows user namespaces here: the setting that forbids them is looked for."""
    forbidding = {
        "user/max_user_namespaces": "0",
        "kernel/unprivileged_userns_clone": "0",
        "kernel/apparmor_restrict_unprivileged_userns": "1",
    }
    better = {"user/max_user_namespaces": "15000", "kernel/unprivileged_userns_clone": "1"}
    for name, value in forbidding.items():
        path = root / "proc/sys" / name
        if os.access(path, os.R_OK) and path.read_text().strip() == value:
            setting = name.replace("/", ".")
            if "apparmor" in name:
                return (
                    "Let what ./course starts make user namespaces "
                    f"(./course doctor --apparmor), or everything (sysctl {setting}=0)"
                )
            return f"Let root allow user namespaces (sysctl {setting}={better.get(name, '0')})"
    return "Allow user namespaces, which a container's seccomp filter or a security module forbids"


def road(gone: str = "") -> Finding:
    """Compile sockex1, load it, attach it, send one echo of 56 bytes, and read the counter.

    gone: what earlier rows found missing; then there is nothing to try.
    """
    if gone:
        return Finding("not tried", MISSING, f"Mend first: {gone}.")
    with tempfile.TemporaryDirectory() as scratch:
        target = toolchain.compile_bpf("sockex1_kern.c", Path(scratch) / "sockex1_kern.o")
        with loader.load(target) as loaded, netlab.open_network() as net:
            with sockets.packet_socket(net, loaded.program("count_bytes").fd):
                traffic.echo(net, count=1, size=56)
            counted = loaded.map("bytes_by_protocol").counter(socket.IPPROTO_ICMP)
    if counted == ECHO:
        return Finding("one ping sent, and counted to the byte")
    if counted > ECHO and not net.private:
        return Finding("one ping sent, and counted among other traffic")
    cure = f"Report this to the course: {ECHO} bytes were sent."
    return Finding(f"{counted} bytes counted", MISSING, cure)
