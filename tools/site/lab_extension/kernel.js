// JupyterLite's kernels are real ipykernels on the Linux in this page: whole Jupyter messages go to
// the agent there, and come back. One machine serves all notebooks of a tab.
import { Link } from "./link.js";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const bytes = value => encoder.encode(JSON.stringify(value ?? {}));
const json = part => JSON.parse(decoder.decode(part));

// What Lumino's Signal is to the few who listen to a kernel's end.
class Signal {
    constructor() { this.slots = []; }
    connect(slot, self) { this.slots.push([slot, self]); return true; }
    disconnect(slot) { this.slots = this.slots.filter(each => each[0] !== slot); return true; }
    emit(sender, value) { for (const [slot, self] of [...this.slots]) slot.call(self, sender, value); }
}

// What the page says of its machine, at its foot.
class Banner {
    constructor() {
        this.box = document.createElement("div");
        this.box.id = "linux-in-this-page";
        this.box.setAttribute("role", "status");
        this.box.style.cssText = "position:fixed;bottom:0;right:0;z-index:10000;padding:2px 10px;max-width:100%;"
            + "font:13px sans-serif;background:#123;color:#fff;border-radius:6px 0 0 0";
        document.body.append(this.box);
    }
    say(text) { this.box.textContent = text; }
}

export class Machines {
    constructor(root) {
        this.root = root;
        this.kernels = new Map();
        this.banner = null;
        this.running = null;
    }

    // The machine, started when the first notebook wants it.
    link() {
        this.running ??= this.boot();
        return this.running;
    }

    async boot() {
        this.banner ??= new Banner();
        const { SENTENCES, Missing, keepPage, megabytes, start } = await import(new URL("machine.js", this.root).href);
        try {
            if (typeof WebAssembly !== "object") throw new Missing(SENTENCES.noWebAssembly);
            await this.alone(Missing);
            const response = await fetch(new URL("manifest.json", this.root)).catch(() => null);
            if (!response?.ok) throw new Missing(SENTENCES.noManifest);
            const manifest = await response.json();
            const guest = manifest.guests.notebooks;
            this.banner.say("Loading the kernel's memory.");
            const machine = await start(this.root, manifest, guest, (there, all) => {
                this.banner.say(there < all ? `Loading: ${megabytes(there)} of ${megabytes(all)}.` : "Starting the kernel.");
            });
            this.machine = machine;
            machine.add_listener("serial0-output-byte", byte => this.serial(byte));
            const link = new Link(machine, (order, parts) => this.take(order, parts));
            link.send({ op: "time", now: Date.now() / 1000 });
            const [system, release, machineName] = manifest.kernel.split(" ");
            this.banner.say(`${system} ${release.split(".").slice(0, 2).join(".")} (${machineName}) in this page`);
            keepPage(this.root);
            return link;
        } catch (error) {
            console.error(error);
            this.banner.say(error instanceof Missing ? error.message.replace("press Run again", "load the page again") : SENTENCES.noMachine);
            throw error;
        }
    }

    // One tab holds the machine: two would take twice the memory, and neither would know of the other.
    alone(Missing) {
        if (!navigator.locks) return null;
        return new Promise((held, refused) => {
            navigator.locks.request(`linux-in-this-page ${this.root}`, { ifAvailable: true }, lock => {
                if (!lock) {
                    refused(new Missing("Another tab runs the machine already: go on there, or close it and load this page again."));
                    return null;
                }
                held();
                return new Promise(() => {});
            });
        });
    }

    serial(byte) {
        this.line ??= "";
        if (byte === 10) {
            console.log(`guest: ${this.line}`);
            this.line = "";
        } else if (byte !== 13) this.line += String.fromCharCode(byte);
    }

    take(order, parts) {
        this.kernels.get(order.kernel)?.take(order, parts);
    }

    async create(options) {
        const kernel = new Kernel(this, options);
        this.kernels.set(kernel.id, kernel);
        return kernel;
    }
}

export class Kernel {
    constructor(machines, { id, name, location, sendMessage }) {
        Object.assign(this, { machines, id, name, location, sendMessage });
        this.isDisposed = false;
        this.disposed = new Signal();
        this.started = new Promise(done => { this.on_started = done; });
        this.ready = machines.link().then(link => {
            this.link = link;
            link.send({ op: "start", kernel: id });
            return this.started;
        });
        this.ready.catch(() => {});
    }

    async handleMessage(message) {
        this.session = message.header.session;
        const { header, parent_header, metadata, content, channel, buffers } = message;
        this.link.send({ op: "message", kernel: this.id, channel }, bytes(header), bytes(parent_header), bytes(metadata), bytes(content), ...(buffers ?? []));
    }

    take(order, parts) {
        if (order.op === "started") {
            this.on_started();
            return;
        }
        const [header, parent_header, metadata, content] = parts.slice(0, 4).map(json);
        // JupyterLite hands on only what comes from a client that it knows, on iopub, too.
        header.session = parent_header.session ?? this.session;
        this.sendMessage({ channel: order.channel, header, parent_header, metadata, content, buffers: parts.slice(4).map(part => part.buffer) });
    }

    interrupt() {
        this.link?.send({ op: "interrupt", kernel: this.id });
    }

    dispose() {
        if (this.isDisposed) return;
        this.isDisposed = true;
        if (this.machines.kernels.get(this.id) === this) this.machines.kernels.delete(this.id);
        this.link?.send({ op: "end", kernel: this.id });
        this.disposed.emit(this, undefined);
    }
}
