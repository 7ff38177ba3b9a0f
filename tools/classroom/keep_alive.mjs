// Preloaded into the hub's proxy: it keeps its connections to Unix sockets open, as it does to
// others. Without this, a server closes each one when it has answered, and where the proxy has yet
// to end a request with a body, its write fails with EPIPE, and the browser gets a 503 in the
// answer's place (one in four small POSTs, configurable-http-proxy 5.3; findings/ has it).
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";

const started = pathToFileURL(realpathSync(process.argv[1]));
const { default: Proxy } = await import(new URL("../lib/configproxy.js", started));
const as_before = Proxy.prototype.proxyOptsForTarget;
Proxy.prototype.proxyOptsForTarget = function (target) {
  return { agent: this.httpAgent, ...as_before.call(this, target) };
};
