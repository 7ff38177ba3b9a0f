"""A virtual machine: this machine's files, another kernel, one command, its report line by line.

Laboratory equipment. The machine has no network and no disk, and can write to nothing of ours.
Source: qemu-system-x86_64(1).
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from helpers.errors import CourseError
from tools.kernels import fetch, initramfs
from tools.private_apt import cache

QEMU = "qemu-system-x86_64"
ARM_QEMU = "qemu-system-aarch64"
KVM = Path("/dev/kvm")
CONSOLE = "console={console} quiet panic=-1 mitigations=off"
# la57, a fifth level of page tables, only makes an emulated processor slower.
PROCESSOR = {
    "tcg": ["-accel", "tcg", "-cpu", "max,la57=off"],
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "tcg of arm64": ["-accel", "tcg", "-cpu", "max,pauth-impdef=on"],
}
SECONDS_TO_FIRST_LINE = 20


@dataclass(frozen=True)
class Board:
    """What stands for a machine. console, report: the serial lines, as the kernel names them."""

    qemu: str
    console: str
    report: str
    options: tuple[str, ...]


PC = Board(QEMU, "ttyS0", "ttyS1", ("-serial", "chardev:console", "-serial", "chardev:report"))
# The board's own line is the console; the report goes through a second one on the PCI bus.
ARM = Board(
    ARM_QEMU,
    "ttyAMA0",
    "ttyS0",
    ("-M", "virt", "-serial", "chardev:console", "-device", "pci-serial,chardev=report"),
)
BOARDS = {"amd64": PC, "i386": PC, "arm64": ARM}


class BootError(CourseError):
    """The virtual machine did not start, or ended before its command."""


def run(
    kernel: fetch.Kernel,
    command: list[str],
    seconds: float,
    memory: str = "2G",
    processors: int = 1,
    accelerator: str | None = None,
    options: str = "",
    root: Path = Path("/"),
) -> Iterator[str]:
    """Boot a kernel, run a command as root, and yield the lines that it prints.

    Arguments: seconds: after which the machine is turned off; accelerator: by default the faster
        one that works here; options: more of the kernel's command line; root: the folder that
        its files are in.
    Errors: BootError if the machine ends otherwise than by the end of the command, with the
        kernel's last messages.
    """
    board = BOARDS[kernel.architecture]
    if shutil.which(board.qemu) is None:
        raise BootError(f"{board.qemu} is not installed: start this with ./course test --kernels.")
    accelerator = accelerator or fastest(kernel)
    last = "end of the command"
    started = f"{shlex.join(command)}; echo {shlex.quote(last)}"
    with tempfile.TemporaryDirectory(prefix="course-") as scratch:
        first_files, console = Path(scratch) / "initramfs", Path(scratch) / "console"
        busybox, told = fetch.busybox(kernel.architecture), CONSOLE.format(console=board.console)
        first_files.write_bytes(initramfs.build(kernel, busybox, f"{{ {started}; }}", board.report))
        # fmt: off
        machine = [
            "setpriv", "--pdeathsig", "KILL",  # it must not outlive whoever waits for it
            board.qemu, *PROCESSOR[accelerator], "-m", memory, "-smp", str(processors),
            "-display", "none", "-no-reboot", "-nodefaults",
            "-kernel", kernel.image, "-initrd", first_files, "-append", f"{told} {options}",
            "-chardev", f"file,id=console,path={console},append=on",
            "-chardev", "stdio,id=report,signal=off", *board.options,
            "-fsdev", f"local,id=host,path={root},security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
        ]
        # fmt: on
        line = ""
        with console.open("wb") as errors:
            for line in lines(machine, seconds, errors):
                if line != last:
                    yield line
        if line != last:
            said = console.read_text(errors="replace")[-2000:]
            raise BootError(
                f"The machine with {kernel.release} ended before its command, after at most "
                f"{seconds:.0f} seconds: look for the cause in its last words.\n{said}"
            )


def lines(command: list, seconds: float, errors: IO[bytes]) -> Iterator[str]:
    """What a command prints, until it ends or its time is over; then it is killed."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
    )
    over = threading.Timer(seconds, process.kill)
    over.start()
    try:
        for line in process.stdout:
            yield line.decode(errors="replace").strip()
    finally:
        over.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@functools.cache
def fastest(kernel: fetch.Kernel) -> str:
    """kvm if a guest really runs with it, else tcg.

    That it works is kept for the running kernel; that it did not, for this process alone: on a
    busy machine a guest may only have come up too late.
    """
    if kernel.architecture == "arm64":
        return "tcg of arm64"
    if not os.access(KVM, os.R_OK | os.W_OK):
        return "tcg"
    known = cache() / "kernels" / f"accelerator-{os.uname().release}"
    if known.is_file() and known.read_text() == "kvm":
        return "kvm"
    print("trying whether KVM works here ...", flush=True)
    with contextlib.suppress(BootError):  # an answer, too: no guest comes up
        answer = next(run(kernel, ["echo", "kvm"], SECONDS_TO_FIRST_LINE, "1G", 1, "kvm"))
        known.write_text(answer)
        return answer
    return "tcg"
