"""The hub's service: takes events from learners' servers, and shows the instructor the room.

Learners' servers reach it by a Unix socket, browsers through the hub's proxy; the hub says who
somebody is.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubAuthenticated, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket

from helpers import uapi
from tools.classroom import room
from tools.classroom.board import pages
from tools.classroom.board.store import Store

PREFIX = "/services/board/"
THE_INSTRUCTORS = "The board is the instructor's; your own page is /user/NAME/room."


class Events(HubAuthenticated, pages.Events):
    """What a learner's server sends, with its token."""

    @web.authenticated
    def post(self) -> None:
        try:
            events = json.loads(self.request.body)
        except ValueError as error:
            raise web.HTTPError(400, str(error)) from error
        self.take(self.current_user["name"], events)


class Instructors(HubOAuthenticated):
    """What only the instructor sees."""

    def prepare(self) -> None:
        user = self.current_user
        if user and user["name"] != room.INSTRUCTOR:
            raise web.HTTPError(403, THE_INSTRUCTORS)


def instructors(page: type[pages.Handler]) -> type:
    """The same page, for the instructor alone."""
    methods = [name for name in ("get", "post") if name in vars(page)]
    asked = {name: web.authenticated(getattr(page, name)) for name in methods}
    return type(page.__name__, (Instructors, page), asked)


def application(board: pages.Board) -> web.Application:
    routes = [
        *((PREFIX + path, instructors(page)) for path, page in pages.PAGES.items()),
        (PREFIX + "api/events", Events),
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
    board = pages.Board(Store(here.hub))
    server = HTTPServer(application(board), max_buffer_size=pages.MOST)
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    server.listen(address.port, address.hostname)
    server.add_socket(bind_unix_socket(str(here.meeting / "board"), mode=0o666))
    await board.forget()


def main() -> None:
    asyncio.run(serve())
