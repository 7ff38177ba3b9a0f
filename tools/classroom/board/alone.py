"""A board without a hub, on the instructor's own machine: ./course board starts it.

Learners' machines bring events by HTTPS, from the local network only, with the room's token. The
page is the instructor's, and is there for this machine alone, below a path that nobody else knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import shutil
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from tornado import web
from tornado.httpserver import HTTPServer

from helpers.toolchain import BUILD
from tools import lab, workspace
from tools.classroom import certificate, room
from tools.classroom.board import address as addresses
from tools.classroom.board import pages
from tools.classroom.board.store import Store

FOLDER = BUILD / "board"


class Events(pages.Events):
    """What a learner's machine brings."""

    def post(self) -> None:
        given = self.request.headers.get("Authorization", "")
        wanted = f"token {self.settings['token']}"
        if not addresses.is_near(self.request.remote_ip):
            raise web.HTTPError(403, "This board is for its local network.")
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise web.HTTPError(403, "That is not this room's token.")
        try:
            body = json.loads(self.request.body)
            learner, name, now = body["learner"], str(body["name"])[:31], float(body["now"])
            if not (isinstance(learner, str) and len(learner) == 32):
                raise ValueError("no learner")
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPError(400, str(error)) from error
        self.take(learner, body.get("events"), name, time.time() - now)


@dataclass
class Opened:
    """A board that runs. address: for learners; page: for the instructor."""

    board: pages.Board
    address: addresses.Address
    page: str


def kept(folder: Path, host: str, port: int) -> dict:
    """What a board keeps from start to start, so that its address stays: made the first time."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    file = folder / "board.json"
    known = json.loads(file.read_bytes()) if file.exists() else {}
    fresh = {"token": room.new_code().replace("-", ""), "page": secrets.token_urlsafe(12)}
    known = fresh | known | {"host": host, "port": port}
    workspace.put(file, json.dumps(known).encode())
    return known


def start(folder: Path, host: str, port: int) -> Opened:
    """Open the board; it runs in the loop that runs now. Errors: BoardError; OSError."""
    if not addresses.is_near(host):
        raise addresses.BoardError(
            f"{host} is an address for all the world, and a board is for a local network: name "
            "this machine's address there with --address."
        )
    known = kept(folder, host, port)
    pem, key = certificate.make(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    mark = addresses.fingerprint(ssl.PEM_cert_to_DER_cert(pem.read_text("ascii")))
    board = pages.Board(Store(folder))
    taking = web.Application([("/events", Events)], board=board, token=known["token"])
    HTTPServer(taking, ssl_options=context, max_buffer_size=pages.MOST).listen(port, host)
    prefix = f"/{known['page']}/"
    showing = web.Application(
        [(prefix + at, page) for at, page in pages.PAGES.items()], board=board
    )
    its = lab.free_port(port + 1)
    HTTPServer(showing).listen(its, "127.0.0.1")
    address = addresses.Address(host, port, known["token"], mark)
    return Opened(board, address, f"http://127.0.0.1:{its}{prefix}")


async def serve(folder: Path, host: str, port: int) -> None:
    """Open the board, say how to get there, and go on until somebody ends it."""
    opened = start(folder, host, port)
    print(f"Learners: ./course lab --board {opened.address}")
    print(f"Your page, on this machine only: {opened.page}")
    print("Ctrl-C closes it; ./course board --clear forgets everything.", flush=True)
    await opened.board.forget()


def run(folder: Path, host: str, port: int) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(folder, host, port))


def clear(folder: Path) -> bool:
    """Take everything away. Result: whether there was something.

    Errors: BoardError if the board is open, which would go on with what it knows; OSError.
    """
    file = folder / "board.json"
    if not file.exists():
        return False
    known = json.loads(file.read_bytes())
    with (
        contextlib.suppress(OSError),
        socket.create_connection((known["host"], known["port"]), 1),
    ):
        raise addresses.BoardError("The board is open: stop it first, with Ctrl-C.")
    shutil.rmtree(folder)
    return True
