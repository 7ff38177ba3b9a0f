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
from pathlib import Path

from aiohttp import ClientError, ClientTimeout
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyterhub.httpclient import fetch
from tornado import web
from tornado.escape import xhtml_escape

from helpers.board import AGREED, OUTBOX, PLACE
from helpers.toolchain import WORK
from tools import lab

ADDRESS = "COURSE_BOARD"  # the variable with the address of the board's events
EVERY = 0.3  # seconds
AGAIN = 5.0  # seconds, after which a board that was away is tried again
PATIENCE = ClientTimeout(total=5)
MOST, AT_ONCE = 1000, 50  # files that wait; events in one message


class Sender:
    """What one learner sends. folder: .board in work/; sent: the last messages, as they were."""

    def __init__(self, folder: Path, address: str, token: str) -> None:
        self.folder, self._address, self._token = folder, address, token
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
        """Send what waits, the oldest first. Errors: OSError, ClientError, TimeoutError."""
        waiting = sorted((self.folder / OUTBOX).glob("*.json"))
        for each in waiting[:-MOST]:
            each.unlink()
        files = waiting[-MOST:][:AT_ONCE]
        events = [json.loads(each.read_bytes()) for each in files]
        if not events:
            return
        headers = {"Authorization": f"token {self._token}"}
        await fetch(self._address, method="POST", json=events, headers=headers, timeout=PATIENCE)
        for each in files:
            each.unlink(missing_ok=True)
        self.sent.extend(each for each in events if each["kind"] != "forget")

    async def run(self, log: object) -> None:
        """Send for as long as the server runs."""
        while True:
            try:
                await self.send()
                self.away = False
            except (OSError, ClientError, asyncio.TimeoutError, ValueError) as error:
                if not self.away:
                    log.warning("The board is away (%s): what waits is sent later.", error)
                self.away = True
            await asyncio.sleep(AGAIN if self.away else EVERY)


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
        self.redirect(f"{self.base_url}room")


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Add the page, and begin to send."""
    sender = Sender(WORK / PLACE, os.environ[ADDRESS], os.environ["JUPYTERHUB_API_TOKEN"])
    server.web_app.settings["board_sender"] = sender
    server.web_app.add_handlers(".*", [(f"{server.base_url}room", Room)])
    server.io_loop.add_callback(sender.run, server.log)
