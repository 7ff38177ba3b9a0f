"""Sign-up with the room's code, then a name and a password of one's own.

The code lets a learner in once, the first time; it opens nobody else's account. Passwords are
kept as scrypt (RFC 7914) makes of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path

from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Unicode

from tools.classroom import room
from tools.workspace import put

SHORTEST = 8  # characters of a password
NO_NAME = "A name is 1 to 31 small letters, digits, - and _, and begins with a letter."
WRONG = "That name has another password. If the name is not yours, choose another one."
NO_CODE = "This name is new here: it takes the room's code, which your instructor shows."
TOO_SHORT = f"Choose a password of {SHORTEST} characters or more."


def hashed(password: str, salt: bytes) -> bytes:
    """16 MiB and some 50 ms of work, so that trying out passwords is none. Source: RFC 7914."""
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1)


class Accounts:
    """Names and passwords in a file that is root's alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        return json.loads(self._path.read_bytes()) if self._path.exists() else {}

    def add(self, name: str, password: str) -> None:
        salt = secrets.token_bytes(16)
        self._write(self.read() | {name: f"{salt.hex()} {hashed(password, salt).hex()}"})

    def remove(self, name: str) -> bool:
        """Forget a password, so that the code lets this name in once more. Result: whether it was
        known."""
        known = self.read()
        there = known.pop(name, None) is not None
        self._write(known)
        return there

    def _write(self, known: dict[str, str]) -> None:
        self._path.touch(0o600)
        put(self._path, json.dumps(known, indent=1).encode())
        self._path.chmod(0o600)

    def fits(self, name: str, password: str) -> bool:
        salt, kept = map(bytes.fromhex, self.read()[name].split())
        return hmac.compare_digest(hashed(password, salt), kept)


class RoomAuthenticator(Authenticator):
    """JupyterHub's, whose login page asks for the room's code beside name and password."""

    accounts = Unicode(help="The file of names and passwords.").tag(config=True)
    code = Unicode(help="The room's code.").tag(config=True)
    request_otp = True
    otp_prompt = "The room's code, the first time:"

    async def authenticate(self, handler: web.RequestHandler, data: dict[str, str]) -> str:
        """The learner's name. Errors: HTTPError, whose sentence the login page shows."""
        name = self.normalize_username(data.get("username", "").strip())
        password, code = data.get("password", ""), data.get("otp", "").strip().lower()
        if not re.fullmatch(room.NAME, name):
            raise web.HTTPError(403, NO_NAME)
        accounts = Accounts(Path(self.accounts))
        if name in accounts.read():
            if not await asyncio.to_thread(accounts.fits, name, password):
                raise web.HTTPError(403, WRONG)
            return name
        if name == room.INSTRUCTOR or not hmac.compare_digest(code.encode(), self.code.encode()):
            raise web.HTTPError(403, NO_CODE)
        if len(password) < SHORTEST:
            raise web.HTTPError(403, TOO_SHORT)
        accounts.add(name, password)
        return name
