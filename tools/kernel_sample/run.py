"""Running the kernel's sockex1, if it can be had in a network where its ping is alone.

Laboratory equipment. The program opens its raw socket itself, in the network that it is started
in, and uses bpf(2), which wants a capability outside every user namespace. One process can have
both only as root in a network namespace: helpers.netlab, which needs no root, is not enough.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.kernel_sample.build import PROGRAM, BuildError

# lo is down at first. stdbuf: a line at a time, although it does not print to a terminal.
INSIDE = 'ip link set lo up && cd "$1" && exec stdbuf -oL "./$2"'
# It prints on a timer while ping sends on another: a busy machine can put them out of step.
ATTEMPTS = 5


def private() -> list[str] | None:
    """What starts a command as root in a network namespace of its own; None: it cannot be had."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if sudo and shutil.which("sudo") is None:
        return None
    if sudo:
        print("A private network for a program that uses BPF takes root: asking sudo.", flush=True)
    tried = subprocess.run([*sudo, "unshare", "--net", "true"], capture_output=not sudo)
    return [*sudo, "unshare", "--net"] if tried.returncode == 0 else None


def lines(folder: Path, prefix: list[str] | None) -> Iterator[str]:
    """Start the program; yield its lines as they come. Errors: BuildError if it fails."""
    command = ["sh", "-c", INSIDE, "sh", str(folder), PROGRAM]
    if prefix is None:
        command = ["stdbuf", "-oL", f"./{PROGRAM}"]
    with subprocess.Popen(
        [*(prefix or []), *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stdout:
            yield line.rstrip()
        errors = running.stderr.read()
    if running.returncode:
        said = (errors.strip() or "it said nothing").splitlines()[-1]
        raise BuildError(
            f"The kernel's {PROGRAM} stopped with status {running.returncode} ({said}): it wants "
            "CAP_BPF and CAP_NET_RAW, start it with ./course kernel-sample."
        )
