"""Who may do what with BPF: the capabilities that each thing wants, and who says no to this thread.

Laboratory equipment, used from chapter 03 on; chapter 10 takes capabilities apart. The kernel has
one answer, "Operation not permitted", for many causes: each is asked for in turn, and what cannot
be found out is not guessed.
Source: capabilities(7); is_net_admin_prog_type() and map_create() in kernel/bpf/syscall.c.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
from collections.abc import Iterable
from pathlib import Path

from helpers import capabilities, uapi

# Said before the first interface that is not the private one: chapters 00, 04, the playground.
OTHERS_PACKETS = (
    "The packets on an interface of this machine are those of everybody who uses it: yours and, on "
    "a machine or a network that is shared, other people's, too. Look at one only if it is your "
    "own, or if whoever it belongs to has allowed you to."
)
ROOT = Path("/")
WHOLE_MACHINE = ["0", "0", "4294967295"]  # /proc/PID/uid_map of who is in no user namespace
NO_SUCH_COMMAND = 9999
BPF, NET_ADMIN, PERFMON, SYS_ADMIN = "CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON", "CAP_SYS_ADMIN"
NET_RAW = "CAP_NET_RAW"
# By number: what a program type is called in a sentence, and what loading one wants beside CAP_BPF.
PROGRAMS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("a socket filter", ()),
    2: ("a kprobe program", (PERFMON,)),
    3: ("a tc program", (NET_ADMIN,)),
    4: ("a tc action", (NET_ADMIN,)),
    5: ("a tracepoint program", (PERFMON,)),
    6: ("an XDP program", (NET_ADMIN,)),
    7: ("a perf event program", (PERFMON,)),
    8: ("a cgroup_skb program", ()),
    9: ("a cgroup/sock program", (NET_ADMIN,)),
    10: ("an lwt_in program", (NET_ADMIN,)),
    11: ("an lwt_out program", (NET_ADMIN,)),
    12: ("an lwt_xmit program", (NET_ADMIN,)),
    13: ("a sockops program", (NET_ADMIN,)),
    14: ("an sk_skb program", (NET_ADMIN,)),
    15: ("a cgroup/dev program", (NET_ADMIN,)),
    16: ("an sk_msg program", (NET_ADMIN,)),
    17: ("a raw tracepoint program", (PERFMON,)),
    18: ("a cgroup/connect (or bind, sendmsg) program", (NET_ADMIN,)),
    19: ("an lwt_seg6local program", (NET_ADMIN,)),
    20: ("a lirc_mode2 program", ()),
    21: ("an sk_reuseport program", ()),
    22: ("a flow dissector", (NET_ADMIN,)),
    23: ("a cgroup/sysctl program", (NET_ADMIN,)),
    24: ("a writable raw tracepoint program", (PERFMON,)),
    25: ("a cgroup/sockopt program", (NET_ADMIN,)),
    26: ("a tracing program (fentry, fexit, tp_btf, iter)", (PERFMON,)),
    27: ("a struct_ops program", (PERFMON,)),
    28: ("an extension (freplace)", (NET_ADMIN, PERFMON)),
    29: ("an LSM program", (PERFMON,)),
    30: ("an sk_lookup program", ()),
    31: ("a syscall program", ()),
    32: ("a netfilter program", (NET_ADMIN,)),
}
# By where a loaded program is attached: what that wants of whoever does it, beside what loading the
# program wanted of somebody. To most places who holds the program may attach it.
ATTACHMENTS: dict[str, tuple[str, ...]] = {
    "a socket": (),
    "a raw tracepoint": (),
    "an interface, by an XDP link": (),
    "an interface, by a tcx link": (),
    "a perf event": (PERFMON,),  # kprobes and tracepoints are such events, too
    "a uprobe": (SYS_ADMIN,),  # so is this; kernels before July 2025 want CAP_PERFMON
    "a cgroup": (NET_ADMIN,),
    "an interface, over netlink": (NET_ADMIN,),  # over the interface's network: XDP and tc
}
# DEVMAP, SOCKMAP, XSKMAP, SOCKHASH and DEVMAP_HASH want CAP_NET_ADMIN beside CAP_BPF.
MAPS_OF_THE_NETWORK = {14, 15, 17, 18, 25}
# What an ordinary user may load and make where kernel.unprivileged_bpf_disabled is 0. Source:
# Documentation/admin-guide/sysctl/kernel.rst.
UNPRIVILEGED_PROGRAMS, UNPRIVILEGED_MAPS = {1, 8}, {1, 2, 3, 4, 5, 6, 8, 12, 13, 19, 21, 27, 31}
# Commands of bpf(2) that want CAP_SYS_ADMIN and nothing else: PROG_, MAP_ and BTF_GET_NEXT_ID,
# PROG_, MAP_ and BTF_GET_FD_BY_ID, LINK_GET_FD_BY_ID and LINK_GET_NEXT_ID, ENABLE_STATS.
COMMANDS_OF_ROOT = {
    11: "listing the kernel's programs",
    12: "listing the kernel's maps",
    13: "opening a program by its number",
    14: "opening a map by its number",
    19: "opening BTF by its number",
    23: "listing the kernel's BTF",
    30: "opening a link by its number",
    31: "listing the kernel's links",
    32: "measuring every program's time",
}


def of_program(type: int, root: Path = ROOT) -> tuple[str, ...]:
    """The capabilities that loading a program of this type wants on this kernel."""
    free = type in UNPRIVILEGED_PROGRAMS and unprivileged(root) == "0"
    return here((() if free else (BPF,)) + PROGRAMS.get(type, ("", ()))[1], root)


def of_map(type: int, root: Path = ROOT) -> tuple[str, ...]:
    """The capabilities that making a map of this type wants on this kernel."""
    free = type in UNPRIVILEGED_MAPS and unprivileged(root) == "0"
    network = (NET_ADMIN,) if type in MAPS_OF_THE_NETWORK else ()
    return here((() if free else (BPF,)) + network, root)


def of_attachment(place: str, root: Path = ROOT) -> tuple[str, ...]:
    """The capabilities that attaching a program there wants. Arguments: place: of ATTACHMENTS."""
    return here(ATTACHMENTS[place], root)


def not_attached(place: str, held: int | None = None) -> str:
    """Why the kernel did not let this process attach a program there, as `refusal`."""
    return refusal(f"attaching a program to {place}", of_attachment(place), held)


def here(names: tuple[str, ...], root: Path = ROOT) -> tuple[str, ...]:
    """The same on this kernel: before Linux 5.8, CAP_SYS_ADMIN stands for the newer two."""
    last = int((root / "proc/sys/kernel/cap_last_cap").read_text())
    if last >= uapi.CAP_BPF:
        return names
    return tuple(dict.fromkeys(SYS_ADMIN if name in (BPF, PERFMON) else name for name in names))


def unprivileged(root: Path = ROOT) -> str:
    """kernel.unprivileged_bpf_disabled: "0", "1", "2", or "" if it cannot be read."""
    path = root / "proc/sys/kernel/unprivileged_bpf_disabled"
    return path.read_text().strip() if path.is_file() else ""


def lacking(wanted: Iterable[str], held: int | None = None) -> list[str]:
    """Those of `wanted` that are not in the mask `held`, by default what is in effect for this
    thread; CAP_SYS_ADMIN stands in for all that BPF asks."""
    held = capabilities.effective() if held is None else held
    if held & capabilities.mask(SYS_ADMIN):
        return []
    return [name for name in wanted if not held & capabilities.mask(name)]


def refusal(doing: str, wanted: tuple[str, ...], held: int | None = None, root: Path = ROOT) -> str:
    """Why the kernel answered "Operation not permitted", in one sentence.

    Arguments: doing: what was tried, "loading an XDP program"; wanted: the capabilities that it
    wants; held: the mask with which it was tried, where that was not this thread.
    """
    proc, start = root / "proc", doing[0].upper() + doing[1:]
    if (proc / "thread-self/uid_map").read_text().split() != WHOLE_MACHINE:
        return (
            f"{start} is not possible here, since this process lives in a user namespace, where no "
            "capability counts for BPF: start the course outside of it."
        )
    needs = f"{start} wants {listed(wanted)}"
    if missing := lacking(wanted, held):
        if not lacking(wanted, int(capabilities.status(proc, "self")["CapEff"], 16)):
            names = ", ".join(f'"{name}"' for name in wanted)
            return (
                f"{needs}, and it was tried without {listed(missing)}, which this process holds: "
                f"try it with holding=({names}{',' if len(wanted) == 1 else ''})."
            )
        return f"{needs}, and this process lacks {listed(missing)}: {cure(missing, root)}."
    if limit := memory_limit():
        return (
            f"The kernel gives this process no more memory for BPF than {limit >> 10} KB, as "
            "before Linux 5.11: start the course with ./course lab, which raises the limit."
        )
    if filtered(proc):
        return (
            f"{start} is refused by a seccomp filter, such as a container's, which lets nobody "
            "call bpf(2): chapter 10 tells how to start one that does."
        )
    has = f"{needs}, which this process holds" if wanted else f"{start} wants no capability"
    if mode := lockdown(root):
        return (
            f"{has}, and this kernel is locked down ({mode}), which may be what refuses it: "
            "kernel_lockdown(7) tells what that forbids."
        )
    return (
        f'{has}, and still the kernel answers "Operation not permitted": what refuses it the '
        "course does not know, a security module or the way in which this kernel was built may."
    )


def cure(missing: list[str], root: Path = ROOT) -> str:
    """What helps a process without these capabilities."""
    proc = root / "proc"
    bounding = int(capabilities.status(proc)["CapBnd"], 16)
    if gone := [name for name in missing if not bounding & capabilities.mask(name)]:
        return (
            f"nothing that it starts can get {listed(gone)} either, so start what it runs in, such "
            f"as a container, with {' '.join('--cap-add ' + name[4:] for name in gone)}"
        )
    if os.geteuid() == 0:
        return "it is root, and was started without, so start it with all that root may do"
    if missing == [PERFMON]:
        return "most of the course does without, and ./course lab --tracing hands it on"
    beyond = [name for name in missing if name not in (BPF, SYS_ADMIN, NET_RAW)]
    if beyond or missing == [SYS_ADMIN] and here((BPF,), root) == (BPF,):
        return "the course does without, and root has it: start as root to try it"
    if "ipykernel" in sys.modules:  # a terminal's programs are started by ./course
        return (
            "something else than ./course lab has started this notebook's kernel, such as an "
            "editor: run ./course lab in a terminal, and open the address that it prints, in a "
            "browser, or in VS Code as Existing Jupyter Server"
        )
    told = unprivileged(root)
    only = f", since kernel.unprivileged_bpf_disabled is {told}" if told in ("1", "2") else ""
    since = "" if BPF in missing else " (CAP_BPF came with Linux 5.8)"
    return f"./course lab hands it on, and ./course doctor tells more{since}{only}"


def no_bpf(proc: Path = ROOT / "proc") -> str:
    """Why bpf(2) is answered with "Function not implemented", and what helps, in a sentence."""
    if capabilities.status(proc)["Seccomp"] == "2":
        return (
            "There is no bpf(2) here, since a seccomp filter hides it, a sandbox's or a "
            "container's: start the course outside of it (chapter 10)."
        )
    return (
        "This kernel has no bpf(2), for it was built without CONFIG_BPF_SYSCALL, or is a sandbox's "
        "own: start the course on another one, best in a virtual machine."
    )


def listed(names: Iterable[str]) -> str:
    *most, last = [*dict.fromkeys(names)] or ["no capability"]
    return f"{', '.join(most)} and {last}" if most else last


def memory_limit() -> int | None:
    """RLIMIT_MEMLOCK in bytes, if it is what keeps this process from BPF; else None.

    The kernel then answers "Operation not permitted" to a process that has the capability.
    Source: getrlimit(2).
    """
    from helpers import kernel

    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    allowed = {BPF, SYS_ADMIN} & set(capabilities.held())
    if not allowed or limit == resource.RLIM_INFINITY or kernel.version() >= (5, 11):
        return None
    return limit


def filtered(proc: Path = ROOT / "proc") -> bool:
    """Whether a seccomp filter is in the way of bpf(2).

    A kernel of 5.19 or later tells anybody that there is no such command, and an older one those
    who may use BPF; a filter does not look that far. Errors: SyscallError.
    """
    from helpers.syscall.call import bpf  # which asks here when it is refused

    nothing = ctypes.create_string_buffer(16)
    refused = bpf(NO_SUCH_COMMAND, nothing) == -errno.EPERM
    return refused and capabilities.status(proc)["Seccomp"] == "2"


def lockdown(root: Path = ROOT) -> str:
    """ "integrity" or "confidentiality" if the kernel is locked down, else "".

    Source: kernel_lockdown(7).
    """
    path = root / "sys/kernel/security/lockdown"
    if not os.access(path, os.R_OK):
        return ""
    mode = path.read_text().partition("[")[2].partition("]")[0]
    return "" if mode == "none" else mode
