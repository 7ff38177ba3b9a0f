"""The filter of system calls in front of a learner's container: seccomp.json, as engines take it.

    python -m tools.classroom.seccomp   writes it, from the names in this machine's headers

An engine's own filter lets holders of CAP_BPF use bpf(2), and nobody without CAP_SYS_ADMIN make a
namespace. This one opens two kinds of them, by unshare(2): of users, and of networks. In one of
one's own, a learner is root over network interfaces, firewalls and traffic control, and so reaches
more of the kernel's code than from outside. No other kind can be made, and nothing be mounted.
Refused are the calls below, and every one that is newer than the headers it is made from.

Source: seccomp(2), syscalls(2); the OCI runtime specification, config-linux.md, "Seccomp".
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from helpers import uapi

PROFILE = Path(__file__).with_name("seccomp.json")
# What is for the machine's own root, or has let people out of containers before.
REFUSED = """
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct
    mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount
    fspick mount_setattr setns quotactl quotactl_fd sethostname setdomainname settimeofday
    clock_settime clock_adjtime adjtimex iopl ioperm modify_ldt syslog vhangup
    add_key request_key keyctl perf_event_open userfaultfd io_uring_setup io_uring_enter
    io_uring_register open_by_handle_at name_to_handle_at fanotify_init lookup_dcookie kcmp
    pidfd_getfd process_madvise process_vm_writev move_pages migrate_pages mbind set_mempolicy
    set_mempolicy_home_node personality uselib ustat sysfs nfsservctl _sysctl create_module
    get_kernel_syms query_module getpmsg putpmsg afs_syscall tuxcall security vserver
"""
ON_TERMS = ("clone", "clone3", "unshare", "socket")
NAMESPACES = 0x7E020000  # all bits of clone(2) that ask for a namespace; CLONE_NEWTIME is unshare's
OPEN = uapi.CLONE_NEWUSER | uapi.CLONE_NEWNET
VSOCK = 40  # a family of sockets that leads to a virtual machine's host
ENOSYS = 38  # for clone3, whose flags a filter cannot see: the C library then takes clone


def names() -> list[str]:
    """The system calls that the kernel's headers on this machine know. Errors: OSError."""
    asked = ["gcc", "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return sorted(re.findall(r"^#define __NR_(\w+) ", said, re.MULTILINE))


def profile(known: list[str]) -> dict:
    """A profile that lets those through which are not refused."""

    def when(name: str, index: int, value: int, how: str, other: int = 0) -> dict:
        term = {"index": index, "value": value, "valueTwo": other, "op": f"SCMP_CMP_{how}"}
        return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [term]}

    free = sorted({*known} - {*REFUSED.split(), *ON_TERMS})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [
            {"architecture": f"SCMP_ARCH_{each}", "subArchitectures": []}
            for each in ("X86_64", "AARCH64")
        ],
        "syscalls": [
            {"names": free, "action": "SCMP_ACT_ALLOW"},
            when("clone", 0, NAMESPACES, "MASKED_EQ"),
            when("unshare", 0, 0xFFFFFFFF & ~OPEN, "MASKED_EQ"),
            when("socket", 0, VSOCK, "NE"),
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS},
        ],
    }


if __name__ == "__main__":
    PROFILE.write_text(json.dumps(profile(names()), indent=1) + "\n")
