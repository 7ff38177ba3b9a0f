#!/usr/bin/env bash
# jupyterhub-idle-culler cannot speak to a JupyterHub that listens on a Unix socket.
#
# Versions: jupyterhub 6.1.1, jupyterhub-idle-culler 2.0.0 (PyPI).
# Behaviour: JupyterHub's hub_bind_url and hub_connect_url may be http+unix://..., and its own client
#   (jupyterhub.httpclient, which single-user servers use) speaks to such an address. The culler, which
#   JupyterHub starts as a service with that address in JUPYTERHUB_API_URL, asks it with tornado's
#   client, ends its first round with a ValueError, and culls nothing.
# Needs: python3 with pip, PyPI. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install --quiet --disable-pip-version-check jupyterhub==6.1.1 \
    jupyterhub-idle-culler==2.0.0

cat > hub.py <<'PYTHON'
import asyncio
import logging

from jupyterhub.httpclient import fetch
from jupyterhub_idle_culler import cull_idle
from tornado import httpserver, netutil, web

ADDRESS = "http+unix://socket/hub/api"


class Hub(web.RequestHandler):
    def get(self):
        self.write({"version": "6.1.1"} if self.request.path.endswith("api/") else [])


async def main():
    server = httpserver.HTTPServer(web.Application([(".*", Hub)]))
    server.add_socket(netutil.bind_unix_socket("socket"))
    answer = await fetch(f"{ADDRESS}/")
    print("JupyterHub's own client:", answer.status)
    try:
        await cull_idle(ADDRESS, "token", 60, logging.getLogger())
        print("the culler: went round")
    except ValueError as error:
        print("the culler:", error)


asyncio.run(main())
PYTHON
env/bin/python hub.py 2>/dev/null | tee seen
diff seen - <<'EXPECTED'
JupyterHub's own client: 200
the culler: Unsupported url scheme: http+unix://socket/hub/api/
EXPECTED
