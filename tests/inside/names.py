"""Compiles a filter with a name in it where the only name server is this process's own.

    python names.py silent|unknown EXPRESSION

In a network and a mount namespace of its own; its server never answers, or knows no name at all.
Prints JSON: what came of it, the seconds that it took, and how many questions were asked, by the
course and by tcpdump, of which there is no such count where it would wait.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers import cbpf, uapi
from helpers.errors import check

MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
UNKNOWN = 0x8183  # of DNS: an answer, and there is no such name
libc = ctypes.CDLL(None, use_errno=True)


def enter(resolver: str) -> None:
    user, group = os.getuid(), os.getgid()
    check(libc.unshare(uapi.CLONE_NEWUSER | uapi.CLONE_NEWNS | uapi.CLONE_NEWNET))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {user} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {group} 1")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    check(libc.mount(resolver.encode(), b"/etc/resolv.conf", None, MS_BIND, None))


def server() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(opened, uapi.SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", uapi.IFF_UP))
    opened.bind(("127.0.0.1", 53))
    return opened


def serve(opened: socket.socket, asked: list[bytes], answers: bool) -> None:
    while True:
        question, sender = opened.recvfrom(512)
        asked.append(question)
        if answers:
            opened.sendto(question[:2] + struct.pack("!H", UNKNOWN) + question[4:], sender)


def main(mode: str, expression: str) -> dict[str, object]:
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:30 attempts:3\n")
        file.flush()
        enter(file.name)
    asked: list[bytes] = []
    opened = server()
    threading.Thread(target=serve, args=(opened, asked, mode == "unknown"), daemon=True).start()
    began, said = time.monotonic(), ""
    try:
        cbpf.compile_expression(expression)
    except cbpf.FilterError as error:
        said = str(error)
    result = {"said": said, "seconds": time.monotonic() - began, "asked": len(asked)}
    if mode == "unknown":
        asked.clear()
        subprocess.run(["tcpdump", "-d", "-y", "EN10MB", expression], capture_output=True)
        result["tcpdump"] = len(asked)
    return result


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])), flush=True)
    os._exit(0)  # a look-up may still be waiting
