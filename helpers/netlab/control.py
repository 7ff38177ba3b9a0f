"""How helpers.netlab speaks to the process inside its network: a question, an answer, descriptors.

Laboratory equipment. `helpers/netlab/child.py` is the other end.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from helpers.errors import CourseError

CHILD = Path(__file__).with_name("child.py")
ENDED = "The private network ended by itself: open a new one with open_network()."
MOST_DESCRIPTORS = 3  # in one answer: a command's output, its errors, and its end


class NetworkError(CourseError):
    """The private network could not be made, or is closed, or a command in it is missing."""


class Control:
    """The process inside, started, and the socket over which it is asked.

    Arguments: kind: one of netlab.KINDS. Errors: OSError if it may not make such a network.
    """

    def __init__(self, kind: str) -> None:
        self._lock, self._asked = threading.Lock(), 0
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-I", CHILD, str(theirs.fileno()), kind],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the caller alone
            )
        self.pid = self._child.pid
        try:
            self._answer(0)
        except BaseException:
            self.close()
            raise

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._socket.fileno() < 0

    @property
    def ended(self) -> bool:
        """Whether nothing answers any more: it was closed, or the process inside has ended."""
        return self.closed or self._child.poll() is not None

    def require_open(self) -> None:
        """Errors: NetworkError after close()."""
        if self.closed:
            raise NetworkError("This network is closed: open a new one with open_network().")

    def ask(self, *fds: int, **request: object) -> tuple[dict, list[int]]:
        """The answer to a request, and the descriptors that came with it.

        Arguments: fds: descriptors that go with the request.
        Errors: NetworkError if it is closed, or the process has ended; OSError with the error
        number that the request met inside.
        Source: unix(7), SCM_RIGHTS.
        """
        with self._lock:
            self.require_open()
            self._asked += 1
            try:
                message = json.dumps(request | {"number": self._asked}).encode()
                socket.send_fds(self._socket, [message], fds)
            except BrokenPipeError as error:
                raise NetworkError(ENDED) from error
            return self._answer(self._asked)

    def _answer(self, number: int) -> tuple[dict, list[int]]:
        # A notebook's Stop button interrupts between question and answer: that answer still comes.
        while True:
            reply, fds = self._receive()
            if reply["number"] == number:
                break
            for fd in fds:
                os.close(fd)
        if "errno" in reply:
            raise OSError(reply["errno"], reply["error"], reply.get("file"))
        return reply, fds

    def _receive(self) -> tuple[dict, list[int]]:
        try:
            message, fds, _, _ = socket.recv_fds(self._socket, 1 << 16, MOST_DESCRIPTORS)
        except ConnectionResetError:
            message = b""
        if not message:
            raise NetworkError(ENDED)
        return json.loads(message), fds

    def close(self) -> None:
        """End the process inside; what it started and the network end with it."""
        self._socket.close()
        self._child.wait()
