"""From a learner's machine to a board on the instructor's, across the room's own network.

The room's token is told to nobody who cannot show the certificate of the address.
"""

from __future__ import annotations

import asyncio
import getpass
import hmac
import http.client
import json
import secrets
import ssl
import time
from pathlib import Path

from tools.classroom.board.address import PATIENCE, Address, BoardError, fingerprint


class Connection(http.client.HTTPSConnection):
    """A connection to the board with this certificate, and to no other.

    Who signed it does not matter, so no authority is asked. Source: Python's ssl, getpeercert.
    """

    def __init__(self, address: Address) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        super().__init__(address.host, address.port, timeout=PATIENCE, context=context)
        self._wanted = address.fingerprint

    def connect(self) -> None:
        """Errors: BoardError before anything is sent, if it is another certificate; OSError."""
        super().connect()
        if not hmac.compare_digest(fingerprint(self.sock.getpeercert(True)), self._wanted):
            self.close()
            raise BoardError("Another machine answers in the board's place: nothing was sent.")


def post(address: Address, body: dict) -> None:
    """Bring a message. Errors: OSError, BoardError, ValueError if the board does not take it."""
    connection = Connection(address)
    headers = {"Authorization": f"token {address.token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/events", json.dumps(body), headers)
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(repr(error)) from error
    finally:
        connection.close()
    if status != 204:
        raise ValueError(f"the board answered {status}")


class ToBoard:
    """What the sender hands events to. folder: .board in work/, which keeps who one is there."""

    def __init__(self, address: Address, folder: Path) -> None:
        self._address, self._folder = address, folder

    @property
    def _mine(self) -> str:
        """A number made up for this board, the same for as long as the folder is there."""
        kept = self._folder / "mine"
        if not kept.exists():
            kept.write_text(secrets.token_hex(16), "ascii")
        return kept.read_text("ascii")

    async def __call__(self, events: list[dict]) -> None:
        """Bring events, with a name only if one of them is there to show it.

        It waits in a thread, so that a board that does not answer holds up nothing.
        Errors: OSError, ValueError.
        """
        shows = any(each["kind"] == "name" and each["on"] for each in events)
        body = {"learner": self._mine, "now": time.time(), "events": events}
        body["name"] = getpass.getuser() if shows else ""
        try:
            await asyncio.to_thread(post, self._address, body)
        except BoardError as error:
            raise ConnectionError(str(error)) from error
