"""What the instructor sees of the board, whoever asks who they are: the hub, or nobody.

What changes is on the page within a fraction of a second.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tornado import web
from tornado.iostream import StreamClosedError

from helpers import progress
from tools.classroom.board.store import Refused, Store

SILENCE = 15  # seconds, after which a page that nothing happens on gets a line all the same
HOURLY = 3600
MOST = 1 << 16  # bytes of what a server sends at once


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

    async def forget(self) -> None:
        """Forget what is older than a day, again and again."""
        while True:
            await asyncio.sleep(HOURLY)
            self.store.forget_older()
            self.change()


class Handler(web.RequestHandler):
    """Any page of the board."""

    @property
    def board(self) -> Board:
        return self.settings["board"]


class Events(Handler):
    """What learners' servers send."""

    def check_xsrf_cookie(self) -> None:
        """A token is no cookie, so no other page can send it."""

    def take(self, learner: str, events: object, name: str = "", behind: float = 0.0) -> None:
        """Keep it, and show it. Errors: HTTPError."""
        try:
            self.board.store.take(learner, list(events), name, behind)
        except (Refused, TypeError, ValueError) as error:
            raise web.HTTPError(400, str(error)) from error
        self.board.change()
        self.set_status(204)


class Page(Handler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        text = Path(__file__).with_name("page.html").read_text("utf-8")
        self.write(text.replace("EXERCISES", json.dumps(exercises())))
        self.write(f"<script>const XSRF = {json.dumps(self.xsrf_token.decode())};</script>")


class Live(Handler):
    """The state, again and again as it changes. Source: HTML, "Server-sent events"."""

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


class Table(Handler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="board.csv"')
        self.write(self.board.store.as_csv())


class Clear(Handler):
    def post(self) -> None:
        self.board.store.clear()
        self.board.change()
        self.set_status(204)


class Again(Handler):
    """Another round of votes for one prediction."""

    def post(self) -> None:
        self.board.store.vote_again(self.get_body_argument("place"))
        self.board.change()
        self.set_status(204)


PAGES = {"": Page, "api/live": Live, "board.csv": Table, "clear": Clear, "again": Again}


def exercises() -> list[list[str]]:
    """The columns: each exercise's place, such as "03.1", and its heading."""
    found = []
    for path in progress.stored_chapters():
        found += [[f"{e.chapter}.{e.number}", e.heading] for e in progress.exercises(path)]
    return found
