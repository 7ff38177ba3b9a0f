"""The first file system of a virtual machine: a shell, the modules, and what to do with them.

Laboratory equipment. The machine's real files are this machine's own, read-only over 9p, under a
writable layer in memory: the course as it is installed here, on another kernel.
Source: Documentation/driver-api/early-userspace/buffer-format.rst in the kernel tree.
"""

from __future__ import annotations

import stat
from pathlib import Path

from tools.kernels import modules
from tools.kernels.fetch import Kernel

# What it takes to reach this machine's files; then what the chapters use and Debian builds apart.
WANTED = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
OPTIONAL = ("crc32c_generic", "veth", "dummy", "8021q", "cls_bpf", "act_bpf", "sch_ingress")
OPTIONAL += ("tun", "ip_gre", "ip6_gre", "sit", "ipip", "ip6_tunnel", "wireguard")
OPTIONAL += ("af_packet_diag", "inet_diag", "nf_tables", "nft_counter", "nft_compat")
INIT = """#!/bin/busybox sh
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do $busybox insmod /modules/$module.ko; done
$busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 host /host
$busybox mount -t tmpfs tmpfs /layer
$busybox mkdir /layer/upper /layer/work
$busybox mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
$busybox umount /proc
$busybox mount --move /dev /root/dev
$busybox mount -t proc proc /root/proc
$busybox mount -t sysfs sysfs /root/sys
$busybox cp /start /root/start-course
exec $busybox switch_root /root /start-course
"""
# The second serial line carries the report. Whatever happens, the machine turns itself off.
START = """#!/bin/sh
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /tmp /dev/shm
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
{command} </dev/null >/dev/{report}
echo o >/proc/sysrq-trigger
exec sleep 60
"""


def build(kernel: Kernel, busybox: Path, command: str, report: str = "ttyS1") -> bytes:
    """An initramfs that starts a command line of the shell, with this machine's files.

    report: the serial line that takes what the command prints.
    Errors: ModuleError.
    """
    loaded = modules.closure(kernel.modules, WANTED, OPTIONAL)
    folders = ("bin", "proc", "dev", "host", "layer", "root", "modules")
    files = {
        "bin/busybox": busybox.read_bytes(),
        "init": INIT.format(modules=" ".join(loaded)).encode(),
        "start": START.format(command=command, report=report).encode(),
        **{f"modules/{name}.ko": data for name, data in loaded.items()},
    }
    return archive(
        [
            *((name, stat.S_IFDIR | 0o755, b"", (0, 0)) for name in folders),
            # The kernel opens it before anything is mounted; without it nothing can be said.
            ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
            *((name, stat.S_IFREG | 0o755, data, (0, 0)) for name, data in files.items()),
        ]
    )


def archive(files: list[tuple[str, int, bytes, tuple[int, int]]]) -> bytes:
    """An uncompressed cpio archive (newc) of (path, mode, content, device number)."""
    parts = []
    for number, (path, mode, content, device) in enumerate(
        [*files, ("TRAILER!!!", 0, b"", (0, 0))]
    ):
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (number + 1, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        parts += [head, bytes(-len(head) % 4), content, bytes(-len(content) % 4)]
    return b"".join(parts)
