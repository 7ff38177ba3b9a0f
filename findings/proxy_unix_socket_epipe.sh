#!/usr/bin/env bash
# configurable-http-proxy answers 503 to some small POSTs for a server on a Unix socket.
#
# Versions: configurable-http-proxy 5.3.0 (npm), tornado 6.6.1 (PyPI).
# Behaviour: for a target http+unix://... the proxy uses no agent, so its requests say
#   "Connection: close". The server, which has read the whole body, answers and closes; the proxy has
#   yet to end its request, its write fails with EPIPE, and the browser gets a 503 in the answer's
#   place. Of 300 POSTs of 8 bytes some dozens fail; of 300 GETs, which have no body, none; and none
#   of 300 POSTs to the same server over TCP, for which the proxy keeps connections open.
# Needs: node 20 with npm, the npm registry, python3 with pip, PyPI. Exits with 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund configurable-http-proxy@5.3.0
python3 -m venv env
env/bin/python -m pip install --quiet --disable-pip-version-check tornado==6.6.1

cat > server.py <<'PYTHON'
import asyncio

from tornado import httpserver, netutil, web


class Handler(web.RequestHandler):
    def get(self):
        self.write("answered")

    post = get


async def main():
    server = httpserver.HTTPServer(web.Application([(".*", Handler)]))
    server.add_socket(netutil.bind_unix_socket("socket"))
    server.listen(28_671, "127.0.0.1")
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
PYTHON
env/bin/python server.py > ready &
until grep -q ready ready; do sleep 0.1; done

export CONFIGPROXY_AUTH_TOKEN=none
proxy() { # proxy PORT TARGET
    node node_modules/configurable-http-proxy/bin/configurable-http-proxy --ip 127.0.0.1 --port "$1" \
        --api-ip 127.0.0.1 --api-port "$(($1 + 1))" --default-target "$2" --log-level error \
        > /dev/null 2>&1 &
    until curl -s -o /dev/null "http://127.0.0.1:$1/"; do sleep 0.1; done
}
proxy 28672 "http+unix://${PWD//\//%2F}%2Fsocket"
proxy 28674 http://127.0.0.1:28671

failed() { # failed PORT CURL-OPTION...: how many of 300 requests got a 503
    local urls=()
    for n in $(seq 300); do urls+=("http://127.0.0.1:$1/$n"); done
    curl -s -w '\nstatus %{http_code}\n' "${@:2}" "${urls[@]}" | grep -c '^status 503' || :
}
posts=$(failed 28672 --data 12345678)
echo "Unix socket: $posts of 300 POSTs failed, $(failed 28672) of 300 GETs" | tee seen
echo "TCP: $(failed 28674 --data 12345678) of 300 POSTs failed" | tee -a seen
[ "$posts" -gt 0 ]
diff <(sed 's/: [0-9]* of 300 POSTs failed, /: some POSTs failed, /' seen) - <<'EXPECTED'
Unix socket: some POSTs failed, 0 of 300 GETs
TCP: 0 of 300 POSTs failed
EXPECTED
