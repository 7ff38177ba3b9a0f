"""From a learner's server to the hub's board, with the server's own token."""

from __future__ import annotations

import asyncio

from aiohttp import ClientError, ClientTimeout
from jupyterhub.httpclient import fetch

from tools.classroom.board.address import PATIENCE


class ToHub:
    """address: of the board's events, as JupyterHub writes it; token: this server's."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self._headers = address, {"Authorization": f"token {token}"}

    async def __call__(self, events: list[dict]) -> None:
        """Bring events. Errors: OSError."""
        how = {"headers": self._headers, "timeout": ClientTimeout(total=PATIENCE)}
        try:
            await fetch(self.address, method="POST", json=events, **how)
        except (ClientError, asyncio.TimeoutError) as error:
            raise ConnectionError(str(error)) from error
