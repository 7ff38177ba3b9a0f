"""In a learner's server: the page with the switch and the buttons, and what sends to the board.

A cell writes a small file and goes on; this sends it within a fraction of a second, or later, if
the board is away. Nothing is sent before the learner agreed; when they turn it off, what was sent
is taken back.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from tornado import web
from tornado.escape import xhtml_escape

from helpers import progress
from helpers.board import AGREED, OUTBOX, PLACE
from helpers.toolchain import WORK
from tools import lab, teaching

ADDRESS = lab.BOARD  # the variable with the address of the board's events
IN_A_HUB = "JUPYTERHUB_API_TOKEN"
EVERY = 0.3  # seconds
AGAIN = 5.0  # seconds, after which a board that was away is tried again
LETTERS = "abcde"  # that a prediction may be
MOST, AT_ONCE = 1000, 50  # files that wait; events in one message


class Sender:
    """What one learner sends. folder: .board in work/; sent: the last messages, as they were.

    deliver: brings events to the board, and raises OSError or ValueError where it could not.
    """

    def __init__(self, folder: Path, deliver: Callable[[list[dict]], Awaitable[None]]) -> None:
        self.folder, self._deliver = folder, deliver
        self.sent: deque[dict] = deque(maxlen=100)
        self.away = False

    @property
    def agreed(self) -> bool | None:
        """What the learner said; None if they were not asked yet."""
        kept = self.folder / AGREED
        declined = self.folder / "declined"
        return True if kept.exists() else False if declined.exists() else None

    def agree(self, yes: bool) -> None:
        """Keep what the learner said; after a no nothing waits any more but the word to forget."""
        (self.folder / OUTBOX).mkdir(parents=True, exist_ok=True)
        (self.folder / ("declined" if yes else AGREED)).unlink(missing_ok=True)
        was = self.sent or list((self.folder / OUTBOX).iterdir())
        for waiting in (self.folder / OUTBOX).iterdir() if not yes else ():
            waiting.unlink()
        (self.folder / (AGREED if yes else "declined")).touch()
        if not yes and was:
            self.put({"kind": "forget"})
            self.sent.clear()

    def put(self, event: dict) -> None:
        """Have something sent that no notebook said."""
        path = self.folder / OUTBOX / f"{time.time_ns()}-0.json"
        path.write_text(json.dumps(event | {"time": round(time.time(), 3)}), "utf-8")

    async def send(self) -> None:
        """Send what waits, the oldest first. Errors: OSError, ValueError."""
        waiting = sorted((self.folder / OUTBOX).glob("*.json"))
        for each in waiting[:-MOST]:
            each.unlink()
        files = waiting[-MOST:][:AT_ONCE]
        events = [json.loads(each.read_bytes()) for each in files]
        if not events:
            return
        await self._deliver(events)
        for each in files:
            each.unlink(missing_ok=True)
        self.sent.extend(each for each in events if each["kind"] != "forget")

    async def run(self, log: object) -> None:
        """Send for as long as the server runs."""
        while True:
            try:
                await self.send()
                self.away = False
            except (OSError, ValueError) as error:
                if not self.away:
                    log.warning("The board is away (%s): what waits is sent later.", error)
                self.away = True
            await asyncio.sleep(AGAIN if self.away else EVERY)


@cache
def questions() -> dict[str, str]:
    """What can be voted on: each prediction's place, such as "03.1", and its question."""
    return {
        f"{path.name[:2]}.{number}": each.question
        for path in progress.stored_chapters()
        for number, each in enumerate(teaching.asked(json.loads(path.read_bytes())["cells"]), 1)
    }


class Room(JupyterHandler):
    """The learner's page of the room."""

    @web.authenticated
    def get(self) -> None:
        sender: Sender = self.settings["board_sender"]
        text = Path(__file__).with_name("room.html").read_text("utf-8")
        sent = "\n".join(json.dumps(each) for each in sender.sent) or "nothing yet"
        state = {None: "asked", True: "on", False: "off"}[sender.agreed]
        for name, value in {
            "STATE": state,
            "CHAPTER": f"{self.base_url.rstrip('/')}{lab.FIRST_PAGE}",
            "AWAY": "The board is away; what waits is sent later." if sender.away else "",
            "SENT": sent,
            "XSRF": self.xsrf_token.decode(),
        }.items():
            text = text.replace(f"{{{name}}}", xhtml_escape(value))
        options = (
            f'<option value="{place}">{place}: {xhtml_escape(question)}</option>'
            for place, question in questions().items()
        )
        text = text.replace("{QUESTIONS}", "".join(options))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)

    @web.authenticated
    def post(self) -> None:
        sender: Sender = self.settings["board_sender"]
        asked = self.get_body_argument("do")
        if asked in ("agree", "decline"):
            sender.agree(asked == "agree")
        elif sender.agreed and asked in ("help", "done", "name"):
            sender.put({"kind": asked, "on": self.get_body_argument("on", "1") == "1"})
        elif sender.agreed and asked == "vote":
            place, said = self.get_body_argument("place"), self.get_body_argument("said")
            if place not in questions() or said not in LETTERS:
                raise web.HTTPError(400, "There is no such prediction.")
            told = {"chapter": place[:2], "number": int(place[3:]), "said": said}
            sender.put({"kind": "prediction", **told, "happened": ""})
        self.redirect(f"{self.base_url}room")


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Add the page, and begin to send."""
    if IN_A_HUB in os.environ:
        from tools.classroom.board.to_hub import ToHub

        deliver = ToHub(os.environ[ADDRESS], os.environ[IN_A_HUB])
    else:
        from tools.classroom.board.address import parsed
        from tools.classroom.board.join import ToBoard

        deliver = ToBoard(parsed(os.environ[ADDRESS]), WORK / PLACE)
    sender = Sender(WORK / PLACE, deliver)
    server.web_app.settings["board_sender"] = sender
    server.web_app.add_handlers(".*", [(f"{server.base_url}room", Room)])
    server.io_loop.add_callback(sender.run, server.log)
