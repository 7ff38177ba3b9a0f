"""What runs in the notebooks' guest: real ipykernels, and the way of their messages to the page.

The page speaks to it over a virtio console, in frames: the whole length, the number of parts, their
lengths (32 bits each, least byte first), the parts. The first part is JSON and says what is to be
done; those that follow are a Jupyter message as ZeroMQ has it, and nothing in here reads them.
What is needed for a notebook is imported once, in a process that starts each kernel by fork(2).
Source: hvc(4) in Documentation/; "Messaging in Jupyter", the wire protocol.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import mmap
import os
import platform
import signal
import socket
import struct
import sys
import time
import tty
from pathlib import Path

CONSOLE = Path("/dev/hvc0")
RUNTIME = Path("/tmp/k")
WORK = Path("/course/work")
KEPT = 48 << 20  # bytes that stay free while all other memory is written over
CHANNELS = ("shell", "control", "stdin", "iopub")
PORTS = dict(zip(CHANNELS, range(1, 5), strict=True))
HEARTBEAT = 5
WARM = """
numpy matplotlib matplotlib.pyplot matplotlib.backends.backend_agg PIL.PngImagePlugin ipywidgets
ipykernel.kernelapp matplotlib_inline.backend_inline html csv asyncio timeit
helpers.live helpers.loader helpers.netlab helpers.sockets helpers.toolchain helpers.traffic
helpers.source helpers.pictures helpers.counters helpers.protocols helpers.check
chapters.ch00.check chapters.ch00.progress chapters.ch00.readiness chapters.ch03.check
chapters.ch03.predictions chapters.ch04.check chapters.ch04.predictions
"""


def say(text: str) -> None:
    """A line for whoever builds the site, or looks at the guest's serial line."""
    print(f"agent: {text}", flush=True)


def warm_up() -> None:
    """Import what notebooks do, and draw once, so that fonts are found."""
    began = time.monotonic()
    for name in WARM.split():
        try:
            importlib.import_module(name)
        except ImportError as error:
            say(f"not imported: {name} ({error})")
    import numpy
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    say(f"imported, {time.monotonic() - began:.0f} s")
    figure = Figure(figsize=(8, 4), dpi=100)
    axes = figure.add_subplot(xlabel="seconds", ylabel="bytes", title="a title")
    axes.plot([1, 2], [1, 1000], label="a line")
    axes.set_yscale("log")
    axes.legend()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    Image.fromarray(numpy.asarray(canvas.buffer_rgba())).save(io.BytesIO(), "png")
    canvas.print_png(io.BytesIO())
    say(f"drawn, {time.monotonic() - began:.0f} s")


def connection(name: str) -> dict:
    """Where a kernel's sockets are: files, and no signature, for nobody else is in there."""
    ports = {f"{channel}_port": port for channel, port in PORTS.items()}
    return ports | {
        "ip": str(RUNTIME / name),
        "transport": "ipc",
        "key": "",
        "signature_scheme": "hmac-sha256",
        "hb_port": HEARTBEAT,
        "kernel_name": "python3",
    }


def be_kernel(name: str) -> None:
    """Become an ipykernel. Does not come back."""
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(WORK)
    sys.path.insert(0, "")
    file = RUNTIME / f"{name}.json"
    file.write_text(json.dumps(connection(name)))
    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.matplotlib = "inline"
    config.IPKernelApp.log_level = "ERROR"
    app = IPKernelApp.instance(connection_file=str(file), config=config)
    app.initialize([])
    app.start()


def nursery(orders: socket.socket) -> None:
    """Start a kernel for each name that comes; answer with its process number."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    warm_up()
    orders.send(b"warm")
    while name := orders.recv(100).decode():
        child = os.fork()
        if not child:
            orders.close()
            try:
                be_kernel(name)
            finally:
                os._exit(1)
        orders.send(str(child).encode())


def zero_free_memory() -> None:
    """Fill what is free with zeros, of which a compressed snapshot keeps next to nothing."""
    free = int(Path("/proc/meminfo").read_text().split("MemFree:")[1].split()[0]) << 10
    if (size := free - KEPT) > 0:
        with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
            for at in range(0, size, mmap.PAGESIZE):
                memory[at] = 0


class Kernel:
    """One kernel, from the agent's side: its process, and a socket for each channel."""

    def __init__(self, context, zmq, name: str, process: int) -> None:
        self.process = process
        self.sockets = {}
        for channel, port in PORTS.items():
            made = context.socket(zmq.SUB if channel == "iopub" else zmq.DEALER)
            made.linger = 0
            if channel == "iopub":
                made.subscribe(b"")
            else:
                made.identity = name.encode()
            made.connect(f"ipc://{RUNTIME / name}-{port}")
            self.sockets[channel] = made

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        for each in self.sockets.values():
            each.close()


