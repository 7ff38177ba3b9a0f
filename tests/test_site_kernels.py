"""What runs in the notebooks' guest, over a terminal in place of the page: frames, real kernels."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import tty
from collections.abc import Iterator

import pytest

from helpers.toolchain import COURSE

PATIENCE = 60  # seconds until a frame has come
PIECE = 2000  # bytes, as link.js sends them
BEGIN = """
import time
from pathlib import Path
from tools.site import kernels
kernels.CONSOLE, kernels.RUNTIME, kernels.WORK = map(Path, {places})
kernels.WARM = "ipykernel.kernelapp matplotlib.pyplot matplotlib_inline.backend_inline"
kernels.zero_free_memory = lambda: None
time.clock_settime = lambda *_: None
kernels.main()
"""


class Page:
    """The page's end of the console."""

    def __init__(self, terminal: int) -> None:
        self.terminal, self.read, self.waiting = terminal, bytearray(), []
        self.number = 0

    def frame(self) -> list[bytes]:
        while len(self.read) < 4 or len(self.read) < 4 + struct.unpack_from("<I", self.read)[0]:
            assert select.select([self.terminal], [], [], PATIENCE)[0], "the agent says nothing"
            self.read += os.read(self.terminal, 65536)
        size, count = struct.unpack_from("<II", self.read)
        at, parts = 8 + 4 * count, []
        for length in struct.unpack_from(f"<{count}I", self.read, 8):
            parts.append(bytes(self.read[at : at + length]))
            at += length
        del self.read[: 4 + size]
        return parts

    def next(self) -> list[bytes]:
        return self.waiting.pop(0) if self.waiting else self.frame()

    def send(self, order: dict, *parts: bytes) -> None:
        whole = [json.dumps(order).encode(), *parts]
        lengths = struct.pack(f"<{len(whole) + 1}I", len(whole), *map(len, whole))
        data = lengths + b"".join(whole)
        data = struct.pack("<I", len(data)) + data
        for at in range(0, len(data), PIECE):
            under_way = os.write(self.terminal, data[at : at + PIECE])
            while under_way:
                parts = self.frame()
                order = json.loads(parts[0])
                if order["op"] == "got":
                    under_way -= order["bytes"]
                else:
                    self.waiting.append(parts)

    def start(self, kernel: str) -> None:
        self.send({"op": "start", "kernel": kernel})
        while json.loads(self.next()[0]) != {"op": "started", "kernel": kernel}:
            pass

    def ask(self, kernel: str, code: str) -> str:
        """Begin to run something; returns the request's name."""
        self.number += 1
        head = {"msg_id": f"{self.number}", "msg_type": "execute_request", "session": "page"}
        head["version"] = "5.3"
        content = {"code": code, "silent": False, "allow_stdin": False, "stop_on_error": False}
        parts = (json.dumps(each).encode() for each in (head, {}, {}, content))
        self.send({"op": "message", "kernel": kernel, "channel": "shell"}, *parts)
        return head["msg_id"]

    def said(self, request: str, last: str | None = None) -> list[str]:
        """What a request gave, as words, until the kernel is idle again, or the last has come."""
        found: list[str] = []
        while last is None or found[-1:] != [last]:
            order, *parts = self.next()
            order = json.loads(order)
            if order["op"] != "message" or json.loads(parts[1]).get("msg_id") != request:
                continue
            kind, content = json.loads(parts[0])["msg_type"], json.loads(parts[3])
            if content.get("execution_state") == "idle":
                break
            found += [content["text"]] if kind == "stream" else []
            found += [*content["data"]] if kind == "display_data" else []
            found += [content["data"]["text/plain"]] if kind == "execute_result" else []
            found += [content["ename"]] if kind == "error" else []
        return found


@pytest.fixture
def page(tmp_path) -> Iterator[Page]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    # The path of a socket is short (unix(7)).
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        places = [os.ttyname(theirs), runtime, str(tmp_path)]
        command = [sys.executable, "-c", BEGIN.format(places=places)]
        quiet = {"stdout": subprocess.DEVNULL, "start_new_session": True}
        with subprocess.Popen(command, cwd=COURSE, **quiet) as agent:
            try:
                page = Page(ours)
                assert page.frame() == [b'{"op": "ready"}']
                yield page
            finally:
                os.killpg(agent.pid, signal.SIGKILL)  # the kernels, too
    os.close(theirs)
    os.close(ours)


def test_kernels_answer_are_interrupted_and_begin_anew(page, tmp_path):
    page.start("one")
    assert page.said(page.ask("one", "len('" + "x" * 9000 + "')")) == ["9000"]
    plot = "import matplotlib.pyplot as plt; _ = plt.plot([1, 2])"
    assert "image/png" in page.said(page.ask("one", plot))
    endless = page.ask("one", "print('on', flush=True)\nwhile True:\n    pass")
    assert page.said(endless, last="on\n") == ["on\n"]
    page.send({"op": "interrupt", "kernel": "one"})
    assert page.said(endless) == ["KeyboardInterrupt"]
    page.send({"op": "file", "name": "../a.pcap"}, b"data")
    assert page.said(page.ask("one", "open('a.pcap').read()")) == ["'data'"]
    page.start("one")
    assert page.said(page.ask("one", "plt")) == ["NameError"]
    page.start("two")
    assert page.said(page.ask("two", "1 + 1")) == ["2"]
    assert page.said(page.ask("one", "1 + 2")) == ["3"]
