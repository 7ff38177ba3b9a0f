"""The hub's service: takes events from learners' servers, and shows the instructor the room.

Learners' servers reach it by a Unix socket, browsers through the hub's proxy; the hub says who
somebody is. What changes is on the page within a fraction of a second.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubAuthenticated, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_unix_socket

from helpers import progress, uapi
from tools.classroom import room
from tools.classroom.board.store import Refused, Store

PREFIX = "/services/board/"
HOURLY = 3600
SILENCE = 15  # seconds, after which a page that nothing happens on gets a line all the same
MOST = 1 << 16  # bytes of what a server sends at once
THE_INSTRUCTORS = "The board is the instructor's; your own page is /user/NAME/room."


class Board:
    """The store, and who waits for its next change."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Wake the pages."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def next(self) -> None:
        """Until something changes, or SILENCE passes."""
        try:
            await asyncio.wait_for(self._changed.wait(), SILENCE)
        except asyncio.TimeoutError:
            return  # the line that follows shows a closed page that it is closed


class Events(HubAuthenticated, web.RequestHandler):
    """What a learner's server sends, with its token."""

    def check_xsrf_cookie(self) -> None:
        """A token is no cookie, so no other page can send it."""

    @web.authenticated
    def post(self) -> None:
        board: Board = self.settings["board"]
        try:
            board.store.take(self.current_user["name"], list(json.loads(self.request.body)))
        except (Refused, TypeError, ValueError) as error:
            raise web.HTTPError(400, str(error)) from error
        board.change()
        self.set_status(204)


class Instructors(HubOAuthenticated, web.RequestHandler):
    """What only the instructor sees."""

    def prepare(self) -> None:
        user = self.current_user
        if user and user["name"] != room.INSTRUCTOR:
            raise web.HTTPError(403, THE_INSTRUCTORS)

    @property
    def board(self) -> Board:
        return self.settings["board"]


class Page(Instructors):
    @web.authenticated
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        text = Path(__file__).with_name("page.html").read_text("utf-8")
        self.write(text.replace("EXERCISES", json.dumps(exercises())))
        self.write(f"<script>const XSRF = {json.dumps(self.xsrf_token.decode())};</script>")


class Live(Instructors):
    """The state, again and again as it changes. Source: HTML, "Server-sent events"."""

    @web.authenticated
    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        try:
            while True:
                self.write(f"data: {json.dumps(self.board.store.state())}\n\n")
                await self.flush()
                await self.board.next()
        except StreamClosedError:
            return


class Table(Instructors):
    @web.authenticated
    def get(self) -> None:
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="board.csv"')
        self.write(self.board.store.as_csv())


class Clear(Instructors):
    @web.authenticated
    def post(self) -> None:
        self.board.store.clear()
        self.board.change()
        self.redirect(PREFIX)


def exercises() -> list[list[str]]:
    """The columns: each exercise's place, such as "03.1", and its heading."""
    found = []
    for path in progress.stored_chapters():
        found += [[f"{e.chapter}.{e.number}", e.heading] for e in progress.exercises(path)]
    return found


def application(board: Board) -> web.Application:
    routes = [
        (PREFIX, Page),
        (PREFIX + "api/events", Events),
        (PREFIX + "api/live", Live),
        (PREFIX + "board.csv", Table),
        (PREFIX + "clear", Clear),
        (PREFIX + "oauth_callback", HubOAuthCallbackHandler),
    ]
    return web.Application(routes, board=board, cookie_secret=os.urandom(32))


def end_with_hub() -> None:
    """Have the kernel end this process when the hub ends, even one that was killed.

    Source: PR_SET_PDEATHSIG(2const).
    """
    hub = os.getppid()
    ctypes.CDLL(None).prctl(uapi.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != hub:  # it ended just before
        sys.exit("The hub has gone.")


async def serve() -> None:
    end_with_hub()
    here = room.here()
    board = Board(Store(here.hub))
    server = HTTPServer(application(board), max_buffer_size=MOST)
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    server.listen(address.port, address.hostname)
    server.add_socket(bind_unix_socket(str(here.sockets / "board"), mode=0o666))
    while True:
        await asyncio.sleep(HOURLY)
        board.store.forget_older()
        board.change()


def main() -> None:
    asyncio.run(serve())
