"""What a browser says to a room, without one: sign up, start a server, run cells over the API."""

from __future__ import annotations

import asyncio
import json
import re
import uuid

import aiohttp


class Learner:
    """One learner's session with a hub. url: the room's, without / at the end."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name, self.token = url, name, ""
        jar = aiohttp.CookieJar(unsafe=True)  # which takes cookies of a bare address
        self.http = aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(ssl=False))

    async def __aenter__(self) -> Learner:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def log_in(self, password: str, code: str = "") -> str:
        """Result: "" if it worked, else what the page says."""
        async with self.http.get(f"{self.url}/hub/login") as page:
            mark = re.search(r'name="_xsrf" value="([^"]*)"', await page.text())[1]
        form = {"username": self.name, "password": password, "otp": code, "_xsrf": mark}
        target = f"{self.url}/hub/login?next=/hub/home"
        async with self.http.post(target, data=form) as page:
            text = await page.text()
        refusal = re.search(r'class="login_error">(.*?)</p>', text, re.DOTALL)
        if refusal:
            return refusal[1].strip()
        said = await self.api("POST", f"/hub/api/users/{self.name}/tokens", {"note": "test"})
        self.token = said["token"]
        return ""

    async def api(
        self, method: str, path: str, body: dict | None = None, status: bool = False
    ) -> object:
        """What an API answers, or, on request, its status."""
        headers = {"Authorization": f"token {self.token}"} if self.token else {}
        if not self.token:
            marks = {each.key: each.value for each in self.http.cookie_jar}
            headers["X-XSRFToken"] = marks.get("_xsrf", "")
        asked = self.http.request(method, self.url + path, json=body, headers=headers)
        async with asked as answer:
            if status:
                return answer.status
            text = await answer.text()
            assert answer.ok, (path, answer.status, text[:500])
            return json.loads(text) if text else None

    async def start(self) -> None:
        """Start the server, and wait for the hub's word that it is up, or is not."""
        await self.api("POST", f"/hub/api/users/{self.name}/server")
        headers = {"Authorization": f"token {self.token}"}
        progress = f"{self.url}/hub/api/users/{self.name}/server/progress"
        async with self.http.get(progress, headers=headers) as events:
            async for line in events.content:
                if line.startswith(b"data:"):
                    said = json.loads(line[5:])
                    assert not said.get("failed"), said
                    if said.get("ready"):
                        return
        raise AssertionError("the hub said nothing of the server")

    async def stop(self) -> None:
        """Have the server ended, and wait until it is: a busy hub answers before that."""
        mine = f"/hub/api/users/{self.name}"
        await self.api("DELETE", f"{mine}/server")
        while (await self.api("GET", mine))["servers"]:
            await asyncio.sleep(0.05)

    async def room(self, do: str) -> str:
        """Press a button of the learner's page of the room. Result: the page after it."""
        headers = {"Authorization": f"token {self.token}"}
        target = f"{self.url}/user/{self.name}/room"
        async with self.http.post(target, data={"do": do}, headers=headers) as page:
            return await page.text()

    async def kernel(self) -> str:
        """Start a kernel in the learner's folder. Result: its id."""
        server = f"/user/{self.name}/api"
        body = {"name": "python3", "path": "00_start_here.ipynb"}
        return (await self.api("POST", f"{server}/kernels", body))["id"]

    async def run(self, kernel: str, code: str) -> str:
        """Run one cell. Result: what it printed or gave back, or the traceback."""
        channels = f"{self.url}/user/{self.name}/api/kernels/{kernel}/channels"
        headers = {"Authorization": f"token {self.token}"}
        said, mark = [], uuid.uuid4().hex
        message = {
            "channel": "shell",
            "header": {"msg_id": mark, "msg_type": "execute_request", "version": "5.3"}
            | {"username": "", "session": mark, "date": "2026-01-01T00:00:00Z"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False, "store_history": True}
            | {"user_expressions": {}, "allow_stdin": False, "stop_on_error": True},
        }
        async with self.http.ws_connect(channels, headers=headers, max_msg_size=0) as socket:
            await socket.send_json(message)
            async for each in socket:
                if each.type != aiohttp.WSMsgType.TEXT:
                    continue  # a widget's picture
                reply = json.loads(each.data)
                if reply["parent_header"].get("msg_id") != mark:
                    continue
                content, kind = reply["content"], reply["msg_type"]
                said.append(content.get("text", ""))
                said.append(content.get("data", {}).get("text/plain", ""))
                said += content.get("traceback", []) if kind == "error" else []
                if kind == "status" and content["execution_state"] == "idle":
                    return "".join(said)
        raise AssertionError("the kernel has gone")
