// JupyterLite's kernels are real ipykernels on the Linux in this page: whole Jupyter messages go to
// the agent there, and come back. One machine serves all notebooks of a tab.
import { Bar } from "./bar.js";
import { Link } from "./link.js";
import { NoWork, addProgress, bringIn, progress, takeOut } from "./work.js";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const bytes = value => encoder.encode(JSON.stringify(value ?? {}));
const PROGRESS = ".progress.json";
// A cell that may have changed what was reached, and how a kernel is asked for it.
const CHECKS = /\bcheck\.\w+\(/;
const ASKED = { code: "", silent: true, store_history: false, allow_stdin: false, stop_on_error: false };
const EXPRESSION = `open("/course/work/${PROGRESS}").read()`;
const json = part => JSON.parse(decoder.decode(part));

// What Lumino's Signal is to the few who listen to a kernel's end.
class Signal {
    constructor() { this.slots = []; }
    connect(slot, self) { this.slots.push([slot, self]); return true; }
    disconnect(slot) { this.slots = this.slots.filter(each => each[0] !== slot); return true; }
    emit(sender, value) { for (const [slot, self] of [...this.slots]) slot.call(self, sender, value); }
}

export class Machines {
    // root: the site's first folder; base: JupyterLite's; app: JupyterLab's.
    constructor(root, base, app) {
        Object.assign(this, { root, base, app });
        this.kernels = new Map();
        this.bar = null;
        this.running = null;
    }

    // The machine, started when the first notebook wants it.
    link() {
        this.running ??= this.boot();
        return this.running;
    }

    async boot() {
        this.bar ??= new Bar();
        const { SENTENCES, Missing, hasStorage, isKept, keepPage, loadManifest, megabytes, start } = await import(new URL("machine.js", this.root).href);
        try {
            if (typeof WebAssembly !== "object") throw new Missing(SENTENCES.noWebAssembly);
            await this.alone(Missing);
            const manifest = await loadManifest(this.root);
            const guest = manifest.guests.notebooks;
            const storage = await hasStorage();
            const size = megabytes(manifest.files[guest.state].bytes);
            if (!await isKept(this.root, guest.state)) {
                const narrow = innerWidth < 600 ? ` ${SENTENCES.narrow}` : "";
                const once = storage ? "loaded once" : `loaded each time. ${SENTENCES.noStorage}`;
                await this.bar.ask(`The Linux that runs these notebooks is ${size}, ${once}.${narrow}`, "Load it");
            }
            this.bar.say("Loading the kernel's memory.", 0);
            const machine = await start(this.root, manifest, guest, (there, all) => {
                if (there < all) this.bar.say(`Loading: ${megabytes(there)} of ${megabytes(all)}.`, there / all);
                else this.bar.say("Starting the kernel.");
            });
            this.machine = machine;
            machine.add_listener("serial0-output-byte", byte => this.serial(byte));
            const link = new Link(machine, (order, parts) => this.take(order, parts));
            link.send({ op: "time", now: Date.now() / 1000 });
            link.send({ op: "file", name: PROGRESS }, bytes(progress()));
            const [system, release, machineName] = manifest.kernel.split(" ");
            this.bar.say(`${system} ${release.split(".").slice(0, 2).join(".")} (${machineName}) in this page`);
            this.work(link);
            keepPage(this.root).then(kept => kept && this.offline(megabytes));
            return link;
        } catch (error) {
            console.error(error);
            this.bar.say(error instanceof Missing ? error.message.replace("press Run again", "load the page again") : SENTENCES.noMachine);
            throw error;
        }
    }

    // The learner's work and progress, out and in, as one file.
    work(link) {
        const contents = this.app.serviceManager.contents;
        this.bar.button("Take my work out", async () => {
            await this.app.commands.execute("docmanager:save").catch(() => {});
            const link = document.createElement("a");
            link.href = URL.createObjectURL(new Blob([await takeOut(contents, this.base)], { type: "application/json" }));
            link.download = "my-work.json";
            link.click();
            URL.revokeObjectURL(link.href);
        });
        const input = document.createElement("input");
        input.type = "file";
        input.accept = ".json";
        input.hidden = true;
        input.setAttribute("aria-label", "A file of work");
        input.addEventListener("change", async () => {
            try {
                this.bar.say(await bringIn(contents, this.base, await input.files[0].text()));
                link.send({ op: "file", name: PROGRESS }, bytes(progress()));
            } catch (error) {
                if (!(error instanceof NoWork)) throw error;
                this.bar.say(error.message);
            }
            input.value = "";
        });
        this.bar.box.append(input);
        this.bar.button("Bring work in", () => input.click());
    }

    // What was loaded is kept; the rest, such as clang before the first compile, if that is wanted.
    async offline(megabytes) {
        const sums = await (await fetch(new URL("checksums.json", this.root))).json();
        const size = Object.values(sums).reduce((sum, file) => sum + file.bytes, 0);
        const button = this.bar.button(`Keep all for offline (${megabytes(size)})`, async () => {
            const before = this.bar.text.textContent, kept = await caches.open("page");
            const names = Object.keys(sums), count = names.length;
            button.disabled = true;
            try {
                const next = async () => {
                    for (let name; (name = names.shift());) {
                        const address = new URL(name, this.root).href;
                        if (!await kept.match(address)) await kept.add(address);
                        this.bar.say(`Keeping: ${count - names.length} of ${count} files.`, 1 - names.length / count);
                    }
                };
                await Promise.all(Array.from({ length: 6 }, next));
                this.bar.say(`${before}. All is kept: the network may go.`);
                button.remove();
            } catch (error) {
                console.warn(error);
                this.bar.say("Not all could be kept: look whether you are online and have room, then press it again.");
                button.disabled = false;
            }
        });
    }

    // One tab holds the machine: two would take twice the memory, and neither would know of the other.
    alone(Missing) {
        if (!navigator.locks) return null;
        return new Promise((held, refused) => {
            const asked = navigator.locks.request(`linux-in-this-page ${this.root}`, { ifAvailable: true }, lock => {
                if (!lock) {
                    refused(new Missing("Another tab runs the machine already: go on there, or close it and load this page again."));
                    return null;
                }
                held();
                return new Promise(() => {});
            });
            asked.catch(held); // a browser that keeps nothing knows nothing of other tabs, either
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
        const type = message.header.msg_type;
        if (type === "execute_request" && CHECKS.test(message.content.code)) this.checking = message.header.msg_id;
        const { header, parent_header, metadata, content, channel, buffers } = message;
        this.link.send({ op: "message", kernel: this.id, channel }, bytes(header), bytes(parent_header), bytes(metadata), bytes(content), ...(buffers ?? []));
    }

    take(order, parts) {
        if (order.op === "started") {
            this.on_started();
            return;
        }
        const [header, parent_header, metadata, content] = parts.slice(0, 4).map(json);
        if (parent_header.session === PROGRESS) {
            this.reached(content);
            return;
        }
        if (header.msg_type === "execute_reply" && parent_header.msg_id === this.checking) this.askForProgress();
        // JupyterLite hands on only what comes from a client that it knows, on iopub, too.
        header.session = parent_header.session ?? this.session;
        this.sendMessage({ channel: order.channel, header, parent_header, metadata, content, buffers: parts.slice(4).map(part => part.buffer) });
    }

    // What was reached is a file beside the notebooks; the kernel that has just checked reads it.
    askForProgress() {
        const header = { msg_id: crypto.randomUUID?.() ?? `${Math.random()}`, msg_type: "execute_request", session: PROGRESS, username: "", version: "5.3", date: new Date().toISOString() };
        const content = { ...ASKED, user_expressions: { reached: EXPRESSION } };
        this.link.send({ op: "message", kernel: this.id, channel: "shell" }, bytes(header), bytes({}), bytes({}), bytes(content));
    }

    reached(content) {
        const shown = content.user_expressions?.reached?.data?.["text/plain"];
        // A string as Python shows it: of JSON without quotes of its own kind, with \n for a line's end.
        if (shown) addProgress(JSON.parse(shown.slice(1, -1).replaceAll("\\n", "\n")));
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
