"""Nothing in a private network is waited for without end: what does not come is one sentence.

Laboratory equipment. A packet that is lost, or was never sent, is no reason to restart a kernel.
"""

from __future__ import annotations

import io
import os
import select
import socket
import struct
from collections.abc import Callable
from typing import Any

from helpers.netlab.control import NetworkError

SECONDS = 60.0  # on lo a packet takes microseconds; a machine may be slow, a learner is not asked


def poll(fd: int, seconds: float) -> bool:
    """Whether a file can be read, or its process has ended, within so many seconds."""
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


class PatientSocket(socket.socket):
    """A socket as any other, whose recv, recvfrom and accept wait for SECONDS, and then say so.

    A time limit of the caller's own, or setblocking(False), holds instead.
    Source: socket(7), SO_RCVTIMEO.
    """

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(SECONDS), 0))

    def recv(self, *arguments: Any) -> bytes:
        """As socket.recv. Errors: NetworkError if nothing comes."""
        return self._patiently(super().recv, *arguments)

    def recvfrom(self, *arguments: Any) -> tuple[bytes, Any]:
        """As socket.recvfrom. Errors: NetworkError if nothing comes."""
        return self._patiently(super().recvfrom, *arguments)

    def accept(self) -> tuple[socket.socket, Any]:
        """As socket.accept. Errors: NetworkError if nobody connects."""
        return self._patiently(super().accept)

    def _patiently(self, call: Callable, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except BlockingIOError as error:
            if self.gettimeout() is not None or arguments[1:2] == (socket.MSG_DONTWAIT,):
                raise
            raise NetworkError(
                f"Nothing came to this socket for {SECONDS:.0f} seconds: was it sent, to an "
                "address of this network, and does no firewall drop it?"
            ) from error


class Output(io.RawIOBase):
    """What a command writes, for reading; each part of it is waited for so many seconds."""

    def __init__(self, fd: int, command: str, seconds: float) -> None:
        self._fd, self._command, self._seconds = fd, command, seconds

    def fileno(self) -> int:
        return self._fd

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Errors: NetworkError if nothing comes, and the command does not end."""
        if not poll(self._fd, self._seconds):
            raise NetworkError(
                f"{self._command} has written nothing for {self._seconds:.0f} seconds: what it "
                "waits for does not come."
            )
        return os.readv(self._fd, [buffer])

    def close(self) -> None:
        if not self.closed:
            os.close(self._fd)
        super().close()


def text(fd: int, command: str, seconds: float) -> io.TextIOWrapper:
    """The same as a text, with replacements for bytes that are none."""
    return io.TextIOWrapper(io.BufferedReader(Output(fd, command, seconds)), errors="replace")
