"""The process that lives inside the private network; helpers.netlab starts it and speaks to it.

It stands alone (python -I: nothing of the user's own is loaded), and imports next to nothing, so
that it starts in an instant. It holds no capability but those that the kernel gives it inside its
own user namespace. When the other end of its control socket closes, for whatever reason, it kills
what it started and ends: the network goes with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

# With -I Python looks for modules in its own folders alone; the course's are three floors up.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from helpers import capabilities, uapi  # noqa: E402
from helpers.errors import check  # noqa: E402

INSIDE = 1000  # what we are called inside our user namespace, as user and as group
libc = ctypes.CDLL(None, use_errno=True)


def enter(kind: str) -> None:
    """Go into a network namespace of our own: within a user namespace, directly, or not at all."""
    user, group = os.getuid(), os.getgid()
    if kind == "user namespace":
        check(libc.unshare(uapi.CLONE_NEWUSER | uapi.CLONE_NEWNET))
        Path("/proc/self/setgroups").write_text("deny")
        # Not as root inside: tcpdump would then try to become another user, of which there is none.
        Path("/proc/self/uid_map").write_text(f"{INSIDE} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{INSIDE} {group} 1")
        capabilities.hand_on()  # to the commands that we start
    elif kind == "network namespace":
        check(libc.unshare(uapi.CLONE_NEWNET))
    if kind.endswith("namespace"):
        enable_ipv6()
        bring_up("lo")
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


def enable_ipv6() -> None:
    """In here IPv6 is on, whatever net.ipv6.conf.all.disable_ipv6 is outside."""
    for name in ("all", "default", "lo"):
        setting = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
        # The kernel may have no IPv6, or a container a /proc/sys that cannot be written to.
        with contextlib.suppress(OSError):
            if setting.read_text() != "0\n":
                setting.write_text("0")


def bring_up(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", interface.encode(), 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, uapi.SIOCGIFFLAGS, request))[1]
        request = struct.pack("16sh14x", interface.encode(), flags | uapi.IFF_UP)
        fcntl.ioctl(any_socket, uapi.SIOCSIFFLAGS, request)


def open_tun(interface: str) -> int:
    """A new interface whose other end is this file: a packet for each read and each write."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        request = struct.pack("16sH22x", interface.encode(), uapi.IFF_TUN | uapi.IFF_NO_PI)
        fcntl.ioctl(fd, uapi.TUNSETIFF, request)
    except OSError:
        os.close(fd)
        raise
    return fd


def start(argv: list[str]) -> tuple[dict, list[int]]:
    """Start a command; hand over the reading ends of its output and errors."""
    out, err = os.pipe(), os.pipe()
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out[1],
            stderr=err[1],
            env=os.environ | {"LC_ALL": "C"},
            preexec_fn=lambda: libc.prctl(uapi.PR_SET_PDEATHSIG, signal.SIGKILL),
        )
    except BaseException:
        os.close(out[0])
        os.close(err[0])
        raise
    finally:
        os.close(out[1])
        os.close(err[1])
    running[child.pid] = child
    return {"pid": child.pid}, [out[0], err[0], os.pidfd_open(child.pid)]


def link(call: int, program: int, index: int, hook: int) -> int:
    """A link that holds a program at an interface of this network, by bpf(2): see helpers/tc.py."""
    form = struct.pack("=4I", program, index, hook, 0)
    made = libc.syscall(call, uapi.BPF_LINK_CREATE, form, len(form))
    check(min(made, 0))
    return made


def answer(request: dict, given: list[int]) -> tuple[dict, list[int]]:
    match request["do"]:
        case "socket":
            opened = socket.socket(request["family"], request["type"], request["protocol"])
            return {}, [opened.detach()]
        case "tun":
            return {}, [open_tun(request["name"])]
        case "link":
            return {}, [link(request["call"], *given, request["index"], request["hook"])]
        case "start":
            return start(request["argv"])
        case "wait":
            return {"status": running[request["pid"]].wait()}, []  # it has ended: see Command
        case "stop":
            running[request["pid"]].send_signal(request["signal"])
            return {}, []
        case unknown:
            raise ValueError(f"unknown request {unknown}")


def serve() -> None:
    while True:
        message, given, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not message:
            return
        fds: list[int] = []
        request = json.loads(message)
        try:
            reply, fds = answer(request, given)
        except OSError as error:
            reply = {"errno": error.errno, "error": error.strerror, "file": error.filename}
        reply["number"] = request["number"]
        socket.send_fds(control, [json.dumps(reply).encode()], fds)
        for fd in [*given, *fds]:
            os.close(fd)


def main() -> None:
    try:
        enter(sys.argv[2])
    except OSError as error:
        said = {"number": 0, "errno": error.errno, "error": error.strerror}
        control.send(json.dumps(said).encode())
        return
    control.send(json.dumps({"number": 0}).encode())
    serve()


control = socket.socket(fileno=int(sys.argv[1]))
running: dict[int, subprocess.Popen] = {}
with contextlib.suppress(ConnectionError):  # the other end is gone: that is the end
    main()