class Agent:
    """Hands messages to and fro until the page is closed."""

    def __init__(self, console: int, orders: socket.socket) -> None:
        import zmq

        self.zmq = zmq
        self.console, self.orders = console, orders
        self.context = zmq.Context()
        self.poller = zmq.Poller()
        self.poller.register(console, zmq.POLLIN)
        self.kernels: dict[str, Kernel] = {}
        self.channels = {}  # socket: (the page's name of the kernel, channel)
        self.number = 0
        self.spare: Kernel | None = None
        self.read = bytearray()

    def start(self) -> Kernel:
        self.number += 1
        name = str(self.number)
        self.orders.send(name.encode())
        return Kernel(self.context, self.zmq, name, int(self.orders.recv(100)))

    def wait_for(self, kernel: Kernel) -> None:
        """Until it answers, which before the snapshot is worth waiting for."""
        head = {"msg_id": "1", "msg_type": "kernel_info_request", "session": "agent"}
        head["version"] = "5.3"  # of the protocol
        parts = [b"<IDS|MSG>", b"", json.dumps(head).encode(), b"{}", b"{}", b"{}"]
        kernel.sockets["shell"].send_multipart(parts)
        kernel.sockets["shell"].recv_multipart()
        # What it said about it on iopub is nobody's.
        while kernel.sockets["iopub"].poll(3000):
            kernel.sockets["iopub"].recv_multipart()

    def tell(self, order: dict, *parts: bytes) -> None:
        whole = [json.dumps(order).encode(), *parts]
        lengths = struct.pack(f"<{len(whole) + 1}I", len(whole), *map(len, whole))
        size = len(lengths) + sum(map(len, whole))
        data = memoryview(b"".join([struct.pack("<I", size), lengths, *whole]))
        while data:
            data = data[os.write(self.console, data[:65536]) :]

    def listen(self) -> None:
        self.tell({"op": "ready"})
        while True:
            for found, _ in self.poller.poll():
                if found == self.console:
                    self.take()
                    continue
                name, channel = self.channels[found]
                parts = found.recv_multipart()
                at = parts.index(b"<IDS|MSG>") + 2
                self.tell({"op": "message", "kernel": name, "channel": channel}, *parts[at:])

    def take(self) -> None:
        """What is there of the page's frames; it sends the next piece after the word for this."""
        data = os.read(self.console, 65536)
        self.read += data
        self.tell({"op": "got", "bytes": len(data)})
        while len(self.read) >= 4:
            (size,) = struct.unpack_from("<I", self.read)
            if len(self.read) < 4 + size:
                return
            (count,) = struct.unpack_from("<I", self.read, 4)
            at, parts = 8 + 4 * count, []
            for length in struct.unpack_from(f"<{count}I", self.read, 8):
                parts.append(bytes(self.read[at : at + length]))
                at += length
            del self.read[: 4 + size]
            order = json.loads(parts[0])
            getattr(self, f"on_{order.pop('op')}")(*parts[1:], **order)

    def on_time(self, now: float) -> None:
        """The guest's clock stood since the snapshot."""
        time.clock_settime(time.CLOCK_REALTIME, now)

    def on_start(self, kernel: str) -> None:
        self.on_end(kernel)
        made, self.spare = self.spare or self.start(), None
        self.kernels[kernel] = made
        for channel, each in made.sockets.items():
            self.channels[each] = kernel, channel
            self.poller.register(each, self.zmq.POLLIN)
        self.tell({"op": "started", "kernel": kernel})

    def on_message(self, *parts: bytes, kernel: str, channel: str) -> None:
        if kernel in self.kernels:
            self.kernels[kernel].sockets[channel].send_multipart([b"<IDS|MSG>", b"", *parts])

    def on_interrupt(self, kernel: str) -> None:
        if kernel in self.kernels:
            os.kill(self.kernels[kernel].process, signal.SIGINT)

    def on_end(self, kernel: str) -> None:
        if found := self.kernels.pop(kernel, None):
            for each in found.sockets.values():
                self.poller.unregister(each)
                del self.channels[each]
            found.end()

    def on_file(self, data: bytes, name: str) -> None:
        """A file of the page's, beside the notebooks."""
        (WORK / Path(name).name).write_bytes(data)


def main() -> None:
    RUNTIME.mkdir(parents=True, exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        here.close()
        nursery(there)
        os._exit(0)
    there.close()
    here.recv(100)
    console = os.open(CONSOLE, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(console)
    agent = Agent(console, here)
    agent.spare = agent.start()
    agent.wait_for(agent.spare)
    say("a kernel answers")
    zero_free_memory()
    say(f"kernel {platform.system()} {platform.release()} {platform.machine()}")
    say("ready")
    agent.listen()


if __name__ == "__main__":
    main()
